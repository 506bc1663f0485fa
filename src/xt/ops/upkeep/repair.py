"""`xt fsck --repair`: mend what was found. Nothing is deleted; ended at any moment, it can be done anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack

from xt import fsio
from xt.errors import StoreError, XtError
from xt.ops.upkeep import repair_code, repair_contents, repair_records, repair_store
from xt.ops.upkeep.aside import put_aside
from xt.ops.upkeep.check_code import Code
from xt.ops.upkeep.check_references import References
from xt.ops.upkeep.looking import Look, One, Suspect
from xt.ops.upkeep.mending import Mending
from xt.ops.upkeep.sources import Places, Sources
from xt.store import holding
from xt.store.layout import FOLDERS

#: By code, in the order in which they are mended.
REPAIRS: dict[str, Callable[[Mending, Suspect], None]] = {
    "format-missing": repair_store.format_file,
    "format-damaged": repair_store.format_file,
    "key-missing": repair_store.key,
    "key-damaged": repair_store.key,
    "pull-note-damaged": repair_store.pull_note,
    "record-misplaced": repair_records.misplaced,
    "record-missing": repair_records.damaged,
    "record-damaged": repair_records.damaged,
    "record-lost": repair_records.damaged,
    "start-damaged": repair_records.start,
    "object-missing": repair_contents.mend,
    "object-damaged": repair_contents.mend,
    "object-misplaced": repair_contents.misplaced,
    "code-damaged": repair_code.damaged,
    "code-missing": repair_code.missing,
    "event-damaged": repair_records.event,
    "event-changed": repair_records.event,
    "index-damaged": repair_store.index,
    "index-disagrees": repair_store.index,
}
#: After this one, what restored records name is looked at.
_RECORDS = "record-lost"
#: After these, what restored lists name is looked at, and mended.
_CONTENTS = ("object-missing", "object-damaged")


def repair(look: Look, places: Places) -> None:
    """Mend what was found; each suspect says what came of it.

    Args:
        look: that was taken.
        places: remotes to ask for what is missing.

    Raises:
        StoreError: the store cannot be written, or somebody else repairs or sweeps it.
    """
    with ExitStack() as held:
        try:
            held.enter_context(holding.sweeping(look.store.path))
        except OSError as error:
            raise StoreError(
                f"the store cannot be repaired: `{look.store.path}` cannot be written: {error.strerror}",
                "without `--repair` it is only looked at",
            ) from error
        for one in look.suspects:
            if one.code == "folder-damaged" and one.path is not None:
                one.aside = put_aside(look.store.path, one.path)
                one.repaired = "an empty folder is there now"
        for folder in FOLDERS:
            if not look.there(folder):
                os.makedirs(look.path(folder), fsio.PRIVATE_DIR, exist_ok=True)
        misplaced = [one for one in look.suspects if one.code == "object-misplaced"]
        sources = Sources(look.store, look.outside, places, misplaced)
        mending = Mending(look, sources)
        for code, mend in REPAIRS.items():
            _each(mending, code, mend)
            if code == _RECORDS:
                _look_at(look, mending.restored)
            if code == _CONTENTS[-1]:
                lists = [one for one in look.suspects if one.lists and one.repaired is not None]
                _look_at(look, sorted({run for one in lists for run in one.runs}))
                for again in _CONTENTS:
                    _each(mending, again, mend)


def _each(mending: Mending, code: str, mend: Callable[[Mending, Suspect], None]) -> None:
    some = [one for one in mending.look.suspects if one.code == code and one.repaired is None]
    for done, suspect in enumerate(some):
        mending.look.step("repairing", done, len(some))
        try:
            mend(mending, suspect)
        except (OSError, XtError) as error:
            said = error.message if isinstance(error, XtError) else error.strerror or str(error)
            mending.sources.places.doubts.append(f"{suspect.path or suspect.code}: {said}")


def _look_at(look: Look, runs: list[str]) -> None:
    """Look at what runs name whose records were brought back."""
    before = len(look.suspects)
    checks = (References(look), Code(look))
    for run in runs:
        if not look.there(f"runs/{run[:2]}/{run}.json"):
            continue  # a damaged record names it too
        data = look.store.record_bytes(run)
        for check in checks:
            check.run(One(run, look.store.check_record(run, data), data))
    for check in checks:
        check.end()
    # What was known before is not told twice.
    known = {(one.code, one.path): one for one in look.suspects[:before]}
    for one in look.suspects[before:]:
        other = known.get((one.code, one.path))
        if other is not None and one.path is not None:
            other.runs |= one.runs
            other.places |= one.places
            look.suspects.remove(one)
