"""Documents and tables other tools wrote, read within bounds."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from typing import Any

import msgspec

from xt import fsio
from xt.exchange.importers import MalformedError, Sink
from xt.safe_yaml import YamlFaultError, load

#: Bytes of a JSON document: it is read whole.
MAX_JSON = 200_000_000
#: Bytes of a file of settings.
MAX_YAML = 10_000_000
#: Bytes of a line of JSON Lines.
MAX_LINE = 16 << 20
#: Columns of a table.
MAX_COLUMNS = 5_000
#: Characters of a cell; a longer one is a mistake, or hostile.
MAX_CELL = 131_072


def json_document(path: str) -> dict[str, Any]:
    """Read a JSON object; NaN and infinities, bare as Python writes them, are taken.

    Raises:
        MalformedError: it is no JSON object, or too long.
        OSError: it cannot be read.
    """
    data = _whole(path, MAX_JSON)
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            found = json.loads(data)
        except json.JSONDecodeError as error:
            raise MalformedError(f"line {error.lineno} is not JSON: {error.msg}") from error
        except (ValueError, RecursionError) as error:
            raise MalformedError("it is not JSON that can be read") from error
    if not isinstance(found, dict):
        raise MalformedError("it is no JSON object")
    return found


def json_lines(path: str, sink: Sink) -> Iterator[dict[str, Any]]:
    """Read JSON Lines, one object after another; lines that are none are told once.

    Raises:
        OSError: it cannot be read.
    """
    bad = 0
    with os.fdopen(fsio.open_regular(os.path.realpath(path)), "rb", buffering=fsio.CHUNK) as file:
        while line := file.readline(MAX_LINE):
            if len(line) == MAX_LINE and not line.endswith(b"\n"):
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_LINE)
                bad += 1
                continue
            found = _object(line)
            if found is not None:
                yield found
            elif not line.isspace():
                bad += 1
    if bad:
        name = os.path.basename(path)
        sink.doubt(f"{name}: {bad} {'line is' if bad == 1 else 'lines are'} no JSON object, and left out")


def settings_file(path: str, sink: Sink) -> None:
    """Hand on the settings of a YAML file, where it is there; what is wrong with it is a doubt."""
    name = os.path.basename(path)
    try:
        found = load(_whole(path, MAX_YAML))
    except FileNotFoundError:
        return
    except OSError as error:
        sink.doubt(f"{name} beside it cannot be read: {error.strerror}")
        return
    except (YamlFaultError, MalformedError) as error:
        sink.doubt(f"the settings in {name} cannot be read: {error.message}")
        return
    if isinstance(found, dict):
        for key, value in found.items():
            sink.setting(str(key), value)


def table(path: str, mark: str) -> Iterator[dict[str, str]]:
    """Read a table row by row, each by the names of its columns; empty cells are left out.

    Raises:
        MalformedError: it is no table.
        OSError: it cannot be read.
    """
    fd = fsio.open_regular(os.path.realpath(path))
    with io.TextIOWrapper(
        os.fdopen(fd, "rb", buffering=fsio.CHUNK), "utf-8-sig", "replace", newline=""
    ) as file:
        csv.field_size_limit(MAX_CELL)
        rows = csv.reader(file, delimiter=mark)
        try:
            header = next(rows, [])
            if len(header) > MAX_COLUMNS:
                raise MalformedError(f"it has more than {MAX_COLUMNS} columns")
            for cells in rows:
                yield {name: cell for name, cell in zip(header, cells, strict=False) if name and cell}
        except csv.Error as error:
            raise MalformedError(f"line {rows.line_num} is not that of a table: {error}") from error


def _whole(path: str, limit: int) -> bytes:
    try:
        return fsio.read_file(os.path.realpath(path), limit)
    except OSError as error:
        if str(error.strerror).startswith("larger than"):
            raise MalformedError(f"it is larger than {limit // 1_000_000} MB") from error
        raise


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if b"NaN" not in line and b"Infinity" not in line:
            return None
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            return None
    return found if isinstance(found, dict) else None
