"""The line of long work: on a real terminal, in a pipe, in CI, and where the stream is gone."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import struct
import termios
from collections.abc import Iterator
from fcntl import ioctl
from typing import TextIO

import pytest
from rich.cells import cell_len

from tests.render.hostile import SGR
from xt.render.progress import Progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Screen:
    """A pseudo-terminal, and what was written to it."""

    def __init__(self, columns: int = 80) -> None:
        self.leader, follower = pty.openpty()
        self.resize(follower, columns)
        self.stream: TextIO = os.fdopen(follower, "w", encoding="utf-8")

    def resize(self, fd: int, columns: int) -> None:
        ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def written(self) -> str:
        os.set_blocking(self.leader, False)
        data = b""
        try:
            while piece := os.read(self.leader, 65536):
                data += piece
        except BlockingIOError:
            pass
        return data.decode()

    def shown(self) -> str:
        """The line as it stands, without colour."""
        return SGR.sub("", self.written().rpartition("\r\x1b[K")[2])


@pytest.fixture
def screen() -> Iterator[Screen]:
    made = Screen()
    yield made
    made.stream.close()
    os.close(made.leader)


def worked(stream: TextIO | None, environ: dict[str, str], minutes: int = 3) -> None:
    """Three steps of a minute each, seen four times a second, of eight."""
    clock = Clock()
    progress = Progress(stream, environ, "repeating nrqs", clock)
    for done in range(minutes):
        progress.step(done, 8)
        for _ in range(240):
            clock.now += 0.25
            progress.tick()
    progress.step(minutes, 8)
    progress.close()


def test_nothing_is_drawn_of_what_is_quickly_done(screen: Screen) -> None:
    clock = Clock()
    progress = Progress(screen.stream, {}, "repeating nrqs", clock)
    for done in range(5):
        progress.step(done, 4)
        clock.now += 0.1
    progress.close()
    assert screen.written() == ""


def test_a_bar_shows_how_far_it_is_and_how_long_it_takes(screen: Screen) -> None:
    clock = Clock()
    progress = Progress(screen.stream, {}, "repeating nrqs", clock)
    progress.step(0, 8)
    clock.now += 1
    progress.tick()
    assert screen.shown() == "repeating nrqs  " + "─" * 30 + "  0/8"
    clock.now += 39
    progress.step(3, 8)
    assert screen.shown() == "repeating nrqs  " + "━" * 11 + "─" * 19 + "  3/8  0:01:07 left"
    clock.now += 7
    progress.tick()
    assert screen.shown().endswith("3/8  0:01:00 left")
    clock.now += 500
    progress.tick()
    assert screen.shown().endswith("3/8  0:00:00 left")
    progress.step(8, 8)
    assert screen.shown().endswith("━  8/8") or screen.written() == ""
    progress.close()


def test_the_line_is_erased_at_the_end(screen: Screen) -> None:
    clock = Clock()
    progress = Progress(screen.stream, {}, "x", clock)
    clock.now += 1
    progress.step(1, 2)
    assert screen.written().startswith("\r\x1b[K")
    progress.close()
    assert screen.written() == "\r\x1b[K"
    progress.close()
    assert screen.written() == ""


def test_it_is_not_drawn_more_than_ten_times_a_second(screen: Screen) -> None:
    clock = Clock()
    progress = Progress(screen.stream, {}, "x", clock)
    clock.now += 1
    for _ in range(1000):
        clock.now += 0.001
        progress.step(1, 2)
    assert screen.written().count("\r") <= 11


@pytest.mark.parametrize("columns", [1, 5, 10, 20, 30, 40, 60, 80, 200])
@pytest.mark.parametrize("label", ["repeating nrqs", "x" * 300, "漢字仮名交じり文" * 9, "\x1b[2J\n\r", ""])
def test_it_fits_any_terminal(columns: int, label: str) -> None:
    made = Screen(columns)
    clock = Clock()
    progress = Progress(made.stream, {}, label, clock)
    for done in (0, 3, 123456):
        clock.now += 100_000
        progress.step(done, 123456)
        line = made.shown()
        assert cell_len(line) < max(columns, 2)
        assert not re.search("[\x00-\x1f]", line)
    made.stream.close()
    os.close(made.leader)


def test_it_follows_the_size_of_the_terminal(screen: Screen) -> None:
    clock = Clock()
    progress = Progress(screen.stream, {}, "repeating nrqs", clock)
    clock.now += 1
    progress.step(1, 8)
    assert len(screen.shown()) > 40
    screen.resize(screen.stream.fileno(), 30)
    clock.now += 1
    progress.tick()
    assert len(screen.shown()) < 30


def test_colour_is_left_out_where_it_is_not_wanted(screen: Screen) -> None:
    for environ, has in (({}, True), ({"NO_COLOR": "1"}, False)):
        clock = Clock()
        progress = Progress(screen.stream, environ, "x", clock)
        clock.now += 1
        progress.step(1, 2)
        assert bool(SGR.search(screen.written())) is has


def test_a_terminal_that_knows_no_such_signs_gets_others() -> None:
    made = Screen()
    stream = os.fdopen(os.dup(made.stream.fileno()), "w", encoding="latin-1")
    clock = Clock()
    progress = Progress(stream, {}, "x", clock)
    clock.now += 1
    progress.step(1, 2)
    assert "###---" in made.shown()
    stream.close()
    made.stream.close()
    os.close(made.leader)


def test_bytes_are_told_with_their_rate(screen: Screen) -> None:
    clock = Clock()
    progress = Progress(screen.stream, {}, "storing", clock, of_bytes=True, waited=4.0)
    progress.step(2_000_000_000, 6_000_000_000)
    shown = screen.shown()
    assert shown.startswith("storing  ━") and shown.endswith("  2.0 GB of 6.0 GB  500 MB/s  0:00:08 left")
    assert cell_len(shown) <= 77, "there is room for the `^C` that a terminal writes"


def test_a_pipe_gets_nothing() -> None:
    stream = io.StringIO()
    worked(stream, {})
    assert stream.getvalue() == ""


def test_a_terminal_that_cannot_erase_gets_nothing(screen: Screen) -> None:
    worked(screen.stream, {"TERM": "dumb"})
    assert screen.written() == ""


def test_ci_gets_a_line_a_minute() -> None:
    stream = io.StringIO()
    worked(stream, {"CI": "true"})
    assert stream.getvalue().splitlines() == [
        "xt: repeating nrqs: 0 of 8",
        "xt: repeating nrqs: 1 of 8, 0:06:00 left",
        "xt: repeating nrqs: 2 of 8, 0:05:00 left",
    ]


def test_ci_on_a_terminal_gets_lines_too(screen: Screen) -> None:
    worked(screen.stream, {"CI": "1"})
    assert "\x1b" not in screen.written()


def test_a_stream_that_is_gone_does_no_harm(screen: Screen) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    gone = os.fdopen(writer, "w")
    closed = io.StringIO()
    closed.close()
    full = open("/dev/full", "w")  # noqa: SIM115
    for stream in (gone, closed, full, None):
        worked(stream, {"CI": "1"})
    for stream in (gone, full):
        # What could not be written is still in the buffer.
        with pytest.raises(OSError, match=r"Broken pipe|No space"):
            stream.close()
    hung_up = Screen()
    os.close(hung_up.leader)
    worked(hung_up.stream, {})
    with contextlib.suppress(OSError):
        hung_up.stream.close()


def test_nothing_runs_beside_it() -> None:
    import threading

    before = threading.active_count()
    worked(io.StringIO(), {"CI": "1"})
    assert threading.active_count() == before
