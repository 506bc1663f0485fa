"""What killed processes left: half-written files, folders nobody watches, caches nobody asks for."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial

from xt import fsio
from xt.errors import is_passing
from xt.model import runid
from xt.ops.away.slots import Slots
from xt.ops.away.sweeping import left
from xt.ops.repeat.workspace import Left, lefts
from xt.ops.upkeep import inventory
from xt.ops.upkeep.dropping import remove_live
from xt.ops.upkeep.inventory import File
from xt.ops.upkeep.survey import Survey, unlisted
from xt.ops.upkeep.tally import Tally
from xt.store import Store
from xt.store.launches import going_on

#: Folders in which files are written under a temporary name, beside the one they get.
_WRITTEN = ("runs", "events", "pulled", "live", "cache")
#: Nanoseconds after which what was read of a remote, and not added to since, is read anew if it is asked for.
_MIRRORED = 30 * 86_400 * 10**9


def litter(store: Store, known: Survey, cutoff: int, now: int, tally: Tally) -> None:
    """Remove it.

    Args:
        store: to tidy.
        known: its runs.
        cutoff: nanoseconds since 1970; what is newer may be somebody's.
        now: likewise.
        tally: counts.
    """
    _staged(store.path, cutoff, tally)
    _half_written(store.path, cutoff, tally)
    _live(store, known, cutoff, tally)
    _pulled(store, known, cutoff, tally)
    for found in lefts(store.path):
        _whole(store.path, found.name, "workspaces", partial(_workspace, found), tally)
    for file in inventory.listed(store.path, inventory.JOBS, unlisted):
        if file.is_folder:
            _job(store.path, file, tally)
    for file in inventory.listed(store.path, "cache/remotes", unlisted):
        if file.is_folder and _newest(store.path, file) < now - _MIRRORED:
            _whole(store.path, file.name, "caches", partial(_tree, f"{store.path}/{file.name}"), tally)


def _staged(store: str, cutoff: int, tally: Tally) -> None:
    """What was to become an object, an index of git or a pack."""
    for file in inventory.listed(store, "tmp", unlisted):
        if file.is_folder:
            if _newest(store, file) < cutoff:
                _whole(store, file.name, "temporary files", partial(_tree, f"{store}/{file.name}"), tally)
        elif file.mtime < cutoff:
            tally.take("temporary files", file, partial(_unlink, f"{store}/{file.name}"))


def _half_written(store: str, cutoff: int, tally: Tally) -> None:
    for folder in _WRITTEN:
        walked = inventory.listed if folder == "live" else inventory.walk
        for file in walked(store, folder, unlisted):
            if file.name.endswith(".tmp") and file.is_file and file.mtime < cutoff:
                tally.take("temporary files", file, partial(_unlink, f"{store}/{file.name}"))
    for file in inventory.listed(store, "", unlisted):
        if file.name.endswith(".tmp") and file.is_file and file.mtime < cutoff:
            tally.take("temporary files", file, partial(_unlink, f"{store}/{file.name}"))


def _live(store: Store, known: Survey, cutoff: int, tally: Tally) -> None:
    """Folders of runs that never began, or that have a record by now; pointers of launches to such runs."""
    for file in inventory.listed(store.path, "live", unlisted):
        base = os.path.basename(file.name)
        path = f"{store.path}/{file.name}"
        if file.is_folder and runid.is_id(base):
            begun = fsio.is_there(f"{path}/start.json") and not fsio.is_there(
                f"{store.path}/runs/{base[:2]}/{base}.json"
            )
            if begun or file.mtime >= cutoff or going_on(path):
                continue
            _whole(store.path, file.name, "runs in flight", partial(remove_live, path), tally)
        elif base.endswith(".launch") and file.is_file and file.mtime < cutoff:
            try:
                run_id = fsio.read_file(path, limit=64).decode("ascii", "replace")
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                if is_passing(error):
                    raise
                run_id = ""
            if not (runid.is_id(run_id) and going_on(store.live_folder(run_id))):
                tally.take("temporary files", file, partial(_unlink, path))


def _pulled(store: Store, known: Survey, cutoff: int, tally: Tally) -> None:
    """Where runs came from that are not here any more."""
    for file in inventory.walk(store.path, "pulled", unlisted):
        run_id = os.path.basename(file.name).removesuffix(".json")
        gone = runid.is_id(run_id) and run_id not in known.runs
        if gone and file.is_file and file.mtime < cutoff:
            tally.take("records", file, partial(_unlink, f"{store.path}/{file.name}"))


def _job(store: str, file: File, tally: Tally) -> None:
    """The folder of repeats elsewhere for which nobody waits; who makes them finds nothing to do."""
    slots = Slots(f"{store}/{file.name}")
    try:
        lock = os.open(f"{slots.folder}/lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if fsio.try_lock(lock) and left(slots):
            _whole(store, file.name, "jobs", lambda: _done(slots.remove), tally)
    finally:
        os.close(lock)


def _workspace(found: Left) -> bool:
    return found.remove()


def _whole(store: str, name: str, sort: str, remove: Callable[[], bool], tally: Tally) -> None:
    """Remove a folder, and count all that is in it."""
    files = [*_tree_of(store, name)]
    if files and tally.take(sort, files[0], remove):
        for file in files[1:]:
            tally.count(sort, file)


def _tree_of(store: str, name: str) -> Iterator[File]:
    own = inventory.look(store, name)
    if own is not None:
        yield own
        yield from inventory.walk(store, name, lambda *_: None)


def _newest(store: str, folder: File) -> int:
    """Time of what was changed last in a folder."""
    return max(file.mtime for file in (folder, *inventory.walk(store, folder.name, unlisted)))


def _tree(path: str) -> bool:
    shutil.rmtree(path)
    return True


def _unlink(path: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return True


def _done(action: Callable[[], object]) -> bool:
    action()
    return True
