"""Values ↔ canonical JSON: sorted keys, UTF-8, one trailing newline, so that one value has one digest."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from blake3 import blake3

from xt.errors import DamagedError

T = TypeVar("T")

_encoder = msgspec.json.Encoder(order="sorted")


def encode(value: Any) -> bytes:
    """Write a value as canonical JSON with a trailing newline.

    Args:
        value: a Struct of `xt.model`, or plain JSON values; no NaN (see `Number`).
    """
    return _encoder.encode(value) + b"\n"


def decode(data: bytes, kind: type[T], what: str) -> T:
    """Read canonical JSON back; unknown fields are ignored here and stay in the file.

    Args:
        data: the bytes.
        kind: the Struct to make.
        what: how to name the source in an error, such as `run knzx…`.

    Raises:
        DamagedError: if it is not JSON, or not of that shape.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        if str(error).startswith("Invalid enum value") and str(error).endswith("`$.schema`"):
            raise DamagedError(f"{what} was written by a newer xt", "update xt to read it") from error
        raise DamagedError(f"{what} cannot be read: {error}", "the other runs are not affected") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise DamagedError(f"{what} cannot be read: {error}", "the other runs are not affected") from error


def pack(value: Any) -> bytes:
    r"""Write a value for another process of this xt, as `encode` does; a stray byte of the OS is `\udcff`.

    Args:
        value: a Struct; its strings may be as `os.fsdecode` gives them.
    """
    try:
        return encode(value)
    except UnicodeEncodeError:
        import json

        return json.dumps(msgspec.to_builtins(value), sort_keys=True).encode() + b"\n"


def unpack(data: bytes, kind: type[T], what: str) -> T:
    """Read back what `pack` wrote.

    Args:
        data: the bytes.
        kind: the Struct to make.
        what: how to name the source in an error.

    Raises:
        DamagedError: as `decode`.
    """
    if rb"\ud" not in data:
        return decode(data, kind, what)
    import json

    try:
        return msgspec.convert(json.loads(data), kind)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise DamagedError(f"{what} cannot be read: {error}") from error


def digest(data: bytes) -> str:
    """Name bytes by content: `blake3:<64 hex digits>` (BLAKE3, 256 bits)."""
    return "blake3:" + blake3(data).hexdigest()


def digest_of(value: Any) -> str:
    """Digest of a value's canonical JSON."""
    return digest(encode(value))
