"""`xt noise`: how much the results of one recipe scatter, as a page."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from xt.model.noise import Agreement, Band, Noise
from xt.render.cells import cells, clip, clip_front
from xt.render.diff_blocks import indent
from xt.render.diff_numbers import SCALED, scattered
from xt.render.diff_rows import LONG_UNIT
from xt.render.layout import GAP, beside, flow, pad, table, wrap
from xt.render.quantities import count, fingerprint, seconds_since, since
from xt.render.styled import Line, Span, measure, paint, say

#: As `xt show`: longer lines are hard to read, and narrower nothing is laid out.
WIDEST, NARROWEST = 110, 24
#: Shown without `--all`.
METRICS, OUTPUTS = 30, 20
#: Ids shown.
RUNS = 12
#: What goes first where there is not room for all.
_LEAST = ("range", "sd", "n")
#: Cells a name may be brought down to.
_NAME = 18
#: Cells of a name that a unit may not take.
_SHORT = 8


class _Column(NamedTuple):
    head: str
    cells: list[Line]
    right: bool = True

    @property
    def width(self) -> int:
        return max(cells(self.head), *(measure(cell) for cell in self.cells))


def render(found: Noise, now: datetime, width: int, colour: bool, *, everything: bool = False) -> str:
    """Write the page.

    Args:
        found: what is known.
        now: to say how long ago.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
        everything: cohorts and all outputs too.
    """
    width = max(min(width, WIDEST), NARROWEST)
    lines = [*_headline(found, width), *indent(_runs(found, now, width - 2))]
    for said in (found.doubt and f"no other run is certain to be a repeat: {found.doubt}", *found.notes):
        if said:
            lines += indent(wrap([say(said, "bold")], width - 2, 2))
    metrics = [band for band in found.metrics if everything or not band.cohort]
    shown = metrics if everything else metrics[:METRICS]
    rows = [*shown, *found.cost]
    if rows:
        lines += [[], *_numbers(rows, found.n, width, bool(shown)), *_remarks(rows, width)]
    hidden = [
        count(number, what)
        for number, what in (
            (len(found.metrics) - len(metrics), "cohort"),
            (len(metrics) - len(shown), "more metric"),
        )
        if number
    ]
    if hidden:
        lines += indent(wrap([say(f"and {', '.join(hidden)}: --all", "dim")], width - 2, 2))
    lines += _outputs(found.outputs, found.n, width, everything=everything)
    lines += _foot(found, width)
    return "".join(paint(line, colour) + "\n" for line in lines)


def _headline(found: Noise, width: int) -> list[Line]:
    name: Line = [say("noise of ", "dim"), say(found.run[: found.shown], "key")]
    known = f"{count(found.n, 'run')} of one recipe" if found.n else "no run of its recipe ended well"
    return beside([name], [say(known)], width)


def _runs(found: Noise, now: datetime, width: int) -> list[Line]:
    """Which runs count, when and where they were made."""
    ids: Line = []
    for number, run in enumerate(found.runs[:RUNS]):
        ids += [*([Span(" ", "")] if number else []), say(run[: found.shown], "key")]
    items: list[Line] = [ids] if ids else []
    if len(found.runs) > RUNS:
        items.append([say(f"and {len(found.runs) - RUNS} more")])
    age = seconds_since(found.newest, now) if found.newest else None
    if age is not None:
        items.append([say(f"the newest {since(age)}" if found.n > 1 else since(age))])
    for number_of, verb in ((found.trials, "xt verify"), (found.reruns, "xt rerun")):
        if number_of:
            items.append([say(f"{number_of} made by {verb}")])
    if len(found.hosts) > 1:
        items.append([say(f"on {', '.join(found.hosts)}")])
    items.append([say(f"recipe {fingerprint(found.recipe)}", "dim")])
    return flow(items, width)


def _numbers(rows: list[Band], runs: int, width: int, metrics: bool) -> list[Line]:
    """Align metrics and costs; where no table fits, each is a small block."""
    figures = [_figures(row) for row in rows]
    repeated = runs > 1
    columns = {
        "n": _Column("n", [_plain(str(row.n)) for row in rows]),
        "mean": _Column("mean" if repeated else "value", [_plain(figure[0]) for figure in figures]),
        "sd": _Column("sd", [_plain(figure[1]) for figure in figures]),
        "range": _Column("range", [_plain(figure[2]) for figure in figures]),
        "band": _Column("± 95 %", [_plain(figure[3]) for figure in figures]),
        "tolerance": _Column("tolerance", [_tolerance(row) for row in rows], right=False),
    }
    if all(row.n == runs for row in rows):
        del columns["n"]
    kept = {name: column for name, column in columns.items() if any(map(measure, column.cells))}
    names: list[Line] = [[Span("    " if row.cohort else "  ", ""), *_named(row)] for row in rows]
    title = "Metrics" if metrics else "Cost"
    wanted = max(len(title), *map(measure, names))
    for gone in range(len(_LEAST) + 1):
        chosen = {name: column for name, column in kept.items() if name not in _LEAST[:gone]}
        room = width - sum(column.width + GAP for column in chosen.values())
        if room >= wanted or (gone == len(_LEAST) and room >= _NAME):
            return _laid_out(rows, names, list(chosen.values()), min(wanted, room), title)
    return _stacked(rows, names, kept, width)


def _laid_out(
    rows: list[Band], names: list[Line], columns: list[_Column], own: int, title: str
) -> list[Line]:
    head = pad([say(title, "bold")], own)
    for column in columns:
        cell = pad([say(column.head, "dim")], column.width, right=column.right)
        head += [Span(" " * GAP, ""), *cell]
    lines = [head]
    for number, row in enumerate(rows):
        if _is_cost(row) and number and not _is_cost(rows[number - 1]):
            lines.append([Span("  " + "┄" * (own - 2), "dim")])
        margin, name, *unit = names[number]
        line = names[number]
        if measure(line) > own:
            room = own - len(margin.text)
            unit = unit if room - measure(unit) >= _SHORT else []
            line = [margin, Span(clip_front(name.text, room - measure(unit)), name.style), *unit]
        line = pad(line, own)
        for column in columns:
            cell = pad(column.cells[number], column.width, right=column.right)
            line += [Span(" " * GAP, ""), *cell]
        lines.append(line)
    return lines


def _stacked(rows: list[Band], names: list[Line], columns: dict[str, _Column], width: int) -> list[Line]:
    lines: list[Line] = []
    for number, row in enumerate(rows):
        margin, *name = names[number]
        lines += indent(wrap(name, width - len(margin.text), 2), len(margin.text))
        parts: list[Line] = []
        for key, column in columns.items():
            cell = column.cells[number]
            label = [] if key in ("mean", "band", "tolerance") else [say(f"{column.head} ", "dim")]
            if measure(cell):
                parts.append([*label, *cell])
        if parts:
            lines += indent(flow(parts, width - 6, "  "), 6)
        elif not row.n:
            lines += indent([[say("–")]], 6)
    return lines


def _figures(row: Band) -> tuple[str, str, str, str]:
    """Mean, sd, range and band."""
    if row.low is None or row.high is None:
        return "–", "", "", ""
    values = [row.low, row.high] if row.mean is None else [row.mean, row.low, row.high]
    written, sd, band = scattered(values, row.sd, row.band, row.unit)
    mean = "–" if row.mean is None else written[0]
    span = f"{written[-2]} … {written[-1]}" if row.low != row.high else ""
    return mean, sd if row.n > 1 else "", span, band


def _tolerance(row: Band) -> Line:
    if row.tolerance is None:
        return []
    line: Line = [say(row.tolerance)]
    if row.fits is not None:
        line += [Span(" ", ""), say("fits", "good") if row.fits else say("too narrow", "bad")]
    return line


def _plain(text: str) -> Line:
    return [say(text)] if text else []


def _is_cost(row: Band) -> bool:
    return row.path.startswith("cost/")


def _name(row: Band) -> str:
    return "time" if row.path == "cost/wall" else row.name


def _named(row: Band) -> Line:
    """The name, and the unit where it is no part of the numbers."""
    unit = row.unit if row.unit not in SCALED else None
    return [say(_name(row)), *([say(f" {clip(unit, LONG_UNIT)}", "dim")] if unit else [])]


def _remarks(rows: list[Band], width: int) -> list[Line]:
    """Notes below the table, each once, with the names it is of."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for note in row.notes:
            found.setdefault(note, []).append(_name(row))
    lines: list[Line] = []
    for note, names in found.items():
        named = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        lines += indent(wrap([say(named), say(f": {note}", "dim")], width - 2, 2))
    return lines


