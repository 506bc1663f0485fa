"""`xt push`: what a remote lacks is copied to it: contents first, then the record, then what was said of it.

Killed at any moment, the remote lists no run whose contents are not there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from xt import fsio
from xt.context import Outside
from xt.errors import DamagedError, NotRecordedError, RemoteError, XtError
from xt.model.event import Event, Observed, Pin, Removed, Verified
from xt.model.result import Record
from xt.model.sync import State, Synced, Transfer
from xt.ops.search import select
from xt.ops.sync import knowing, parts
from xt.ops.sync.code import Code, SecretFoundInCodeError
from xt.ops.sync.pool import Pool, Step
from xt.ops.sync.scanning import suspect
from xt.redact_scan import Sighting
from xt.store import Store, events, pulled
from xt.store.layout import FORMAT
from xt.store.remote import Remote, names
from xt.store.remote.objects import local, send
from xt.store.store import MAX_RECORD

#: Runs that are looked at and copied together.
TOGETHER = 512


class Wish(NamedTuple):
    """What is to travel."""

    words: tuple[str, ...] = ()
    """References or a query; none: every run."""
    asked: tuple[str, ...] = ()
    """Of `code`, `inputs`, `outputs`."""
    allow_secrets: bool = False


class _One(NamedTuple):
    """A run that is to be pushed."""

    run: str
    record: Record
    data: bytes
    found: list[parts.Part]


class Push:
    """One push. What was done is in `moved`, also when it was interrupted."""

    def __init__(
        self, store: Store, remote: Remote, name: str, wish: Wish, outside: Outside, step: Step
    ) -> None:
        """Do nothing yet.

        Args:
            store: to copy from.
            remote: to copy to.
            name: of the remote.
            wish: what.
            outside: for git, the time and the project's settings.
            step: is told how far it is.
        """
        self._store, self._remote, self._name = store, remote, name
        self._wish, self._outside, self._pool = wish, outside, Pool(step)
        self._code = Code(store, remote, outside)
        self._events = self._secrets = 0
        self._objects: dict[str, int] = {}
        self._stopped: str | None = None
        self._empty = False
        """Whether there was nothing on the remote a moment ago."""
        self._records: dict[str, bytes | int] = {}
        self._said: list[Event] = []
        self._doubts: list[str] = []
        self.moved: dict[str, Transfer] = {}

    def run(self) -> Synced:
        """Push.

        Raises:
            NoSuchRunError, QueryError: the words name no run.
            RemoteError: nothing could be done at all.
        """
        try:
            rows = select(self._store, self._outside, list(self._wish.words), trials=not self._wish.words)
            self._said, doubts = events.everything(self._store.path)
            self._doubts = [f"the event `{path}` cannot be read" for path in doubts]
            chosen = {row.id for row in rows}
            if not self._wish.words:
                chosen -= {*self._store.live_ids()}  # whoever asks for all asks for those there are
            order = [row.id for row in rows if row.id in chosen]
            wanted = list(dict.fromkeys([*order, *self._trials(chosen)]))
            self.moved = {run_id: Transfer(run_id, "waiting") for run_id in wanted}
            if not knowing.is_store(self._remote):
                self._remote.create(names.FORMAT, f"xt-store {FORMAT}\n".encode())
                self._empty = True
            # Those that others build on first.
            wanted.reverse()
            self._records = self._known_records(wanted)
            for at in range(0, len(wanted), TOGETHER):
                self._together(wanted[at : at + TOGETHER])
            if not self._wish.words and not self._empty:
                self._push_events(self._put_away({*wanted}))
        except RemoteError as error:
            if not any(one.state in ("copied", "completed") for one in self.moved.values()):
                raise
            self._stopped = error.message
        finally:
            self._pool.close()
        return self.report()

    def report(self) -> Synced:
        """Say what was done."""
        return Synced(
            "push",
            self._name,
            self._remote.url,
            list(self.moved.values()),
            self._events,
            len(self._objects),
            sum(self._objects.values()),
            sorted(self._wish.asked),
            self._doubts,
            single_writer=getattr(self._remote, "exclusive", True) is False,
            stopped=self._stopped,
            secrets=self._secrets,
        )

    def _trials(self, chosen: set[str]) -> list[str]:
        """The repeats that runs were judged by, which their noise is known from."""
        verified = [event for event in self._said if isinstance(event, Verified) and event.run in chosen]
        here = {*self._store.ids()} if verified else set()
        return [run_id for event in verified for run_id in event.repeats if run_id in here]

    def _put_away(self, chosen: set[str]) -> set[str]:
        """Runs that lists pass over, and that the remote has: what is said of them is news there too."""
        said = {event.run for event in self._said if isinstance(event, Removed)} - chosen
        ours = {names.of_run(run_id): run_id for run_id in said & {*self._store.ids()}} if said else {}
        return {ours[name] for name in knowing.sizes(self._remote, self._pool, list(ours))}

    def _together(self, wanted: list[str]) -> None:
        ones = [one for run_id in wanted if (one := self._read(run_id)) is not None]
        ones = [one for one in ones if self._is_ours(one)]
        lacking = self._lacking(ones)
        ones = [one for one in ones if self._may_leave(one, lacking)]
        sent = self._send({part.digest for one in ones for part in one.found} & lacking.keys(), lacking)
        ones = [one for one in ones if self._are_sent(one, sent)]
        if "code" in self._wish.asked:
            ones = [one for one in ones if self._push_code(one)]
        new = [one for one in ones if one.run not in self._records]
        for one, error in self._pool.each("pushing records", self._create_record, new):
            if isinstance(error, XtError):
                self._refuse(one.run, error.message)
        for one in ones:
            if self.moved[one.run].state != "refused":
                self._note(one, sent, is_new=one.run not in self._records)
        self._push_events({one.run for one in ones if self.moved[one.run].state != "refused"})

    # --- before anything leaves --------------------------------------------------------------------

    def _read(self, run_id: str) -> _One | None:
        """Read a run, and list what of it travels."""
        objects = self._store.objects
        try:
            record = self._store.record(run_id)
            found = []
            for part in parts.of(record, self._wish.asked):
                if part.sort == "manifest":
                    try:
                        inner = list(parts.of_manifest(part, objects.read(part.digest)))
                    except NotRecordedError:
                        if part.needed:
                            raise
                        continue  # a list of inputs that was not kept
                    found += [part, *inner]
                else:
                    found.append(part)
            kept = [part for part in found if objects.has(part.digest)]
            gone = [part for part in found if part.needed and not part.extra and part not in kept]
            if gone:
                raise NotRecordedError(f"{gone[0].sort}: {gone[0].name}: its content is not in this store")
        except XtError as error:
            self._refuse(run_id, error.message)
            return None
        if pulled.of(self._store, run_id) is None:
            # Of one that was pulled it need not be here: it is where the run came from.
            missing = [f"{part.sort}: {part.name}" for part in found if part not in kept]
            self.moved[run_id] = replace(self.moved[run_id], lacking=missing)
        return _One(run_id, record, self._store.record_bytes(run_id), kept)

    def _known_records(self, wanted: list[str]) -> dict[str, bytes | int]:
        """Records on the remote: their bytes, or of many only the size."""
        if self._empty:
            return {}
        if len(wanted) > knowing.MANY_RUNS:
            by_name = {names.of_run(run_id): run_id for run_id in wanted}
            found = knowing.sizes(self._remote, self._pool, list(by_name))
            return {by_name[name]: size for name, size in found.items()}
        done = self._pool.each("looking", self._there, wanted)
        return {run_id: data for run_id, data in done if isinstance(data, bytes)}

    def _there(self, run_id: str) -> bytes | None:
        try:
            return self._remote.read(names.of_run(run_id), MAX_RECORD)
        except FileNotFoundError:
            return None

    def _is_ours(self, one: _One) -> bool:
        there = self._records.get(one.run)
        if there is None or there == one.data or there == len(one.data):
            return True
        self._refuse(one.run, "the remote has another record of this id: both are kept as they are")
        return False

    def _lacking(self, ones: Iterable[_One]) -> dict[str, str | None]:
        """Contents that the remote does not have → what is wrong with the copy it has, if it has one."""
        places = {}
        for digest in {part.digest for one in ones for part in one.found}:
            found = local(self._store.objects, digest)
            if found is not None:
                places[names.of_object(digest, found.suffix)] = (digest, found)
        there = {} if self._empty else knowing.sizes(self._remote, self._pool, list(places))
        lacking: dict[str, str | None] = {}
        for name, (digest, found) in places.items():
            if name not in there:
                lacking[digest] = None
            elif there[name] != found.size and not found.suffix:
                # Two compressors may differ, two copies of bytes may not.
                lacking[digest] = f"`{name}` on the remote has {there[name]} bytes, and not {found.size}"
        return lacking

    def _may_leave(self, one: _One, lacking: dict[str, str | None]) -> bool:
        """Whether nothing speaks against a run: a damaged copy on the remote, or what looks like a secret."""
        for part in one.found:
            if lacking.get(part.digest):
                self._refuse(one.run, f"{lacking[part.digest]}: it is damaged there, and never overwritten")
                return False
        if self._wish.allow_secrets:
            return True
        inside = suspect([one.data])
        if inside is not None:
            return self._is_secret(one.run, "its record", inside.what)
        for part in one.found:
            seen = self._suspect(part) if part.digest in lacking else None
            if seen is not None:
                where = "" if part.sort == "manifest" else f":{seen.line}"
                return self._is_secret(one.run, f"{part.sort}: {part.name}{where}", seen.what)
        return True

    def _suspect(self, part: parts.Part) -> Sighting | None:
        allowing = part.sort not in ("log", "manifest")
        try:
            return suspect(self._store.objects.stream(part.digest), allowing=allowing)
        except XtError:
            return None  # it is damaged here, and does not leave for that reason

    def _is_secret(self, run_id: str, where: str, what: str | None = None) -> bool:
        more = f": {what}" if what is not None else ""
        self._refuse(run_id, f"something that looks like a secret is in {where}{more}", secret=True)
        return False

    # --- copying -----------------------------------------------------------------------------------

    def _send(self, wanted: set[str], lacking: dict[str, str | None]) -> dict[str, int | XtError]:
        """Send contents; give the bytes of each, or why it was not sent."""

        def one(digest: str) -> int:
            found = local(self._store.objects, digest)
            if found is None:
                raise NotRecordedError(f"object {digest[:15]}… is not in this store (any more)")
            return found.size if send(self._remote, self._store.objects, digest, found) else 0

        wanted = {digest for digest in wanted if lacking[digest] is None}
        done: dict[str, int | XtError] = dict(self._pool.each("pushing", one, sorted(wanted)))
        self._objects |= {digest: size for digest, size in done.items() if isinstance(size, int) and size}
        return done

    def _are_sent(self, one: _One, sent: dict[str, int | XtError]) -> bool:
        for part in one.found:
            error = sent.get(part.digest)
            if isinstance(error, XtError):
                self._refuse(one.run, f"{part.sort}: {part.name}: {error.message}")
                return False
        return True

    def _push_code(self, one: _One) -> bool:
        try:
            size = self._code.push(one.record.snapshot, scan=not self._wish.allow_secrets)
        except SecretFoundInCodeError as error:
            return self._is_secret(one.run, f"code: {error}")
        except NotRecordedError as error:
            if pulled.of(self._store, one.run) is None:
                before = self.moved[one.run]
                lacking = [*before.lacking, f"code: {error.message}"]
                self.moved[one.run] = replace(before, lacking=lacking)
            return True
        if size:
            self._objects[f"code of {one.run}"] = size
            self.moved[one.run] = replace(self.moved[one.run], objects=1, size=size)
        return True

    def _create_record(self, one: _One) -> None:
        recipe = one.record.snapshot.recipe
        if one.record.snapshot.recipe_doubt is None:
            # Which runs repeat each other, for those who cannot read every record to find out.
            self._remote.create(names.of_recipe(recipe) + one.run, b"\n")
        if not self._remote.create(names.of_run(one.run), one.data) and self._there(one.run) != one.data:
            raise DamagedError("the remote has another record of this id: both are kept as they are")

    def _push_events(self, runs: set[str]) -> None:
        """Send what was said of runs that are there now, and what is about none."""
        new = [event for event in self._said if _travels(event, runs)]
        paths = {_name(event): event for event in new}
        if len(paths) >= knowing.MANY:
            there = knowing.sizes(self._remote, self._pool, list(paths))
            paths = {name: event for name, event in paths.items() if name not in there}

        def one(name: str) -> bool | None:
            data = fsio.read_file(f"{self._store.path}/{name}", events.LARGEST)
            if not self._wish.allow_secrets and suspect([data]) is not None:
                return None
            return self._remote.create(name, data)

        for name, done in self._pool.each("pushing events", one, sorted(paths)):
            if isinstance(done, XtError):
                self._doubts.append(done.message)
            elif done is None:
                self._secrets += 1
                self._doubts.append(f"`{name}` was kept back: something in it looks like a secret")
            else:
                self._events += done
        # What is about no run went with the first.
        self._said = [event for event in self._said if getattr(event, "run", None) is not None]

    def _note(self, one: _One, sent: dict[str, int | XtError], *, is_new: bool) -> None:
        own = [sent[digest] for digest in {part.digest for part in one.found} if digest in sent]
        sizes = [size for size in own if isinstance(size, int) and size]
        before = self.moved[one.run]
        count, size = before.objects + len(sizes), before.size + sum(sizes) + len(one.data) * is_new
        state: State = "copied" if is_new else "completed" if count else "present"
        self.moved[one.run] = replace(before, state=state, objects=count, size=size)

    def _refuse(self, run_id: str, reason: str, *, secret: bool = False) -> None:
        self.moved[run_id] = Transfer(run_id, "refused", reason=reason, secret=secret)


def _name(event: Event) -> str:
    return f"{names.EVENTS}{event.id[:4]}/{event.id[4:6]}/{event.id}{events.KINDS[type(event)]}.json"


def _travels(event: Event, runs: set[str]) -> bool:
    run = getattr(event, "run", None)
    return run in runs if run is not None else isinstance(event, (Pin, Observed))
