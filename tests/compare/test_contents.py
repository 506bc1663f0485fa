"""The one function others call."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xt.compare import COMPARATORS, Rule, contents, lines
from xt.compare.content import FileContent, Held, Spooled, read_up_to
from xt.compare.contents import compare, row_for
from xt.model.delta import Delta
from xt.registry import Row


def diff(name: str, left: bytes, right: bytes, rule: Rule | None = None) -> Delta:
    return compare(Held(name, left), Held(name, right), rule or Rule(), "out")


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("a/b.JSON", "json"),
        ("m.tar.gz", "tar"),
        ("x.tgz", "tar"),
        ("a.yml", "yaml"),
        ("json", None),
        ("a.gz", None),
        ("data.csv.gz", None),
        ("weights.safetensors", "safetensors"),
    ],
)
def test_the_longest_claim_decides(name: str, row: str | None) -> None:
    found = row_for(name)
    assert (found.name if found else None) == row


def test_equal_bytes_are_the_same_whatever_they_are() -> None:
    assert diff("a.json", b"{{", b"{{") == Delta("out", "same")


def test_exact_excuses_nothing() -> None:
    assert diff("a.json", b"[1]", b"[1 ]", Rule(exact=True)).relation == "changed"
    assert diff("a.json", b"[1]", b"[1 ]").relation == "within"


def test_what_no_comparator_claims_is_text_or_bytes_by_its_looks() -> None:
    assert diff("a.log", b"a\n", b"b\n").text
    assert diff("noext", "é\n".encode(), "è\n".encode("utf-16")).text
    assert diff("noext", b"a\n", b"a\0").unit == "B"
    assert diff("a.dat", b"\x01\xff\xfe\x90" * 9, b"\x02\xff\xfe\x90" * 9).unit == "B"


def test_names_that_disagree_are_compared_as_text() -> None:
    delta = compare(Held("a.json", b"[1]\n"), Held("a.yaml", b"[2]\n"), Rule(), "out")
    assert delta.text == ["@@ -1 +1 @@", "-[1]", "+[2]"]


def test_what_is_not_what_its_name_says_is_compared_without_tolerance_and_said() -> None:
    delta = diff("a.json", b"{loss: 1.0\n", b"{loss: 1.1\n", Rule(rtol=1))
    assert delta.relation == "changed"
    assert (delta.note or "").startswith("compared by lines: it is not JSON: expecting property name")
    delta = diff("a.parquet", b"\0\1", b"\0\2")
    assert (delta.note or "").startswith("compared by bytes: it is not Parquet")


def failing(left: Any, right: Any, rule: Any, path: str) -> Delta:
    raise {"memory": MemoryError, "bug": ZeroDivisionError, "depth": RecursionError}[left.name[2:]](
        "of its own"
    )


@pytest.mark.parametrize(
    ("suffix", "why"),
    [
        (".memory", "comparing it oddly needs more memory than there is"),
        (".bug", "comparing it oddly failed with ZeroDivisionError: of its own"),
        (".depth", "comparing it oddly failed with RecursionError: of its own"),
    ],
)
def test_whatever_a_comparator_raises_concerns_that_file_alone(
    monkeypatch: pytest.MonkeyPatch, suffix: str, why: str
) -> None:
    row = Row("odd", f"{__name__}:failing", "oddly", (suffix,))
    monkeypatch.setitem(COMPARATORS.rows, "odd", row)
    delta = diff("a" + suffix, b"a\n", b"b\n")
    assert (delta.relation, delta.note) == ("changed", f"compared by lines: {why}")


def test_a_format_whose_extra_is_not_installed_is_compared_by_bytes_with_a_hint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = Row("odd", "nowhere:compare", "value by value", (".odd",), "arrays", "not_installed_at_all")
    monkeypatch.setitem(COMPARATORS.rows, "odd", row)
    delta = diff("a.odd", b"a\n", b"b\n")
    assert (delta.relation, delta.unit) == ("changed", "B")
    assert delta.hint == "`pip install 'xt[arrays]'` compares it value by value"


def test_gzip_is_looked_into_as_the_name_within_says() -> None:
    left, right = (gzip.compress(json.dumps({"a": value}).encode(), mtime=value) for value in (1, 2))
    assert [child.path for child in diff("a.json.gz", left, right).children] == ["out:/a"]
    again = gzip.compress(b'{"a": 1}', 1, mtime=9) + gzip.compress(b"", mtime=0) + b"\0" * 600
    delta = diff("a.json.gz", left, again)
    assert (delta.relation, delta.note) == ("within", "the same content, compressed differently")
    assert diff("a.txt.gz", gzip.compress(b"a\n", mtime=0), gzip.compress(b"b\n", mtime=0)).text


@given(st.binary(max_size=2000), st.binary(max_size=200), st.integers(1, 9))
def test_members_of_gzip_are_joined(data: bytes, more: bytes, level: int) -> None:
    left = gzip.compress(data, level, mtime=0) + gzip.compress(more, mtime=0)
    right = gzip.compress(data + more, mtime=1)
    assert diff("x.gz", left, right).relation == ("same" if left == right else "within")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no gzip", "it is not gzip, or is damaged"),
        (gzip.compress(b"abc" * 99, mtime=0)[:-9], "it is gzip that is cut short"),
        (gzip.compress(b"abc", mtime=0) + b"tail", "it is not gzip, or is damaged"),
    ],
)
def test_damaged_gzip_is_compared_by_bytes(data: bytes, why: str) -> None:
    note = diff("a.csv.gz", gzip.compress(b"a\n1\n", mtime=0), data).note or ""
    assert note.split("; ")[0].split(": ", 1)[1] == why


def test_a_gzip_bomb_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "UNPACKED", 3_000_000)
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(50)) + packer.flush()
    delta = diff("a.json.gz", bomb, gzip.compress(b"[]", mtime=0))
    assert (delta.note or "").startswith("compared by bytes: it unpacks to more than 3 MB")


class Broken(Held):
    """A content that cannot be read."""

    def open(self) -> BinaryIO:
        raise PermissionError(13, "Permission denied")


def test_what_cannot_be_read_is_unknown_never_equal() -> None:
    delta = compare(Broken("a", b"1"), Held("a", b"2"), Rule(), "out")
    assert (delta.relation, delta.note) == ("unknown", "cannot be read: Permission denied")
    assert compare(FileContent("a", "/nowhere/at/all"), Held("a", b"2"), Rule(), "out").relation == "unknown"


def test_files_and_spooled_contents_can_be_read_again_and_from_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"0123456789")
    for content in (
        FileContent("x", str(path)),
        Spooled("x", [b"01234", b"", b"56789"]),
        Held("x", b"0123456789"),
    ):
        assert content.size == 10
        with content.open() as one, content.open() as other:
            assert one.read(3) == b"012"
            assert other.read() == b"0123456789"
            assert (one.seek(-2, io.SEEK_END), one.read()) == (8, b"89")
            assert one.seek(4) == 4
            assert read_up_to(one, 100) == b"456789"
    (tmp_path / "link").symlink_to(path)
    assert (
        compare(FileContent("l", str(tmp_path / "link")), Held("l", b""), Rule(), "o").relation == "unknown"
    )


suffixes = st.sampled_from(
    [".json", ".yaml", ".toml", ".csv", ".tsv", ".jsonl", ".ipynb", ".txt", ".csv.gz", ".json.gz", ""]
)
hostile = st.binary(max_size=60) | st.text(alphabet='{}[]",:\n\t&*-#0123456789.eEabc\\u\r ', max_size=60).map(
    str.encode
)


@given(
    suffixes,
    hostile,
    hostile,
    st.sampled_from([Rule(), Rule(rtol=0.1, key=["a"], ignore=["*"]), Rule(ulp=3)]),
)
@settings(max_examples=400, deadline=None)
def test_no_content_raises_or_is_taken_for_another(
    suffix: str, left: bytes, right: bytes, rule: Rule
) -> None:
    delta = diff("x" + suffix, left, right, rule)
    if left == right:
        assert delta == Delta("out", "same")
    else:
        assert delta.relation in ("same", "within", "changed")
        assert delta.note or delta.text or delta.children or delta.measures
    assert msgspec.json.decode(msgspec.json.encode(delta), type=Delta) == delta


def test_text_is_never_called_the_same_when_a_byte_differs() -> None:
    assert lines.compare(Held("a", b"a\r\n"), Held("a", b"a\n"), Rule(), "a").relation == "changed"
