"""`xt prod`: what was live when, and how it did, beside what the run itself had measured."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from msgspec.structs import replace

from xt.compare.noise import spread_of
from xt.config import Settings
from xt.errors import NotDeployedError, XtError
from xt.model.event import Deployed, Observed, Point
from xt.model.production import VERSION, LivePlace, Measured, Production, Went
from xt.model.standing import Place, Standing
from xt.model.text import from_text
from xt.ops.production.about import about
from xt.ops.production.offline import Measuring
from xt.ops.statements import standing as everything
from xt.store import Store, events
from xt.suggest import suggest

#: Letters that name a deployment, at least.
SHORTEST = 4

_SUFFIXES = tuple(f"{events.KINDS[kind]}.json" for kind in (Deployed, Observed))


def production(store: Store, name: str | None, settings: Settings) -> Production:
    """Say what is live, and what was.

    Args:
        store: to read.
        name: of one environment, with its whole history; None for all, each with what is live.
        settings: for goals and units.

    Raises:
        NotDeployedError: nothing was ever deployed, or not there.
    """
    standing = everything(store)
    if name is None:
        if not standing.places:
            raise none_deployed(standing, None)
        names = sorted(standing.places)
    else:
        place_of(standing, name)
        names = [name]
    found = []
    for one in names:
        place = standing.places[one]
        history = deployments(store, place, settings, standing, last=None if name is not None else 1)
        found.append(
            LivePlace(one, history[::-1], before(place, settings), more=len(place.deployments) - len(history))
        )
    return Production(found, doubts(standing))


def doubts(standing: Standing) -> list[str]:
    """Events of deployments and measurements that cannot be read."""
    return [path for path in standing.doubts if path.endswith(_SUFFIXES)]


def place_of(standing: Standing, name: str) -> Place:
    """Find an environment.

    Raises:
        NotDeployedError: nothing was deployed or measured there.
    """
    place = standing.places.get(name)
    if place is None:
        raise none_deployed(standing, name)
    return place


def none_deployed(standing: Standing, name: str | None) -> NotDeployedError:
    """Say that nothing was deployed, and what does it."""
    bad = len(doubts(standing))
    damaged = f", or {bad} {'event' if bad == 1 else 'events'} that cannot be read say so" if bad else ""
    if name is None or not standing.places:
        where = "" if name is None else f" to `{name}`"
        return NotDeployedError(
            f"nothing was deployed{where}{damaged}", "`xt deploy PATH --to ENV` records what goes live"
        )
    return NotDeployedError(
        f"nothing was deployed to `{name}`{damaged}", suggest(name, sorted(standing.places), "environments")
    )


def deployments(
    store: Store, place: Place, settings: Settings, standing: Standing, *, last: int | None = None
) -> list[Went]:
    """Describe the deployments of an environment with what was measured while each was live, oldest first.

    Args:
        store: that has the runs.
        place: the environment.
        settings: for goals and units.
        standing: which runs were put away.
        last: how many; all by default.
    """
    measuring = Measuring(store, settings, standing)
    events_of = place.deployments
    letters = short_names([event.id for event in events_of])
    taken_back = {event.takes_back for event in events_of}
    shown = store.shown_all(list({event.run for event in events_of}))
    found = []
    for number, event in enumerate(events_of):
        if last is not None and number < len(events_of) - last:
            continue
        after = events_of[number + 1].live_from if number + 1 < len(events_of) else None
        points = within(place.observed, event.live_from, after)
        one = went(store, event, measuring, {point.name for point in points})
        found.append(
            replace(
                one,
                short=letters[event.id],
                shown=shown[event.run],
                until=after,
                taken_back=event.id in taken_back,
                seen=seen(points, settings),
            )
        )
    return found


def went(
    store: Store, event: Deployed, measuring: Measuring | None = None, measured: set[str] | None = None
) -> Went:
    """Describe one deployment by itself.

    Args:
        store: that has the run.
        event: that says so.
        measuring: looks up what was measured offline; without it nothing is said of that.
        measured: names whose offline value is wanted in any case.
    """
    plain = Went(
        event=event.id,
        short=_random(event.id)[:SHORTEST],
        to=event.to,
        since=event.live_from,
        until=None,
        by=event.by,
        run=event.run,
        shown=0,
        output=event.output,
        digest=event.digest,
        path=event.path,
        prompts=version("prompts", event.prompts),
        policy=version("policy", event.policy),
        config=event.config,
        reason=event.reason,
        lacking=event.lacking,
        despite=event.despite,
        takes_back=event.takes_back,
    )
    try:
        record = store.record(event.run)
    except XtError as error:
        return replace(plain, shown=store.shown(event.run), unreadable=error.message)
    there = from_text(event.output)
    alike = [item for item in record.result.outputs if from_text(item.path or item.declared) == there]
    own = next((item for item in alike if item.digest == event.digest), alike[0] if alike else None)
    return replace(
        plain,
        shown=store.shown(event.run),
        role=own.role if own is not None else None,
        # Of a pattern the folder is recorded, which says less than how it was declared.
        output=own.declared if own is not None and own.kind == "glob" else event.output,
        purpose=record.snapshot.context.purpose,
        offline=measuring.offline(event, record, measured or set()) if measuring is not None else [],
    )


def version(role: str, digest: str | None) -> str | None:
    """Name a bundle: `prompts@3f9a2c`."""
    return None if digest is None else f"{role}@{digest.partition(':')[2][:VERSION]}"


def short_names(ids: Sequence[str]) -> dict[str, str]:
    """Name deployments by the chance in their ids, as short as tells them apart."""
    chances = [_random(one) for one in ids]
    length = SHORTEST
    while len({chance[:length] for chance in chances}) < len(set(chances)):
        length += 1
    return {one: chance[:length] for one, chance in zip(ids, chances, strict=True)}


def _random(event: str) -> str:
    return event.rpartition("-")[2]


def within(points: list[Point], since: str | None, until: str | None) -> list[Point]:
    """Those measured from one time on and before another, of points in order; such times sort as text."""
    first = 0 if since is None else bisect_left(points, since, key=_time)
    last = len(points) if until is None else bisect_left(points, until, key=_time)
    return points[first:last]


def _time(point: Point) -> str:
    return point.at


def before(place: Place, settings: Settings) -> list[Measured]:
    """What was measured before anything was deployed."""
    first = place.deployments[0].live_from if place.deployments else None
    return seen(within(place.observed, None, first), settings)


def seen(points: list[Point], settings: Settings) -> list[Measured]:
    """Put measurements together by name; those with a goal first, then by name."""
    by_name: dict[str, list[Point]] = {}
    for point in points:
        by_name.setdefault(point.name, []).append(point)
    found = []
    for name, group in by_name.items():
        values = [float(point.value) for point in group]
        mean = spread_of(values).mean
        known = about(settings, name)
        found.append(
            Measured(
                name,
                len(values),
                mean if math.isfinite(mean) else None,
                min(values),
                max(values),
                values[-1],
                group[-1].at,
                unit=known.unit,
                goal=known.goal,
            )
        )
    return sorted(found, key=lambda one: (one.goal == "none", one.name))
