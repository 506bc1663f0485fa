"""`xt blame`: which deployments a movement in production coincides with. What coincides need not cause."""

from __future__ import annotations

import math
import statistics
from typing import NamedTuple

from msgspec.structs import replace

from xt.compare.moves import LEAST, Place, moves
from xt.compare.noise import spread_of
from xt.compare.tolerances import Tolerance, declared, tolerances_of, widest
from xt.config import Settings
from xt.context import Outside, timestamp
from xt.errors import NotDeployedError, UsageError
from xt.model.event import Deployed, Point
from xt.model.production import Blame, Direction, Goal, Moved, Stretch
from xt.model.standing import Place as Somewhere
from xt.moments import moment
from xt.ops.production.about import about
from xt.ops.production.changes import between
from xt.ops.production.history import deployments, doubts, place_of, within
from xt.ops.production.measurements import time_of
from xt.ops.statements import standing as everything
from xt.store import Store
from xt.suggest import suggest

#: Likeness of neighbours from which on more is found than the level promises (decision 19).
ALIKE = 0.5
#: Values of the series that are given for a picture.
PICTURE = 24


class _Series(NamedTuple):
    """Measurements, cut at the deployments between which there is something to compare."""

    stretches: list[list[Point]]
    boundaries: list[list[Deployed]]
    """Between each two stretches; several deployments where too little was measured between them."""
    left_out: int
    """Measurements between such deployments, which are in no stretch."""

    @property
    def points(self) -> list[Point]:
        """All that counts, in order."""
        return [point for stretch in self.stretches for point in stretch]


def blame(
    store: Store, name: str, metric: str, since: str | None, settings: Settings, outside: Outside
) -> Blame:
    """Say where a metric moved in production, and which deployments that coincides with.

    Args:
        store: to read.
        name: of the environment.
        metric: as it was observed.
        since: measurements before it do not count, as a user writes a time.
        settings: for goal, unit and tolerance.
        outside: for the time, and for git.

    Raises:
        NotDeployedError: nothing was deployed or measured there, or not that metric.
        UsageError: the time is none.
    """
    standing = everything(store)
    place = place_of(standing, name)
    from_ = _since(since, outside)
    points = [point for point in within(place.observed, from_, None) if point.name == metric]
    if not points:
        raise _not_measured(place, name, metric, from_, len(doubts(standing)))
    series = _cut(points, _concerned(place.deployments, points[0].at))
    known = about(settings, metric)
    tolerances = tolerances_of(known)
    found = moves([[float(point.value) for point in stretch] for stretch in series.stretches])
    order = [event.id for event in place.deployments]
    places = []
    for one in found.places:
        events = series.boundaries[one.boundary] if one.boundary is not None else []
        told = _told(series.points, one, events, known.goal, tolerances)
        if told.word in ("moved", "within tolerance") and events:
            first = order.index(events[0].id)
            if first:
                previous = place.deployments[first - 1]
                told = _with(told, changes=between(store, previous, events[-1], outside))
            else:
                told = _with(
                    told,
                    reason=_joined(told.reason, "it is the first deployment: before it nothing is known"),
                )
        elif told.word == "moved":
            told = _with(told, reason=_joined(told.reason, _last_deployed(place, told.at)))
        places.append(told)
    places = [_drifting(one, places) for one in places]
    named = {event for one in places for event in one.deployments}
    return Blame(
        to=name,
        metric=metric,
        unit=known.unit,
        goal=known.goal,
        since=from_,
        n=len(points),
        places=places,
        deployments=[one for one in deployments(store, place, settings, standing) if one.event in named],
        family=found.family,
        tolerance=declared(tolerances),
        notes=_notes(series, found.places),
        doubts=doubts(standing),
    )


def _since(text: str | None, outside: Outside) -> str | None:
    if text is None:
        return None
    try:
        return timestamp(time_of(text, outside.now())[0])
    except ValueError as error:
        # What `since:` of a query takes, too: `7d`, `yesterday`.
        try:
            return timestamp(moment(text, outside.now()))
        except ValueError:
            raise UsageError(f"--since `{text}` {error}") from None


def _not_measured(
    place: Somewhere, name: str, metric: str, since: str | None, damaged: int
) -> NotDeployedError:
    events = "event that cannot be read says" if damaged == 1 else "events that cannot be read say"
    perhaps = f", or {damaged} {events} so" if damaged else ""
    names = sorted({point.name for point in place.observed})
    if metric in names:
        return NotDeployedError(
            f"`{metric}` was not measured in `{name}` since {since}{perhaps}", "an earlier --since"
        )
    if not names:
        return NotDeployedError(
            f"nothing was measured in `{name}`{perhaps}",
            f"`xt observe {name} {metric}=VALUE` records a measurement",
        )
    return NotDeployedError(
        f"`{metric}` was not measured in `{name}`{perhaps}", suggest(metric, names, "metrics")
    )


