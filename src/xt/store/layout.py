"""Where a store is, and whether it may be used: names, format, ownership, creation."""

from __future__ import annotations

import os

from xt import fsio
from xt.errors import NewerStoreError, StoreError

#: First line of `.xt/format`; a reader of a higher number is needed for a higher number.
FORMAT = 1
FOLDER = ".xt"


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


def check(store: str, *, foreign: bool = False) -> None:
    """Make sure a store is ours to read.

    Args:
        store: path of `.xt`.
        foreign: whether it may belong to another user.

    Raises:
        StoreError: it belongs to another user, or `format` is not one.
        NewerStoreError: a newer xt made it.
    """
    info = os.stat(store)
    if info.st_uid != os.geteuid() and not foreign:
        raise StoreError(
            f"the store `{store}` belongs to another user (uid {info.st_uid})",
            "set XT_FOREIGN_STORE=1 to use it all the same",
        )
    try:
        text = fsio.read_file(f"{store}/format", limit=4096).decode("ascii", "replace")
    except FileNotFoundError:
        raise StoreError(f"`{store}` has no file `format`: not a store, or a damaged one") from None
    words = text.split()
    if len(words) != 2 or words[0] != "xt-store" or not words[1].isdigit():
        raise StoreError(f"`{store}/format` does not say `xt-store {FORMAT}`")
    if int(words[1]) > FORMAT:
        raise NewerStoreError(
            f"the store `{store}` has format {words[1]}; this xt knows {FORMAT}", "update xt"
        )


def create(store: str, *, foreign: bool = False) -> None:
    """Make a store, or complete one whose making was interrupted; safe for many at once.

    Raises:
        OSError: it cannot be made.
        StoreError, NewerStoreError: one is there and is not usable.
    """
    if os.path.exists(f"{store}/format"):
        check(store, foreign=foreign)
        return
    for folder in ("", "/runs", "/live", "/objects", "/events", "/tmp", "/cache"):
        os.makedirs(store + folder, fsio.PRIVATE_DIR, exist_ok=True)
    os.chmod(store, fsio.PRIVATE_DIR)
    fsio.write_atomic(f"{store}/.gitignore", b"*\n")
    secret = f"{store}/key"
    try:
        fd = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, fsio.PRIVATE_FILE)
    except FileExistsError:
        pass
    else:
        os.write(fd, os.urandom(32))
        os.fsync(fd)
        os.close(fd)
    # Last: with `format` in place the store is complete.
    fsio.write_atomic(f"{store}/format", f"xt-store {FORMAT}\n".encode())


def key(store: str) -> bytes:
    """Read the secret of a store (32 bytes), which keyed digests need; it never leaves the store.

    Raises:
        StoreError: it is missing or short.
    """
    try:
        data = fsio.read_file(f"{store}/key", limit=32)
    except OSError as error:
        raise StoreError(f"`{store}/key` cannot be read: {error.strerror}") from error
    if len(data) != 32:
        raise StoreError(
            f"`{store}/key` is damaged: {len(data)} bytes instead of 32", "remove it; a new one is made"
        )
    return data
