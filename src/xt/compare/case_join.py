"""Cases of two runs joined by id while they pass by: counts, the worst of them, a few bytes each."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from xt.compare import UnreadableError
from xt.compare.case_columns import CaseColumns, outcome_of, score_of
from xt.model.delta import Tally

#: Cases of a side, and of those on the right that are not on the left: what fits in memory.
MOST_CASES = 1_000_000
MOST_STRANGERS = 250_000
#: Values of a cohort's column; a column with more is no cohort.
MOST_COHORTS = 1_000
#: Cases listed.
LISTED = 20
#: Letters of an id or of a cohort's value that are shown.
LETTERS = 200
#: Bits of an id's hash: two of a million different ids meet in one comparison of 2 million.
_KEY_BITS = 2**60 - 1
_NEITHER = 2
_FIXED, _BROKEN, _FAILING, _PASSING, _ONLY_LEFT, _ONLY_RIGHT = range(6)
_KIND = {
    (False, True): _FIXED,
    (True, False): _BROKEN,
    (False, False): _FAILING,
    (True, True): _PASSING,
}


class Move(NamedTuple):
    """A case that went differently; the worst come first in order."""

    kind: int
    """0 broken, 1 a lower score, 2 fixed, 3 a higher score."""
    score: float
    """By how much the score moved, 0 without scores."""
    place: int
    name: str
    left: bool | float
    right: bool | float


class Cohort:
    """The cases of one value of a grouping column."""

    def __init__(self, column: str, value: str) -> None:
        """Start with none."""
        self.column = column
        self.value = value
        self.counts = [0] * 6
        self.scored = 0
        self.rescored = 0
        self.score_sum = 0.0

    @property
    def tally(self) -> Tally:
        """Counts by what became of the cases."""
        return Tally(*self.counts)

    @property
    def mean_move(self) -> float:
        """Mean move of the scores, 0 without scores."""
        return self.score_sum / self.scored if self.scored else 0.0

    @property
    def moved(self) -> bool:
        """Whether any case went differently, or is on one side only."""
        lone = self.counts[_ONLY_LEFT] + self.counts[_ONLY_RIGHT]
        return bool(self.counts[_FIXED] + self.counts[_BROKEN] + lone + self.rescored)


class Join:
    """Both sides: counts in total and by cohort."""

    def __init__(
        self,
        columns: CaseColumns,
        by: list[str],
        moved: Callable[[Move, Mapping[str, Any]], None] | None = None,
    ) -> None:
        """Start with no case.

        Args:
            columns: where id, outcome and score are.
            by: columns that group cases, each by itself.
            moved: is told of every case that went differently, with its row on the right.
        """
        self._tell = moved
        self.columns = columns
        self.by = by
        self.whole = Cohort("", "")
        self.groups: list[list[Cohort]] = [[] for _ in by]
        self.ungrouped: set[str] = set()
        """Columns with too many values."""
        self.joined = 0
        self.twice = 0
        """Rows whose id was there before."""
        self.nameless = 0
        """Rows without an id."""
        self.unread = 0
        """Cases on both sides that have no outcome or score to be compared."""
        self.moves: list[Move] = []
        self.moved = 0
        self.scores = array("d")
        """Moves of the score, one a case on both sides."""
        self.left_sum = self.right_sum = 0.0
        self._places: dict[int, int] = {}
        self._outcomes = bytearray()
        self._left_scores = array("d")
        self._left_groups = [array("i") for _ in by]
        self._numbers: list[dict[str, int]] = [{} for _ in by]

    def read(self, left: Iterable[Mapping[str, Any]], right: Iterable[Mapping[str, Any]]) -> None:
        """Read both sides once, the left one first.

        Raises:
            UnreadableError: there are more cases than memory allows for.
        """
        self._keep(left)
        seen = bytearray(len(self._places))
        strangers: set[int] = set()
        for row, name in self._named(right):
            key = hash(name) & _KEY_BITS
            place = self._places.get(key)
            if place is not None:
                self.twice += seen[place]
                if not seen[place]:
                    seen[place] = 1
                    self._meet(place, row, name)
            elif key in strangers:
                self.twice += 1
            elif len(strangers) >= MOST_STRANGERS:
                raise UnreadableError(f"more than {MOST_STRANGERS} of its cases are not on the left")
            else:
                strangers.add(key)
                self._count(_ONLY_RIGHT, self._cohorts_of(row))
        for place, met in enumerate(seen):
            if not met:
                self._count(_ONLY_LEFT, [group[place] for group in self._left_groups])
        self.moves.sort()

    def cohorts(self) -> list[Cohort]:
        """List the cohorts, those that lost most first."""
        listed = [cohort for group in self.groups for cohort in group if cohort.column not in self.ungrouped]
        listed.sort(
            key=lambda cohort: (
                cohort.counts[_FIXED] - cohort.counts[_BROKEN],
                cohort.mean_move,
                cohort.column,
                cohort.value,
            )
        )
        return listed

    def _named(self, rows: Iterable[Mapping[str, Any]]) -> Iterable[tuple[Mapping[str, Any], str]]:
        for row in rows:
            value = row.get(self.columns.id)
            if value is None or value == "":
                self.nameless += 1
            else:
                # A table says `7` where a document says 7.
                yield row, str(value)

    def _keep(self, rows: Iterable[Mapping[str, Any]]) -> None:
        for row, name in self._named(rows):
            # Keyed by a secret of the process (SipHash), so nobody can make ids that meet.
            key = hash(name) & _KEY_BITS
            if key in self._places:
                self.twice += 1
                continue
            if len(self._places) >= MOST_CASES:
                raise UnreadableError(f"it has more than {MOST_CASES} cases")
            self._places[key] = len(self._places)
            outcome, score = self._cells(row)
            self._outcomes.append(_NEITHER if outcome is None else outcome)
            self._left_scores.append(math.nan if score is None else score)
            for group, number in zip(self._left_groups, self._cohorts_of(row), strict=True):
                group.append(number)

    def _meet(self, place: int, row: Mapping[str, Any], name: str) -> None:
        """Count a case that is on both sides."""
        outcome, score = self._cells(row)
        before_outcome, before_score = self._outcomes[place], self._left_scores[place]
        cohorts = [group[place] for group in self._left_groups]
        scored = score is not None and not math.isnan(before_score)
        move = 0.0
        self.joined += 1
        if score is not None and scored:
            move = score - before_score
            self.scores.append(move)
            self.left_sum += before_score
            self.right_sum += score
            for cohort in self._members(cohorts):
                cohort.scored += 1
                cohort.rescored += move != 0
                cohort.score_sum += move
        if self.columns.outcome is None:
            self.unread += not scored
            if move and score is not None:
                self._remember(Move(1 if move < 0 else 3, move, place, name, before_score, score), row)
        elif outcome is None or before_outcome == _NEITHER:
            self.unread += 1
        else:
            kind = _KIND[bool(before_outcome), outcome]
            self._count(kind, cohorts)
            if kind in (_FIXED, _BROKEN):
                worse = 0 if kind == _BROKEN else 2
                self._remember(Move(worse, move, place, name, bool(before_outcome), outcome), row)

    def _remember(self, move: Move, row: Mapping[str, Any]) -> None:
        """Keep the worst."""
        if self._tell is not None:
            self._tell(move, row)
        self.moved += 1
        self.moves.append(move._replace(name=move.name[:LETTERS]))
        if len(self.moves) >= 8 * LISTED:
            self.moves.sort()
            del self.moves[LISTED:]

    def _members(self, cohorts: Iterable[int]) -> Iterable[Cohort]:
        yield self.whole
        for group, number in zip(self.groups, cohorts, strict=True):
            if number >= 0:
                yield group[number]

    def _count(self, kind: int, cohorts: Iterable[int]) -> None:
        for cohort in self._members(cohorts):
            cohort.counts[kind] += 1

    def _cohorts_of(self, row: Mapping[str, Any]) -> list[int]:
        """Number the cohorts of a row, one a column; -1 is none."""
        found = []
        for column, numbers, group in zip(self.by, self._numbers, self.groups, strict=True):
            text = str(row.get(column, ""))[:LETTERS]
            number = numbers.get(text, -1)
            if number < 0 and len(numbers) < MOST_COHORTS:
                number = numbers[text] = len(numbers)
                group.append(Cohort(column, text))
            elif number < 0:
                self.ungrouped.add(column)
            found.append(number)
        return found

    def _cells(self, row: Mapping[str, Any]) -> tuple[bool | None, float | None]:
        columns = self.columns
        return (
            outcome_of(row.get(columns.outcome)) if columns.outcome is not None else None,
            score_of(row.get(columns.score)) if columns.score is not None else None,
        )
