"""Logs as a terminal gets them, and times as they are told, whatever was written."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from xt.context import timestamp
from xt.render.logs import LogPrinter
from xt.render.quantities import ago, moment, seconds_since

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def printed(pieces: list[bytes], **options: bool) -> str:
    found: list[str] = []
    printer = LogPrinter(found.append, colour=False, times=False, **options)
    for piece in pieces:
        printer.feed("stdout", None, piece)
    printer.finish()
    return "".join(found)


def test_a_progress_bar_of_a_million_frames_is_its_last_one() -> None:
    frames = b"".join(b"\r%6d/250000 [####    ]" % number for number in range(10_000))
    tracemalloc.start()
    shown = printed([*[frames] * 25, b"\r250000/250000 [########]\ndone\n"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert shown == "250000/250000 [########]\ndone\n"
    assert peak < 20_000_000


def test_what_is_overwritten_is_covered_and_not_hidden() -> None:
    assert printed([b"evil command\rls\n"]) == "lsil command\n"
    assert printed([b"a\x08b\x1b[2Kc\x1b]0;t\x07\xc2\x9b\n"]) == "a\\x08b\\e[2Kc\\e]0;t\\x07\\x9b\n"
    assert printed([b"\xe2", b"\x80\xae", b"\xff\n"]) == "\\u202e\\xff\n"


@pytest.mark.parametrize(
    ("away", "told"),
    [(-3600.0, "now"), (0.0, "now"), (90.0, "1 min"), (7200.0, "2 h"), (15 * 365 * 86400.0, "5475 d")],
)
def test_a_clock_that_was_set_back_and_years_away(away: float, told: str) -> None:
    then = timestamp(NOW - timedelta(seconds=away))
    since = seconds_since(then, NOW)
    assert since == away
    assert ago(since) == told


def test_times_are_told_in_the_zone_of_now_and_beyond_2038() -> None:
    assert moment("2055-01-19T03:14:08Z", NOW) == "2055-01-19 03:14 UTC"
    assert moment("2026-11-23T09:30:00+13:45", NOW) == "2026-11-22 19:45 UTC"
    assert (moment("no time", NOW), seconds_since("no time", NOW)) == ("no time", None)
    assert seconds_since("2026-11-23T09:30:00", NOW) is None
