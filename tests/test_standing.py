"""Events merge: whatever order they come in and however often, they say the same."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from xt.model.event import Deployed, Named, Noted, Observed, Pin, Point, Removed, Reused, Tagged, Verified
from xt.model.standing import Standing, fold

RUNS = st.sampled_from(["kkkk", "llll"])
NAMES = st.sampled_from(["a", "b"])
VALUES = st.floats(-10, 10)
PLACES = st.sampled_from(["prod", "staging"])
MOMENTS = st.sampled_from([f"2026-11-23T0{hour}:00:00.000000Z" for hour in range(4)])
KINDS = st.one_of(
    st.builds(lambda **more: (Tagged, more), run=RUNS, name=NAMES, off=st.booleans()),
    st.builds(lambda **more: (Named, more), run=RUNS, name=st.none() | NAMES),
    st.builds(lambda **more: (Noted, more), run=RUNS, text=NAMES),
    st.builds(lambda **more: (Removed, more), run=RUNS, reason=st.none(), back=st.booleans()),
    st.builds(lambda **more: (Pin, more), name=NAMES, run=st.none() | RUNS, reason=st.none()),
    st.builds(lambda **more: (Reused, more), run=RUNS, recipe=NAMES, restored=st.integers(0, 3)),
    st.builds(
        lambda **more: (Verified, more),
        run=RUNS,
        level=st.sampled_from(["identical", "divergent"]),
        required=st.just("identical"),
        repeats=st.just([]),
        against=st.none(),
        varied=st.just({}),
        sentence=st.just(""),
    ),
    st.builds(lambda **more: (Deployed, more), to=PLACES, run=RUNS, output=NAMES, digest=NAMES),
    st.builds(
        lambda **more: (Observed, more),
        to=PLACES,
        points=st.lists(st.builds(Point, NAMES, VALUES, MOMENTS), max_size=3),
    ),
)


@st.composite
def histories(draw):
    kinds = draw(st.lists(KINDS, max_size=12))
    return [
        kind(
            id=f"2026112300000{number:07}-0000000{number % 10}",
            at="2026-11-23T00:00:00.000000Z",
            by="you",
            **more,
        )
        for number, (kind, more) in enumerate(kinds)
    ]


def said(standing: Standing) -> bytes:
    return msgspec.json.encode(standing, order="sorted")


@given(histories(), st.data())
def test_no_order_and_no_copy_matters(history, data):
    doubled = history + data.draw(st.lists(st.sampled_from(history), max_size=6) if history else st.just([]))
    shuffled = data.draw(st.permutations(doubled))
    assert said(fold(shuffled)) == said(fold(history))


@given(histories(), histories())
def test_two_stores_that_take_over_from_each_other_agree(mine, theirs):
    theirs = [msgspec.structs.replace(event, id=event.id.replace("-0", "-f")) for event in theirs]
    assert said(fold(mine + theirs)) == said(fold(theirs + mine))


@given(histories())
def test_the_last_word_holds(history):
    whole = fold(history)
    for run in {getattr(event, "run", None) for event in history} - {None}:
        tags = [event for event in history if isinstance(event, Tagged) and event.run == run]
        assert whole.of(run).tags == {event.name: not event.off for event in tags}
        names = [event for event in history if isinstance(event, Named) and event.run == run]
        assert whole.of(run).renamed == (names[-1] if names else None)
        away = [event for event in history if isinstance(event, Removed) and event.run == run]
        assert (whole.of(run).removed is not None) == bool(away and not away[-1].back)
    for place in {event.to for event in history if isinstance(event, Deployed)}:
        last = [event for event in history if isinstance(event, Deployed) and event.to == place][-1]
        assert whole.places[place].live == last
        assert place in whole.live()[last.run]
