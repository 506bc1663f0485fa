"""The identity of a bundle: content under names, however it was declared."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import digest
from xt.model.bundle import Member, bundle, letters_for, version

names = st.lists(
    st.text(
        st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=4
    ).filter(lambda name: name not in (".", "..")),
    min_size=1,
    max_size=3,
).map("/".join)
contents = st.sampled_from([digest(letter) for letter in "0123"])
files = st.dictionaries(names, contents, min_size=1, max_size=6)


def made(found, top="/p"):
    return bundle("prompts", [(f"{top}/{name}", Member("", content)) for name, content in found])


@given(files, st.randoms(), names)
def test_neither_order_nor_place_nor_repetition_counts(found, random, elsewhere):
    items = list(found.items())
    one = made(items)
    random.shuffle(items)
    other = made([*items, *items[:2]], f"/{elsewhere}/deep")
    assert one.digest == other.digest
    assert [member.path for member in one.members] == [member.path for member in other.members]


@given(files, contents, names)
def test_every_content_and_every_name_counts(found, content, name):
    before = made(found.items())
    changed = dict(found)
    first = next(iter(changed))
    changed[first] = content
    assert (made(changed.items()).digest == before.digest) == (changed == found)
    # With the top in it paths stay the same, so that a new name is a new pair.
    base = {"top": digest("a"), **found}
    renamed = {(name + "!" if key == first else key): value for key, value in base.items()}
    assert made(renamed.items()).digest != made(base.items()).digest


def test_names_count_from_the_deepest_folder_that_holds_all():
    assert [one.path for one in made([("a/b/x", digest("0")), ("a/c/y", digest("1"))]).members] == [
        "b/x",
        "c/y",
    ]
    assert [one.path for one in made([("a/b/x", digest("0"))]).members] == ["x"]
    # `ab` is no folder of `a`.
    assert [one.path for one in made([("a/x", digest("0")), ("ab/x", digest("0"))]).members] == [
        "a/x",
        "ab/x",
    ]


def test_what_is_not_known_has_no_version():
    unknown = bundle(
        "policy", [("/p/a", Member("", digest("0"))), ("/p/b", Member("", None, reason="a socket"))]
    )
    assert (unknown.digest, unknown.doubt, unknown.version()) == (None, "a socket", "policy@unknown")
    assert bundle("prompts", []).doubt == "there is no file in it"
    assert bundle("prompts", [("/p/a", Member("", digest("0")))], "a URI").version() == "prompts@unknown"


@given(st.lists(st.text("0123456789abcdef", min_size=64, max_size=64).map("blake3:".__add__), max_size=5))
def test_versions_are_as_long_as_it_takes(digests):
    letters = letters_for([*digests, None])
    assert letters >= 6
    assert len({version("prompts", one, letters) for one in digests}) == len(set(digests))
    close = ["blake3:" + "a" * 9 + tail * 55 for tail in "bc"]
    assert letters_for([*digests, *close]) >= 10
