"""One reading of the cases of a run: counted as they pass by, and those that are wanted kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from xt.compare.case_columns import CaseColumns, columns_of
from xt.compare.case_join import MOST_COHORTS, Join, Move
from xt.compare.jsonable import written
from xt.config import CaseSettings
from xt.errors import UsageError
from xt.model.cases import Against, CasesOfRun, Columns
from xt.model.delta import Tally
from xt.model.files import Output
from xt.model.result import Record
from xt.ops.case_files import CaseRow, CaseTables, qualified
from xt.ops.case_tally import HELD, MOST_COLUMNS, Groups, Kept, Rank, Reading, Shares, is_value
from xt.suggest import suggest

Chosen = Literal["all", "failed", "broken", "fixed"]


class Wish(NamedTuple):
    """Which cases are wanted."""

    chosen: Chosen = "all"
    only: tuple[tuple[str, str], ...] = ()
    """Columns and the values they must have."""
    by: str | None = None
    """Column to group the chosen ones by."""
    against: str | None = None
    """Reference of the run that `broken` and `fixed` are about; the baseline by default."""
    output: str | None = None
    """Which output, where there are several of role `cases`."""
    most: int | None = 20
    """CasesOfRun listed; None for all there is memory for."""


class CasePass:
    """One reading of the cases of a run."""

    def __init__(self, tables: CaseTables, settings: CaseSettings, wish: Wish) -> None:
        self.tables = tables
        self.settings = settings
        self.wish = wish
        first = next(tables.rows(), None)
        self.columns: CaseColumns | None = None if first is None else columns_of(settings, first.cells)
        cohorts = [] if first is None else [name for name in settings.cohorts if name in first.cells]
        self.cohorts = cohorts
        self.shares = Shares(cohorts)
        self.groups = None if wish.by is None else Groups(wish.by)
        self.kept = Kept(wish.most)
        self.fits = 0
        self.nameless = 0
        self.names: dict[str, None] = {}
        self.notes = list(tables.notes)
        self._current: Reading | None = None
        if wish.chosen == "failed" and self.columns is not None and self.columns.outcome is None:
            raise UsageError(
                "no column says which cases failed, there is only a score",
                "without `--failed` the lowest scores come first; `[cases] outcome` names a column",
            )

    def alone(self) -> None:
        """Choose by what the run itself says."""
        for row in self.tables.rows():
            one = self._see(row)
            if self._fits(row.cells) and (self.wish.chosen == "all" or one.outcome is False):
                self._choose(one, self._rank(one), None)

    def beside(self, base: CaseTables, *, by_file: bool) -> tuple[Tally, bool]:
        """Choose those that went differently in another run.

        Args:
            base: cases of the other run.
            by_file: whether ids count within their files only.

        Returns:
            What became of all, and whether some id occurred twice.
        """
        columns = self.columns
        if columns is None:
            return Tally(), False
        identity = columns.id if by_file else None
        join = Join(columns, [], self._moved)
        join.read(base.cells(identity), self._passing(identity))
        for number, what in (
            (join.twice, "with an id that was there before, not compared"),
            (join.unread, "without a result that can be read in both runs, not compared"),
        ):
            if number:
                self.notes.append(f"{number} {'case' if number == 1 else 'cases'} {what}")
        tally = join.whole.tally
        if columns.outcome is None:
            lower, higher = (sum(sign * move > 0 for move in join.scores) for sign in (-1, 1))
            alike = join.joined - join.unread - lower - higher
            tally = Tally(higher, lower, 0, alike, tally.only_left, tally.only_right)
        return tally, join.twice > 0

    def _passing(self, identity: str | None) -> Iterator[dict[str, Any]]:
        """Hand the rows on to the comparison, and look at each."""
        for row in self.tables.rows():
            self._current = self._see(row)
            yield row.cells if identity is None else qualified(row, identity)

    def _moved(self, move: Move, row: Mapping[str, Any]) -> None:
        """Take a case that went differently, the one that passes by."""
        kinds = (0, 1) if self.wish.chosen == "broken" else (2, 3)
        one = self._current
        if one is not None and move.kind in kinds and self._fits(one.row.cells):
            self._choose(one, (move.kind, move.score, self.fits), move.left)

    def _see(self, row: CaseRow) -> Reading:
        assert self.columns is not None
        one = Reading(row, self.columns)
        self.shares.see(one)
        self.nameless += one.identity is None
        if len(self.names) < MOST_COLUMNS and not self.names.keys() >= row.cells.keys():
            self.names.update(dict.fromkeys(row.cells))
        return one

    def _fits(self, cells: Mapping[str, Any]) -> bool:
        return all(is_value(cells.get(name), value) for name, value in self.wish.only)

    def _rank(self, one: Reading) -> Rank:
        assert self.columns is not None
        if self.columns.outcome is not None:
            return ({False: 0, None: 1, True: 2}[one.outcome], self.fits)
        return (math.inf if one.score is None else one.score, self.fits)

    def _choose(self, one: Reading, rank: Rank, was: bool | float | None) -> None:
        assert self.columns is not None
        self.fits += 1
        if self.groups is not None:
            self.groups.see(one)
        if self.kept.wants(rank):
            self.kept.see(rank, one.case(self.columns, was))

    def report(self, record: Record, shown: int, item: Output, against: Against | None) -> CasesOfRun:
        """Write down what was seen.

        Raises:
            UsageError: a column that was asked for is in no row.
        """
        names = [written(str(name)) for name in self.names]
        for option, column in (*(("--cohort", name) for name, _ in self.wish.only), ("--by", self.wish.by)):
            if column is not None and names and column not in names:
                raise UsageError(
                    f"{option}: no case has a column `{column}`", suggest(column, names, "columns")
                )
        listed = self.kept.cases()
        return CasesOfRun(
            run=record.id,
            shown=shown,
            started_at=record.started_at,
            output=item.path if item.path is not None and item.kind != "glob" else item.declared,
            chosen=self.wish.chosen,
            n=self.shares.whole.n,
            passed=self.shares.whole.passed,
            failed=self.shares.whole.failed,
            unread=self.shares.whole.unread,
            fits=self.fits,
            columns=self._columns(names),
            mean=self.shares.whole.mean,
            purpose=record.snapshot.context.purpose,
            only=dict(self.wish.only),
            cohorts=self.shares.cohorts(),
            by=self.wish.by,
            groups=[] if self.groups is None else self.groups.groups(),
            against=against,
            cases=listed,
            more=self.fits - len(listed),
            notes=[*self.notes, *self._notes()],
        )

    def _columns(self, names: list[str]) -> Columns | None:
        if self.columns is None:
            return None
        told = (self.columns.id, self.columns.outcome, self.columns.score, *self.cohorts)
        others = [name for name in names if name not in told]
        return Columns(*self.columns, self.cohorts, others)

    def _notes(self) -> list[str]:
        notes = []
        if self.nameless:
            notes.append(f"{self.nameless} {'row' if self.nameless == 1 else 'rows'} without an id")
        for column in self.shares.ungrouped:
            notes.append(f"`{written(column)}` has over {MOST_COHORTS} values and does not group")
        if self.groups is not None and self.groups.over:
            notes.append(f"{self.groups.over} cases of further values of `{self.wish.by}` are not grouped")
        if self.kept.is_full:
            notes.append(f"only so many are listed as {HELD // 1_000_000} MB hold")
        missing = [name for name in self.settings.cohorts if self.columns and name not in self.cohorts]
        notes += [f"no column `{name}`, which `[cases] cohorts` names" for name in missing]
        return notes
