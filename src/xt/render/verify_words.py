"""A verification in words: names, cells, deviations and tests, for every form of the report."""

from __future__ import annotations

import math
from typing import NamedTuple

from xt.model.level import Level, reaches
from xt.model.verification import Cell, Column, Equivalence, Line, Trial, Verification
from xt.render.diff_numbers import scientific
from xt.render.quantities import count
from xt.render.styled import Line as Styled
from xt.render.styled import Span, join, say

#: Lines of one section that read alike: named beyond which the rest is summed up, of identical ones sooner.
MOST, MOST_IDENTICAL = 12, 6
#: Lines that are named when the others like them are summed up.
KEPT = 3
#: Decimals, and digits before the point, of a figure that is written out.
MOST_PLACES = 12
#: Characters of one text; all of it is in the JSON.
LONGEST = 1_000
#: Mark of what does not count, and what it means.
UNCOUNTED = "*"
UNCOUNTED_MEANS = "* does not count for the level"


class Tried(NamedTuple):
    """A column that could be tried, and its place among the cells of a line."""

    place: int
    column: Column


class Shown(NamedTuple):
    """A line that is shown, or the first of several with the same levels that are summed up."""

    section: str
    name: str
    line: Line
    more: int = 0
    """How many are summed up; 0 when it stands for itself."""


def told(text: str, style: str = "") -> Span:
    """Say a text of any length; of one that is no text for people only the beginning."""
    over = len(text) - LONGEST
    return say(f"{text[:LONGEST]}… ({over} characters more)" if over > 0 else text, style)


def short(found: Verification) -> str:
    """As much of the id as tells it from others."""
    return found.run[: found.shown]


def tried(found: Verification) -> list[Tried]:
    """The columns that say something."""
    return [Tried(place, column) for place, column in enumerate(found.columns) if column.skipped is None]


def skipped(found: Verification) -> list[Column]:
    """The variations that could not be tried here."""
    return [column for column in found.columns if column.skipped is not None]


def head(column: Column, found: Verification) -> str:
    """Name of a column: `repeat ×5`, `threads`, `against ytlm`."""
    if column.name == "against" and found.against is not None:
        return f"against {found.against[: found.shown]}"
    # How often a variation was tried is worth saying where it was more than once.
    times = f" ×{len(column.runs)}" if len(column.runs) > (column.name != "repeat") else ""
    return column.name + times


def cell_of(line: Line, place: int) -> Cell | None:
    """What a line says in a column; None when it could not be compared there."""
    cell = line.cells[place] if place < len(line.cells) else None
    return cell if cell is None or cell.n or cell.level == "unverifiable" else None


def partly(cell: Cell) -> str:
    """In how many repeats it differs, where it does not in all: ` 4/5`."""
    return f" {cell.differ}/{cell.n}" if 0 < cell.differ < cell.n else ""


def named(line: Line) -> tuple[str, str]:
    """Section and name of a line: (`metrics`, `val/acc`), (`status`, ``)."""
    section, _, name = line.path.partition("/")
    return section, name


def deviation(line: Line) -> Styled:
    """The largest deviation: `max |Δ| 3.1e-7`."""
    if line.measure is None:
        return []
    return [told(f"{line.measure.what} "), say(scientific(line.measure.value), "bold")]


def tolerance(line: Line) -> str:
    """As declared, else as the measure was held against it."""
    if line.tolerance is not None:
        return line.tolerance
    bound = line.measure.bound if line.measure is not None else None
    return "" if bound is None else scientific(bound)


def where(line: Line) -> Styled:
    """Where the largest deviation is, and what is noted."""
    return join([item for item in (_at(line), _note(line)) if item], " · ")


def details(line: Line) -> Styled:
    """All of it in one line: `max |Δ| 3.1e-7 at [12, 4], tolerance 1e-5 · note`."""
    far = deviation(line)
    if far and _at(line):
        far = [*far, say(" at ", "dim"), *_at(line)]
    if tolerance(line):
        far = [*far, say(", tolerance " if far else "tolerance ", "dim"), told(tolerance(line))]
    return join([item for item in (far, _note(line)) if item], " · ")


def _at(line: Line) -> Styled:
    at = line.measure.at if line.measure is not None else None
    return [told(at)] if at and at not in (line.note or "") else []


def _note(line: Line) -> Styled:
    return [told(line.note)] if line.note else []


def condensed(found: Verification, whole: bool) -> list[Shown]:
    """The lines to show: many of one section that say the same in every column are summed up.

    Args:
        found: the verification.
        whole: show every line.
    """
    sections: dict[str, list[Shown]] = {}
    for line in found.lines:
        section, name = named(line)
        sections.setdefault(section, []).append(Shown(section, name, line))
    rows = [rows if whole else _condensed(rows) for rows in sections.values()]
    return [row for section in rows for row in section]


