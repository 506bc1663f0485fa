"""Tables as rows of cells: CSV and TSV (RFC 4180), JSON Lines. Streaming; nothing grows with the file."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from xt.compare import Content, UnreadableError
from xt.compare.jsonable import text
from xt.compare.texts import look

#: Characters of one line of a CSV file and of one cell, bytes of one line of JSON Lines.
LINE = 1 << 20
JSON_LINE = 8 << 20
#: Columns of a table.
COLUMNS = 10_000
#: The cell of a row that lacks the column.
MISSING = ...


class Source(Protocol):
    """One table, which can be read more than once."""

    columns: list[str]
    types: list[str] | None
    """Of the columns, where the format declares them."""
    trusted: bool
    """Whether cells that Python takes for equal are equal (`1 == True` is not)."""
    texts: bool
    """Whether all cells are texts."""

    def rows(self) -> Iterator[list[Any]]:
        """Its rows, each with a cell for every column."""


class Delimited:
    """CSV, or TSV by its name: the first line names the columns; cells are texts."""

    types: list[str] | None = None
    trusted = True
    texts = True

    def __init__(self, content: Content) -> None:
        """Read the names of the columns.

        Raises:
            UnreadableError: two columns have one name, or it is no text that can be decoded.
        """
        import csv

        csv.field_size_limit(LINE)
        self._content = content
        self._delimiter = "\t" if content.name.lower().endswith((".tsv", ".tab")) else ","
        looks = look(content)
        self._codec = looks.codec + "-sig" if looks.codec == "utf-8" else looks.codec
        self._mark = 0 if looks.codec == "utf-8" else looks.mark
        names = next(self._cells(), [])
        # What pandas writes as its index has no name.
        self.columns = [name or f"column {number}" for number, name in enumerate(names, 1)]
        if len(self.columns) > COLUMNS:
            raise UnreadableError(f"line 1 names more than {COLUMNS} columns")
        if len(set(self.columns)) < len(self.columns):
            twice = next(name for name in self.columns if self.columns.count(name) > 1)
            raise UnreadableError(f"line 1 names two columns `{text(twice)}`")

    def rows(self) -> Iterator[list[Any]]:
        """Its rows.

        Raises:
            UnreadableError: naming the line that has more or fewer cells than the header, or is too long.
        """
        cells = self._cells()
        next(cells, None)
        return cells

    def _cells(self) -> Iterator[list[Any]]:
        import csv

        with self._content.open() as raw:
            raw.seek(self._mark)
            stream = io.TextIOWrapper(raw, self._codec, newline="")
            reader = csv.reader(_lines(stream), delimiter=self._delimiter, strict=True)
            width = 0
            try:
                for cells in reader:
                    if not cells:
                        continue
                    if len(cells) != width:
                        if width:
                            what = f"{len(cells)} cells where the header has {width}"
                            raise UnreadableError(f"line {reader.line_num} has {what}")
                        width = len(cells)
                    yield cells
            except csv.Error as error:
                raise UnreadableError(f"line {reader.line_num}: {error}") from error
            except UnicodeDecodeError as error:
                raise UnreadableError(
                    f"it cannot be decoded as {self._codec} after line {reader.line_num}"
                ) from error


def _lines(stream: io.TextIOWrapper) -> Iterator[str]:
    readline = stream.readline
    while line := readline(LINE):
        if len(line) == LINE and line[-1] != "\n":
            raise UnreadableError(f"it has a line of more than {LINE} characters")
        yield line


class JsonLines:
    """JSON Lines: an object a line; the columns are all their keys."""

    types: list[str] | None = None
    trusted = False
    texts = False

    def __init__(self, content: Content) -> None:
        """Read it once for its keys.

        Raises:
            UnreadableError: naming the line that is no object, or has too many keys.
        """
        self._content = content
        names: dict[str, None] = {}
        for row in objects(content):
            if not names.keys() >= row.keys():
                names.update(dict.fromkeys(row))
                if len(names) > COLUMNS:
                    raise UnreadableError(f"it has more than {COLUMNS} different keys")
        self.columns = list(names)

    def rows(self) -> Iterator[list[Any]]:
        """Its rows, with `MISSING` for keys that one does not have."""
        columns = self.columns
        for row in objects(self._content):
            yield [row.get(name, MISSING) for name in columns]


def objects(content: Content) -> Iterator[dict[str, Any]]:
    """Read JSON Lines; empty lines are passed over.

    Raises:
        UnreadableError: naming the line that is no JSON object, or is too long.
    """
    with content.open() as stream:
        number = 0
        while line := stream.readline(JSON_LINE):
            number += 1
            if len(line) == JSON_LINE and line[-1:] != b"\n":
                raise UnreadableError(f"line {number} is longer than {JSON_LINE} bytes")
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line.isspace():
                continue
            row = json_value(line, number)
            if not isinstance(row, dict):
                raise UnreadableError(f"line {number} is no object")
            yield row


def json_value(line: bytes, number: int) -> Any:
    """Read one line of JSON, with the tokens `NaN` and `Infinity`.

    Raises:
        UnreadableError: naming the line.
    """
    try:
        return msgspec.json.decode(line)
    except RecursionError as error:
        raise UnreadableError(f"line {number} is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"line {number} is not JSON") from error