def _outputs(found: list[Agreement], runs: int, width: int, *, everything: bool) -> list[Line]:
    if runs < 2 or not found:
        return []
    rows: list[list[Line]] = []
    for item in found if everything else found[:OUTPUTS]:
        line: Line = []
        if item.differ:
            line.append(say(f"differs in {item.differ} of {item.n} others"))
        elif item.n:
            line.append(say("the same in the other" if item.n == 1 else f"the same in all {item.n} others"))
        if item.note is not None:
            line.append(say(f"{'; ' if line else ''}{item.note}", "dim"))
        rows.append([[say(item.path)], line])
    title = [say("Outputs", "bold"), say("  beside those of the newest run", "dim")]
    lines = [[], *wrap(title, width, 2)]
    lines += indent(table(rows, width - 2, 1))
    if len(found) > len(rows):
        more = f"and {count(len(found) - len(rows), 'more output')}: --all"
        lines += indent(wrap([say(more, "dim")], width - 2, 2))
    return lines


def _foot(found: Noise, width: int) -> list[Line]:
    lines: list[Line] = []
    if any(row.band is not None for row in (*found.metrics, *found.cost)):
        said = f"± is where one more run lies {found.level * 100:.0f} times of 100, if noise is normal"
        lines += wrap([say(said, "dim")], width - 2, 2)
    elif found.n == 1:
        lines += wrap([say("one run shows no spread")], width - 2, 2)
    if found.hint is not None:
        lines += wrap([say(found.hint, "accent")], width - 2, 2)
    return [[], *indent(lines)] if lines else []
