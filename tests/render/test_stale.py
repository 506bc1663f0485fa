"""The page of `xt stale`: it fits, and nothing in it acts on a terminal."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NOW, RUN
from tests.render.hostile import SGR, assert_harmless, paths, words
from xt.context import timestamp
from xt.model.stale import Judged, Reason, Staleness
from xt.render.stale import FRESH, PASSED, render


def judged(state="stale", run_id=RUN, **more):
    return Judged(run_id, 4, state, timestamp(NOW), "evaluate", ["code"], wall_s=90.0, **more)


hostile = st.builds(
    lambda text, path, what: Staleness(
        plan=[
            judged(
                task=text,
                reasons=[Reason("inputs.harness", "changed", what), Reason("code", "unknown", text)],
                after=["llllllllllllllll"],
                pinned=[text],
                money=1.5,
            )
        ],
        unknown=[judged("unknown", "llllllllllllllll", name=text)],
        fresh=[judged("fresh", "mmmmmmmmmmmmmmmm", command=[path], passed=[what])],
        wall_s=90.0,
        money=1.5,
        currency=text,
        doubts=[what],
    ),
    words,
    paths,
    words,
)


@settings(max_examples=60)
@given(hostile, st.integers(24, 120))
def test_nothing_hostile_reaches_a_terminal(found, width):
    plain = render(found, width, False)
    assert_harmless(plain, width)
    assert SGR.sub("", render(found, width, True)) == plain


def test_what_is_many_is_counted():
    runs = [f"{'klmnopqrst'[at // 10]}{'klmnopqrst'[at % 10]}".ljust(16, "z") for at in range(40)]
    fresh = [judged("fresh", run, task=f"t{at}", passed=[f"file {at}"]) for at, run in enumerate(runs)]
    text = render(Staleness([], fresh=fresh), 80, False)
    assert "nothing is stale  40 runs looked at" in text
    assert f"and {40 - FRESH} more" in text
    assert f"and {40 - PASSED} more: --json" in text
    assert "no evidence to be stale" in render(Staleness([]), 80, False)
