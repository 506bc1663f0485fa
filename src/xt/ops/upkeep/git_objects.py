"""Objects and packs of git: whether they are what their names say, or what was written."""

from __future__ import annotations

import hashlib
import zlib

from xt import fsio
from xt.collect.git import Dialogue, GitError
from xt.ops.upkeep.looking import why

#: Repositories of a store, by the format of their objects.
FOLDERS = {"sha1": "code.git", "sha256": "code.sha256.git"}
#: Longer ones say that the object is not one.
_HEADER = 64


def fault_of(path: str, oid: str | None) -> str | None:
    """Say what is wrong with a file of git's objects; None: nothing, or it is gone. See `looking.Unread`.

    Args:
        path: of the file.
        oid: of a loose object its id; None of a pack, or of what belongs to one.
    """
    try:
        return _loose_fault(path, oid) if oid else _pack_fault(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return why(path, error)


def _loose_fault(path: str, oid: str) -> str | None:
    """Say why a loose object is not what its name says."""
    hasher = _hasher(len(oid))
    inflate = zlib.decompressobj()
    size = left = -1
    head = b""
    try:
        for read in fsio.read_pieces(path):
            piece, data = read, b""
            while piece or len(data) == fsio.CHUNK:
                data = inflate.decompress(piece, fsio.CHUNK)
                piece = inflate.unconsumed_tail
                hasher.update(data)
                if size < 0:
                    head += data
                    words, end, _ = head[:_HEADER].partition(b"\0")
                    if end:
                        size = int(words.split(b" ")[1])
                        left = size - (len(head) - len(words) - 1)
                    elif len(head) > _HEADER:
                        return "it is no object of git"
                else:
                    left -= len(data)
                if size >= 0 and left < 0:
                    return "it is longer than it says"
                if inflate.eof:
                    break
            if inflate.eof:
                break
    except (zlib.error, ValueError, IndexError) as error:
        return f"it cannot be decompressed: {error}"
    if not head:
        return "it is empty"
    if not inflate.eof or inflate.unused_data or left:
        return "it is cut, or goes on where it should end"
    return None if hasher.hexdigest() == oid else "it is not what its name says"


def _pack_fault(path: str) -> str | None:
    """Say why a pack, or the index of one, is not what was written: it ends with the digest of all before."""
    wide = f"/{FOLDERS['sha256']}/" in path
    hasher = _hasher(64 if wide else 40)
    length = hasher.digest_size
    kept = b""
    for piece in fsio.read_pieces(path):
        kept += piece
        hasher.update(kept[:-length])
        kept = kept[-length:]
    if len(kept) < length:
        return "it is empty" if not kept else "it is cut"
    return None if hasher.digest() == kept else "it is not what was written"


def is_sound(dialogue: Dialogue, oid: str) -> bool:
    """Whether an object that git gives is what its id says."""
    hasher = _hasher(len(oid))
    try:
        kind, size, pieces = dialogue.object(oid)
        hasher.update(b"%s %d\0" % (kind.encode(), size))
        for piece in pieces:
            hasher.update(piece)
    except GitError:
        return False
    return hasher.hexdigest() == oid


def _hasher(digits: int) -> hashlib._Hash:
    return hashlib.sha1(usedforsecurity=False) if digits == 40 else hashlib.sha256()
