"""`xt gc`: drop runs that are not wanted any more, and remove what nobody refers to.

Safe beside writers, which take no lock for it: nothing goes that is newer than the grace period or than the
oldest run in flight, and what somebody comes to want while it is being removed is put back (`store.trash`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from xt import fsio
from xt.config import Settings
from xt.context import Outside, timestamp
from xt.errors import DamagedError, StoreError, UsageError
from xt.model import runid
from xt.model.event import Swept
from xt.model.upkeep import Fate, Sweeping, Waiting
from xt.ops.lineage import Uses
from xt.ops.sync.pool import Step
from xt.ops.upkeep import inventory
from xt.ops.upkeep.aside import without
from xt.ops.upkeep.dropping import drop, silence, swept
from xt.ops.upkeep.litter import litter
from xt.ops.upkeep.reached import Reached
from xt.ops.upkeep.retention import NOBODY, Decision
from xt.ops.upkeep.rules import is_away, rules, split
from xt.ops.upkeep.survey import Survey, unlisted
from xt.ops.upkeep.sweep_code import code
from xt.ops.upkeep.sweep_contents import contents, leftovers, records
from xt.ops.upkeep.sweep_refs import references
from xt.ops.upkeep.tally import Tally
from xt.store import Store, events
from xt.store.holding import sweeping
from xt.store.index.checking import remembered

#: Seconds: the grace period, and the least it can be.
GRACE, LEAST = 86_400.0, 3600.0
_NANO = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Wish(NamedTuple):
    """How to sweep."""

    keep: tuple[str, ...] = ()
    """Rules; with any, runs that none of them keeps are dropped."""
    grace: float = GRACE
    """Seconds; what is newer stays."""
    dry: bool = False


def gc(store: Store, wish: Wish, settings: Settings, outside: Outside, step: Step) -> Sweeping:
    """Sweep a store.

    Args:
        store: to sweep.
        wish: how.
        settings: of the project, for queries.
        outside: for git, the time and the user.
        step: is told how far it is.

    Raises:
        UsageError, QueryError: a rule cannot be read, or no run fits any.
        DamagedError: something cannot be read that may need what would go; nothing was removed.
        StoreError: the store cannot be written, or somebody else sweeps it.
    """
    texts = split(wish.keep)
    chosen = rules(texts, store, settings, outside)
    tally = Tally(step, dry=wish.dry)
    try:
        with _alone(store, dry=wish.dry) as stamped:
            said = events.every(store.path, Swept, certain=True)
            records(store.path, {run_id for event in said for run_id in event.runs}, tally)
            known = Survey(store, step)
            _certain(store, known, {run_id for event in said for run_id in event.runs})
            before, away = len(known.runs), {run.id for run in known.runs.values() if is_away(known, run)}
            facts, shown = dict(known.runs), store.shown_all([*known.runs])

            def decide() -> Decision:
                decision = Decision(known, chosen, lambda: Uses(store).together())
                if decision.unwanted and len(decision.idle) == len(chosen):
                    raise UsageError(
                        f"no run fits the rules ({', '.join(texts)}), so that all would go",
                        "`xt ls QUERY` shows what a query finds; `xt rm` puts runs away that may go",
                    )
                return decision

            # The clock may have been set forward: what the disk was stamped with just now does not know that.
            now = min(stamped, int(outside.now().timestamp() * _NANO))
            decision = drop(store, known, decide, outside, tally)
            if decision.unwanted:
                tally.notes += [f"no run fits the rule `{text}`" for text in decision.idle]
            cutoff = _cutoff(now, wish.grace, known)
            known.refresh()
            _sweep(store, known, decision, outside, cutoff, now, tally)
    except OSError as error:
        raise StoreError(f"the store cannot be swept: {error.strerror}: {error.filename}") from error
    named = facts | known.runs
    kept = {
        run_id: reason for run_id, reason in decision.kept.items() if _speaks(run_id, reason, away, texts)
    }
    reasons: dict[str, int] = {}
    for reason in decision.kept.values():
        reasons[reason] = reasons.get(reason, 0) + 1

    def told(chosen: dict[str, str]) -> list[Fate]:
        ordered = sorted(chosen, key=lambda run_id: (named[run_id].started_at, run_id), reverse=True)
        return [
            Fate(
                run_id,
                shown.get(run_id, runid.LENGTH),
                chosen[run_id],
                named[run_id].started_at,
                known.standing.of(run_id).name(named[run_id].name),
            )
            for run_id in ordered
            if run_id in named
        ]

    return Sweeping(
        wish.dry,
        texts,
        wish.grace,
        before,
        told(decision.dropped),
        told(kept),
        dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        tally.freed(),
        _waiting(tally, known, now, wish.grace),
        tally.notes,
        failed=tally.failures > 0,
    )


@contextmanager
def _alone(store: Store, *, dry: bool) -> Iterator[int]:
    if not fsio.is_there(f"{store.path}/key"):
        # Whoever pushes there may rely on contents that nothing names yet, for any time.
        raise StoreError(
            f"`{store.path}` is no store that runs are made in: it has no `key`",
            "a team's store is not swept; if it is your own, the next `xt run` makes a new key",
        )
    if dry:
        yield time.time_ns()
        return
    try:
        with sweeping(store.path) as stamped:
            yield stamped
    except PermissionError as error:
        raise StoreError(
            f"`{error.filename}` cannot be written: {error.strerror}", "`xt gc --dry-run` only looks"
        ) from error


def _certain(store: Store, known: Survey, dropped: set[str]) -> None:
    """End it where it is not known what a run needs: its record was put aside, or is gone undropped."""
    for file in inventory.walk(store.path, inventory.QUARANTINE, unlisted):
        had = without(store.path, file.name)
        if had is None or os.path.basename(had).removesuffix(".json") in dropped:
            continue
        raise DamagedError(
            f"nothing was removed: what `.xt/{file.name}` needs or keeps is not certain",
            "`xt pull` from a store that has it brings it back; remove this file to let it go",
        )
    gone = sorted(run for run in remembered(store) - known.runs.keys() - dropped if not store.has(run))
    if gone:
        more = f" and of {len(gone) - 1} more" if len(gone) > 1 else ""
        raise DamagedError(
            f"nothing was removed: the record of {gone[0]}{more} is not here, and was not dropped",
            "bring it back (`xt pull`, a backup of `.xt/runs`); if it is to be gone, `xt ls` first",
        )


def _cutoff(now: int, grace: float, known: Survey) -> int:
    """Nanoseconds since 1970 that what goes is older than."""
    oldest = min(known.begun.values(), default=now)
    return min(now - int(max(grace, LEAST) * _NANO), oldest - int(LEAST * _NANO))


def _sweep(
    store: Store,
    known: Survey,
    decision: Decision,
    outside: Outside,
    cutoff: int,
    now: int,
    tally: Tally,
) -> None:
    """Remove what nobody refers to."""
    gone, commits = swept(known)
    if tally.dry:
        commits |= {tree.head for run_id in decision.dropped for tree in known.runs[run_id].code if tree.head}
    dropped = {*decision.dropped} if tally.dry else {*gone}
    marks = Reached(store, dropped, len(known.runs), tally.step).marks
    leftovers(store.path, marks, cutoff, tally)
    contents(store.path, marks, cutoff, tally)
    code(store, known, dropped, outside, cutoff, tally)
    references(store, known, dropped, commits, outside, cutoff, tally)
    silence(store.path, known, {*gone, *dropped}, tally)
    litter(store, known, cutoff, now, tally)


def _speaks(run_id: str, reason: str, away: set[str], texts: list[str]) -> bool:
    """Whether something speaks against a run that stays."""
    by_rule = reason == NOBODY or reason.strip("`") in texts
    return run_id in away or (bool(texts) and not by_rule)


def _waiting(tally: Tally, known: Survey, now: int, grace: float) -> Waiting | None:
    files, size = tally.waiting
    if not files:
        return None
    until: str | None = None
    longest = int(max(grace, LEAST) * _NANO)
    flying = sorted(
        run_id for run_id, begun in known.begun.items() if begun - int(LEAST * _NANO) < now - longest
    )
    if not flying and tally.newest <= now:
        try:
            until = timestamp(_EPOCH + timedelta(microseconds=(tally.newest + longest) // 1000))
        except OverflowError:
            until = None
    return Waiting(files, size, until, flying)
