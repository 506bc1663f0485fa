"""Every later statement: that it can be read, is of its name, and about a run that is here."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from xt import codec, fsio
from xt.errors import DamagedError
from xt.model import runid
from xt.model.event import Swept
from xt.ops.upkeep import inventory
from xt.ops.upkeep.looking import LEFT, Look, One, Unread, why
from xt.store import events

#: Such as `2026/11/20261126093000000000-9f3a2c1e.tagged.json`.
_NAME = re.compile(r"events/([0-9]{4})/([0-9]{2})/(\1\2[0-9]{8,24}-[0-9a-f]{8})(\.[a-z][a-z-]{0,31})?\.json")

_SCHEMA = re.compile(rb'"schema":"xt\.event/[0-9]+"')


class Events:
    """The check."""

    def __init__(self, look: Look) -> None:
        """Look at nothing yet."""
        self._look = look

    def begin(self) -> None:
        """Nothing: what is said meanwhile may be about a run that ends meanwhile."""

    def run(self, one: One) -> None:
        """Nothing."""

    def end(self) -> None:
        """Read all of them."""
        look = self._look
        about: dict[str, int] = {}
        done = 0
        for file in inventory.walk(look.store.path, "events", look.unreadable):
            if file.is_folder and not file.name.endswith(".json"):
                continue
            if not _NAME.fullmatch(file.name):
                self._odd(file)
                continue
            look.count("events")
            done += 1
            look.step("checking statements", done, done)
            code, message, run, data = reason_of(look.path(file.name))
            known = not code or (code == "event-newer" and events.is_one(file.name))
            if known and data and not look.remembers(file.name, data):
                path = look.path(file.name)
                found = look.suspect(
                    "event-changed",
                    file.name,
                    "it is not what the index remembers of it",
                    lambda path=path, data=data: reason_of(path).data == data,  # type: ignore[misc]
                )
                if run is not None:
                    found.concerns(run, "what was said of it")
            elif code:
                self._suspect(file.name, code, message, run)
            elif run is not None and not self._known(run):
                about[run] = about.get(run, 0) + 1
        for said in events.every(look.store.path, Swept) if about else ():
            for run in said.runs:
                about.pop(run, None)  # `xt gc` leaves pins and deployments, which others follow upon
        for run, number in sorted(about.items()):
            found = look.suspect(
                "event-unheld",
                None,
                f"what was said about {run}, which is not here",
                lambda run=run: not self._known(run),  # type: ignore[misc]
            )
            found.count = number

    def _suspect(self, name: str, code: str, message: str, run: str | None) -> None:
        path = self._look.path(name)
        if code == "unreadable":
            self._look.unreadable(name, message)
            return
        found = self._look.suspect(code, name, message, lambda: reason_of(path).code == code)
        if run is not None:
            found.concerns(run, "what was said of it")

    def _odd(self, file: inventory.File) -> None:
        look, name = self._look, file.name
        if name.endswith(".tmp"):
            if look.age(name) > LEFT:
                look.suspect("leftover", name, "a statement that was being written")
            return
        look.suspect("foreign", name, "it is not named like a statement")

    def _known(self, run: str) -> bool:
        return self._look.there(f"runs/{run[:2]}/{run}.json") or self._look.there(f"live/{run}")


class Reason(NamedTuple):
    """What is wrong with a statement; no code: nothing."""

    code: str = ""
    message: str = ""
    run: str | None = None
    """It is about."""
    data: bytes = b""


def reason_of(path: str) -> Reason:
    """Read a statement."""
    base = os.path.basename(path)
    try:
        data = fsio.read_file(path, events.LARGEST)
    except FileNotFoundError:
        return Reason()
    except OSError as error:
        reason = why(path, error)
        return Reason("unreadable" if isinstance(reason, Unread) else "event-damaged", reason, None)
    if not data:
        return Reason("event-damaged", "it is empty", None)
    try:
        event_id, run = events.glance(data, "it")
    except DamagedError as error:
        return Reason("event-damaged", error.message, None)
    run = run if isinstance(run, str) and runid.is_id(run) else None
    if event_id != base.partition(".")[0]:
        return Reason("event-damaged", "it is another statement than its name says", run)
    if not events.is_one(path):
        return Reason("event-newer", "it is of a kind that is not known here", run)
    try:
        codec.decode(data, events.kind_of(base), "it")
    except DamagedError as error:
        newer = error.hint == "update xt to read it" and _SCHEMA.search(data) is not None
        return Reason("event-newer" if newer else "event-damaged", error.message, run, data)
    return Reason(run=run, data=data)
