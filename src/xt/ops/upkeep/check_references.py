"""Every content that a record names: that it is here, unless it was never to be."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import Literal, NamedTuple

from xt import fsio
from xt.errors import DamagedError, XtError, is_passing, is_unread
from xt.model.sync import EXTRA, Pulled
from xt.ops.sync import parts
from xt.ops.sync.parts import Part
from xt.ops.upkeep import holds, inventory
from xt.ops.upkeep.check_objects import ZST, damaged, fault_of
from xt.ops.upkeep.looking import Look, One, Suspect, Unread
from xt.store import pulled
from xt.store.objects import WHOLE

#: Manifests whose entries are remembered to be good.
_REMEMBERED = 200_000
_NOBODY = Pulled("", "")


class _Lack(NamedTuple):
    """An entry of a manifest that is not as it must be."""

    part: Part
    how: Literal["missing", "damaged"]


class References:
    """The check."""

    def __init__(self, look: Look) -> None:
        """Look at nothing yet."""
        self._look = look
        self._missing: dict[str, Suspect] = {}
        self._manifests: dict[tuple[str, bool], tuple[_Lack, ...]] = {}
        self._away: dict[str, int] = {}

    def begin(self) -> None:
        """Nothing."""

    def run(self, one: One) -> None:
        """Look at all that a run names."""
        whence: Pulled | None = None
        for part in parts.of(one.record, EXTRA):
            for lack in self._lacks(part):
                if lack.how == "missing" and whence is None:
                    whence = pulled.of(self._look.store, one.run) or self._note(one.run)
                self._tell(one, lack, whence or _NOBODY)

    def end(self) -> None:
        """Say of how many runs something was not brought."""
        for run, number in sorted(self._away.items()):
            found = self._look.suspect(
                "not-brought", None, f"{number} of its contents were not brought with it", None
            )
            found.concerns(run)
            found.count = number
            found.hint = f"`xt pull {run[:8]} --outputs` brings what the remote has"

    def _note(self, run: str) -> Pulled:
        """A note of a pull that cannot be read counts as one: what is missing may never have been here."""
        return Pulled("?", "") if self._look.pulled_somehow(run) else _NOBODY

    def _lacks(self, part: Part) -> tuple[_Lack, ...]:
        """What is wrong with a content, or with those that it lists."""
        how = self._how(part)
        if how is not None:
            return (_Lack(part, how),) if how == "damaged" or part.needed else ()
        if part.sort != "manifest" or not self._here(part.digest):
            return ()
        key = part.digest, part.needed
        if key in self._manifests:
            # The names are those of the run that came first with it: the same tree may be called otherwise.
            return tuple(lack._replace(part=_renamed(lack.part, part.name)) for lack in self._manifests[key])
        found = self._inside(part)
        if len(self._manifests) < _REMEMBERED:
            self._manifests[key] = tuple(
                lack._replace(part=lack.part._replace(name=lack.part.name[len(part.name.rstrip("/")) :]))
                for lack in found
            )
        return found

    def _inside(self, part: Part) -> tuple[_Lack, ...]:
        try:
            data = self._look.store.objects.read(part.digest)
            inner = list(parts.of_manifest(part, data))
        except DamagedError as error:
            return (_Lack(part, "damaged"),) if self._unlisted(part, error) else ()
        except XtError:
            return (_Lack(part, "missing"),) if part.needed else ()
        found = []
        for entry in inner:
            how = self._how(entry)
            if how == "damaged" or (how == "missing" and entry.needed):
                found.append(_Lack(entry, how))
        return tuple(found)

    def _unlisted(self, part: Part, error: DamagedError) -> bool:
        """A manifest whose content is that of its name and is no list; or one too large to be read yet.

        Returns:
            False when it only could not be read.
        """
        look, name = self._look, self._name(part.digest)
        if part.digest in look.bad:
            return True
        reason = Unread(_cause(error)) if is_unread(error) else fault_of(look.path(name), part.digest)
        if isinstance(reason, Unread):
            look.unreadable(name, reason)
            return False
        if reason is not None:
            damaged(look, name, part.digest, reason)
            return True
        found = look.suspect("manifest-damaged", name, error.message)
        found.hint = "it is as it was stored, and never was a list: the run must be made again"
        look.bad[part.digest] = found
        return True

    def _how(self, part: Part) -> Literal["missing", "damaged"] | None:
        look = self._look
        if part.digest in look.bad:
            return "damaged"
        try:
            name = look.store.objects.name(part.digest)
        except DamagedError:
            return None  # no digest: nothing of the store
        try:
            info = os.lstat(name)
        except OSError as error:
            if is_passing(error):
                look.unreadable(fsio.relative_to(name, look.store.path), error.strerror or str(error))
                return None
            return None if look.there(fsio.relative_to(name + ZST, look.store.path)) else "missing"
        # What is smaller was read. The size tells of one that was not, and is torn.
        if part.size is None or info.st_size in (part.size, 0) or max(info.st_size, part.size) <= WHOLE:
            return None
        if look.deep or not stat.S_ISREG(info.st_mode):
            return None
        found = damaged(
            look,
            self._name(part.digest),
            part.digest,
            f"it has {info.st_size} bytes instead of {part.size}",
        )
        found.size = part.size
        return "damaged"

    def _here(self, digest: str) -> bool:
        try:
            return self._look.store.objects.has(digest)
        except DamagedError:
            return False
        except OSError:
            return True  # who reads it is told why it cannot be read

    def _tell(self, one: One, lack: _Lack, whence: Pulled) -> None:
        look, part = self._look, lack.part
        sort = ("outputs" if part.needed else "inputs") if part.sort == "manifest" else part.sort
        named = f"{sort}: {part.name}" + (" (the list of its files)" if part.sort == "manifest" else "")
        if lack.how == "damaged":
            found = look.bad[part.digest]
        elif whence.remote and part.extra and part.sort != "manifest":
            self._away[one.run] = self._away.get(one.run, 0) + 1
            return
        else:
            found = self._lost(part.digest, one.run)
        found.concerns(one.run, named)
        found.lists = found.lists or part.sort == "manifest"
        found.size = part.size if found.size is None else found.size
        if sort in ("outputs", "inputs", "metrics") and len(found.places) < 100:
            found.places.add((one.run, part.name))

    def _lost(self, digest: str, run: str) -> Suspect:
        if digest not in self._missing:
            look, name = self._look, self._name(digest)

            def again() -> bool:
                # Put there meanwhile; or the runs were dropped, which is why it could go.
                gone = not self._here(digest)
                return gone and any(_recorded(look, run) for run in found.runs)

            found = look.suspect("object-missing", name, "it is not here", again)
            found.digest = digest
            self._missing[digest] = found
        return self._missing[digest]

    def _name(self, digest: str) -> str:
        """Where a content is or would be, relative to the store."""
        name = f"objects/{digest[7:9]}/{digest[7:]}"
        packed = not self._look.there(name) and self._look.there(name + ZST)
        return name + ZST if packed else name


def _renamed(part: Part, name: str) -> Part:
    return part._replace(name=name.rstrip("/") + part.name)


def _cause(error: DamagedError) -> str:
    cause = error.__cause__
    return (cause.strerror if isinstance(cause, OSError) else None) or error.message


def _recorded(look: Look, run: str) -> bool:
    return look.there(f"runs/{run[:2]}/{run}.json")


def unsure(look: Look) -> None:
    """Say which damaged contents are named by damaged records too; what else those need is not known."""
    for name, run in look.unsure if look.bad else ():
        with contextlib.suppress(OSError):
            for digests in inventory.mentions(look.store.path, name):
                for digest in map(holds.text, digests):
                    if digest in look.bad:
                        look.bad[digest].concerns(run, "named by its record, which is no good itself")
