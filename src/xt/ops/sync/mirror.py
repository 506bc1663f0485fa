"""Records and events of a remote, kept below `cache/`, where they are searched as every store is.

They never change, so each is read once. Nothing of it is believed before it was checked: names, seals, ids.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable

from xt import codec
from xt.errors import DamagedError, XtError
from xt.ops.sync.pool import Pool
from xt.store import Store, events
from xt.store.remote import Remote, names
from xt.store.store import MAX_RECORD

#: Entries of a listing, after which it is not one of a store.
MOST = 20_000_000


class Mirror:
    """What of a remote was read."""

    def __init__(self, store: Store, remote: Remote, pool: Pool) -> None:
        """Open it.

        Args:
            store: in whose cache it lies.
            remote: that it is of.
            pool: to read with.

        Raises:
            OSError: it cannot be made.
        """
        digits = names.hexed(codec.digest(os.fsencode(remote.url)))[:16]
        self.store = Store.create(f"{store.path}/cache/remotes/{digits}")
        self._remote = remote
        self._pool = pool
        self.doubts: list[str] = []
        """What was passed over, one sentence each."""
        self.bad: dict[str, str] = {}
        """Runs whose records are no good → why."""

    def list_runs(self, like: str = "") -> set[str]:
        """Ids of the runs that the remote lists.

        Args:
            like: beginning of the ids, at least two letters; all by default.

        Raises:
            RemoteError: it failed.
        """
        folder = f"{names.RUNS}{like[:2]}/" if like else names.RUNS
        found = set()
        for entry in self._remote.entries(folder):
            run_id = names.run_of(entry.name)
            if run_id is None:
                self._pass_over(entry.name)
            elif run_id.startswith(like):
                found.add(run_id)
            if len(found) > MOST:
                break
        return found

    def read_runs(self, wanted: Iterable[str]) -> set[str]:
        """Read the records of runs that were not read yet; give those that are good.

        Raises:
            RemoteError: it failed.
        """
        wanted = set(wanted)
        known = {run_id for run_id in wanted if self._has(run_id)}
        # Put down as they come, so that what was read before it is ended is not read again.
        for run_id, data in self._pool.stream("reading records", self._read_run, sorted(wanted - known)):
            try:
                self.store.publish(run_id, _given(data), durable=False)
                known.add(run_id)
            except DamagedError as error:
                self.bad[run_id] = error.message
        return known

    def read_events(self, wanted: Callable[[str], bool] = lambda _: True) -> list[str]:
        """Read the events that were not read yet.

        Args:
            wanted: tells by the name of one whether it is needed.

        Returns:
            Names of those that the remote has and that are good, such as `2026/11/….json`.

        Raises:
            RemoteError: it failed.
        """
        listed = []
        for entry in self._remote.entries(names.EVENTS):
            if not names.is_event(entry.name):
                self._pass_over(entry.name)
            elif wanted(entry.name):
                listed.append(entry.name.removeprefix(names.EVENTS))
        there = [name for name in listed if os.path.exists(self.event(name))]
        for name, data in self._pool.stream("reading events", self._read_event, sorted({*listed} - {*there})):
            try:
                events.publish(self.store.path, name, _given(data), durable=False)
                there.append(name)
            except DamagedError as error:
                self.doubts.append(error.message)
        return sorted(there)

    def event(self, name: str) -> str:
        """Path of an event that was read."""
        return f"{self.store.path}/events/{name}"

    def forget(self, but: set[str]) -> None:
        """Let go of runs that the remote does not list any more, so that no search finds them."""
        for run_id in {*self.store.ids()} - but:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self.store.path}/{names.of_run(run_id)}")

    def of_recipe(self, recipe: str) -> set[str]:
        """Runs that the remote names as some of a recipe; what their records say counts.

        Raises:
            RemoteError: it failed.
        """
        found = {names.run_of_recipe(entry.name) for entry in self._remote.entries(names.of_recipe(recipe))}
        return {run_id for run_id in found if run_id is not None}

    def _has(self, run_id: str) -> bool:
        try:
            self.store.record_bytes(run_id)
        except XtError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self.store.path}/{names.of_run(run_id)}")
            return False
        return True

    def _read_run(self, run_id: str) -> bytes:
        try:
            return self._remote.read(names.of_run(run_id), MAX_RECORD)
        except FileNotFoundError:
            raise DamagedError("the remote does not have its record (any more)") from None

    def _read_event(self, name: str) -> bytes:
        try:
            return self._remote.read(names.EVENTS + name, events.LARGEST)
        except FileNotFoundError:
            raise DamagedError(f"the event `{name}` is listed and not there") from None

    def _pass_over(self, name: str) -> None:
        if len(self.doubts) < 20:
            self.doubts.append(f"`{name[:200]}` is no name of a store")


def _given(data: bytes | XtError) -> bytes:
    """What was read.

    Raises:
        DamagedError: nothing was.
    """
    if isinstance(data, XtError):
        raise DamagedError(data.message, data.hint) from data
    return data
