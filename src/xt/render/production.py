"""`xt prod`: what is live where, and the history of one environment, as a page."""

from __future__ import annotations

from datetime import datetime

from xt.model.production import LivePlace, Measured, Offline, Production, Went
from xt.render.diff_blocks import indent
from xt.render.layout import beside, flow, table, wrap
from xt.render.production_words import (
    artefact,
    facts,
    fitting,
    headed,
    named,
    reason,
    run,
    value,
    values,
    warnings,
    why,
)
from xt.render.quantities import count
from xt.render.styled import Line, paint, say

#: Deployments of a history that are shown, metrics of one.
HISTORY, METRICS = 30, 12
#: Damaged events that are named.
NAMED = 3


def render(found: Production, now: datetime, width: int, colour: bool, *, history: bool) -> str:
    """Write the page.

    Args:
        found: what is known.
        now: to say how long ago.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
        history: whether one environment was asked for.
    """
    width = fitting(width)
    lines = doubts(found.doubts, width)
    for environment in found.environments:
        lines += [*([[]] if lines else []), *_environment(environment, now, width, history=history)]
    return "".join(paint(line, colour) + "\n" for line in lines)


def doubts(paths: list[str], width: int) -> list[Line]:
    """Say that something is missing here, and what would help."""
    if not paths:
        return []
    which = ", ".join(paths[:NAMED]) + (f" and {len(paths) - NAMED} more" if len(paths) > NAMED else "")
    said = f"not certain: {count(len(paths), 'event')} cannot be read, and what it says is missing: {which}"
    return wrap([say(said, "bold")], width, 2)


def _environment(found: LivePlace, now: datetime, width: int, *, history: bool) -> list[Line]:
    total = len(found.deployments) + found.more
    known = count(total, "deployment") if total else "nothing was deployed"
    lines = beside([[say(found.name, "bold")]], [say(known, "dim")], width)
    for one in found.deployments[:HISTORY]:
        lines += [*([[]] if history and len(lines) > 1 else []), *_deployment(one, now, width)]
    hidden = len(found.deployments) - HISTORY
    if hidden > 0:
        lines += indent([[say(f"and {count(hidden, 'older deployment')}: --json", "dim")]])
    elif found.more:
        more = f"and {count(found.more, 'older deployment')}: xt prod {found.name}"
        lines += indent(wrap([say(more, "dim")], width - 2, 2))
    if found.before and (history or not total):
        head: Line = [say("before anything was deployed", "dim")] if total else []
        lines += [[], *indent([head])] if head else []
        lines += indent(_numbers([], found.before, width - 4), 4)
    return lines


def _deployment(one: Went, now: datetime, width: int) -> list[Line]:
    mark = say("●", "good") if one.until is None else say("○", "dim")
    head = [mark, say(" "), *run(one), say("  "), *artefact(one)]
    lines = headed(wrap(head, width, 4), one, width)
    inner = width - 2
    below = wrap(why(one), inner, 2) + flow(facts(one, now), inner)
    below += reason(one, inner) + warnings(one, inner)
    lines += indent(below)
    numbers = _numbers(one.offline, one.seen, inner)
    others = {by.run: by.run[: by.shown] for by in one.offline if by.run != one.run}
    if others:
        said = [say("offline: also by ", "dim")]
        for at, short in enumerate(others.values()):
            said += [say(", " if at else ""), say(short, "key")]
        numbers += wrap([*said, say(", which read it", "dim")], inner, 2)
    return lines + indent(numbers)


def _numbers(offline: list[Offline], seen: list[Measured], width: int) -> list[Line]:
    """What the run measured beside what was measured in production, joined by name."""
    before = {one.name: one for one in offline}
    after = {one.name: one for one in seen}
    # What was measured on both sides first: that is where a promise can be held against what came of it.
    names = sorted(dict.fromkeys([*before, *after]), key=lambda name: not (name in before and name in after))
    rows: list[list[Line]] = []
    for name in names[:METRICS]:
        known, live = before.get(name), after.get(name)
        about = live or known
        assert about is not None
        unit = about.unit
        cells: list[Line] = [named(name, unit)]
        cells.append([say(value(known.value, unit))] if known is not None else [])
        if live is None:
            cells += [[], [], []]
        else:
            mean = live.last if live.mean is None else live.mean
            written = values([mean, live.last, live.low, live.high], unit)
            cells.append([say("–" if live.mean is None else written[0], "bold")])
            cells.append([say(written[1])])
            cells.append([say(str(live.n))])
        rows.append(cells)
    if not rows:
        return []
    heads = ["", "offline", "in production" if width >= 60 else "live", "last", "n"]
    if not seen:
        heads[2:] = ["", "", ""]
    if not any(row[1] for row in rows):
        heads[1] = ""
    head: list[Line] = [[say(text, "dim")] if text else [] for text in heads]
    lines = table([head, *rows], width, 0, frozenset({1, 2, 3, 4}))
    if len(names) > METRICS:
        lines.append([say(f"and {count(len(names) - METRICS, 'more metric')}: --json", "dim")])
    return lines
