"""Which runs of a remote are meant, with as little read of it as that takes."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from xt.context import Outside
from xt.errors import DamagedError, NoSuchRunError
from xt.model import runid
from xt.model.event import BASELINE
from xt.ops.baseline import none_pinned
from xt.ops.search import select
from xt.ops.statements import standing
from xt.ops.sync.mirror import Mirror
from xt.store import events

#: Repeats of a baseline that are brought for its noise; a comparison reads no more.
REPEATS = 64


class About(msgspec.Struct, frozen=True):
    """The run an event of any kind is about."""

    run: str | None = None


class Chosen(NamedTuple):
    """What is to be brought."""

    runs: dict[str, frozenset[str]]
    """Runs → what of `code`, `inputs`, `outputs`."""
    events: list[str]
    """Names of events that were read."""


def choose(
    mirror: Mirror, words: tuple[str, ...], asked: tuple[str, ...], outside: Outside, *, alone: bool
) -> Chosen:
    """Find the runs that are meant.

    Args:
        mirror: reads the remote.
        words: references or a query; none: all.
        asked: of `code`, `inputs`, `outputs`.
        outside: for the time, the user and the project's settings.
        alone: runs that are named by their ids come without events, and so without their repeats.

    Raises:
        NoSuchRunError, QueryError: they name none.
        RemoteError: the remote failed.
    """
    if words == (BASELINE,):
        return _baseline(mirror, frozenset(asked))
    wanted = frozenset(asked)
    if words and all(runid.is_prefix(word) for word in words):
        ids = [_of_prefix(mirror, word) for word in words]
        good = mirror.read_runs(ids)
        if alone:
            return Chosen(dict.fromkeys(ids, wanted), [])
    else:
        listed = mirror.list_runs()
        good = mirror.read_runs(listed)
        mirror.forget(listed)
        ids = sorted({*mirror.bad})
    said = mirror.read_events()
    if not words or not all(runid.is_prefix(word) for word in words):
        ids = [*(ids if not words else []), *_selected(mirror, words, outside)]
    trials = _trials(mirror, {run_id for run_id in ids if run_id in good})
    good |= mirror.read_runs(trials)
    return Chosen(dict.fromkeys([*ids, *trials], wanted), said)


def _selected(mirror: Mirror, words: tuple[str, ...], outside: Outside) -> list[str]:
    rows = select(mirror.store, outside, list(words), trials=not words)
    return [row.id for row in rows if row.status != "damaged"]


def _of_prefix(mirror: Mirror, word: str) -> str:
    found = sorted(mirror.list_runs(word))
    if len(found) == 1:
        return found[0]
    if found:
        raise NoSuchRunError(
            f"`{word}` is the beginning of {len(found)} run ids of the remote", "one letter more"
        )
    raise NoSuchRunError(f"no run of the remote has the id `{word}`", "`xt remote status` counts what it has")


def _trials(mirror: Mirror, runs: set[str]) -> list[str]:
    """The repeats that runs were judged by."""
    said = standing(mirror.store).runs
    found = [
        run_id
        for run in runs
        if (judged := said.get(run)) and judged.verified
        for run_id in judged.verified.repeats
    ]
    wanted = [run_id for run_id in dict.fromkeys(found) if runid.is_id(run_id) and run_id not in runs]
    there: set[str] = set()
    for like in {run_id[:2] for run_id in wanted}:
        there |= mirror.list_runs(like)
    return [run_id for run_id in wanted if run_id in there]


def _baseline(mirror: Mirror, asked: frozenset[str]) -> Chosen:
    """The run that is pinned, with all that comparisons read of it, and its repeats without."""

    def needed(name: str) -> bool:
        return name.count(".") == 1 or name.endswith(".verified.json")

    said = mirror.read_events(needed)
    listed = {*said}
    pins = [event for event in events.pins(mirror.store.path, BASELINE) if _listed(event.id, listed)]
    run_id = pins[-1].run if pins else None
    if run_id is None:
        raise NoSuchRunError(
            f"the remote has no baseline: {none_pinned(None).message}",
            "`xt push baseline` there where it is pinned",
        )
    if run_id not in mirror.read_runs([run_id]):
        raise DamagedError(f"the baseline {run_id} cannot be pulled: {mirror.bad.get(run_id)}")
    record = mirror.store.record(run_id)
    repeats = _trials(mirror, {run_id})
    if record.snapshot.recipe_doubt is None:
        repeats += sorted(mirror.of_recipe(record.snapshot.recipe) - {run_id, *repeats})
    repeats = repeats[:REPEATS]
    good = mirror.read_runs(repeats)
    runs = {run_id: asked | {"code", "inputs", "outputs"}}
    for other in repeats:
        if other in good:
            runs[other] = asked
        else:
            # It says less of the noise; the comparison itself does not need it.
            mirror.doubts.append(f"the repeat {other} was passed over: {mirror.bad.pop(other, '')}")
    return Chosen(runs, said)


def _listed(event_id: str, listed: set[str]) -> bool:
    return any(name.rpartition("/")[2].startswith(f"{event_id}.") for name in listed)
