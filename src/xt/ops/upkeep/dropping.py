"""Drop runs: first their records are moved away, then it is said that they were dropped, then they go.

Killed before it is said, the next sweep puts the records back; killed after it, the next takes the rest away.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial

from xt import fsio
from xt.collect.context import user
from xt.collect.packs import is_id
from xt.context import Outside, timestamp
from xt.errors import StoreError
from xt.model.event import Deployed, Observed, Pin, Swept
from xt.ops.repeats import forget
from xt.ops.upkeep import inventory
from xt.ops.upkeep.retention import Decision
from xt.ops.upkeep.survey import Survey
from xt.ops.upkeep.tally import Tally
from xt.store import Store, events, trash
from xt.store.holding import dropping

#: Runs, and commits, of one event: its size is bounded, and reasons may be long.
_RUNS, _COMMITS = 400, 5000


def drop(
    store: Store, known: Survey, decide: Callable[[], Decision], outside: Outside, tally: Tally
) -> Decision:
    """Drop the runs that may go, as of now: nobody can say anything of them meanwhile.

    Args:
        store: to drop from.
        known: its runs, which is brought up to date.
        decide: says which may go.
        outside: for the time and the user.
        tally: counts.

    Returns:
        What was decided.

    Raises:
        DamagedError: something cannot be read (any more).
        OSError: the store cannot be written.
    """
    decision = decide()
    if tally.dry:
        for run_id in decision.dropped:
            for file in _files(store.path, run_id):
                tally.count(_sort(file.name), file)
        return decision
    if not decision.dropped:
        return decision
    with dropping(store.path):
        if known.refresh():
            decision = decide()
        _Drop(store, known, decision, outside, tally).run()
    return decision


class _Drop:
    """One time that runs are dropped, while nobody else says anything of any."""

    def __init__(
        self, store: Store, known: Survey, decision: Decision, outside: Outside, tally: Tally
    ) -> None:
        self._store, self._known, self._decision = store, known, decision
        self._outside, self._tally = outside, tally
        self._moved: list[str] = []

    def run(self) -> None:
        gone = self._decision.dropped
        sizes = {run_id: [*_files(self._store.path, run_id)] for run_id in gone}
        try:
            for run_id in gone:
                name = f"runs/{run_id[:2]}/{run_id}.json"
                if trash.put(self._store.path, name) is not None:
                    self._moved.append(name)
            _flush(self._store.path, self._moved)
            self._say()
        except OSError as error:
            self._back()
            self._tally.fail(f"no run was dropped, because that could not be recorded: {error.strerror}")
            self._decision.stay("it could not be recorded that they go")
            return
        except BaseException:
            self._back()
            raise
        recipes: dict[str, set[str]] = {}
        for run_id in gone:
            recipe = self._known.runs[run_id].recipe
            if recipe is not None:
                recipes.setdefault(recipe, set()).add(run_id)
        for recipe, runs in recipes.items():
            with contextlib.suppress(OSError):  # a cache
                forget(self._store.path, recipe, runs)
        for run_id in gone:
            for file in sizes[run_id]:
                self._tally.count(_sort(file.name), file)
            remove(self._store.path, run_id, self._tally)

    def _say(self) -> None:
        gone = self._decision.dropped
        runs = [*gone]
        commits = sorted(
            {
                tree.head
                for run_id in runs
                for tree in self._known.runs[run_id].code
                if tree.head and is_id(tree.head)
            }
        )
        at = timestamp(self._outside.now())
        said: list[str] = []
        try:
            for number in range(max(-(-len(runs) // _RUNS), -(-len(commits) // _COMMITS))):
                event = Swept(
                    id=events.event_id(at, self._outside.random_bytes(4)),
                    at=at,
                    by=user(self._outside.environ),
                    runs={run_id: gone[run_id] for run_id in runs[number * _RUNS :][:_RUNS]},
                    commits=commits[number * _COMMITS :][:_COMMITS],
                )
                said.append(events.append(self._store.path, event))
        except BaseException:
            # All or none: what is said of runs that stay would be wrong.
            for path in said:
                with contextlib.suppress(OSError):
                    os.unlink(path)
            raise

    def _back(self) -> None:
        for name in self._moved:
            try:
                trash.put_back(self._store.path, name)
            except OSError as error:
                self._tally.fail(f"`.xt/{name}` could not be put back from the trash: {error.strerror}")


def remove(store: str, run_id: str, tally: Tally) -> None:
    """Take away what is left of a run of which it is recorded that it was dropped."""
    name = f"runs/{run_id[:2]}/{run_id}.json"
    try:
        trash.drop(store, name)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{store}/pulled/{run_id[:2]}/{run_id}.json")
        remove_live(f"{store}/live/{run_id}")
    except (OSError, StoreError) as error:
        why = error.message if isinstance(error, StoreError) else error.strerror
        tally.fail(f"something of {run_id} could not be removed: {why}")


def remove_live(folder: str) -> bool:
    """Remove the folder of a run in flight that nobody watches any more; False when somebody does."""
    try:
        lock = os.open(f"{folder}/lock", os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        lock = None
    try:
        if lock is not None and not fsio.try_lock(lock):
            return False
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{folder}/start.json")  # first: without it the run is not listed
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
        return True
    finally:
        if lock is not None:
            os.close(lock)


def swept(known: Survey) -> tuple[dict[str, Swept], set[str]]:
    """Runs that were dropped at any time and are not here, and the commits that their code began with."""
    runs: dict[str, Swept] = {}
    commits: set[str] = set()
    for _, event in known.said():
        if isinstance(event, Swept):
            runs |= {run_id: event for run_id in event.runs if run_id not in known.runs}
            commits |= {*event.commits}
    return runs, commits


def silence(store: str, known: Survey, gone: set[str], tally: Tally) -> None:
    """Remove what was said of dropped runs alone: not pins and deployments, which others follow upon."""
    for name, event in [*known.said()]:
        if isinstance(event, (Pin, Deployed, Observed, Swept)) or getattr(event, "run", None) not in gone:
            continue
        file = inventory.look(store, name)
        if file is not None:
            tally.take("events", file, partial(_unlink, f"{store}/{name}"))


def _unlink(path: str) -> bool:
    os.unlink(path)
    return True


def _files(store: str, run_id: str) -> Iterator[inventory.File]:
    """What is on the disk of one run besides contents and events."""
    for name in (f"runs/{run_id[:2]}/{run_id}.json", f"pulled/{run_id[:2]}/{run_id}.json"):
        file = inventory.look(store, name)
        if file is not None:
            yield file
    folder = inventory.look(store, f"live/{run_id}")
    if folder is not None:
        yield folder
        yield from inventory.walk(store, folder.name, lambda *_: None)


def _sort(name: str) -> str:
    return "runs in flight" if name.startswith("live/") else "records"


def _flush(store: str, names: list[str]) -> None:
    """Make it durable that records are gone: their contents are to go only after that."""
    for folder in {os.path.dirname(name) for name in names}:
        fsio.fsync_dir(f"{store}/{folder}")
    if names:
        fsio.fsync_dir(f"{store}/{trash.FOLDER}")
