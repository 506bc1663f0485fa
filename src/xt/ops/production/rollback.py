"""`xt rollback`: what could be live again, what that would undo and cost, and the record of one."""

from __future__ import annotations

import math
from collections.abc import Callable

from xt.config import Settings
from xt.context import Outside
from xt.errors import NoSuchRunError, NotDeployedError, UsageError, XtError
from xt.model.delta import Judgement
from xt.model.event import Deployed
from xt.model.production import Candidate, Direction, Goal, Rollback, Tradeoff, Went
from xt.model.result import Number
from xt.model.standing import Place, Standing
from xt.model.text import from_text
from xt.ops.diff.metrics import plain
from xt.ops.diff.rules import Rules
from xt.ops.diff.sides import both
from xt.ops.find import resolve
from xt.ops.production.artefact import Artefact, check_name
from xt.ops.production.changes import between
from xt.ops.production.deploy import Done, Wish, go_live, identity
from xt.ops.production.history import deployments, doubts, place_of, short_names
from xt.ops.production.lookups import lacking
from xt.ops.series import number
from xt.ops.statements import standing as everything
from xt.store import Store

#: Candidates that are looked at: each asks git what differs.
LOOKED_AT = 8


def candidates(store: Store, name: str, settings: Settings, outside: Outside) -> Rollback:
    """List what was live before and could be again, the newest first.

    Args:
        store: to read.
        name: of the environment.
        settings: for goals, units and tolerances.
        outside: for git.

    Raises:
        NotDeployedError: nothing is live there, or nothing else ever was.
    """
    standing = everything(store)
    place = place_of(standing, name)
    live = _live(place, name)
    others = _others(place, live)
    if not others:
        raise NotDeployedError(
            f"nothing else was ever live in `{name}` to go back to",
            "`xt deploy PATH --to ENV` deploys another",
        )
    told = {one.event: one for one in deployments(store, place, settings, standing)}
    found = []
    for event in others[:LOOKED_AT]:
        one = told[event.id]
        found.append(
            Candidate(
                one,
                between(store, live, event, outside),
                _tradeoff(store, told[live.id], one, settings),
                store.objects.has(event.digest),
                _against(store, event, standing, settings),
            )
        )
    return Rollback(name, told[live.id], found, max(0, len(others) - LOOKED_AT), doubts(standing))


def roll_back(
    store: Store, target: str, wish: Wish, settings: Settings, outside: Outside, tell: Callable[[str], None]
) -> Done:
    """Record that something is live again; a hook is run first.

    Args:
        store: that has the runs.
        target: a run that was live there, or a deployment of it.
        wish: where, why.
        settings: for the hook and the evidence.
        outside: for the time and the user.
        tell: is told the command line of the hook.

    Raises:
        UsageError, NoSuchRunError: the target is none.
        NotDeployedError: nothing is live; the target never was, or is; something speaks against it.
        NotRecordedError, DamagedError, HookError, StoreError: as `deploy`.
    """
    check_name(wish.to)
    if wish.force and not (wish.reason or "").strip():
        raise UsageError("`--force` needs a reason", "-m WHY")
    standing = everything(store)
    place = place_of(standing, wish.to)
    live = _live(place, wish.to)
    event = _target(store, place, target, wish.to, outside)
    if identity(event) == identity(live):
        raise NotDeployedError(
            f"`{target}` is live in `{wish.to}` already", f"`xt rollback {wish.to}` lists others"
        )
    artefact = _artefact(store, event, standing)
    done = go_live(
        store, artefact, (event.prompts, event.policy), wish, standing, settings, outside, tell, live.id
    )
    if event.lacking or event.despite:
        done = done._replace(notes=[*done.notes, "it had been deployed by force then too"])
    return done


def _against(store: Store, event: Deployed, standing: Standing, settings: Settings) -> list[str]:
    """What a rollback would be refused for."""
    try:
        artefact = _artefact(store, event, standing)
        missing = lacking(artefact.record, settings, standing)
    except XtError:
        return []  # its description says that it cannot be read
    return [*([f"no {', no '.join(missing)}"] if missing else []), *artefact.despite]


def _live(place: Place, name: str) -> Deployed:
    if place.live is None:
        raise NotDeployedError(
            f"nothing is live in `{name}`", f"`xt deploy PATH --to {name}` records what goes live"
        )
    return place.live


def _others(place: Place, live: Deployed) -> list[Deployed]:
    """The newest deployment of everything else that was live, the newest first."""
    last = {identity(event): event for event in place.deployments}
    last.pop(identity(live), None)
    return sorted(last.values(), key=lambda event: (event.live_from, event.id), reverse=True)


