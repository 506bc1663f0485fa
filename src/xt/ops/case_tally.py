"""Cases counted while they pass by, and the few of them that are kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from xt.compare.case_columns import CaseColumns, outcome_of, score_of
from xt.compare.case_join import LETTERS, MOST_COHORTS
from xt.compare.jsonable import plain, written
from xt.model.cases import Case, CaseGroup, Share
from xt.ops.case_files import CaseRow, file_text

#: Characters of all cells that are held at once.
HELD = 64_000_000
#: Columns of all rows that are named.
MOST_COLUMNS = 1_000
#: Ids named of a group.
_EXAMPLES = 3


class Reading:
    """What one row says."""

    def __init__(self, row: CaseRow, columns: CaseColumns) -> None:
        """Look at a row.

        Args:
            row: of a table.
            columns: where id, outcome and score are.
        """
        self.row = row
        cells = row.cells
        self.outcome = outcome_of(cells.get(columns.outcome)) if columns.outcome is not None else None
        score = score_of(cells.get(columns.score)) if columns.score is not None else None
        self.score = None if score is not None and math.isnan(score) else score
        self.identity = identity_of(cells, columns)

    def case(self, columns: CaseColumns, was: bool | float | None = None) -> Case:
        """Write it down, whole."""
        told = (columns.id, columns.outcome, columns.score)
        cells = {
            written(str(name)): plain(value) for name, value in self.row.cells.items() if name not in told
        }
        return Case(
            written(self.identity or ""),
            self.outcome,
            self.score,
            cells,
            file_text(self.row.file),
            was,
        )


def identity_of(cells: Mapping[str, Any], columns: CaseColumns) -> str | None:
    """The id of a case as text, as a comparison takes it; None where there is none."""
    value = cells.get(columns.id)
    return None if value is None or value == "" else str(value)


def text_of(value: Any) -> str:
    """A cell as it is shown, and somebody would type it: `true`, `3`, `law`, `["a"]`."""
    if isinstance(value, list | dict):
        return msgspec.json.encode(plain(value)).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None else written(str(value))


def is_value(value: Any, wanted: str) -> bool:
    """Whether a cell is what was typed."""
    return wanted == text_of(value) or (not isinstance(value, str) and wanted == str(value))


class Shares:
    """How cases went, in total and by the values of a few columns."""

    def __init__(self, by: list[str]) -> None:
        """Start with none.

        Args:
            by: columns, each a family of its own.
        """
        self.whole = _Count()
        self._by: dict[str, dict[str, _Count]] = {name: {} for name in by}
        self.ungrouped: list[str] = []
        """Columns with too many values."""

    def see(self, one: Reading) -> None:
        """Count a case."""
        self.whole.see(one)
        for name, values in list(self._by.items()):
            value = text_of(one.row.cells.get(name))[:LETTERS]
            count = values.get(value)
            if count is None:
                if len(values) >= MOST_COHORTS:
                    self.ungrouped.append(name)
                    del self._by[name]
                    continue
                count = values[value] = _Count()
            count.see(one)

    def cohorts(self) -> list[Share]:
        """Write down the cohorts, column by column, the worst first."""
        found = []
        for name, values in self._by.items():
            shares = [count.share(name, value) for value, count in values.items()]
            found += sorted(shares, key=lambda one: (_rate(one), -one.n, one.value))
        return found


class _Count:
    def __init__(self) -> None:
        self.n = self.passed = self.failed = self.unread = self.scored = 0
        self.total = 0.0

    def see(self, one: Reading) -> None:
        self.n += 1
        self.passed += one.outcome is True
        self.failed += one.outcome is False
        if one.score is not None:
            self.scored += 1
            self.total += one.score
        self.unread += one.outcome is None and one.score is None

    @property
    def mean(self) -> float | None:
        return self.total / self.scored if self.scored else None

    def share(self, column: str, value: str) -> Share:
        return Share(written(column), value, self.n, self.passed, self.failed, self.unread, self.mean)


def _rate(one: Share) -> float:
    """What cohorts are ordered by: the share that passes, or without outcomes the mean score."""
    judged = one.passed + one.failed
    if judged:
        return one.passed / judged
    return math.inf if one.mean is None else one.mean


class Groups:
    """Chosen cases by the values of one column."""

    def __init__(self, column: str) -> None:
        """Start with none."""
        self.column = column
        self.over = 0
        """Cases of values that are not counted, because there were too many different ones."""
        self._found: dict[str, tuple[list[str], list[int]]] = {}

    def see(self, one: Reading) -> None:
        """Count a case."""
        value = text_of(one.row.cells.get(self.column))[:LETTERS]
        if value not in self._found:
            if len(self._found) >= MOST_COHORTS:
                self.over += 1
                return
            self._found[value] = ([], [0])
        examples, count = self._found[value]
        count[0] += 1
        if len(examples) < _EXAMPLES and one.identity is not None:
            examples.append(written(one.identity[:LETTERS]))

    def groups(self) -> list[CaseGroup]:
        """Write them down, the largest first."""
        found = [CaseGroup(value, count[0], examples) for value, (examples, count) in self._found.items()]
        return sorted(found, key=lambda one: (-one.n, one.value))


Rank = tuple[float, ...]


class Kept:
    """The first of many cases in an order, however they come."""

    def __init__(self, most: int | None) -> None:
        """Keep none yet.

        Args:
            most: cases; None for all there is memory for.
        """
        self._most = most
        self._found: list[tuple[Rank, int, int, Case]] = []
        self._held = 0
        self._last: Rank | None = None
        """The rank of the last one when there are enough."""
        self.seen = 0
        self.is_full = False
        """Whether some were left out for their size."""

    def see(self, rank: Rank, case: Case) -> None:
        """Take a case.

        Args:
            rank: those of the lowest are kept.
            case: whole.
        """
        size = 200 + sum(_weight(value) for value in case.cells.values())
        self._found.append((rank, self.seen, size, case))
        self.seen += 1
        self._held += size
        if (self._most is not None and len(self._found) > 2 * self._most + 64) or self._held > HELD:
            self._cut()

    def wants(self, rank: Rank) -> bool:
        """Whether a case of that rank may still be among those that are kept."""
        return self._last is None or rank < self._last

    def cases(self) -> list[Case]:
        """Give them in order."""
        self._cut()
        return [case for _, _, _, case in self._found]

    def _cut(self) -> None:
        self._found.sort(key=lambda one: one[:2])
        if self._most is not None:
            del self._found[self._most :]
            self._last = self._found[-1][0] if len(self._found) == self._most else None
        self._held = sum(one[2] for one in self._found)
        if self._held > HELD:
            self.is_full = True
            # More than is needed, so that not every further case makes it sort them again.
            while self._held > HELD * 3 // 4 and len(self._found) > 1:
                self._held -= self._found.pop()[2]
            self._last = self._found[-1][0]


def _weight(value: Any) -> int:
    if isinstance(value, str):
        return len(value) + 50
    if isinstance(value, dict):
        return 200 + sum(len(key) + _weight(child) for key, child in value.items())
    return 100 + sum(map(_weight, value)) if isinstance(value, list) else 50
