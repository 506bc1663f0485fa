"""How wide a stream is, and whether it wants colour."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import termios
from collections.abc import Iterator

import pytest

from xt.render.terminal import colour, folded, width


class Screen:
    """A pseudo-terminal as a stream."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def fileno(self) -> int:
        return self.fd

    def isatty(self) -> bool:
        return True

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


@pytest.fixture
def screen() -> Iterator[Screen]:
    leader, follower = pty.openpty()
    yield Screen(follower)
    os.close(leader)
    os.close(follower)


@pytest.mark.parametrize(
    ("told", "found"), [("132", 132), ("1", 1), ("0", 61), ("-5", 61), ("x", 61), ("", 61)]
)
def test_columns_count_if_they_are_a_number(screen: Screen, told: str, found: int) -> None:
    screen.resize(61)
    assert width(screen, {"COLUMNS": told}) == found


@pytest.mark.parametrize("told", ["9" * 400, "٤٠", "²", "1_0", " 40"])
def test_columns_may_be_nonsense(told: str) -> None:
    assert width(io.StringIO(), {"COLUMNS": told}) == 80


def test_a_terminal_knows_its_width(screen: Screen) -> None:
    screen.resize(203)
    assert width(screen, {}) == 203
    screen.resize(0)
    assert width(screen, {}) == 80


def test_anything_else_is_80_wide() -> None:
    assert width(io.StringIO(), {}) == 80
    assert width(None, {}) == 80
    reader, writer = os.pipe()
    with os.fdopen(reader), os.fdopen(writer, "w") as stream:
        assert width(stream, {}) == 80


def test_colour_is_for_terminals_that_want_it(screen: Screen) -> None:
    assert colour(screen, {})
    assert colour(screen, {"NO_COLOR": ""})
    assert not colour(screen, {"NO_COLOR": "1"})
    assert not colour(screen, {"TERM": "dumb"})
    assert not colour(io.StringIO(), {})
    assert not colour(None, {})


@pytest.mark.parametrize(
    ("line", "columns", "lines"),
    [
        ("short enough", 12, ["short enough"]),
        ("a line that is longer", 12, ["a line that", "    is", "    longer"]),
        ("run `xt ls` now", 12, ["run `xt ls`", "    now"]),
        ("one (`a b`, `c d`) end", 14, ["one (`a b`,", "    `c d`) end"]),
        ("an odd ` is left as it is", 12, ["an odd ` is left as it is"]),
        ("x" * 20, 12, ["x" * 20]),
    ],
)
def test_messages_are_broken_between_words_and_not_within_commands(line, columns, lines):
    assert folded(line, columns).split("\n") == lines
    assert folded(line, columns).replace("\n    ", " ") == line