def _target(store: Store, place: Place, target: str, name: str, outside: Outside) -> Deployed:
    """The deployment somebody means by an event's id, its short name, a version of prompts, or a run."""
    ids = [event.id for event in place.deployments]
    short = short_names(ids)
    by_event = [
        event
        for event in place.deployments
        if event.id == target or (len(target) >= len(short[event.id]) and _chance(event).startswith(target))
    ]
    # What distinguishes deployments of one model may be the prompts in front of it.
    by_event = by_event or [event for event in place.deployments if _had(event, target)]
    if by_event:
        return by_event[-1]
    try:
        run_id = resolve(store, target, outside)
    except NoSuchRunError as error:
        raise NoSuchRunError(
            f"`{target}` is neither a deployment to `{name}` nor a run", f"`xt rollback {name}` lists both"
        ) from error
    of_run = [event for event in place.deployments if event.run == run_id]
    if not of_run:
        raise NotDeployedError(
            f"run {run_id[: store.shown(run_id)]} was never live in `{name}`",
            f"`xt deploy {target}:OUTPUT --to {name}` deploys it",
        )
    return of_run[-1]


def _had(event: Deployed, target: str) -> bool:
    """Whether a version of prompts or policies, as `prompts@3f9a2c`, went live with it."""
    role, at, digits = target.partition("@")
    live = {"prompts": event.prompts, "policy": event.policy}.get(role)
    return bool(at and digits and live is not None and live.partition(":")[2].startswith(digits))


def _chance(event: Deployed) -> str:
    return event.id.rpartition("-")[2]


def _artefact(store: Store, event: Deployed, standing: Standing) -> Artefact:
    """What a deployment deployed, as something to deploy."""
    record = store.record(event.run)
    path = from_text(event.output)
    outputs = record.result.outputs
    own = [item for item in outputs if item.digest == event.digest]
    # A file in a folder that is an output: the folder that holds it.
    above = [
        item
        for item in outputs
        if item.kind in ("tree", "glob")
        and f"{path}/".startswith(f"{from_text(item.path or item.declared)}/")
    ]
    if not own and not above:
        raise NotDeployedError(
            f"run {event.run[:8]} has no output `{path}` any more", "`xt rollback` lists the ways back"
        )
    despite = [] if record.result.status == "ok" else [f"the run is `{record.result.status}`"]
    if standing.of(event.run).removed is not None:
        despite.append("the run was put away")
    return Artefact(record, (own or above)[0], path, event.digest, None, [], despite, [])


def _tradeoff(store: Store, live: Went, other: Went, settings: Settings) -> list[Tradeoff]:
    """Metrics of both, as their runs gave them and as they were in production."""
    found = _offline(store, live, other, settings)
    now, then = ({one.name: one for one in side.seen} for side in (live, other))
    for name in dict.fromkeys([*now, *then]):
        one, was = now.get(name), then.get(name)
        means = [None if side is None else side.mean for side in (one, was)]
        about = one or was
        assert about is not None
        direction = _direction(about.goal, means[0], means[1])
        counts = (one.n if one is not None else 0, was.n if was is not None else 0)
        found.append(Tradeoff(name, "production", means[0], means[1], direction, n=counts, unit=about.unit))
    return found


def _offline(store: Store, live: Went, other: Went, settings: Settings) -> list[Tradeoff]:
    now, then = ({one.name: one for one in side.offline} for side in (live, other))
    names = [name for name in now if name in then and now[name].run != then[name].run]
    judged: dict[str, Judgement] = {}
    # By the runs that measured them: the one that made an artefact, or one that evaluated it.
    for pair in dict.fromkeys((now[name].run, then[name].run) for name in names):
        own = [name for name in names if (now[name].run, then[name].run) == pair]
        try:
            judged |= plain(*both(store, *pair), own, Rules(settings, []))
        except XtError:
            continue  # the values are known all the same
    found = []
    for name in names:
        one, was = now[name], then[name]
        verdict = judged.get(name)
        found.append(
            Tradeoff(
                name,
                "offline",
                one.value,
                was.value,
                _direction(one.goal, one.value, was.value),
                None if verdict is None else verdict.word,
                unit=one.unit,
            )
        )
    return found


def _direction(
    goal: Goal, now: float | int | Number | None, then: float | int | Number | None
) -> Direction | None:
    if goal == "none" or now is None or then is None:
        return None
    one, other = number(now), number(then)
    if math.isnan(one) or math.isnan(other) or one == other:
        return None
    return "better" if (other > one) == (goal == "max") else "worse"
