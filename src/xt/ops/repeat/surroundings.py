"""What surrounds a repeat: as recorded, then varied and pinned as asked."""

from __future__ import annotations

import os
import sys
from datetime import datetime

from xt.execute import mounts
from xt.execute.vary import PINS, VARIATIONS, Around, ImpossibleError
from xt.execute.vary.enter import enter
from xt.model.snapshot import Snapshot
from xt.ops.repeat.places import Was
from xt.ops.repeat.wish import Wish
from xt.ops.repeat.workspace import Workspace

#: The variation that is of use before there is a workspace, and the pin that keeps the recorded path.
PATH = "path"


def folder_name(wish: Wish) -> str | None:
    """Name of the workspace's folder, if it is to have another than the project's."""
    if PATH not in wish.varied:
        return None
    trial = Around({}, os.devnull)
    VARIATIONS.get(PATH)(trial)
    return trial.folder_name


def around(
    wish: Wish, snapshot: Snapshot, started_at: str, values: dict[str, str], place: Workspace, store: str
) -> tuple[Around, list[str]]:
    """Describe the surroundings.

    Args:
        wish: with the names of variations and pins.
        snapshot: causes of the run.
        started_at: of the run, RFC 3339.
        values: variables as they are meant to be.
        place: where it runs.
        store: path of `.xt`.

    Returns:
        The surroundings, and what was varied and pinned, in words.

    Raises:
        ImpossibleError: one of them cannot be had here.
    """
    cache = f"{store}/cache/vary"
    os.makedirs(cache, 0o700, exist_ok=True)
    found = Around(values, place.scratch, cache)
    found.umask = int(snapshot.environment.umask, 8)
    found.started = int(datetime.fromisoformat(started_at).timestamp())
    said = [VARIATIONS.get(name)(found) for name in wish.varied]
    said += [PINS.get(name)(found) for name in wish.pinned]
    return found, said


def may_mount() -> bool:
    """Whether this process could have a mount namespace of its own; tried in another one."""
    if not sys.platform.startswith("linux"):
        return False
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            trial = Around({}, os.devnull)
            trial.namespaces.add("mount")
            enter(trial)
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


def before(around: Around, was: Was) -> None:
    """Check what `after` will need, while nothing has been changed.

    Raises:
        ImpossibleError: there is no folder to mount over.
    """
    if around.moved and not os.path.isdir(was.top):
        raise ImpossibleError(f"`{was.top}`, where it ran, is not there to mount over")


def after(around: Around, was: Was, place: Workspace, store: str) -> None:
    """Do to a workspace that is complete what the surroundings want of it.

    Raises:
        OSError: it cannot be done.
    """
    if around.file_times is not None:
        _date(place.top, around.file_times)
    if around.moved:
        if store.startswith(was.top + "/"):
            # What is below the mounted folder is out of sight; the store must not be.
            inside = os.path.join(place.top, os.path.relpath(store, was.top))
            os.makedirs(inside)
            mounts.bind(store, inside, read_only=False)
        mounts.bind(place.top, was.top, read_only=False)
        place.over.append(was.top)


def _date(top: str, seconds: int) -> None:
    mounted = mounts.mounts_below(top)
    for folder, folders, names in os.walk(top):
        folders[:] = [
            name for name in folders if name != ".git" and os.path.join(folder, name) not in mounted
        ]
        for name in names:
            path = os.path.join(folder, name)
            if path not in mounted:
                os.utime(path, (seconds, seconds), follow_symlinks=False)
