"""Which contents of a store somebody needs: marked from every root, before anything is swept."""

from __future__ import annotations

import os
from collections.abc import Container

from xt import codec
from xt.errors import DamagedError, NotRecordedError, XtError, is_unread
from xt.model.result import Start
from xt.ops.sync.pool import Step
from xt.ops.upkeep import inventory
from xt.ops.upkeep.holds import manifests, named, text
from xt.ops.upkeep.inventory import Raw
from xt.ops.upkeep.marks import Marks
from xt.ops.upkeep.survey import unlisted, whole
from xt.store import Store, pulled, trash

#: What a manifest begins with, in canonical JSON.
_BEGIN = b'{"entries":['


class Reached:
    """Everything that is named by what stays."""

    def __init__(self, store: Store, dropped: Container[str], runs: int, step: Step) -> None:
        """Mark.

        Args:
            store: to read.
            dropped: runs whose records and starts do not count.
            runs: about how many there are.
            step: is told how far it is.

        Raises:
            DamagedError: a record, or the list of a folder, cannot be read: so what it needs is not known.
        """
        self._store = store
        self._opened: set[bytes] = set()
        self.marks = Marks()
        for done, raw in enumerate(inventory.records(store, unlisted)):
            step("marking", done, max(done + 1, runs))
            if raw.run not in dropped:
                self._record(raw)
        for raw in inventory.starts(store, unlisted):
            if raw.run not in dropped:
                self._start(raw)
        for raw in inventory.events(store.path, unlisted):
            if raw.data is None:
                raise DamagedError(f"the event `.xt/{raw.name}` cannot be read: {raw.reason}", _HINT)
            self._loosely(named(raw.data))
        for folder in (inventory.QUARANTINE, inventory.JOBS):
            for file in inventory.walk(store.path, folder, unlisted):
                if file.is_file:
                    self._file(file.name)
        for name in trash.names(store.path):
            if name.startswith("runs/"):
                # One that a killed sweep moved there comes back with the next.
                self._file(os.path.relpath(trash.path(store.path, name), store.path))

    def _record(self, raw: Raw) -> None:
        record = whole(raw)
        if raw.data is not None:
            self.marks.add(named(raw.data))
        for part in manifests(record.snapshot, record.result):
            needed = part.needed and pulled.of(self._store, raw.run) is None
            self._open(part.digest, f"the list of `{part.name}` of {raw.run}", needed=needed)

    def _start(self, raw: Raw) -> None:
        if raw.data is None:
            raise DamagedError(f"the start of {raw.run} cannot be read: {raw.reason}", _HINT)
        self.marks.add(named(raw.data))
        try:
            start = codec.decode(raw.data, Start, f"the start of {raw.run}")
        except XtError:
            # Half of it after power loss, or of a newer xt.
            self._loosely(named(raw.data))
            return
        for part in manifests(start.snapshot, None):
            self._open(part.digest, f"the list of `{part.name}` of {raw.run}", needed=False)

    def _open(self, digest: str, what: str, *, needed: bool) -> None:
        """Mark what a manifest lists."""
        (own,) = named(digest.encode()) or (b"",)
        if own in self._opened:
            return
        try:
            for digests in inventory.mentions_of(self._store, digest):
                self.marks.add(digests)
        except NotRecordedError:
            if needed:
                raise DamagedError(f"{what} is not there", _HINT) from None
            return
        except DamagedError as error:
            raise DamagedError(f"{what} cannot be read: {error.message}", _HINT) from None
        self._opened.add(own)

    def _loosely(self, digests: set[bytes]) -> None:
        """Mark digests, and what those list that are manifests, as far as that can be seen."""
        self.marks.add(digests)
        for digest in digests - self._opened:
            self._opened.add(digest)
            try:
                with self._store.objects.open(text(digest)) as file:
                    is_list = file.read(len(_BEGIN)) == _BEGIN
                for listed in inventory.mentions_of(self._store, text(digest)) if is_list else ():
                    self.marks.add(listed)
            except NotRecordedError:
                continue
            except DamagedError as error:
                if is_unread(error):
                    raise DamagedError(error.message, _HINT) from error
                continue  # its name alone keeps it

    def _file(self, name: str) -> None:
        try:
            for digests in inventory.mentions(self._store.path, name):
                self._loosely(digests)
        except FileNotFoundError:
            return
        except OSError as error:
            raise DamagedError(f"`.xt/{name}` cannot be read: {error.strerror}", _HINT) from error


_HINT = "`xt fsck` tells what is wrong; nothing was removed, because what is needed is not known"
