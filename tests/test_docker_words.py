"""Words of `docker run`: what is an option, what the image; and never a guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt.docker_words import _SHORT, _SWITCHES, _VALUES, DoubtError, handed, options, refusal, running


@pytest.mark.parametrize(
    ("line", "image", "command"),
    [
        ("docker run img", "img", ""),
        ("docker run img:1 python t.py --rm", "img:1", "python t.py --rm"),
        ("/usr/bin/docker container run --rm -it img sh", "img", "sh"),
        ("docker --context far -D run -v a:b -e A=1 img x", "img", "x"),
        ("docker -H tcp://h:1 run --gpus all img", "img", ""),
        ("docker run -itv a:b -eA --env=B=2 -u=1 --net host img x", "img", "x"),
        ("docker run --sig-proxy=false --entrypoint= img x", "img", "x"),
        ("docker run --rm -- img -- x", "img", "-- x"),
        ("docker run -w / img docker run other", "img", "docker run other"),
        (
            "podman run --pull=never --tz local --userns keep-id quay.io/i@sha256:ab x",
            "quay.io/i@sha256:ab",
            "x",
        ),
        ("podman --remote --url unix:///s run i", "i", ""),
    ],
)
def test_what_is_run_in_which_image(line, image, command):
    found = running(line.split())
    assert (found.image, found.command) == (image, command.split())
    assert line.split()[found.at] == image


@pytest.mark.parametrize(
    "line",
    [
        "docker ps",
        "docker pull img",
        "docker build .",
        "docker run --help",
        "docker --version",
        "docker",
        "podman",
    ],
)
def test_what_starts_none(line):
    assert running(line.split()) is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("docker run --new x img", "`--new` is not known here"),
        ("docker run -Z x img", "`-Z`"),
        ("docker run -iZ img", "`-Z`"),
        ("docker run --rm", "names no image"),
        ("docker run --env", "has no value"),
        ("docker run -e", "has no value"),
        ("docker --new x run img", "`--new`"),
        ("docker exec c x", "made before"),
        ("docker container start c", "made before"),
        ("docker compose run web", "files of its own"),
        ("podman run --rootfs /x sh", "no image"),
    ],
)
def test_in_doubt_nothing_is_said(line, why):
    with pytest.raises(DoubtError, match=why):
        running(line.split())


WORD = st.text("abc/:=", min_size=1, max_size=5).filter(lambda word: word[0] != "=")
SHORT_VALUES = sorted(letter for letter, name in _SHORT.items() if name in _VALUES)
OPTION = st.one_of(
    st.tuples(st.sampled_from(sorted(_VALUES)), WORD).map(lambda pair: [f"--{pair[0]}", pair[1]]),
    st.tuples(st.sampled_from(sorted(_VALUES)), WORD).map(lambda pair: [f"--{pair[0]}={pair[1]}"]),
    st.sampled_from(sorted(_SWITCHES - {"help", "rootfs"})).map(lambda name: [f"--{name}"]),
    st.tuples(st.sampled_from(SHORT_VALUES), WORD).map(lambda pair: [f"-it{pair[0]}", pair[1]]),
    st.tuples(st.sampled_from(SHORT_VALUES), WORD).map(lambda pair: [f"-{pair[0]}{pair[1]}"]),
)


@given(
    given=st.lists(OPTION, max_size=6), image=WORD, command=st.lists(st.text("-ab=", max_size=4), max_size=4)
)
def test_whatever_the_options_the_image_is_found(given, image, command):
    words = [word for option in given for word in option]
    found = running(["docker", "run", *words, image, *command])
    assert (found.image, found.command) == (image, command)
    assert [word for option in found.options for word in option.words if not word.startswith("-")] == [
        word for word in words if not word.startswith("-")
    ]


@given(words=st.lists(st.text("-=abdeit", max_size=4), max_size=6))
def test_no_words_break_it(words):
    try:
        running(["docker", *words])
        options(words)
    except DoubtError as doubt:
        assert str(doubt)
    said = refusal(words)
    assert said is None or all(said)


def test_variables_that_are_handed_over_by_name():
    found = options(["-e", "A", "--env=B", "-eC=1", "--env", "D=", "-ie", "E"]).options
    assert handed(found) == ["A", "B", "E"]
