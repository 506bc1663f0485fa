"""`xt pull`: what the store lacks of a remote's runs is brought: contents first, then the record.

Killed at any moment, the store has no record whose contents were not brought. Nothing is believed of a remote
that was not checked: names, sizes, digests, seals, ids, packs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from xt import codec
from xt.context import Outside
from xt.errors import DamagedError, NotRecordedError, RemoteError, XtError
from xt.model.result import Record
from xt.model.sync import Pulled, State, Synced, Transfer
from xt.ops.repeats import remember
from xt.ops.sync import choosing, knowing, parts
from xt.ops.sync.choosing import Chosen
from xt.ops.sync.code import Code
from xt.ops.sync.mirror import Mirror
from xt.ops.sync.pool import Pool, Step
from xt.store import Store, events, pulled
from xt.store.holding import bringing
from xt.store.remote import Remote
from xt.store.remote.objects import Arrived, fetch

#: Runs whose contents are brought together.
TOGETHER = 128
#: Contents, and bytes of them, after which those that arrived are put in place: they stay if it is ended.
SETTLED, SETTLED_BYTES = 256, 1 << 28


class Wish(NamedTuple):
    """What is to be brought."""

    words: tuple[str, ...] = ()
    """References or a query, of the remote's runs; none: every run."""
    asked: tuple[str, ...] = ()
    """Of `code`, `inputs`, `outputs`."""
    alone: bool = False
    """Without what was said of them, and the repeats that they were judged by."""


class _One(NamedTuple):
    """A run that is to be pulled."""

    run: str
    record: Record
    data: bytes
    asked: frozenset[str]
    is_new: bool


