"""Tables, row by row and column by column, in bounded memory."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any

from xt.compare import Content, Rule
from xt.compare.alignment import edits
from xt.compare.columns import Column, Seen, check_key
from xt.compare.counts import share_differs
from xt.compare.ignoring import Ignoring
from xt.compare.joins import Join
from xt.compare.jsonable import text
from xt.compare.sources import Delimited, JsonLines, Source
from xt.model.delta import Delta, Measure, Relation

#: Columns that are listed.
LISTED = 200
#: Rows after the first difference that are remembered (8 bytes each) to be aligned when rows were added or
#: removed, and rows of these between the first and the last difference.
REMEMBERED = 4_000_000
ALIGNED = 150_000

Row = list[Any]


def compare_csv(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare CSV or TSV with a header line.

    Raises:
        UnreadableError: naming the line that is no row, or a key column that is missing.
    """
    return compare_tables(Delimited(left), Delimited(right), rule, path)


def compare_jsonl(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare JSON Lines of objects.

    Raises:
        UnreadableError: naming the line that is no object, or a key column that is missing.
    """
    return compare_tables(JsonLines(left), JsonLines(right), rule, path)


def compare_tables(left: Source, right: Source, rule: Rule, path: str) -> Delta:
    """Compare two tables.

    Rows belong together that have the same key, or without a key the same place; when one side has more
    rows, equal rows are aligned first.

    Args:
        left: one table.
        right: the other.
        rule: tolerance, key columns, and globs of columns to ignore.
        path: of the result.

    Raises:
        UnreadableError: a table or a key cannot be read, or too many rows are in another order.
    """
    check_key(rule.key, left.columns, "left")
    check_key(rule.key, right.columns, "right")
    ignoring = Ignoring(rule)
    dropped = {name for name in dict.fromkeys([*left.columns, *right.columns]) if ignoring.matches(name)}
    shared = [name for name in left.columns if name in set(right.columns) and name not in dropped]
    fresh = [
        Column(name, rule, _types(left, right, name), texts=left.texts and right.texts) for name in shared
    ]
    seen = Seen(fresh, trusted=left.trusted and right.trusted)
    project = _Projection(left.columns, right.columns, shared)
    notes: list[str] = []
    hint = None
    least: Relation = "same"
    if rule.key:
        join = Join(seen, _key_of(left, right, rule.key), list(rule.key))
        join.run(_keyed(left, rule.key), _keyed(right, rule.key), project.after_key)
        if join.reordered:
            least = "within"
            notes.append("rows are in another order")
        if join.twice:
            least = "changed"
            at = f", {join.twice_at} for one" if join.twice_at else ""
            notes.append(f"{join.twice} {'key comes' if join.twice == 1 else 'keys come'} more than once{at}")
        if join.unsure:
            notes.append("keys that come more than once were looked for among the first 8 million rows")
    else:
        order = _InOrder(left, right, seen, project)
        order.run()
        if order.only_order:
            note = "only the order of rows differs"
            return Delta(path, "changed", None, None, "changed", None, [], _noted([note, ignoring.note]))
        if seen.rows_differing or seen.added or seen.removed:
            hint = "declare `key` columns for it to join rows by what identifies them"
    children = [
        *(
            _one_sided(path, name, "removed")
            for name in left.columns
            if name not in {*right.columns, *dropped}
        ),
        *(_one_sided(path, name, "added") for name in right.columns if name not in {*left.columns, *dropped}),
    ]
    found = [column.delta(path, seen.compared) for column in seen.columns]
    children += sorted(
        (each for each in found if each is not None), key=lambda each: each.relation == "within"
    )
    relations = {child.relation for child in children}
    if "changed" in relations or least == "changed" or seen.added or seen.removed:
        relation: Relation = "changed"
    else:
        relation = "within" if relations or least == "within" or dropped else "same"
    if relation == "same":
        same_columns = left.columns == right.columns
        notes.append("only the layout differs" if same_columns else "only the order of columns differs")
    notes = [*_summary(seen, children), *notes, *([ignoring.note] if ignoring.note else [])]
    return Delta(
        *(path, relation, None, None, None if relation == "same" else "changed", None),
        measures=_measures(seen, rule),
        note=_noted(notes),
        hint=hint if relation == "changed" else None,
        children=children[:LISTED],
        more=max(0, len(children) - LISTED),
    )


def _noted(notes: Sequence[str | None]) -> str | None:
    return "; ".join(note for note in notes if note) or None


def _types(left: Source, right: Source, name: str) -> tuple[str, str] | None:
    if left.types is None or right.types is None:
        return None
    types = left.types[left.columns.index(name)], right.types[right.columns.index(name)]
    return types if types[0] != types[1] else None


def _one_sided(path: str, name: str, change: Any) -> Delta:
    return Delta(f"{path}:{text(name)}", "changed", change=change, note=f"column {change}")


def _summary(seen: Seen, children: list[Delta]) -> list[str]:
    found = []
    columns = sum(child.change == "changed" and child.relation == "changed" for child in children)
    if seen.rows_differing:
        rows = share_differs(seen.rows_differing, seen.compared, "row")
        found.append(f"{rows} in {columns} {'column' if columns == 1 else 'columns'}")
    for count, what in ((seen.added, "added"), (seen.removed, "removed")):
        if count:
            found.append(f"{count} {'row' if count == 1 else 'rows'} {what}")
    for change in ("added", "removed"):
        count = sum(child.change == change for child in children)
        if count:
            found.append(f"{count} {'column' if count == 1 else 'columns'} {change}")
    close = sum(column.close for column in seen.columns)
    if close and not found:
        found.append(f"{close} {'value differs' if close == 1 else 'values differ'} within tolerance")
    return found


def _measures(seen: Seen, rule: Rule) -> list[Measure]:
    measures = []
    if seen.rows_differing:
        measures.append(Measure("rows differing", seen.rows_differing))
    for what, count in (("added", seen.added), ("removed", seen.removed)):
        if count:
            places = seen.examples[what]
            measures.append(
                Measure(f"rows {what}", count, ", ".join(places) + (", …" * (count > len(places))))
            )
    widest = seen.widest()
    return measures + (widest.measures(rule) if widest.count else [])


class _Projection:
    """Takes the cells that both tables have out of a row, in one order."""

    def __init__(self, left: list[str], right: list[str], shared: list[str]) -> None:
        self._places = [
            None if columns == shared else [columns.index(name) for name in shared]
            for columns in (left, right)
        ]

    def __call__(self, row: Row, side: int) -> Row:
        """The shared cells of a row of side 0 or 1."""
        places = self._places[side]
        return row if places is None else [row[place] for place in places]

    def after_key(self, row: Row, side: int) -> Row:
        """The same of a row that has its key in front."""
        return self(row[1:], side)


def _keyed(table: Source, key: list[str]) -> Iterator[Row]:
    """Rows with the tuple of their key in front."""
    take = itemgetter(*(table.columns.index(name) for name in key))
    for row in table.rows():
        cells = take(row)
        yield [cells if len(key) > 1 else (cells,), *row]


def _key_of(left: Source, right: Source, key: list[str]) -> Callable[[Row], tuple[Any, ...]]:
    """How to take the key from the front of a row: numbers as numbers, whatever else as it is."""
    if left.texts and right.texts:
        return itemgetter(0)

    def key_of(row: Row) -> tuple[Any, ...]:
        return tuple(map(_plain, row[0]))

    return key_of


def _plain(cell: Any) -> Any:
    """A key cell that is equal only to those that are the same."""
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell if type(cell) in (str, int) else repr(cell)


class _InOrder:
    """Compares row with row by their place."""

    def __init__(self, left: Source, right: Source, seen: Seen, project: _Projection) -> None:
        self.left = left
        self.right = right
        self.seen = seen
        self.project = project
        self.only_order = False

    def run(self) -> None:
        """Compare all rows; twice, when one side has more of them."""
        seen, project = self.seen, self.project
        ours, theirs = self.left.rows(), self.right.rows()
        sums = [0, 0]
        hashes = (array("q"), array("q"))
        first = None
        # The rows that are told apart here are told of only if the sides have equally many.
        for row in ours:
            counterpart = next(theirs, None)
            if counterpart is None:
                self._rest(row, ours, hashes[0])
                break
            number = seen.compared + 1
            one, other = project(row, 0), project(counterpart, 1)
            if seen.pair(one, other, lambda number=number: f"row {number}") or first is not None:  # type: ignore[misc]
                digests = _digest(one), _digest(other)
                first = number if first is None else first
                for side, digest in enumerate(digests):
                    sums[side] += digest
                    if len(hashes[side]) < REMEMBERED:
                        hashes[side].append(digest)
        else:
            counterpart = next(theirs, None)
            if counterpart is not None:
                self._rest(counterpart, theirs, hashes[1], side=1)
        if not seen.added and not seen.removed:
            self.only_order = first is not None and sums[0] == sums[1]
        elif first is not None:
            self._align(first - 1, hashes)

    def _rest(self, row: Row | None, rest: Iterator[Row], hashes: array[int], side: int = 0) -> None:
        """Take in the rows that one side has more."""
        number = self.seen.compared
        while row is not None:
            number += 1
            take = self.seen.add if side else self.seen.remove
            take(lambda number=number: f"row {number}")  # type: ignore[misc]
            if len(hashes) < REMEMBERED:
                hashes.append(_digest(self.project(row, side)))
            row = next(rest, None)

    def _align(self, equal: int, hashes: tuple[array[int], array[int]]) -> None:
        """Compare again, equal rows beside each other.

        Args:
            equal: rows before the first difference.
            hashes: of the rows from there on.
        """
        if max(map(len, hashes)) >= REMEMBERED:
            return
        end = 0
        while end < min(map(len, hashes)) and hashes[0][-1 - end] == hashes[1][-1 - end]:
            end += 1
        middle = [side[: len(side) - end] for side in hashes]
        if max(map(len, middle)) > ALIGNED:
            return
        changes = edits(middle[0], middle[1])
        seen = self.seen
        seen.restart(equal + len(hashes[0]) - sum(change.left_end - change.left for change in changes))
        ours, theirs = islice(self.left.rows(), equal, None), islice(self.right.rows(), equal, None)
        at = other = 0
        for left, left_end, right, right_end in changes:
            mine = [*islice(ours, left - at, left_end - at)]
            yours = [*islice(theirs, right - other, right_end - other)]
            at, other = left_end, right_end
            for index in range(max(len(mine), len(yours))):
                number = equal + (left if index < len(mine) else right) + index + 1
                where = lambda number=number: f"row {number}"  # noqa: E731
                if index >= len(yours):
                    seen.remove(where)
                elif index >= len(mine):
                    seen.add(where)
                else:
                    seen.pair(self.project(mine[index], 0), self.project(yours[index], 1), where)


def _digest(row: Row) -> int:
    """Hash a row by the keyed hash of texts."""
    return hash(repr(row))
