"""Where a store is, and whether it may be used: names, format, ownership, creation."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from xt import fsio
from xt.errors import NewerStoreError, StoreError

#: First line of `.xt/format`; a reader of a higher number is needed for a higher number.
FORMAT = 1
FOLDER = ".xt"
FOLDERS = frozenset(("runs", "live", "objects", "events", "tmp", "cache"))
KEY_BYTES = 32


def find_root(cwd: str) -> str:
    """Find the project's root: the nearest folder upwards with `.xt`, `xt.toml` or `.git`, else `cwd`.

    Args:
        cwd: absolute.
    """
    folder = cwd
    while True:
        for mark in (f"{FOLDER}/format", "xt.toml", ".git"):
            if os.path.lexists(os.path.join(folder, mark)):
                return folder
        above = os.path.dirname(folder)
        if above == folder:
            return cwd
        folder = above


def locate(cwd: str, environ: Mapping[str, str]) -> str:
    """Absolute path of the store for a working directory: what `XT_STORE` names, else `.xt` in the root."""
    return os.path.normpath(os.path.join(cwd, environ.get("XT_STORE") or f"{find_root(cwd)}/{FOLDER}"))


def check(store: str, *, foreign: bool = False) -> None:
    """Make sure a store is ours to read.

    Args:
        store: path of `.xt`.
        foreign: whether it may belong to another user.

    Raises:
        FileNotFoundError: there is none, or its making was interrupted.
        StoreError: it belongs to another user, or `format` is not one.
        NewerStoreError: a newer xt made it.
    """
    check_owner(store, foreign=foreign)
    try:
        text = fsio.read_file(f"{store}/format", limit=4096).decode("ascii", "replace")
    except FileNotFoundError:
        if not is_begun(store):
            raise
        raise StoreError(
            f"`{store}` has no file `format`: not a store, or a damaged one",
            f"if it is one, `echo xt-store {FORMAT} > .xt/format` says so again; else move it away",
        ) from None
    words = text.split()
    if len(words) != 2 or words[0] != "xt-store" or not words[1].isdigit():
        raise StoreError(
            f"`{store}/format` does not say `xt-store {FORMAT}`",
            "if it is a store, write that into the file; else move it away",
        )
    if int(words[1]) > FORMAT:
        raise NewerStoreError(
            f"the store `{store}` has format {words[1]}; this xt knows {FORMAT}", "update xt"
        )


def check_owner(store: str, *, foreign: bool = False) -> None:
    """Make sure a store belongs to us.

    Args:
        store: path of `.xt`.
        foreign: whether it may belong to another user.

    Raises:
        StoreError: it belongs to another user.
    """
    info = os.stat(store)
    if info.st_uid != os.geteuid() and not foreign:
        raise StoreError(
            f"the store `{store}` belongs to another user (uid {info.st_uid})",
            "set XT_FOREIGN_STORE=1 to use it all the same",
        )


def is_begun(store: str) -> bool:
    """Whether a folder has what a store has: something other than what making one puts there first."""
    try:
        names = {name for name in os.listdir(store) if not name.endswith(".tmp")} - {".gitignore", "key"}
        return not names <= FOLDERS or any(os.listdir(f"{store}/{name}") for name in names)
    except OSError:
        return True


def create(store: str, *, foreign: bool = False) -> None:
    """Make a store, or complete one whose making was interrupted; safe for many at once.

    Raises:
        OSError: it cannot be made.
        StoreError, NewerStoreError: one is there and is not usable.
    """
    if fsio.is_there(f"{store}/format"):
        check(store, foreign=foreign)
        # Somebody may have tidied up: what is missing is made again, what is there is not touched.
        for folder in FOLDERS - set(os.listdir(store)):
            os.makedirs(f"{store}/{folder}", fsio.PRIVATE_DIR, exist_ok=True)
        _make_key(store)
        return
    try:
        for folder in ("", *FOLDERS):
            os.makedirs(f"{store}/{folder}", fsio.PRIVATE_DIR, exist_ok=True)
    except FileExistsError as error:
        place = str(error.filename).rstrip("/")
        os.stat(place)  # what cannot be told is not in the way
        raise StoreError(
            f"`{place}` is in the way: it is no folder",
            "move it away, or name another place with XT_STORE",
        ) from None
    with contextlib.suppress(OSError):  # it may be one that we may not read
        fsio.fsync_dir(
            os.path.dirname(os.path.abspath(store))
        )  # else a power failure takes all that comes into it
    os.chmod(store, fsio.PRIVATE_DIR)
    fsio.write_atomic(f"{store}/.gitignore", b"*\n")
    _make_key(store)
    # Last: with `format` in place the store is complete.
    fsio.write_atomic(f"{store}/format", f"xt-store {FORMAT}\n".encode())


def _make_key(store: str) -> None:
    """Make the secret, or a new one for a damaged one: older keyed digests are then of no use any more."""
    name = f"{store}/key"
    try:
        if os.stat(name).st_size == KEY_BYTES:
            return
        os.unlink(name)
    except FileNotFoundError:
        pass
    temporary = f"{name}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    fsio.write_atomic(temporary, os.urandom(KEY_BYTES))
    try:
        os.link(temporary, name)  # unlike a rename it fails for all but the first of many
    except FileExistsError:
        pass
    except OSError:
        os.rename(temporary, name)  # a file system without hard links
        return
    os.unlink(temporary)


def key(store: str) -> bytes:
    """Read the secret of a store (32 bytes), which keyed digests need; it never leaves the store.

    Raises:
        StoreError: it is missing or short.
    """
    try:
        data = fsio.read_file(f"{store}/key", limit=KEY_BYTES)
    except OSError as error:
        raise StoreError(f"`{store}/key` cannot be read: {error.strerror}") from error
    if len(data) != KEY_BYTES:
        raise StoreError(f"`{store}/key` is damaged: {len(data)} bytes instead of {KEY_BYTES}")
    return data
