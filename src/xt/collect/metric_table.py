"""Metrics out of CSV and TSV files: a column is a series, its last number the value. A leaf."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator

from xt import fsio
from xt.collect.documents import DocumentError
from xt.collect.numbers import Value, number_in
from xt.collect.selector import split_row, unescape
from xt.collect.series import Book, Series
from xt.suggest import suggest

#: Columns of a table of metrics.
MAX_COLUMNS = 1_000
#: The column that holds the step of the series in the others.
STEP = "step"
#: Characters of a cell.
FIELD = 131_072


class _Column:
    """What was seen of one column."""

    def __init__(self, name: str, index: int) -> None:
        self.name = name
        self.index = index
        self.series: Series | None = None
        self.numbers = 0
        self.misfits = 0
        self.first_misfit = ""
        self.first_line = 0

    def read(self, row: list[str], line: int) -> Value | None:
        """Take the cell of a row; empty and missing ones are left out, others than numbers counted."""
        cell = row[self.index] if self.index < len(row) else ""
        value = number_in(cell)
        if value is not None:
            self.numbers += 1
        elif cell.strip():
            if not self.misfits:
                self.first_misfit, self.first_line = cell.strip()[:60], line
            self.misfits += 1
        return value

    def misfit(self) -> str:
        times = "a cell that is" if self.misfits == 1 else f"{self.misfits} cells that are"
        return f"{times} not a number, the first `{self.first_misfit}` at line {self.first_line}"


def column(path: str, shown: str, name: str, selector: str | None, book: Book, rank: int) -> None:
    """Read one column, or one row of it (`loss[-1]`), into the book; see `metric_files.declared`.

    Raises:
        DocumentError: it is no table.
        OSError: it cannot be read.
    """
    with _Table(path) as table:
        wanted, row = _wanted(table.header, name if selector is None else selector)
        others = [each for each in table.header if each != STEP]
        if wanted not in table.header and selector is None and len(others) == 1:
            wanted = others[0]
        if wanted not in table.header:
            said = name if selector is None else selector
            book.capture.problem(
                "metrics",
                f"`{name}`: there is no column `{said}` in {shown}",
                suggest(wanted, table.header, "columns"),
            )
            return
        one = _Column(wanted, table.header.index(wanted))
        source = f"{shown}:{selector or wanted}"
        held: list[tuple[Value | None, int | float | None]] = []
        for at, (line, cells) in enumerate(table.rows()):
            value = one.read(cells, line)
            if row is None:
                if value is not None:
                    one.series = one.series or book.series(name, source, rank)
                    if one.series is not None:
                        one.series.add(value, table.step(cells))
            elif row < 0 or at == row:
                held.append((value, table.step(cells)))
                held = held[row:] if row < 0 else held
    if row is not None:
        chosen = held[0] if len(held) >= (-row if row < 0 else 1) else (None, None)
        if chosen[0] is None:
            book.capture.problem(
                "metrics", f"`{name}`: there is no number in row {row} of `{wanted}` in {shown}"
            )
        elif (series := book.series(name, source, rank)) is not None:
            series.add(chosen[0], chosen[1])
    elif one.misfits:
        book.capture.problem("metrics", f"`{name}`: {shown} has {one.misfit()}; it is left out")
    elif not one.numbers:
        book.capture.problem("metrics", f"`{name}`: column `{wanted}` of {shown} holds no number")


def columns(path: str, shown: str, book: Book, rank: int) -> None:
    """Read every column of numbers into the book; see `metric_files.everything`.

    Raises:
        DocumentError: it is no table.
        OSError: it cannot be read.
    """
    with _Table(path) as table:
        taken = [
            _Column(name, index) for index, name in enumerate(table.header[:MAX_COLUMNS]) if name != STEP
        ]
        for line, cells in table.rows():
            step = table.step(cells)
            for one in taken:
                value = one.read(cells, line)
                if value is not None and not one.misfits:
                    one.series = one.series or book.series(one.name, f"{shown}:{one.name}", rank)
                    if one.series is not None:
                        one.series.add(value, step)
    for one in taken:
        if one.misfits and one.numbers:
            book.capture.problem(
                "metrics", f"column `{one.name}` of {shown} is not recorded: it has {one.misfit()}"
            )
            if one.series is not None:
                book.forget(one.series)
    if len(table.header) > MAX_COLUMNS:
        book.capture.problem(
            "metrics", f"{shown} has {len(table.header)} columns; the first {MAX_COLUMNS} are looked at"
        )
    elif not any(one.numbers for one in taken):
        book.capture.problem("metrics", f"{shown} has the role `metrics` and holds no number")


def _wanted(header: list[str], selector: str) -> tuple[str, int | None]:
    """Read `loss`, `/loss`, `loss[3]`, `/loss[3]`; a column that is really called so comes first."""
    if selector in header:
        return selector, None
    name, row = split_row(selector)
    return (name if name in header or not name.startswith("/") else unescape(name[1:])), row


class _Table:
    """An open CSV file (RFC 4180), read row by row; a semicolon may separate where no comma does."""

    def __init__(self, path: str) -> None:
        fd = fsio.open_regular(os.path.realpath(path))
        self.file = io.TextIOWrapper(
            os.fdopen(fd, "rb", buffering=fsio.CHUNK), "utf-8-sig", errors="replace", newline=""
        )
        try:
            # A header longer than this is not one.
            first = self.file.readline(1 << 20)
            mark = (
                "\t" if path.lower().endswith(".tsv") else ";" if ";" in first and "," not in first else ","
            )
            self.file.seek(0)
            csv.field_size_limit(FIELD)
            self.reader = csv.reader(self.file, delimiter=mark)
            self.header = [cell.strip() for cell in next(self.reader, [])]
        except csv.Error as error:
            self.file.close()
            raise DocumentError(f"it is not CSV: {error}", 1) from error
        if not self.header or all(number_in(cell) is not None for cell in self.header):
            self.file.close()
            raise DocumentError(
                "it is empty" if not self.header else "its first line has no names of columns", 1
            )
        self.at_step = self.header.index(STEP) if STEP in self.header else None

    def __enter__(self) -> _Table:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Iterate over line number and cells; empty lines are passed over.

        Raises:
            DocumentError: a quote is never closed, say.
        """
        try:
            for cells in self.reader:
                if cells:
                    yield self.reader.line_num, cells
        except csv.Error as error:
            raise DocumentError(f"it is not CSV: {error}", self.reader.line_num) from error

    def step(self, cells: list[str]) -> int | float | None:
        """Read the step of a row, if the table has one."""
        if self.at_step is None or self.at_step >= len(cells):
            return None
        step = number_in(cells[self.at_step])
        return step if isinstance(step, (int, float)) else None
