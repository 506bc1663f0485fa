"""Two trees of lists and objects, path by path (JSON Pointer, RFC 6901)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from xt.compare import Rule, UnreadableError
from xt.compare.alignment import Edit, edits
from xt.compare.closeness import Widest, both_nan, close, deviation, is_number
from xt.compare.ignoring import Ignoring
from xt.compare.jsonable import fit, number, text
from xt.compare.unified import unified
from xt.model.delta import Change, Delta, Measure, Relation

#: Nesting, and values of one tree, a list that is named twice counted twice.
DEPTH = 200
VALUES = 3_000_000
#: Differing parts that are listed, and lines of one text that is compared line by line.
LISTED = 200
LINES = 300


class Place(NamedTuple):
    """A part of a tree; its pointer is written only when it is asked for."""

    above: Place | None
    key: Any

    def keys(self) -> list[str]:
        """Its keys from the root on."""
        found = []
        place: Place | None = self
        while place is not None and place.above is not None:
            found.append(place.key if isinstance(place.key, str) else _key(place.key))
            place = place.above
        return found[::-1]

    def pointer(self) -> str:
        """`/runs/3/name`; empty for the root."""
        return text("".join("/" + key.replace("~", "~0").replace("/", "~1") for key in self.keys()))


ROOT = Place(None, None)


def _key(key: Any) -> str:
    isoformat = getattr(key, "isoformat", None)
    return str(isoformat() if isoformat is not None else key)


def bounded(value: Any, values: int = VALUES) -> None:
    """Refuse a tree that is too deep or too large to be walked, one that holds itself included.

    Raises:
        UnreadableError: saying which.
    """
    seen = 0
    level: list[Any] = [value]
    stack: list[Iterable[Any]] = [iter(level)]
    while stack:
        for child in stack[-1]:
            seen += 1
            if isinstance(child, dict):
                stack.append(iter(child.values()))
                break
            if isinstance(child, (list, tuple)):
                stack.append(iter(child))
                break
        else:
            stack.pop()
        if len(stack) > DEPTH:
            raise UnreadableError(f"it is nested more than {DEPTH} deep")
        if seen > values:
            raise UnreadableError(f"it holds more than {values} values")


def _kinded(value: Any) -> tuple[str, Any]:
    """A scalar or key, so that `1` and `1.0` are one and `1`, `"1"` and `true` are three."""
    if is_number(value):
        return ("number", "nan" if isinstance(value, float) and math.isnan(value) else value)
    return (type(value).__name__, frozenset(value) if isinstance(value, set) else value)


def _scalar(value: Any) -> int:
    """Hash a scalar by a keyed hash: that of numbers is not (in Python -1 and -2 share one)."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return hash(f"{value:x}")
    return hash((type(value).__name__, repr(value)))


class Sketches:
    """Numbers that equal trees share, whatever the order of their keys; for alignment alone."""

    def __init__(self, *, floats: bool = True) -> None:
        """Choose what counts.

        Args:
            floats: false to leave floats out, which may be close without being equal.
        """
        self._floats = floats
        self._known: dict[int, int] = {}

    def of(self, value: Any) -> int:
        """Sketch a value, which has to stay alive; each container is looked at once."""
        if not isinstance(value, (dict, list, tuple)):
            return 0 if isinstance(value, float) and not self._floats else _scalar(value)
        known = self._known.get(id(value))
        if known is None:
            if isinstance(value, dict):
                known = hash(frozenset((_kinded(key), self.of(child)) for key, child in value.items()))
            else:
                known = hash(tuple(map(self.of, value)))
            self._known[id(value)] = known
        return known


