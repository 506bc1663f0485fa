"""Every record: that it is whole, what was sealed, of the run it is named after, and where it must be."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from xt import fsio
from xt.errors import DamagedError, is_passing
from xt.model import runid
from xt.ops.upkeep import inventory
from xt.ops.upkeep.looking import LEFT, Look, One, Unread, why
from xt.store.store import MAX_RECORD, Store, is_whole

#: In a record, whatever else it says.
_ID = re.compile(rb'"id":"([k-z]{16})"')


def runs(look: Look) -> Iterator[One]:
    """Read every record once; give those that are whole, and suspect the others."""
    done = 0
    names = list(inventory.listed(look.store.path, "runs", look.unreadable))
    total = len(names)
    for folder in sorted(names):
        prefix = os.path.basename(folder.name)
        if not folder.is_folder or len(prefix) != 2:
            _odd(look, folder.name)
            continue
        look.step("checking runs", done, total)
        done += 1
        for file in sorted(inventory.listed(look.store.path, folder.name, look.unreadable)):
            base = os.path.basename(file.name)
            run_id = base.removesuffix(".json")
            if not (base.endswith(".json") and runid.is_id(run_id)) or run_id[:2] != prefix:
                _odd(look, file.name)
                continue
            look.count("runs")
            one = _read(look, file.name, run_id)
            if one is not None:
                yield one


def reason_of(path: str, run_id: str) -> tuple[One | None, str, str]:
    """Read a record; or say by which code and words it is no good, with no code when it is gone."""
    try:
        data = fsio.read_file(path, limit=MAX_RECORD)
    except FileNotFoundError:
        return None, "", ""
    except OSError as error:
        reason = why(path, error)
        return None, "unreadable" if isinstance(reason, Unread) else "record-damaged", reason
    if not data:
        return None, "record-damaged", "it is empty"
    if not is_whole(data):
        return None, "record-damaged", "it is not what was sealed: damaged, or changed by hand"
    try:
        return One(run_id, Store.check_record(run_id, data), data), "", ""
    except DamagedError as error:
        if error.hint == "update xt to read it":
            return None, "record-newer", "it was written by a newer xt, and says nothing to this one"
        return None, "record-damaged", error.message


def _read(look: Look, name: str, run_id: str) -> One | None:
    path = look.path(name)
    one, code, message = reason_of(path, run_id)
    if code == "unreadable":
        look.unreadable(name, message).concerns(run_id)
        look.unsure.append((name, run_id))
    elif code:
        found = look.suspect(code, name, message, lambda: reason_of(path, run_id)[1] == code)
        found.concerns(run_id)
        look.unsure.append((name, run_id))
        if code == "record-newer":
            found.hint = "update xt to have it checked"
    return one


def _odd(look: Look, name: str) -> None:
    """What is not named like a record of its folder."""
    base = os.path.basename(name)
    try:
        run_id = record_of(look.path(name))
    except OSError as error:
        look.unreadable(name, error.strerror or str(error))
        return
    if base.endswith(".tmp"):
        if look.age(name) > LEFT:
            look.suspect("leftover", name, "a record that was being written", lambda: _there(look, name))
    elif run_id is not None:
        found = look.suspect(
            "record-misplaced", name, f"it is the record of {run_id}", lambda: _there(look, name)
        )
        found.concerns(run_id)
    else:
        look.suspect("foreign", name, "it is not named like a record", lambda: _there(look, name))


def record_of(path: str) -> str | None:
    """The run of which a file of any name is a whole record; None when it is none.

    Raises:
        OSError: it cannot be told.
    """
    try:
        data = fsio.read_file(path, limit=MAX_RECORD)
    except OSError as error:
        if is_passing(error):
            raise
        return None
    if not is_whole(data):
        return None
    for match in _ID.finditer(data):
        run_id = match[1].decode()
        try:
            Store.check_record(run_id, data)
        except DamagedError:
            continue
        return run_id
    return None


def _there(look: Look, name: str) -> bool:
    return look.there(name)
