"""One YAML, TOML or JSON file → plain values, bounded in size and depth. A leaf of the collectors."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from xt import fsio

#: Bytes of a file of params or metrics; a longer one is data.
LIMIT = 10_000_000


class DocumentError(Exception):
    """The text is not what its suffix says."""

    def __init__(self, message: str, line: int | None = None) -> None:
        """Keep what is wrong and, when it is known, the line (from 1)."""
        super().__init__(message)
        self.message = message
        self.line = line


def read_document(path: str) -> Any:
    """Read a file as its suffix says.

    Args:
        path: absolute, ending in `.yaml`, `.yml`, `.toml` or `.json`. A link is followed.

    Returns:
        What the format's parser gives; floats may be NaN, keys may be no strings, and YAML aliases
        may make it refer to itself: whoever walks it counts.

    Raises:
        DocumentError: it is malformed.
        OSError: it cannot be read; `errno.EFBIG` above `LIMIT`, `errno.EINVAL` for no regular file.
    """
    data = fsio.read_file(os.path.realpath(path), LIMIT)
    lowered = path.lower()
    if lowered.endswith(".json"):
        return _json(data)
    if lowered.endswith(".toml"):
        return _toml(data)
    from xt.collect.yaml_document import parse

    return parse(data)


def _json(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Python's own writer puts NaN and Infinity into files, which RFC 8259 has no literals for;
        # its reader takes them, and names the line of what is wrong otherwise.
        import json

        try:
            return json.loads(data)
        except json.JSONDecodeError as error:
            raise DocumentError(f"it is not JSON: {error.msg}", error.lineno) from error
        except UnicodeDecodeError as error:
            raise DocumentError("it is not UTF-8 text", data.count(b"\n", 0, error.start) + 1) from error
        except RecursionError as error:
            raise DocumentError("it is nested too deeply") from error
        except ValueError as error:
            raise DocumentError(f"it holds a number of too many digits: {error}") from error


def _toml(data: bytes) -> Any:
    import tomllib

    from xt import toml_text

    try:
        return toml_text.loads(data.decode().removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).rpartition(" (at ")
        words = where.replace(",", " ").split()
        line = int(words[1]) if words[:1] == ["line"] else None
        raise DocumentError(f"it is not TOML: {what or error}", line) from error
    except UnicodeDecodeError as error:
        raise DocumentError("it is not UTF-8 text", data.count(b"\n", 0, error.start) + 1) from error
    except RecursionError as error:
        raise DocumentError("it is nested too deeply") from error
    except ValueError as error:
        raise DocumentError(f"it holds a value that is out of range: {error}") from error
