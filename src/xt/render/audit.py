"""`xt audit` as a page: what each run has of the required evidence, what it lacks, and what supplies it."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from xt.model.audit import Audit, Audits, Item
from xt.model.result import Number
from xt.render.cells import clip
from xt.render.diff_blocks import indent
from xt.render.layout import beside, pad, table, wrap
from xt.render.outcome import not_evidence, style
from xt.render.quantities import count, number, seconds_since, since
from xt.render.quoting import value as quoted
from xt.render.styled import Line, join, measure, paint, say

#: As `xt show`: longer lines are hard to read, and narrower nothing is laid out.
WIDEST, NARROWEST = 110, 24
#: Cells of a value.
LONG = 60
#: Below this many columns what is of a field stands below its name.
STACKED = 60
NEW_RUN = "only a new run can have it"
NOTHING = "nothing is required: `[evidence] required` in xt.toml says what a run must have"


def render(found: Audits, now: datetime, width: int, colour: bool, *, many: bool) -> str:
    """Write the page.

    Args:
        found: what was found.
        now: to say how long ago.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
        many: a line for each run, instead of one for each field.
    """
    width = max(min(width, WIDEST), NARROWEST)
    if many:
        lines = _list(found, now, width)
    else:
        lines = []
        for one in found.audits:
            lines += [*([[]] if lines else []), *_run(one, now, width)]
    notes = [line for note in found.notes for line in wrap([say(note, "bold")], width, 2)]
    lines += [[], *notes] if notes else []
    return "".join(paint(line, colour) + "\n" for line in lines)


def _list(found: Audits, now: datetime, width: int) -> list[Line]:
    rows: list[list[Line]] = []
    for one in found.audits:
        purpose = (one.purpose or "").strip()
        lacks = [item.field for item in one.fields if not item.present]
        said = say(not_evidence(lacks), "bad") if lacks else say("complete" if one.complete else "–", "dim")
        rows.append(
            [
                [say(one.run[: one.shown], "key")],
                [say(_age(one, now), "dim")],
                [say(clip(purpose, LONG // 2)) if purpose else say("– no purpose", "dim")],
                [said],
            ]
        )
    for bad in found.unreadable:
        rows.append([[say(bad.run[: bad.shown], "key")], [], [], [say(f"damaged: {bad.reason}", "bad")]])
    lines = table(rows, width, 3) if rows else []
    judged = [one for one in found.audits if one.complete is not None]
    whole = sum(bool(one.complete) for one in judged)
    of = len(judged) + len(found.unreadable)
    foot = [say(f"{whole} of {count(of, 'run')} complete" if of else NOTHING)]
    if found.running:
        foot.append(say(f" · {count(len(found.running), 'run')} not judged: still running", "dim"))
    first = next((one for one in judged if not one.complete), None)
    if first is not None:
        foot.append(say(f" · xt audit {first.run[: first.shown]}", "accent"))
    return [*lines, *([[]] if lines else []), *wrap(foot, width, 2)]


def _run(found: Audit, now: datetime, width: int) -> list[Line]:
    purpose = (found.purpose or "").strip()
    name: Line = [say("audit of ", "dim"), say(found.run[: found.shown], "key")]
    why = say(purpose, "bold") if purpose else say("– no purpose", "dim")
    about: list[Line] = [[say(found.status, style(found.status))], [say(_age(found, now))]]
    if found.task:
        about.append([say("task ", "dim"), say(found.task)])
    lacks = [item for item in found.fields if not item.present]
    if found.complete is not None:
        total = count(len(found.fields), "required field")
        about.append(
            [say(f"{len(lacks)} of {total} missing", "bad")] if lacks else [say(f"complete: {total}")]
        )
    lines = [*wrap([*name, say("  "), why], width, 4), *wrap(join(about, ", "), width, 2)]
    if found.complete is None:
        lines += wrap([say(NOTHING, "bold")], width, 2)
        lines += wrap([say("it could be asked for what it has:")], width, 2) if found.fields else []
    lines += [[], *indent(_fields(found.fields, width - 2))] if found.fields else []
    return lines + _then(found, width)


def _then(found: Audit, width: int) -> list[Line]:
    """What was missing when it started, where that is another answer than now's."""
    now = {item.field for item in found.fields if not item.present}
    gone = [field for field in found.lacking_then if field not in now]
    if not gone:
        return []
    said = f"when it started it was told: {not_evidence(found.lacking_then)}"
    return [[], *wrap([say(said, "dim")], width, 2)]


def _fields(items: list[Item], width: int) -> list[Line]:
    own = max(measure([say(item.field)]) for item in items)
    if width < STACKED or own > width // 3:
        lines: list[Line] = []
        for item in items:
            lines += wrap([say(item.field, "" if item.present else "bad")], width, 2)
            lines += indent(_about(item, width - 4), 4)
        return lines
    lines = []
    for item in items:
        about = _about(item, width - own - 2)
        head = pad([say(item.field, "" if item.present else "bad")], own + 2)
        for at, line in enumerate(about):
            lines.append([*(head if at == 0 else pad([], own + 2)), *line])
    return lines


def _about(item: Item, width: int) -> list[Line]:
    if item.present:
        value = wrap([say(clip(evidence_value(item.value), LONG * 2))], width, 2)
        return beside(value, [say(item.source or "", "dim")], width)
    lines = wrap([say("missing", "bad"), say(f": {item.missing or 'no reason is known'}")], width, 2)
    how = item.command if item.command is not None else NEW_RUN
    lines += wrap([say(how, "accent" if item.command is not None else "dim")], width, 2)
    if item.needs != "verify" and item.supply:
        lines += wrap([say("next time: ", "dim"), say(item.supply)], width, 2)
    return lines


def evidence_value(value: Any) -> str:
    """Write what a field of evidence has."""
    if isinstance(value, str):
        return value
    if isinstance(value, float | Number):
        return number(value) if isinstance(value, Number) or math.isfinite(value) else str(value)
    return quoted(value)


def _age(found: Audit, now: datetime) -> str:
    age = seconds_since(found.started_at, now)
    return since(age) if age is not None else "at an unknown time"
