"""Every content: that it is what its name says. Large ones are read with `deep` alone."""

from __future__ import annotations

import os
from collections.abc import Callable

from blake3 import blake3

from xt import fsio
from xt.collect.hashing import NotReadError, hash_fd
from xt.ops.upkeep import inventory
from xt.ops.upkeep.holds import text
from xt.ops.upkeep.looking import LEFT, Look, One, Suspect, Unread, why
from xt.store.objects import COMPRESS_TO, WHOLE, decompressed

ZST = ".zst"


class Objects:
    """The check."""

    def __init__(self, look: Look) -> None:
        """Look at nothing yet."""
        self._look = look

    def begin(self) -> None:
        """Look at all of them."""
        look = self._look
        folder, done = "", 0
        for item in inventory.objects(look.store.path, look.unreadable):
            if item.file.name[:10] != folder:
                folder, done = item.file.name[:10], done + 1
            look.step("checking contents", done, 256)
            if item.digest is None:
                self._odd(item.file)
                continue
            digest = text(item.digest)
            look.count("objects")
            look.count("size", item.file.size)
            if item.file.size > WHOLE and not look.deep and not item.packed:
                look.count("by_size")
                look.count("by_size_bytes", item.file.size)
                continue
            self._one(item.file.name, digest)

    def run(self, one: One) -> None:
        """Nothing: the references are a check of their own."""

    def end(self) -> None:
        """Nothing more."""

    def _one(self, name: str, digest: str) -> None:
        look = self._look
        reason = fault_of(look.path(name), digest)
        if isinstance(reason, Unread):
            look.unreadable(name, reason)
        elif reason is not None:
            damaged(look, name, digest, reason)

    def _odd(self, file: inventory.File) -> None:
        """What is not a file, or not named like a content of its folder."""
        look, name = self._look, file.name
        base = os.path.basename(name)
        digest = _named(base)
        if digest is not None and name == f"objects/{base[:2]}/{base}":
            look.count("objects")
            self._one(name, digest)
        elif digest is not None and file.is_file and fault_of(look.path(name), digest) is None:
            found = look.suspect("object-misplaced", name, "nobody looks for it there", _there(look, name))
            found.digest = digest
        elif file.is_folder and name.count("/") == 1:
            look.suspect("foreign", name, "a folder that is not of xt", _there(look, name))
            for inner in inventory.walk(look.store.path, name, look.unreadable):
                if inner.is_file and _named(os.path.basename(inner.name)) is not None:
                    self._odd(inner)
        elif base.endswith(".tmp"):
            if look.age(name) > LEFT:
                look.suspect("leftover", name, "a file that was being written", _there(look, name))
        else:
            look.suspect("foreign", name, "it is not named like a content", _there(look, name))


def damaged(look: Look, name: str, digest: str, reason: str) -> Suspect:
    """Suspect a content of being damaged."""
    found = look.suspect(
        "object-damaged", name, reason, lambda: fault_of(look.path(name), digest) is not None
    )
    found.digest = digest
    # Where there are two, the one that is not compressed is read.
    if not name.endswith(ZST) or not look.there(name.removesuffix(ZST)):
        look.bad[digest] = found
    return found


def fault_of(path: str, digest: str, *, packed: bool | None = None) -> str | None:
    """Say what is wrong with a file that should have a content; None: nothing, or it is gone.

    Args:
        path: of the file.
        digest: of its content.
        packed: whether it is compressed; by default when its name ends with `.zst`.
    """
    try:
        fd = fsio.open_regular(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return why(path, error)
    try:
        size = os.fstat(fd).st_size
        if path.endswith(ZST) if packed is None else packed:
            return _compressed(fd, size, digest)
        found = hash_fd(fd, size)
    except NotReadError as error:
        return str(error)
    except OSError as error:
        return Unread(error.strerror or str(error))
    finally:
        os.close(fd)
    if found.hex() == digest[7:]:
        return None
    return "it is empty" if size == 0 else "it is not what its name says"


def _compressed(fd: int, size: int, digest: str) -> str | None:
    if size > 2 * COMPRESS_TO:
        return f"it has {size} bytes, and nothing that large is compressed here"
    data = b""
    while piece := os.read(fd, size + 1 - len(data)):
        data += piece
        if len(data) > size:
            break
    try:
        content = decompressed(data)
    except ValueError as error:
        return "it is empty" if not data else f"it cannot be decompressed: {error}"
    return None if blake3(content).hexdigest() == digest[7:] else "it is not what its name says"


def _named(base: str) -> str | None:
    """The digest that a name says."""
    hexed = base.removesuffix(ZST)
    return "blake3:" + hexed if len(hexed) == 64 and set(hexed) <= set("0123456789abcdef") else None


def _there(look: Look, name: str) -> Callable[[], bool]:
    return lambda: look.there(name)
