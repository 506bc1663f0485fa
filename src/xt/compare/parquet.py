"""Parquet, row by row, in a process of its own: its parser is written in C++."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from xt.compare import Content, Rule, UnreadableError
from xt.compare.isolated import call, rows
from xt.compare.sources import COLUMNS
from xt.model.delta import Delta

#: Rows that are turned into values at a time, and cells of these: wide tables come in fewer rows.
BATCH = 8192
CELLS = 200_000


def compare(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare two Parquet files by rows and columns.

    Raises:
        UnreadableError: one is not Parquet, a key column is missing, or reading it passes a limit of memory
            or time.
    """
    return call("xt.compare.parquet:compare_here", left, right, rule, path)


def compare_here(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """The same in this process; see `isolated`."""
    from xt.compare.tables import compare_tables

    return compare_tables(Parquet(left), Parquet(right), rule, path)


def objects(content: Content) -> Iterator[dict[str, Any]]:
    """Read rows as objects, batch by batch.

    Raises:
        UnreadableError: it is not Parquet, or reading it passes a limit of memory or time.
    """
    return rows("xt.compare.parquet:objects_here", content)


def objects_here(content: Content) -> Iterator[dict[str, Any]]:
    """The same in this process; see `isolated`."""
    table = Parquet(content)
    for row in table.rows():
        yield dict(zip(table.columns, row, strict=True))


class Parquet:
    """A table; what has no JSON value (times, decimals, bytes) is compared as text."""

    trusted = True
    texts = False

    def __init__(self, content: Content) -> None:
        """Read the schema.

        Raises:
            UnreadableError: it is not Parquet, or has two columns of one name.
        """
        self._content = content
        with self._opened() as file:
            schema = file.schema_arrow
            self.columns = [str(name) for name in schema.names]
            self.types: list[str] | None = [str(kind)[:200] for kind in schema.types]
        if len(self.columns) > COLUMNS:
            raise UnreadableError(f"it has more than {COLUMNS} columns")
        if len(set(self.columns)) < len(self.columns):
            raise UnreadableError("two of its columns have one name")

    def _opened(self) -> Any:
        arrow: Any = import_module("pyarrow")
        format_: Any = import_module("pyarrow.parquet")

        try:
            # Buffered: a column of a row group is read page by page, not whole.
            return format_.ParquetFile(self._content.open(), buffer_size=1 << 16, pre_buffer=False)
        except (arrow.ArrowException, OSError, ValueError) as error:
            raise UnreadableError(f"it is not Parquet: {_short(error)}") from error

    def rows(self) -> Iterator[list[Any]]:
        """Its rows.

        Raises:
            UnreadableError: it is damaged.
        """
        arrow: Any = import_module("pyarrow")

        size = max(1, min(BATCH, CELLS // max(1, len(self.columns))))
        with self._opened() as file:
            try:
                for batch in file.iter_batches(batch_size=size, use_threads=False):
                    columns = [_values(column) for column in batch.columns]
                    yield from map(list, zip(*columns, strict=True))
            except (arrow.ArrowException, OSError, ValueError) as error:
                raise UnreadableError(f"it is damaged: {_short(error)}") from error


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


def _values(column: Any) -> list[Any]:
    """Cells as numbers, texts, lists and objects."""
    arrow: Any = import_module("pyarrow")

    kind = column.type
    kinds = arrow.types
    if kinds.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if kinds.is_temporal(kind) or kinds.is_decimal(kind):
        try:
            # Nanoseconds have no value in Python's own types.
            column = column.cast(arrow.string())
        except arrow.ArrowException:
            return [None if each is None else str(each) for each in column]
    values: list[Any] = column.to_pylist()
    if (
        kinds.is_nested(kind)
        or kinds.is_binary(kind)
        or kinds.is_large_binary(kind)
        or kinds.is_fixed_size_binary(kind)
    ):
        return [_plain(value) for value in values]
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(child) for child in value]
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
