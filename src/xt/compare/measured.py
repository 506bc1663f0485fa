"""What was measured of a pair of arrays, in words: measures, places and a note."""

from __future__ import annotations

import math
from typing import Protocol

from xt.compare import Rule
from xt.compare.counts import share_differs
from xt.compare.kinds import Kind, same_type
from xt.compare.spread import Peak, Spread
from xt.model.delta import Delta, Measure, Relation
from xt.model.result import Number


class Described(Protocol):
    """An array, as far as words about it need."""

    @property
    def kind(self) -> Kind:
        """How an item is stored."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def axes(self) -> tuple[int, ...]:
        """Axes from the slowest to the fastest in memory."""

    @property
    def label(self) -> str:
        """Type and shape."""


def delta_of_values(
    path: str, left: Described, right: Described, spreads: dict[str, Spread] | None, rule: Rule
) -> Delta | None:
    """Say how two arrays differ; None when they are equal value by value.

    Args:
        path: of the array.
        left: its left side.
        right: its right side.
        spreads: what was measured, by field of a record or "" for other types; None when the values
            have no counterparts.
        rule: the bounds it was measured against.
    """
    one_type = same_type(left.kind, right.kind)
    if spreads is None:
        what = "shape" if left.shape != right.shape else "type"
        if left.shape != right.shape and not one_type:
            what = "shape and type"
        note = f"the {what} changed, so values are not compared"
        return Delta(path, "changed", left.label, right.label, "changed", note=note)
    if left.kind.family == "record":
        return _delta_of_record(path, left, spreads, rule)
    spread = spreads[""]
    if one_type and not spread.differing:
        return None
    relation: Relation = "changed" if spread.beyond or not one_type else "within"
    note = note_of(spread, rule, left)
    if not one_type:
        note = f"the type changed; compared as float64, {note}"
    measures = measures_of(spread, rule, left)
    return Delta(path, relation, left.label, right.label, "changed", measures=measures, note=note)


def _delta_of_record(path: str, array: Described, spreads: dict[str, Spread], rule: Rule) -> Delta | None:
    """A record is compared field by field."""
    fields = {field.name: field for field in array.kind.fields}
    children = []
    for name, spread in spreads.items():
        if spread.differing:
            field = fields[name]
            shape = array.shape if field.repeat == 1 else (*array.shape, field.repeat)
            cells = _Cells(field.kind, shape, array.axes)
            relation: Relation = "changed" if spread.beyond else "within"
            measures, note = measures_of(spread, rule, cells), note_of(spread, rule, cells)
            children.append(Delta(f"{path}/{name}", relation, change="changed", measures=measures, note=note))
    if not children:
        return None
    relation = "changed" if any(child.relation == "changed" for child in children) else "within"
    note = share_differs(len(children), len(spreads), "field")
    return Delta(path, relation, array.label, array.label, "changed", note=note, children=children)


class _Cells:
    """One field of all records of an array."""

    def __init__(self, kind: Kind, shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
        self.kind = kind
        self.shape = shape
        self.axes = axes if len(shape) == len(axes) else (*axes, len(axes))
        self.label = f"{kind.label} {list(shape)}"


def measures_of(spread: Spread, rule: Rule, array: Described) -> list[Measure]:
    """List the distances and counts of a pair of arrays that differ."""
    measures = []
    if spread.measured and array.kind.family != "bool":
        rows: list[tuple[str, Peak | None, float | int]] = [
            ("max |Δ|", spread.delta, rule.atol),
            ("max rel", spread.relative, rule.rtol),
            ("ulp", spread.steps, rule.ulp),
        ]
        for what, peak, bound in rows:
            if peak is not None and peak.at >= 0:
                measures.append(Measure(what, _number(peak.value), place(peak.at, array), bound or None))
    measures.append(Measure("values differing", spread.differing))
    if has_bounds(rule):
        measures.append(Measure("values beyond tolerance", spread.beyond))
    if spread.nan:
        measures.append(Measure("NaN on one side", spread.nan))
    if spread.infinite:
        measures.append(Measure("infinite on one side", spread.infinite))
    return measures


def has_bounds(rule: Rule) -> bool:
    """Whether anything but equality counts as equal."""
    return bool(rule.rtol or rule.atol or rule.ulp)


def note_of(spread: Spread, rule: Rule, array: Described) -> str:
    """Say in a clause how far two arrays are apart: `31 of 640 values differ, max |Δ| 0.031 at [12, 4]`."""
    if not spread.differing:
        return f"all {spread.total} values equal"
    largest = ""
    if spread.measured and array.kind.family != "bool" and spread.delta.at >= 0:
        where = place(spread.delta.at, array)
        largest = f"max |Δ| {_shown(spread.delta.value)}" + (f" at {where}" if where else "")
    if has_bounds(rule) and not spread.beyond:
        return f"{largest}, within {bounds(rule)}"
    if has_bounds(rule):
        head = f"{spread.beyond} of {spread.total} values over {bounds(rule)}"
    else:
        head = share_differs(spread.differing, spread.total, "value")
    nan = f"NaN on one side {spread.nan} times" if spread.nan > 1 else "NaN on one side once"
    return ", ".join(part for part in (head, largest, nan if spread.nan else "") if part)


def bounds(rule: Rule) -> str:
    """Write the bounds: `rtol 1e-05 + atol 1e-08 or ulp 4`."""
    sums = [f"{name} {value:g}" for name, value in (("rtol", rule.rtol), ("atol", rule.atol)) if value]
    steps = [f"ulp {rule.ulp}"] if rule.ulp else []
    return " or ".join([part for part in [" + ".join(sums)] if part] + steps)


def place(at: int, array: Described) -> str | None:
    """Write the index of a value: `[12, 4]`, `[12, 4].imag`; None for an array without axes.

    Args:
        at: flat index in the order of memory, counting the two parts of a complex number.
        array: what it is in.
    """
    at, part = divmod(at, array.kind.parts)
    index = [0] * len(array.shape)
    for axis in reversed(array.axes):
        at, index[axis] = divmod(at, array.shape[axis])
    suffix = "" if array.kind.parts == 1 else (".real", ".imag")[part]
    return f"{index}{suffix}" if index or suffix else None


def _number(value: float | int) -> float | int | Number:
    """A measured value as the tree holds it."""
    if isinstance(value, int) or math.isfinite(value):
        return value
    return Number("nan") if math.isnan(value) else Number("inf")


def _shown(value: float | int) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3g}"
