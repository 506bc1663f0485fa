"""How SSH writes ed25519 keys and signatures: strings with their lengths in front (RFC 4251, 8709)."""

from __future__ import annotations

import base64
import binascii
import hashlib

ED25519 = b"ssh-ed25519"
#: Bytes of an ed25519 public key.
KEY_BYTES = 32


class WireError(Exception):
    """Bytes are not what SSH writes; the text says what is wrong."""


def string(data: bytes) -> bytes:
    """Write bytes with their length."""
    return len(data).to_bytes(4) + data


def strings(data: bytes, count: int) -> tuple[list[bytes], bytes]:
    """Read so many strings; give them and what follows.

    Raises:
        WireError: there are fewer.
    """
    found = []
    for _ in range(count):
        size = int.from_bytes(data[:4])
        if len(data) < 4 + size or len(data) < 4:
            raise WireError("it ends in the middle")
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found, data


def blob(public: bytes) -> bytes:
    """Write an ed25519 public key as SSH does."""
    return string(ED25519) + string(public)


def public_of(data: bytes) -> bytes:
    """Take the 32 bytes of an ed25519 public key out of what SSH writes.

    Raises:
        WireError: it is another kind of key, or none.
    """
    (kind,), rest = strings(data, 1)
    if kind != ED25519:
        raise WireError(f"it is a key of the kind `{kind.decode('ascii', 'replace')}`")
    (public,), rest = strings(rest, 1)
    if len(public) != KEY_BYTES or rest:
        raise WireError("it is no ed25519 key")
    return public


def public_line(words: list[str]) -> bytes:
    """Read a key as in a `.pub` file: kind, base64, and perhaps a comment.

    Raises:
        WireError: it is another kind of key, or none.
    """
    if len(words) < 2:
        raise WireError("it is no public key of SSH")
    try:
        data = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError) as error:
        raise WireError("it is not base64") from error
    return public_of(data)


def name(public: bytes) -> str:
    """Name a key as `ssh-keygen -l` does: `SHA256:` and base64 without padding."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob(public)).digest()).decode().rstrip("=")
