"""Metrics out of files: one declared value or column, or every number there is. A leaf."""

from __future__ import annotations

import os
from typing import Any

from xt.collect.metric_lines import Tally, lines, point, record
from xt.collect.numbers import Value, number, number_in
from xt.collect.selector import SelectorError, numbers, select, split_row
from xt.collect.series import Book
from xt.suggest import suggest

#: Numbers taken from one file that nothing was selected from.
MAX_NUMBERS = 1_000
#: The column, or key, that holds the step of a series.
STEP = "step"


def declared(path: str, shown: str, name: str, selector: str | None, book: Book, rank: int) -> None:
    """Read one declared metric into the book, or say why not.

    Args:
        path: absolute; its suffix says what it is.
        shown: how records name it.
        name: of the metric; also what to look for when there is no selector.
        selector: a value of a document, a column of a table (`loss`, one row: `loss[-1]`).
        book: where points go.
        rank: of the source.

    Raises:
        DocumentError: it is malformed.
        OSError: it cannot be read.
    """
    lowered = path.lower()
    if lowered.endswith((".csv", ".tsv")):
        from xt.collect.metric_table import column

        column(path, shown, name, selector, book, rank)
    elif lowered.endswith((".jsonl", ".ndjson")):
        _declared_lines(path, shown, name, selector, book, rank)
    else:
        _declared_document(path, shown, name, selector, book, rank)


def everything(path: str, shown: str, book: Book, rank: int) -> None:
    """Read every number of a file into the book: `{"val": {"acc": 1}}` is the metric `val/acc`.

    Raises:
        DocumentError: it is malformed.
        OSError: it cannot be read.
    """
    lowered = path.lower()
    if lowered.endswith((".csv", ".tsv")):
        from xt.collect.metric_table import columns

        columns(path, shown, book, rank)
    elif lowered.endswith((".jsonl", ".ndjson")):
        _all_lines(path, shown, book, rank)
    elif lowered.endswith((".json", ".yaml", ".yml", ".toml")):
        _all_numbers(path, shown, book, rank)
    else:
        book.capture.problem(
            "metrics",
            f"{shown} has the role `metrics` and is not a file that metrics can be read from",
            "files: .csv, .json, .jsonl, .ndjson, .toml, .tsv, .yaml, .yml",
        )


def read_points(path: str, shown: str, book: Book, rank: int) -> None:
    """Read the file of `XT_METRICS`; lines that are no points are told once.

    Raises:
        OSError: it cannot be read.
    """
    tally = Tally()
    for count, line, whole in lines(path, tally):
        read = point(line)
        if read is not None:
            series = book.series(read.name, shown, rank, read.labels)
            if series is not None:
                series.add(read.value, read.step)
        elif whole and not line.isspace():
            # A last line without its newline was being written when the command ended.
            tally.add(count)
    if message := tally.message(shown, 'of the form {"name": …, "value": …}'):
        book.capture.problem("metrics", message)


def _declared_document(path: str, shown: str, name: str, selector: str | None, book: Book, rank: int) -> None:
    from xt.collect.documents import read_document

    document = read_document(path)
    try:
        value = select(document, name if selector is None else selector)
    except SelectorError:
        found = list(_some(document))
        if selector is not None or len(found) != 1:
            _missing(book, name, selector, shown, [each[1] for each in found])
            return
        selector, _, value = found[0]
    source = _source(shown, name if selector is None else selector)
    items = value if isinstance(value, list) and value else [value]
    values = [_value(item) for item in items]
    if any(each is None for each in values):
        _not_a_number(book, name, source, next(item for item in items if _value(item) is None))
        return
    series = book.series(name, source, rank)
    if series is not None:
        for each in values:
            series.add(0 if each is None else each)


