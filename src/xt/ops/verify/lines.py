"""Points of many repeats → a line for each thing, with a cell for each way the run was repeated."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from xt.compare.equivalence import against_many, bound_of
from xt.model.delta import Measure
from xt.model.level import LEVELS, Level, lowest
from xt.model.result import Number
from xt.model.verification import Cell, Column, Equivalence, Line
from xt.ops.verify.agreement import Point


class Group(NamedTuple):
    """Repeats of one sort."""

    column: Column
    points: list[list[Point]]
    """Of each repeat."""


#: In the order in which they are told.
SECTIONS = ("status", "metrics", "cases", "outputs", "logs")
#: By path of a metric: values of further runs, which take part in the test of means.
Values = dict[str, list[float]]


def table(
    groups: Sequence[Group], before: Values | None = None, after: Values | None = None
) -> tuple[list[Column], list[Line]]:
    """Put the repeats into a table.

    Args:
        groups: the first are repeats of the run as it was.
        before: of repeats of the run itself.
        after: of repeats of the run it is held against.

    Returns:
        Columns with their levels, and lines; the level of a line is that of the first column.
    """
    found = dict.fromkeys(point.path for group in groups for points in group.points for point in points)
    paths = sorted(found, key=lambda path: SECTIONS.index(path.partition("/")[0]))
    lines = _decided(_excuse([_line(path, groups, before or {}, after or {}) for path in paths]))
    columns = [
        replace(group.column, level=_level([line for line in lines if line.counted], number))
        if group.points
        else group.column
        for number, group in enumerate(groups)
    ]
    return columns, lines


def _level(lines: Sequence[Line], number: int) -> Level:
    return lowest(line.cells[number].level for line in lines if line.cells[number].n)


def _line(path: str, groups: Sequence[Group], before: Values, after: Values) -> Line:
    cells: list[Cell] = []
    test: Equivalence | None = None
    found: list[Point] = []
    for number, group in enumerate(groups):
        points = list(_of(path, group))
        found += points
        level = lowest(point.level for point in points)
        if level == "divergent" or number == 0:
            tested = _test(path, points, len(group.points), before.get(path, []), after.get(path, []))
            test = tested if number == 0 else test
            if level == "divergent" and tested is not None and tested.passed:
                level = "consistent"
        # A repeat that says nothing of it lacks it as the run does.
        differ = sum(point.level != "identical" for point in points)
        cells.append(Cell(level, differ, len(group.points), _example(path, group)))
    worst = max(found, key=lambda point: LEVELS.index(point.level))
    return Line(
        path,
        cells[0].level if cells[0].n else lowest(cell.level for cell in cells if cell.n),
        cells,
        _largest([point.measure for point in found if point.measure is not None]),
        next((point.tolerance for point in found if point.tolerance is not None), None),
        test,
        worst.note,
        worst.hint,
        counted=all(point.counted for point in found if point.level != "identical"),
    )


def _example(path: str, group: Group) -> str | None:
    """The repeat that is furthest away."""
    differing = [
        (LEVELS.index(point.level), _size(point), -number)
        for number, points in enumerate(group.points)
        for point in points
        if point.path == path and point.level != "identical"
    ]
    return group.column.runs[-max(differing)[2]] if differing else None


def _size(point: Point) -> float:
    value = point.measure.value if point.measure is not None else 0.0
    return math.inf if isinstance(value, Number) else float(value)


def _of(path: str, group: Group) -> Iterator[Point]:
    for points in group.points:
        yield from (point for point in points if point.path == path)


def _test(
    path: str, points: list[Point], n: int, before: list[float], after: list[float]
) -> Equivalence | None:
    """Test the means of a metric with a declared bound, which all n repeats have."""
    values = [point.values for point in points if point.values is not None]
    bounds = [point.bound for point in points if point.bound is not None]
    if not values or not bounds or len(values) < n:
        return None
    if not after and all(point.level == "identical" for point in points):
        return None  # what never moves needs no test, and says nothing of what does
    reference = values[0][0]
    bound = bound_of(bounds[0], reference, None)
    if bound is None:
        return None
    right = [value for _, value in values] + after
    return against_many(path.partition("/")[2], [reference, *before], right, bound)


def _largest(measures: list[Measure]) -> Measure | None:
    numbers = [measure for measure in measures if not isinstance(measure.value, Number)]
    return max(numbers, key=lambda measure: float(measure.value), default=None)  # type: ignore[arg-type]


def _excuse(lines: list[Line]) -> list[Line]:
    """Let what has no tolerance not count where metrics that move are shown to agree in the mean.

    A model that was trained with other random numbers has other bytes; what it is worth is in its metrics.
    The level of the whole is then at best `consistent`.
    """
    tested = [line for line in lines if line.test is not None]
    if not tested or not all(line.test is not None and line.test.passed for line in tested):
        return lines
    return [_excused(line) if may_be_excused(line) else line for line in lines]


def _decided(lines: list[Line]) -> list[Line]:
    """Keep the tests of means only where something went by them."""
    if any(line.excused or may_be_excused(line) or line.level == "consistent" for line in lines):
        return lines
    return [line if line.level == "divergent" else replace(line, test=None) for line in lines]


def may_be_excused(line: Line) -> bool:
    """Whether it differs, and nothing says by how much it may."""
    undeclared = line.tolerance is None and line.path.startswith(("outputs/", "cases"))
    return line.level == "divergent" and undeclared and line.counted


def _excused(line: Line) -> Line:
    note = "excused: it has no tolerance, and the metrics agree in the mean"
    said = f"{line.note}; {note}" if line.note else note
    return replace(line, counted=False, excused=True, note=said)


def overall(columns: Sequence[Column], lines: Sequence[Line]) -> Level:
    """The level of the whole: the lowest of what was tried; with excuses, `consistent` at best."""
    level = lowest(column.level for column in columns if column.runs)
    return lowest([level, "consistent"]) if any(line.excused for line in lines) else level
