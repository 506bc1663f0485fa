"""What is learned of the columns of two tables while their rows go by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xt.compare import Rule, UnreadableError
from xt.compare.closeness import Widest, both_nan, close, deviation, is_number
from xt.compare.counts import share_differs
from xt.compare.jsonable import fit, text
from xt.compare.numerals import numeral
from xt.compare.sources import MISSING
from xt.compare.walk import Walker, bounded
from xt.model.delta import Delta, Measure, Relation

#: Names a row: `row 12`, `row id=7`.
Where = Callable[[], str]


class Column:
    """Differences in one column."""

    def __init__(
        self, name: str, rule: Rule, types: tuple[str, str] | None = None, *, texts: bool = False
    ) -> None:
        """Start with none.

        Args:
            name: of the column.
            rule: its tolerance.
            types: declared on both sides, where they differ.
            texts: whether the format has nothing but texts, some of which are numbers.
        """
        self.texts = texts
        self.name = name
        self.rule = rule
        self.types = types
        self.differing = 0
        self.close = 0
        self.retyped = 0
        self.widest = Widest()
        self._absolute = self._relative = -1.0
        self._example: tuple[Any, Any, str] | None = None

    def fresh(self) -> Column:
        """The same column, nothing seen."""
        return Column(self.name, self.rule, self.types, texts=self.texts)

    def see(self, left: Any, right: Any, where: Where) -> bool:
        """Take in two cells that are not stored equally; say whether they differ beyond the rule."""
        if self.texts:
            one, other = numeral(left), numeral(right)
            if one is None or other is None:
                if left != right:
                    self.retyped += (one is None) != (other is None) and bool(left) and bool(right)
                    self._differ(left, right, where)
                    return True
                return False
            left, right = one, other
        if is_number(left) and is_number(right):
            return self._numbers(left, right, where)
        if type(left) is type(right):
            if isinstance(left, (dict, list)):
                return self._nested(left, right, where)
            if left == right:
                return False
        elif None not in (left, right) and MISSING not in (left, right):
            self.retyped += 1
        self._differ(left, right, where)
        return True

    def _numbers(self, left: float, right: float, where: Where) -> bool:
        rule = self.rule
        if left == right or both_nan(left, right):
            return False
        distance = abs(left - right) if type(left) is float and type(right) is float else None
        if distance is not None and distance - distance == 0.0 and not rule.ulp:
            # By far the most frequent case: what `close` and `deviation` say, in place.
            size = max(abs(left), abs(right))
            if distance > self._absolute or distance / size > self._relative:
                self._widen(left, right, where)
            else:
                self.widest.count += 1
            within = distance <= rule.atol + rule.rtol * size
        else:
            self._widen(left, right, where)
            within = close(left, right, rule)
        if within:
            self.close += 1
            return False
        self._differ(left, right, where)
        return True

    def _widen(self, left: float, right: float, where: Where) -> None:
        apart = deviation(left, right)
        named = f"{where()}, column {text(self.name)}" if self.widest.would_widen(apart) else ""
        self.widest.join_in(apart, named)
        # NaN, no distance at all, is left out of these: `max` keeps its first argument.
        self._absolute = max(self._absolute, apart.absolute)
        self._relative = max(self._relative, apart.relative)

    def _nested(self, left: Any, right: Any, where: Where) -> bool:
        """Compare two lists or objects that are cells."""
        for value in (left, right):
            bounded(value)
        walker = Walker(self.rule, "")
        walker.walk(left, right)
        if walker.widest.count:
            self.widest.merge(walker.widest, f"{where()}, column {text(self.name)}")
        if walker.differing:
            self._differ(left, right, where)
            return True
        self.close += bool(walker.counts["within"])
        return False

    def _differ(self, left: Any, right: Any, where: Where) -> None:
        self.differing += 1
        if self._example is None:
            self._example = (left, right, where())

    def delta(self, path: str, compared: int) -> Delta | None:
        """Say what was seen; None when nothing differs.

        Args:
            path: of the table.
            compared: pairs of rows.
        """
        if not (self.differing or self.close or self.types):
            return None
        relation: Relation = "changed" if self.differing or self.types else "within"
        measures = self.widest.measures(self.rule) if self.widest.count else []
        notes = []
        left = right = None
        if self.types:
            notes.append(f"type {self.types[0]} → {self.types[1]}")
        if self._example is not None:
            left, right, where = self._example
            measures.insert(
                0, Measure("values differing", self.differing, f"{where}, column {text(self.name)}")
            )
            absent = " (absent)" if MISSING in (left, right) else ""
            notes.append(f"{share_differs(self.differing, compared, 'value')}, first in {where}{absent}")
        if self.retyped:
            notes.append(f"{self.retyped} of them changed between number and text, or in type")
        if self.close:
            notes.append(f"{self.close} within tolerance")
        one, other = (None if value is MISSING else fit(value) for value in (left, right))
        shown = f"{path}:{text(self.name)}"
        note = "; ".join(notes)
        return Delta(shown, relation, one, other, "changed", None, measures, note)


class Seen:
    """Everything learned of two tables."""

    def __init__(self, columns: list[Column], *, trusted: bool) -> None:
        """Start with no row.

        Args:
            columns: those both tables have, in the order of the cells of a row.
            trusted: whether cells that Python takes for equal are equal.
        """
        self.columns = columns
        self.trusted = trusted
        self.restart()

    def restart(self, compared: int = 0) -> None:
        """Forget what was seen.

        Args:
            compared: pairs of rows that are known to be equal.
        """
        self.columns = [column.fresh() for column in self.columns]
        self.compared = compared
        self.rows_differing = 0
        self.added = 0
        self.removed = 0
        self.examples: dict[str, list[str]] = {"added": [], "removed": []}

    def widest(self) -> Widest:
        """The largest deviations of all columns."""
        found = Widest()
        for column in self.columns:
            found.merge(column.widest)
        return found

    def pair(self, left: list[Any], right: list[Any], where: Where) -> bool:
        """Take in two rows that belong together; say whether they differ beyond the rule."""
        self.compared += 1
        if self.trusted and left == right:
            return False
        differs = False
        for column, one, other in zip(self.columns, left, right, strict=True):
            if one is other or (self.trusted and one == other):
                continue
            if column.see(one, other, where):
                differs = True
        self.rows_differing += differs
        return differs

    def add(self, where: Where) -> None:
        """Take in a row that only the right side has."""
        self.added += 1
        if len(self.examples["added"]) < 3:
            self.examples["added"].append(where())

    def remove(self, where: Where) -> None:
        """Take in a row that only the left side has."""
        self.removed += 1
        if len(self.examples["removed"]) < 3:
            self.examples["removed"].append(where())


def check_key(key: list[str], columns: list[str], side: str) -> None:
    """Refuse a key that the table does not have.

    Raises:
        UnreadableError: naming the column.
    """
    for name in key:
        if name not in columns:
            raise UnreadableError(f"the key column `{name}` is missing on the {side}")
