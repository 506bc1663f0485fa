"""What lies about: temporary files, the trash, quarantine, places of repeats, notes of pulls."""

from __future__ import annotations

import os
import re

from xt import codec, fsio
from xt.errors import DamagedError
from xt.model import runid
from xt.model.sync import Pulled
from xt.ops.upkeep import inventory
from xt.ops.upkeep.aside import without
from xt.ops.upkeep.looking import LEFT, Look, One, Unread, why
from xt.store import trash

#: Begins with the number of the process that writes it.
_PID = re.compile(r"([0-9]{1,10})\..*")
_NOTE = 100_000


class Leftovers:
    """The check."""

    def __init__(self, look: Look) -> None:
        """Look at nothing yet."""
        self._look = look

    def begin(self) -> None:
        """Read the notes of pulls: by them is judged what may be missing."""
        look = self._look
        for file in inventory.walk(look.store.path, "pulled", look.unreadable):
            base = os.path.basename(file.name)
            run = base.removesuffix(".json")
            if file.is_folder and not base.endswith(".json"):
                continue
            if not (runid.is_id(run) and file.name == f"pulled/{run[:2]}/{run}.json"):
                if not base.endswith(".tmp"):
                    look.suspect("foreign", file.name, "it is not named like a note of a pull")
                elif look.age(file.name) > LEFT:
                    look.suspect("leftover", file.name, "a note that was being written")
                continue
            path = look.path(file.name)
            reason = note_fault(path)
            if isinstance(reason, Unread):
                look.unreadable(file.name, reason)
            elif reason is not None:
                found = look.suspect(
                    "pull-note-damaged",
                    file.name,
                    reason,
                    lambda path=path: note_fault(path) is not None,  # type: ignore[misc]
                )
                found.concerns(run, "what of it was brought")

    def run(self, one: One) -> None:
        """Nothing."""

    def end(self) -> None:
        """Look at the rest."""
        self._temporary()
        self._work()
        look = self._look
        in_trash = sum(1 for _ in trash.names(look.store.path))
        if in_trash:
            found = look.suspect("leftover", trash.FOLDER, "what a gc that was ended has left")
            found.count, found.hint = in_trash, "`xt gc` puts back what is wanted and drops the rest"
        aside = 0
        for file in inventory.walk(look.store.path, inventory.QUARANTINE, look.unreadable):
            aside += not file.is_folder
            self._lost(file.name)
        if aside:
            found = look.suspect("quarantined", inventory.QUARANTINE, "what was put aside as damaged")
            found.count, found.hint = aside, "remove it when you have no more use for it"

    def _lost(self, name: str) -> None:
        """A record that was put aside, of a run that has none now."""
        had = without(self._look.store.path, name)
        if had is not None and had.startswith("runs/"):
            run = os.path.basename(had).removesuffix(".json")
            found = self._look.suspect(
                "record-lost", name, "it was put aside as damaged, and no whole one is here", None
            )
            found.concerns(run)
            self._look.unsure.append((name, run))
            found.hint = "`xt pull` brings it from a store that has it; remove this file to let it go"

    def _temporary(self) -> None:
        look = self._look
        number = 0
        for file in inventory.listed(look.store.path, "tmp", look.unreadable):
            match = _PID.fullmatch(os.path.basename(file.name))
            alive = match is not None and _lives(int(match[1]))
            number += look.age(file.name) > LEFT and not alive
        if number:
            found = look.suspect("leftover", "tmp", "files that were being written")
            found.count, found.hint = number, "`xt gc` removes them"

    def _work(self) -> None:
        look = self._look
        for file in sorted(inventory.listed(look.store.path, "work", look.unreadable)):
            if file.is_folder and not _held(look.path(file.name) + ".lock"):
                kept = look.there(f"{file.name}/kept")
                if kept or look.age(file.name) > LEFT:
                    said = "a workspace that was to be kept" if kept else "a workspace that was left"
                    look.suspect("leftover", file.name, said)
        for file in sorted(inventory.listed(look.store.path, inventory.JOBS, look.unreadable)):
            if file.is_folder and look.age(file.name) > LEFT:
                look.suspect("leftover", file.name, "repeats that were handed out, and were not waited for")


def note_fault(path: str) -> str | None:
    """Say why a note of a pull is no good; None: it is, or it is gone."""
    try:
        codec.decode(fsio.read_file(path, _NOTE), Pulled, "it")
    except FileNotFoundError:
        return None
    except OSError as error:
        return why(path, error)
    except DamagedError as error:
        return error.message
    return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _held(path: str) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not fsio.try_lock(fd, shared=True)
    finally:
        os.close(fd)
