"""`xt gc` and `xt du` as pages: every line fits, and nothing of others' text reaches a terminal."""

from __future__ import annotations

import pytest

from tests import builders
from xt.model.upkeep import Fate, Kind, Share, Sweeping, Usage, Waiting
from xt.render import space, sweeping
from xt.render.cells import cells

NASTY = "\x1b]0;owned\x07 \u202eevil\r\nsecond 長い"
STARTED = "2026-11-20T09:30:00.000000Z"
FATES = [
    Fate(builders.RUN, 4, f"put away: {NASTY}", STARTED, NASTY),
    Fate("k" * 16, 16, "no rule keeps it", ""),
]
SORTS = [Kind("outputs", 12_345, 9_876_543_210), Kind("contents nobody names", 1, 4096)]


def swept(**changes):
    found = {
        "dry": False,
        "rules": [],
        "grace_s": 86_400.0,
        "runs": 1234,
        "dropped": FATES * 10,
        "kept": FATES,
        "reasons": {"in flight": 1, f"`{NASTY}`": 1_000},
        "freed": SORTS,
        "waiting": Waiting(3, 12_288, "2026-11-24T09:30:00.000000Z"),
        "notes": [NASTY],
    }
    return Sweeping(**(found | changes))


PAGES = {
    "swept": swept(),
    "would": swept(dry=True, rules=["last 50", NASTY], failed=True),
    "flying": swept(waiting=Waiting(1, 4096, None, [builders.RUN] * 5)),
    "future": swept(waiting=Waiting(1, 4096, None)),
    "nothing": swept(dropped=[], kept=[], freed=[], waiting=None, notes=[], reasons={}),
}


@pytest.mark.parametrize("width", [24, 40, 80, 200])
@pytest.mark.parametrize("name", PAGES)
def test_what_was_swept_fits_and_is_harmless(name, width):
    page = sweeping.render(PAGES[name], builders.NOW, width, False, everything=width == 80, unused=True)
    harmless(page, width)


def test_nothing_to_do_is_one_line():
    assert sweeping.render(PAGES["nothing"], builders.NOW, 80, False) == "nothing to remove\n"


def test_the_tense_tells_what_was_done():
    did, would = (sweeping.render(PAGES[name], builders.NOW, 80, False) for name in ("swept", "would"))
    assert did.startswith("dropped 20 of 1 234 runs, freed 9.9 GB\n")
    assert would.startswith("would drop 20 of 1 234 runs and free 9.9 GB\n")


@pytest.mark.parametrize("width", [24, 40, 80, 200])
def test_space_fits_and_is_harmless(width):
    shares = [Share(builders.RUN, 4, 10**10, 0, STARTED, NASTY), Share("k" * 16, 16, 0, 5)]
    found = Usage("/a/" + "long/" * 30 + NASTY, 10**10, SORTS, shares, 7, [NASTY] * 9)
    for alone in (False, True):
        harmless(space.render(found, builders.NOW, width, False, alone=alone), width)


def harmless(page, width):
    assert not set(page) & {"\x1b", "\x07", "\r", "\u202e"}
    assert max(cells(line) for line in page.splitlines()) <= width
