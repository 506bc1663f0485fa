"""The rows of a table as objects, one after another, whatever the format."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any

from xt.compare import Content, UnreadableError
from xt.compare.content import CHUNK, read_up_to
from xt.compare.numerals import numeral
from xt.compare.sources import Delimited, objects

#: Names of tables.
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
#: Characters of one element of a JSON array.
ELEMENT = 8 << 20


def rows(content: Content) -> Iterator[dict[str, Any]]:
    """Read a table row by row; memory does not grow with it.

    Args:
        content: CSV or TSV with a header line (cells that look like numbers are numbers), JSON Lines, a JSON
            array of objects, or Parquet, by its name.

    Raises:
        UnreadableError: it is not what its name says, naming the line; or no name of a table.
    """
    name = content.name.lower()
    if name.endswith((".csv", ".tsv")):
        return _delimited(content)
    if name.endswith((".jsonl", ".ndjson")):
        return objects(content)
    if name.endswith(".json"):
        return _array(content)
    if name.endswith(".parquet"):
        from xt.compare.parquet import objects as parquet_objects

        return parquet_objects(content)
    raise UnreadableError("its name is not that of a table: .csv, .tsv, .jsonl, .ndjson, .json or .parquet")


def _delimited(content: Content) -> Iterator[dict[str, Any]]:
    table = Delimited(content)
    for cells in table.rows():
        yield {name: _cell(cell) for name, cell in zip(table.columns, cells, strict=True)}


def _cell(cell: str) -> Any:
    number = numeral(cell)
    return cell if number is None else number


def _array(content: Content) -> Iterator[dict[str, Any]]:
    """Read a JSON array element by element."""
    decoder = json.JSONDecoder()
    text = codecs.getincrementaldecoder("utf-8-sig")()
    with content.open() as stream:
        held, at, ended, count = "", 0, False, 0
        expected = "["
        while True:
            while at < len(held) and held[at] in " \t\r\n":
                at += 1
            needed = ELEMENT if expected == "value" else 1
            if at < len(held):
                letter = held[at]
                if expected in ("[", ", or ]"):
                    if letter == "]" and expected != "[":
                        break
                    if letter != expected[0]:
                        raise UnreadableError(
                            f"it is no array of objects: `{expected}` expected after row {count}"
                        )
                    at, expected = at + 1, "value"
                    continue
                if letter == "]" and not count:
                    break
                if letter != "{":
                    raise UnreadableError(f"row {count + 1} is no object")
                try:
                    value, at = decoder.raw_decode(held, at)
                except RecursionError as error:
                    raise UnreadableError(f"row {count + 1} is nested too deeply") from error
                except ValueError as error:
                    if ended or len(held) - at > needed:
                        raise UnreadableError(f"row {count + 1} is not JSON, or too large") from error
                else:
                    count, expected = count + 1, ", or ]"
                    yield value
                    continue
            if ended:
                raise UnreadableError(f"it is cut short after row {count}")
            # Twice what is held already, so that a large element is not tried once a megabyte.
            data = read_up_to(stream, max(CHUNK, len(held) - at))
            ended = not data
            try:
                held, at = held[at:] + text.decode(data, ended), 0
            except UnicodeDecodeError as error:
                raise UnreadableError("it is not UTF-8 text") from error
        rest = held[at + 1 :] + text.decode(read_up_to(stream, CHUNK))
        if rest.strip(" \t\r\n"):
            raise UnreadableError("something follows the array")