class Pull:
    """One pull. What was done is in `moved`, also when it was interrupted."""

    def __init__(
        self, store: Store, remote: Remote, name: str, wish: Wish, outside: Outside, step: Step
    ) -> None:
        """Do nothing yet.

        Args:
            store: to copy to.
            remote: to copy from.
            name: of the remote.
            wish: what.
            outside: for git, the time and the project's settings.
            step: is told how far it is.
        """
        self._store, self._remote, self._name = store, remote, name
        self._wish, self._outside, self._pool = wish, outside, Pool(step)
        self._code = Code(store, remote, outside)
        self._mirror = Mirror(store, remote, self._pool)
        self._events = 0
        self._objects: dict[str, int] = {}
        self._absent: set[str] = set()
        self._stopped: str | None = None
        self.moved: dict[str, Transfer] = {}

    def run(self) -> Synced:
        """Pull.

        Raises:
            NoSuchRunError, QueryError: the words name no run of the remote.
            RemoteError: nothing could be done at all.
        """
        with bringing(self._store.path):
            return self._run()

    def _run(self) -> Synced:
        try:
            if not knowing.is_store(self._remote):
                raise RemoteError(f"there is no store on `{self._remote.url}`", "`xt push` begins one")
            chosen = choosing.choose(
                self._mirror, self._wish.words, self._wish.asked, self._outside, alone=self._wish.alone
            )
            self.moved = {run_id: Transfer(run_id, "waiting") for run_id in chosen.runs}
            for run_id, reason in self._mirror.bad.items():
                if run_id in chosen.runs:
                    self.moved[run_id] = Transfer(run_id, "refused", reason=reason)
                else:
                    self._mirror.doubts.append(f"whether {run_id} is meant is not known: {reason}")
            wanted = [run_id for run_id in chosen.runs if run_id not in self._mirror.bad]
            for at in range(0, len(wanted), TOGETHER):
                self._together(wanted[at : at + TOGETHER], chosen)
            self._take_events(chosen)
        except RemoteError as error:
            if not any(one.state in ("copied", "completed") for one in self.moved.values()):
                raise
            self._stopped = error.message
        finally:
            self._pool.close()
            self._store.objects.discard()
        return self.report()

    def report(self) -> Synced:
        """Say what was done."""
        return Synced(
            "pull",
            self._name,
            self._remote.url,
            list(self.moved.values()),
            self._events,
            len(self._objects),
            sum(self._objects.values()),
            sorted(self._wish.asked),
            self._mirror.doubts,
            stopped=self._stopped,
        )

    def _together(self, wanted: list[str], chosen: Chosen) -> None:
        ones = [one for run_id in wanted if (one := self._read(run_id, chosen)) is not None]
        first = {one.run: list(parts.of(one.record, one.asked)) for one in ones}
        wrong = self._bring([part for found in first.values() for part in found])
        whole: dict[str, list[parts.Part]] = {}
        for one in ones:
            whole[one.run] = first[one.run]
            for part in first[one.run]:
                if part.sort == "manifest" and part.digest not in self._absent | wrong.keys():
                    try:
                        data = self._store.objects.read(part.digest)
                        whole[one.run] = [*whole[one.run], *parts.of_manifest(part, data)]
                    except XtError as error:
                        self._refuse(one.run, error.message)
        wrong |= self._bring([part for found in whole.values() for part in found])
        for one in ones:
            if self.moved[one.run].state != "refused":
                self._publish(one, whole[one.run], wrong)

    def _read(self, run_id: str, chosen: Chosen) -> _One | None:
        try:
            data = self._mirror.store.record_bytes(run_id)
            record = self._store.check_record(run_id, data)
            ours = self._ours(run_id)
            if ours is not None and ours != data:
                raise DamagedError("another record of this id is here: both are kept as they are")
        except XtError as error:
            self._refuse(run_id, error.message)
            return None
        return _One(run_id, record, data, chosen.runs[run_id], ours is None)

    def _ours(self, run_id: str) -> bytes | None:
        try:
            return self._store.record_bytes(run_id)
        except NotRecordedError:
            return None

    def _bring(self, wanted: list[parts.Part]) -> dict[str, XtError]:
        """Bring contents that are not here; say of which the remote gives something else."""
        objects = self._store.objects
        lacking = {
            part.digest: part
            for part in wanted
            if part.digest not in self._absent and not objects.hold(part.digest)
        }

        arrived: list[Arrived] = []

        def one(part: parts.Part) -> bool:
            found = fetch(self._remote, objects, part.digest, part.size)
            if found is not None:
                arrived.append(found)
            return found is not None

        wrong: dict[str, XtError] = {}
        for some in _batches(list(lacking.values())):
            try:
                for part, found in self._pool.each("pulling", one, some):
                    if isinstance(found, XtError):
                        wrong[part.digest] = found
                    elif not found:
                        self._absent.add(part.digest)
            finally:
                # Also when it is interrupted, or the remote fails: what is here need not come again.
                while arrived:
                    come = arrived.pop()
                    objects.arrived(come.digest, come.temporary, come.suffix)
                    self._objects[come.digest] = come.size
                objects.settle()
        return wrong

    def _publish(self, one: _One, found: list[parts.Part], wrong: dict[str, XtError]) -> None:
        """Put a record in place, if everything is here that always travels."""
        lacking = []
        for part in found:
            error = wrong.get(part.digest)
            if error is not None:
                self._refuse(one.run, f"{part.sort}: {part.name}: {error.message}")
                return
            if part.digest in self._absent:
                required = part.needed if part.sort == "manifest" else not part.extra
                if required and one.is_new:
                    what = f"{part.sort}: {part.name}"
                    self._refuse(one.run, f"{what}: the remote lost it; `xt push` brings it back")
                    return
                if part.needed or part.sort != "manifest":
                    lacking.append(f"{part.sort}: {part.name}")
        own = {part.digest for part in found} & self._objects.keys()
        count, size = len(own), sum(self._objects[digest] for digest in own)
        if "code" in one.asked:
            brought, missing = self._code.pull(one.record.snapshot)
            lacking += missing
            if brought:
                self._objects[f"code of {one.run}"] = brought
                count, size = count + 1, size + brought
        if one.is_new:
            try:
                self._store.publish(one.run, one.data)
            except DamagedError as error:
                self._refuse(one.run, error.message)
                return
            size += len(one.data)
            remember(self._store.path, one.record)
        if one.is_new or pulled.of(self._store, one.run) is not None:
            note = Pulled(self._name, self._remote.url, sorted(one.asked))
            pulled.note(self._store, one.run, note)
        state: State = "copied" if one.is_new else "completed" if count else "present"
        self.moved[one.run] = Transfer(one.run, state, count, size, lacking=lacking)

    def _take_events(self, chosen: Chosen) -> None:
        """Put in place what was said of runs that are here, and what is about none."""
        here = {*self._store.ids()}
        for name in chosen.events:
            with open(self._mirror.event(name), "rb") as file:
                data = file.read(events.LARGEST + 1)
            try:
                about = codec.decode(data, choosing.About, name).run
                if about is None or about in here:
                    self._events += events.publish(self._store.path, name, data)
            except DamagedError as error:
                self._mirror.doubts.append(error.message)

    def _refuse(self, run_id: str, reason: str) -> None:
        self.moved[run_id] = Transfer(run_id, "refused", reason=reason)


def _batches(wanted: list[parts.Part]) -> Iterator[list[parts.Part]]:
    """Contents that are put in place together."""
    some: list[parts.Part] = []
    size = 0
    for part in wanted:
        some.append(part)
        size += part.size or 0
        if len(some) == SETTLED or size >= SETTLED_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some