def _concerned(events: list[Deployed], first: str) -> list[Deployed]:
    """Deployments with a measurement before them; without any such, the one that was live all the time."""
    later = [event for event in events if event.live_from > first]
    return later or events[-1:]


def _cut(points: list[Point], events: list[Deployed]) -> _Series:
    """Cut a series at deployments; those with too little measured between them are one boundary."""
    stretches: list[list[Point]] = []
    boundaries: list[list[Deployed]] = []
    left_out = 0
    current = [point for point in points if not events or point.at < events[0].live_from]
    for number, event in enumerate(events):
        after = events[number + 1].live_from if number + 1 < len(events) else None
        if boundaries and len(current) < LEAST:
            left_out += len(current)
            boundaries[-1].append(event)
        else:
            stretches.append(current)
            boundaries.append([event])
        current = within(points, event.live_from, after)
    return _Series([*stretches, current], boundaries, left_out)


def _told(
    points: list[Point], place: Place, events: list[Deployed], goal: Goal, tolerances: list[Tolerance]
) -> Moved:
    before, after = points[slice(*place.before)], points[slice(*place.after)]
    at = events[0].live_from if events else after[0].at
    plain = Moved("cannot tell", at, _level(before), _level(after), [event.id for event in events])
    if place.p is None:
        few = min((len(before), "before it"), (len(after), "since"))
        return _with(
            plain,
            reason=f"{few[0] or 'no'} {'measurement' if few[0] == 1 else 'measurements'} {few[1]}, "
            f"{LEAST} are the least",
        )
    assert plain.before.median is not None and plain.after.median is not None
    delta = plain.after.median - plain.before.median
    what = "rank-sum and Welch's test" if place.boundary is not None else "Pettitt's test"
    alike = f", neighbours alike by {place.alike:.2f}" if place.alike else ""
    told = _with(
        plain,
        word="moved" if place.moved else "did not move",
        delta=delta if math.isfinite(delta) else None,
        p=place.p,
        level=place.level,
        method=f"{what}, {len(before)} against {len(after)} measurements{alike}",
    )
    if place.too_few:
        return _with(
            told,
            word="cannot tell",
            reason=f"{len(before)} against {len(after)} measurements are too few to tell",
        )
    if not place.moved:
        return told
    sd = spread_of([float(point.value) for point in before]).sd
    allowance = widest(tolerances, plain.before.median, plain.after.median, sd)
    if allowance is not None and allowance[1]:
        told = _with(told, word="within tolerance")
    return _with(told, direction=_direction(goal, delta))


def _drifting(one: Moved, places: list[Moved]) -> Moved:
    """Say of a movement at a deployment that it goes on with one that no deployment explains."""

    def alike(other: Moved) -> bool:
        same = (other.delta or 0) * (one.delta or 0) > 0
        return not other.deployments and other.word == "moved" and same

    if not one.deployments or one.word != "moved" or not any(map(alike, places)):
        return one
    said = "it moved the same way while nothing was deployed too: it may be a drift"
    return _with(one, reason=_joined(one.reason, said))


def _with(told: Moved, **fields: object) -> Moved:
    return replace(told, **fields)


def _direction(goal: Goal, delta: float) -> Direction | None:
    if goal == "none" or delta == 0:
        return None
    return "better" if (delta > 0) == (goal == "max") else "worse"


def _joined(one: str | None, other: str) -> str:
    return f"{one}; {other}" if one else other


def _level(points: list[Point]) -> Stretch:
    if not points:
        return Stretch(0)
    values = [float(point.value) for point in points]
    # Halved first: the sum of two large numbers is none.
    median = statistics.median([value / 2 for value in values]) * 2
    low, high = min(values), max(values)
    picture = _picture(values)
    return Stretch(len(values), median, low, high, points[0].at, points[-1].at, picture)


def _last_deployed(place: Somewhere, at: str) -> str:
    earlier = [event for event in place.deployments if event.live_from <= at]
    if not earlier:
        return "nothing had been deployed by then"
    return f"the last deployment before it was that of {earlier[-1].run[:8]} at {earlier[-1].live_from[:16]}Z"


def _picture(values: list[float]) -> list[float]:
    if len(values) <= PICTURE:
        return values
    return [values[number * (len(values) - 1) // (PICTURE - 1)] for number in range(PICTURE)]


def _notes(series: _Series, places: list[Place]) -> list[str]:
    notes = []
    alike = max((place.alike for place in places if place.moved), default=0.0)
    if alike >= ALIKE:
        notes.append(
            f"neighbouring measurements are alike by {alike:.2f}: a slow drift can look like a movement "
            "at a deployment, and is taken for one more often than the level says"
        )
    if not series.boundaries:
        notes.append("nothing was deployed in that time: there is no before and after to compare")
    if series.left_out:
        what = "measurement" if series.left_out == 1 else "measurements"
        notes.append(f"{series.left_out} {what} between deployments in quick succession are in no comparison")
    return notes
