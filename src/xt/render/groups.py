"""`xt ls --group-by`: runs in groups, with how their metrics lie."""

from __future__ import annotations

from xt.model.groups import Group, Groups, Spread
from xt.render.cells import clip_front
from xt.render.layout import table, wrap
from xt.render.quantities import count, number
from xt.render.styled import Line, measure, paint, say

NARROWEST = 24
#: Cells of a metric's head.
MOST_HEAD = 20


def render(found: Groups, shown: dict[str, int], width: int, colour: bool) -> str:
    """Write the groups, one a row: runs, mean ± standard deviation of each metric, newest run.

    Args:
        found: the groups.
        shown: letters of each id that tell it from all others.
        width: of the terminal.
        colour: whether it may have colours.
    """
    width = max(width, NARROWEST)
    if not found.groups:
        return "no runs\n"
    head = found.by.partition(".")[2] or found.by
    names = list(found.metrics)
    rows = _rows(found, names, head, shown)
    # The last metric goes first where there is not room for all.
    while names and _wide(rows) > width:
        names.pop()
        rows = _rows(found, names, head, shown)
    lines = table(rows, width, 0, frozenset(range(1, 3 + len(names))))
    said = f"{count(len(found.groups) + found.more, 'group')} of {count(found.total, 'run')}"
    hidden = len(found.metrics) - len(names)
    said += f", {count(hidden, 'metric')} not shown" if hidden else ""
    said += f", {found.more} of the groups not shown" if found.more else ""
    lines += [[], *wrap([say(said), say(" · mean ± standard deviation (runs)", "dim")], width)]
    return "".join(paint(line, colour) + "\n" for line in lines)


def _wide(rows: list[list[Line]]) -> int:
    columns = zip(*rows, strict=True)
    return sum(max(measure(cell) for cell in column) + 2 for column in columns) - 2


def _rows(found: Groups, names: list[str], head: str, shown: dict[str, int]) -> list[list[Line]]:
    heads: list[Line] = [[say(head, "dim")], [say("runs", "dim")], [say("ok", "dim")]]
    heads += [[say(clip_front(say(name).text, MOST_HEAD), "dim")] for name in names]
    rows = [[*heads, [say("newest", "dim")]]]
    for group in found.groups:
        cells = [_value(group), [say(str(group.runs))], [say(str(group.ok))]]
        cells += [_spread(group.metrics.get(name), group.runs) for name in names]
        rows.append([*cells, [say(group.newest[: shown.get(group.newest, 16)], "key")]])
    return rows


def _value(group: Group) -> Line:
    if group.value is None:
        return [say("– none", "dim")]
    return [say(group.value[:2000] if isinstance(group.value, str) else number(group.value))]


def _spread(spread: Spread | None, runs: int) -> Line:
    if spread is None:
        return [say("–", "dim")]
    line = [say(number(spread.mean))]
    if spread.sd is not None:
        line.append(say(f" ± {number(spread.sd)}", "dim"))
    if spread.n != runs:
        line.append(say(f" ({spread.n})", "dim"))
    return line
