"""Whether a store is as it must be after whatever happened to a process that wrote to it."""

from __future__ import annotations

import json
import os
import stat
import subprocess

from blake3 import blake3

from xt.errors import XtError
from xt.store import Store, events
from xt.store.objects import decompressed

#: What of a store is immutable, or may only be added to.
LASTING = ("runs", "objects", "events", "pulled", "key", "format")


def faults(path: str, *, code: bool = True) -> list[str]:
    """What is wrong with a store; a folder where there is none yet has nothing wrong.

    Args:
        path: of `.xt`, or of a remote.
        code: whether snapshots are looked at, too.
    """
    if not os.path.exists(f"{path}/format"):
        return [f"a record without a store: {path}"] if os.path.exists(f"{path}/runs") and _any(path) else []
    store = Store.open(path)
    found: list[str] = []
    for run_id in store.ids() if os.path.isdir(f"{path}/runs") else ():
        try:
            record = json.loads(store.record_bytes(run_id))
            found += [f"{run_id}: {fault}" for fault in _references(store, record, code=code)]
        except XtError as error:
            found.append(error.message)
    for folder, _, names in os.walk(f"{path}/objects"):
        for name in names:
            if name.startswith(".xt-") and name.endswith(".tmp"):
                continue  # left by a push
            found += _object(f"{folder}/{name}")
    found += [f"a damaged event: {doubt}" for doubt in events.everything(path).doubts]
    for folder, _, names in os.walk(path):
        mine = ("/code.git" not in folder) and ("/work/" not in folder)
        found += [
            f"open to others: {folder}/{name}"
            for name in names
            if mine and os.lstat(f"{folder}/{name}").st_mode & 0o022
        ]
    return found


def _any(path: str) -> bool:
    return any(names for _, _, names in os.walk(f"{path}/runs"))


def _object(path: str) -> list[str]:
    name = os.path.basename(path)
    with open(path, "rb") as file:
        data = file.read()
    try:
        data = decompressed(data) if name.endswith(".zst") else data
    except ValueError as error:
        return [f"object {name}: {error}"]
    wrong = blake3(data).hexdigest() != name.removesuffix(".zst")
    return [f"object {name} is not what its name says"] if wrong else []


def _references(store: Store, record: dict, *, code: bool) -> list[str]:
    """What a record names and the store does not have."""
    result, snapshot = record["result"], record["snapshot"]
    named = [stream["digest"] for stream in result["logs"]["streams"] if stream.get("digest")]
    named += [result["logs"]["timing"]] if result["logs"].get("timing") else []
    named += [snapshot["command"]["stdin_digest"]] if snapshot["command"].get("stdin_digest") else []
    named += [
        metric["series"] for metric in result["metrics"] if str(metric.get("series")).startswith("blake3:")
    ]
    for output in result["outputs"]:
        if output["status"] == "stored" and output.get("digest"):
            named.append(output["digest"])
            if output["kind"] == "dir":
                entries = json.loads(store.objects.read(output["digest"]))["entries"]
                named += [entry["digest"] for entry in entries if entry.get("digest")]
    found = [f"{digest} is not there" for digest in named if not store.objects.has(digest)]
    tree = snapshot["code"].get("tree")
    if code and snapshot["code"]["status"] == "recorded" and tree is not None:
        found += _code(store.path, tree.removeprefix("git:"))
    return found


def _code(path: str, tree: str) -> list[str]:
    if not os.path.isdir(f"{path}/code.git"):
        return ["its code is gone"]
    environ = {**os.environ, "GIT_DIR": f"{path}/code.git"}
    borrowed = f"{os.path.dirname(path)}/.git/objects"
    if os.path.isdir(borrowed):
        environ["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = borrowed
    words = ["git", "rev-list", "--objects", tree]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    return [f"its code {tree} is not whole: {done.stderr.strip()}"] if done.returncode else []


def held(folder: str, skip: tuple[str, ...] = ()) -> dict[str, tuple[int, bytes]]:
    """Every path below a folder with its kind and its content.

    Args:
        folder: absolute.
        skip: paths relative to it that are left out, with what is below.
    """
    found: dict[str, tuple[int, bytes]] = {}
    for place, folders, names in os.walk(folder):
        here = os.path.relpath(place, folder)
        folders[:] = [name for name in folders if os.path.normpath(f"{here}/{name}") not in skip]
        for name in (*folders, *names):
            path = os.path.normpath(f"{here}/{name}")
            if path in skip or (name.startswith(".xt-") and name.endswith(".tmp")):  # left by a restoration
                continue
            mode = os.lstat(f"{place}/{name}").st_mode
            data = b""
            if stat.S_ISLNK(mode):
                data = os.fsencode(os.readlink(f"{place}/{name}"))
            elif stat.S_ISREG(mode):
                with open(f"{place}/{name}", "rb") as file:
                    data = file.read()
            found[path] = (mode, data)
    return found


def lasting(store: str) -> dict[str, tuple[int, bytes]]:
    """What of a store must never change once it is there."""
    found = held(store).items() if os.path.isdir(store) else ()
    return {path: it for path, it in found if path.split("/")[0] in LASTING and not stat.S_ISDIR(it[0])}