class Walker:
    """Compares two trees that `bounded` let pass, and keeps what is worth telling."""

    def __init__(self, rule: Rule, path: str, ignoring: Ignoring | None = None) -> None:
        """Start with nothing seen.

        Args:
            rule: tolerance and parts to ignore.
            path: of the whole; parts are `PATH:/POINTER`.
            ignoring: to share the count of ignored parts.
        """
        self.rule = rule
        self.path = path
        self.ignoring = Ignoring(rule) if ignoring is None else ignoring
        self.children: list[Delta] = []
        self.close: list[Delta] = []
        self.counts: Counter[str] = Counter()
        self.widest = Widest()
        self._sketches, self._coarse = Sketches(), Sketches(floats=False)

    def walk(self, left: Any, right: Any, place: Place = ROOT) -> None:
        """Compare two values and all below them."""
        if self.ignoring and place.above is not None and self._ignored(place):
            return
        if is_number(left) and is_number(right):
            if left != right:
                self._numbers(left, right, place)
        elif isinstance(left, dict) and isinstance(right, dict):
            self._objects(left, right, place)
        elif isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
            self._lists(left, right, place)
        elif type(left) is not type(right):
            self._differ(left, right, place, note=f"{_kind(left)} → {_kind(right)}")
        elif left != right:
            self._differ(left, right, place)

    def _ignored(self, place: Place) -> bool:
        return self.ignoring.matches(place.pointer(), ".".join(place.keys()))

    def _numbers(self, left: float, right: float, place: Place) -> None:
        if both_nan(left, right):
            return
        apart = deviation(left, right)
        pointer = place.pointer() if self.widest.would_widen(apart) else ""
        self.widest.join_in(apart, pointer)
        if close(left, right, self.rule):
            self.counts["within"] += 1
            if len(self.close) < LISTED:
                measures = [Measure("|Δ|", number(apart.absolute)), Measure("rel", number(apart.relative))]
                self.close.append(self._child(place, "within", left, right, "changed", measures=measures))
            return
        measures = [Measure("|Δ|", number(apart.absolute)), Measure("rel", number(apart.relative))]
        self._differ(left, right, place, measures=measures)

    def _objects(self, left: dict[Any, Any], right: dict[Any, Any], place: Place) -> None:
        ours = {_kinded(key): key for key in left}
        theirs = {_kinded(key): key for key in right}
        for kinded, key in ours.items():
            if kinded in theirs:
                self.walk(left[key], right[theirs[kinded]], Place(place, key))
            else:
                self._one_sided(left[key], Place(place, key), "removed")
        for kinded, key in theirs.items():
            if kinded not in ours:
                self._one_sided(right[key], Place(place, key), "added")

    def _lists(self, left: Any, right: Any, place: Place) -> None:
        sketch = self._sketches.of
        if len(left) == len(right):
            if left != right and Counter(map(sketch, left)) == Counter(map(sketch, right)):
                ours, theirs = [*map(sketch, left)], [*map(sketch, right)]
                if ours != theirs:
                    self.counts["order"] += 1
                    self._differ(left, right, place, note="only the order differs")
                    return
            for at, (one, other) in enumerate(zip(left, right, strict=True)):
                self.walk(one, other, Place(place, at))
            return
        for change in self._between(left, right):
            at, left_end, other, right_end = change
            while at < left_end and other < right_end:
                self.walk(left[at], right[other], Place(place, at))
                at, other = at + 1, other + 1
            for index in range(at, left_end):
                self._one_sided(left[index], Place(place, index), "removed")
            for index in range(other, right_end):
                self._one_sided(right[index], Place(place, index), "added")

    def _between(self, left: Any, right: Any) -> list[Edit]:
        """Stretches of two lists that do not agree, those of equal length to be compared in pairs."""
        found = []
        for change in edits([*map(self._sketches.of, left)], [*map(self._sketches.of, right)]):
            at, left_end, other, right_end = change
            if left_end - at == right_end - other or left_end == at or right_end == other:
                found.append(change)
                continue
            ours = [*map(self._coarse.of, left[at:left_end])]
            theirs = [*map(self._coarse.of, right[other:right_end])]
            # What is coarsely equal is walked too: it may differ in floats.
            begun, other_begun = 0, 0
            for part in [*edits(ours, theirs), Edit(len(ours), len(ours), len(theirs), len(theirs))]:
                if part.left > begun:
                    found.append(Edit(at + begun, at + part.left, other + other_begun, other + part.right))
                if part.left_end > part.left or part.right_end > part.right:
                    found.append(
                        Edit(at + part.left, at + part.left_end, other + part.right, other + part.right_end)
                    )
                begun, other_begun = part.left_end, part.right_end
        return found

    def _one_sided(self, value: Any, place: Place, change: Change) -> None:
        if self.ignoring and self._ignored(place):
            return
        self.counts[change] += 1
        if len(self.children) < LISTED:
            sides = (fit(value), None) if change == "removed" else (None, fit(value))
            note = "null" if value is None else None
            self.children.append(self._child(place, "changed", sides[0], sides[1], change, note=note))

    def _differ(
        self,
        left: Any,
        right: Any,
        place: Place,
        measures: list[Measure] | None = None,
        note: str | None = None,
    ) -> None:
        self.counts["changed"] += 1
        if len(self.children) >= LISTED:
            return
        lines: list[str] = []
        if isinstance(left, str) and isinstance(right, str) and ("\n" in left or "\n" in right):
            found = unified(left.split("\n")[:5000], right.split("\n")[:5000])
            lines = [each.encode("utf-8", "replace").decode() for each in found[:LINES]]
        child = self._child(
            place, "changed", left, right, "changed", measures=measures, note=note, lines=lines
        )
        self.children.append(child)

    def _child(
        self,
        place: Place,
        relation: Relation,
        left: Any,
        right: Any,
        change: Change,
        *,
        measures: list[Measure] | None = None,
        note: str | None = None,
        lines: list[str] | None = None,
    ) -> Delta:
        path = f"{self.path}:{place.pointer()}" if place.above is not None else self.path
        return Delta(
            *(path, relation, fit(left), fit(right), change),
            measures=measures or [],
            note=note,
            text=lines or [],
        )

    @property
    def differing(self) -> int:
        """Parts that differ beyond the rule."""
        return self.counts["changed"] + self.counts["added"] + self.counts["removed"]

    def whole(self, notes: list[str] | None = None) -> Delta:
        """Join what was seen.

        Args:
            notes: said after the summary.

        Returns:
            `same` when nothing differs but the way it is written.
        """
        listed = (self.children + self.close)[:LISTED]
        more = self.differing + self.counts["within"] - len(listed)
        relation: Relation = "same"
        if self.differing:
            relation = "changed"
        elif self.counts["within"] or self.ignoring.count:
            relation = "within"
        said = [self._summary(relation), self.ignoring.note, *(notes or [])]
        note = "; ".join(each for each in said if each) or None
        change: Change | None = None if relation == "same" else "changed"
        measures = self.widest.measures(self.rule) if self.widest.count else []
        if self.counts["changed"]:
            measures.insert(0, Measure("values differing", self.counts["changed"]))
        return Delta(
            self.path, relation, None, None, change, None, measures, note, children=listed, more=more
        )

    def _summary(self, relation: Relation) -> str | None:
        if relation == "same":
            return "only the layout differs"
        if self.differing == 1 and self.counts["order"]:
            return "only the order differs"
        if relation == "within" and self.counts["within"]:
            count = self.counts["within"]
            return f"{count} {'value differs' if count == 1 else 'values differ'} within tolerance"
        parts = [
            f"{self.counts[what]} {'value' if self.counts[what] == 1 else 'values'} {what}"
            for what in ("changed", "added", "removed")
            if self.counts[what]
        ]
        return ", ".join(parts) or None


def _kind(value: Any) -> str:
    """What JSON calls a type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if is_number(value):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "object"
    return "list" if isinstance(value, (list, tuple)) else type(value).__name__
