"""What is live follows from a set of events, in whatever order and however often they are there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xt.model.event import Deployed, Observed, Point
from xt.model.standing import fold

TIMES = [f"2026-01-0{day}T00:00:00.000000Z" for day in range(1, 8)]


@st.composite
def events(draw):
    found = []
    for number, at in enumerate(draw(st.lists(st.sampled_from(TIMES), max_size=8))):
        name = f"{at[:10]}-{number:08x}"
        if draw(st.booleans()):
            point = Point("rate", number, draw(st.sampled_from(TIMES)))
            found.append(Observed(name, at, None, "prod", [point]))
        else:
            since = draw(st.none() | st.sampled_from([time for time in TIMES if time <= at]))
            found.append(Deployed(name, at, None, "prod", f"run {number}", "m", "blake3:0", since=since))
    return found


@given(events(), st.randoms(use_true_random=False))
def test_no_order_and_no_copy_matters(found, chance):
    mixed = found + [event for event in found if chance.random() < 0.5]
    chance.shuffle(mixed)
    assert fold(mixed) == fold(found)


@given(events())
def test_live_is_what_went_live_last_and_every_time_has_one_value(found):
    place = fold(found).places.get("prod")
    deployed = [event for event in found if isinstance(event, Deployed)]
    if place is None:
        assert not found
        return
    assert sorted(event.id for event in place.deployments) == sorted(event.id for event in deployed)
    times = [event.live_from for event in place.deployments]
    assert times == sorted(times)
    assert (place.live is None) == (not deployed)
    keys = [(point.at, point.name) for point in place.observed]
    assert keys == sorted(set(keys))