def _declared_lines(path: str, shown: str, name: str, selector: str | None, book: Book, rank: int) -> None:
    wanted, row = split_row(selector) if selector is not None else (name, None)
    source = f"{shown}:{selector or name}"
    tally = Tally()
    rows: list[tuple[Value, Any]] = []
    series = None
    names: list[str] = []
    at = 0
    for count, line, whole in lines(path, tally):
        found = record(line)
        if not isinstance(found, dict):
            if whole and not line.isspace():
                tally.add(count)
            continue
        names = names or [each[1] for each in _some(found)]
        try:
            value = _value(select(found, wanted))
        except SelectorError:
            continue
        if value is None:
            tally.add(count)
        elif row is None:
            series = series or book.series(name, source, rank)
            if series is not None:
                series.add(value, _step(found))
        else:
            # For a row from the end, that many are held back.
            if row < 0 or at == row:
                rows.append((value, _step(found)))
                rows = rows[row:] if row < 0 else rows
            at += 1
    if row is not None and len(rows) >= (-row if row < 0 else 1):
        series = book.series(name, source, rank)
        if series is not None:
            series.add(*rows[0])
    if message := tally.message(shown, f"an object with a number at `{wanted}`"):
        book.capture.problem("metrics", message)
    elif series is None and not book.left_out:
        _missing(book, name, selector, shown, names)


def _all_numbers(path: str, shown: str, book: Book, rank: int) -> None:
    from xt.collect.documents import read_document

    document = read_document(path)
    stem = os.path.basename(path).rpartition(".")[0]
    found = 0
    try:
        for pointer, name, value in numbers(document):
            found += 1
            if found > MAX_NUMBERS:
                continue
            series = book.series(name or stem, _source(shown, pointer), rank)
            if series is not None:
                series.add(value)
    except SelectorError as error:
        book.capture.problem("metrics", f"{shown}: {error}")
    if found > MAX_NUMBERS:
        book.capture.problem(
            "metrics",
            f"{shown} holds {found} numbers; the first {MAX_NUMBERS} are recorded",
            "name the ones that matter: `--metric NAME=FILE:SELECTOR`; a list becomes a series",
        )
    elif not found:
        book.capture.problem("metrics", f"{shown} has the role `metrics` and holds no number")


def _all_lines(path: str, shown: str, book: Book, rank: int) -> None:
    tally = Tally()
    for count, line, whole in lines(path, tally):
        found = record(line)
        if not isinstance(found, dict):
            if whole and not line.isspace():
                tally.add(count)
            continue
        if isinstance(found.get("name"), str) and "value" in found:
            # The form of XT_METRICS: the name is in the line.
            read = point(line)
            if read is None:
                tally.add(count)
            elif (series := book.series(read.name, shown, rank, read.labels)) is not None:
                series.add(read.value, read.step)
            continue
        step = _step(found)
        for index, (pointer, name, value) in enumerate(_some(found)):
            if index == MAX_NUMBERS:
                tally.add(count)
                break
            if name == STEP and step is not None:
                continue
            series = book.series(name, f"{shown}:{pointer}", rank)
            if series is not None:
                series.add(value, step)
    if message := tally.message(shown, f"an object of at most {MAX_NUMBERS} numbers"):
        book.capture.problem("metrics", message)


def _some(document: Any) -> list[tuple[str, str, Value]]:
    """Find the numbers of a document, up to one more than are taken."""
    found = []
    try:
        for each in numbers(document):
            found.append(each)
            if len(found) > MAX_NUMBERS:
                break
    except SelectorError:
        return found
    return found


def _source(shown: str, selector: str) -> str:
    """Name where a value was; nothing is selected in a file that is one number."""
    return f"{shown}:{selector}" if selector else shown


def _value(value: Any) -> Value | None:
    return number_in(value) if isinstance(value, str) else number(value)


def _step(found: dict[str, Any]) -> int | float | None:
    step = number(found.get(STEP))
    return step if isinstance(step, (int, float)) else None


def _missing(book: Book, name: str, selector: str | None, shown: str, names: list[str]) -> None:
    wanted = name if selector is None else selector
    hint = suggest(wanted.removeprefix("/"), names, "it holds") if names else "it holds no numbers"
    book.capture.problem("metrics", f"`{name}`: there is no `{wanted}` in {shown}", hint)


def _not_a_number(book: Book, name: str, source: str, value: Any) -> None:
    kind = (
        "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else f"`{value}`"[:60]
    )
    book.capture.problem("metrics", f"`{name}`: {source} is {kind}, not a number")