def _condensed(rows: list[Shown]) -> list[Shown]:
    alike: dict[tuple[object, ...], list[Shown]] = {}
    for row in rows:
        said = tuple((cell.level, bool(cell.n)) for cell in row.line.cells)
        # Identical ones with a remark are named for it.
        remark = row.line.level == "identical" and bool(row.line.note or row.line.hint or row.line.measure)
        alike.setdefault((row.line.level, said, row.line.counted, remark), []).append(row)
    order = {id(row): float(place) for place, row in enumerate(rows)}
    shown: list[Shown] = []
    for group in alike.values():
        identical = all(cell.level == "identical" for cell in group[0].line.cells)
        many = len(group) > (MOST_IDENTICAL if identical else MOST)
        kept = group[: KEPT if identical else MOST] if many else group
        shown += kept
        if many:
            more = Shown(
                kept[0].section, f"and {len(group) - len(kept)} more", kept[0].line, len(group) - len(kept)
            )
            order[id(more)] = order[id(kept[-1])] + 0.5
            shown.append(more)
    return sorted(shown, key=lambda row: order[id(row)])


def decided(test: Equivalence, whole: bool) -> list[Styled]:
    """What the two one-sided tests found, clause by clause.

    Args:
        test: of one metric.
        whole: with the spread, p and the method.
    """
    mean, reference = _figure(test.mean, test.bound), _figure(test.reference, test.bound)
    clauses: list[Styled] = [
        [say("mean "), say(mean, "bold"), say(f" over {count(test.n, 'repeat')} against {reference}")]
    ]
    if test.low is not None and test.high is not None:
        percent = f"{100 * (1 - 2 * test.level):.3g} %"
        low, high = _signed(test.low, test.bound), _signed(test.high, test.bound)
        clauses.append([say(f"{percent} interval of the difference "), say(f"{low} to {high}", "bold")])
    inside = "within" if test.passed else "not shown to be within"
    inside += f" the bound ±{scientific(test.bound)}"
    clauses.append([say(inside, "good" if test.passed else "bad")])
    if not test.passed and not test.note:
        clauses.append([say(needed(test))])
    if whole:
        if test.sd is not None:
            clauses.append([say(f"sd {scientific(test.sd)}", "dim")])
        if test.p is not None:
            clauses.append([say(f"p = {scientific(test.p)}", "dim")])
        clauses.append([say(f"two one-sided tests at {100 * test.level:.3g} % each", "dim")])
    if test.note:
        clauses.append([told(test.note)])
    return clauses


def needed(test: Equivalence) -> str:
    """How many repeats would decide it."""
    if test.needed is None:
        return "no number of repeats would show it with this spread and difference"
    return f"{count(test.needed, 'repeat')} would decide it 4 times of 5 if the spread stays as it is"


def _figure(value: float, bound: float) -> str:
    """A value to the two digits that count beside its bound."""
    if not (math.isfinite(value) and math.isfinite(bound) and bound > 0):
        return scientific(value)
    places = 1 - math.floor(math.log10(bound))
    if places > MOST_PLACES or abs(value) >= 10**MOST_PLACES:
        return f"{value:.6g}"
    return f"{value:.{max(places, 0)}f}"


def _signed(value: float, bound: float) -> str:
    return ("−" if value < 0 else "+") + _figure(abs(value), bound)


def trial(found: Trial) -> Styled:
    """One experiment: `PYTHONHASHSEED=0: 5 runs agree`."""
    held = found.what or " + ".join(found.pins) or "nothing held fixed"
    said = "agree" if found.agree else "differ"
    if found.n == 1:
        said += "s"
    line = [told(held), say(f": {count(found.n, 'run')} "), say(said, "bold")]
    return [*line, told(f" · {found.note}", "dim")] if found.note else line


def standing(found: Verification) -> Styled:
    """The level and whether it is enough: `equivalent · required: consistent · reached`."""
    style = "good" if found.reached else "bad"
    after = "reached" if found.reached else "not reached"
    return join(
        [[say(found.level, style)], [say(f"required: {found.required}")], [say(after, style)]],
        " · ",
    )


def changes(found: Verification, place: int) -> list[str]:
    """Names of what is not identical in a column; of what does not count with a mark."""
    names = []
    for line in found.lines:
        cell = cell_of(line, place)
        if cell is not None and cell.level != "identical":
            section, name = named(line)
            names.append((name or section) + ("" if line.counted else f" {UNCOUNTED}"))
    return names


def below(cell: Cell, line: Line, required: Level) -> bool:
    """Whether a cell is what keeps the whole from its level."""
    return line.counted and not reaches(cell.level, required)


def hints(found: Verification) -> list[str]:
    """What to do, each said once."""
    own = [found.diagnosis.hint] if found.diagnosis is not None and found.diagnosis.hint else []
    own += [found.hint] if found.hint else []
    return list(dict.fromkeys([*own, *(line.hint for line in found.lines if line.hint)]))


def to_look_at(found: Verification) -> str | None:
    """The repeat to compare with: of the first line that counts, differs, and says in which one."""
    for line in found.lines:
        for cell in line.cells:
            if cell.example is not None and below(cell, line, found.required):
                return cell.example
    return None
