"""The phrases of production: what went live, since when, with what, and how much was measured."""

from __future__ import annotations

import math
from datetime import datetime

from xt.model.production import Went
from xt.model.result import Number
from xt.render.cells import clip
from xt.render.diff_blocks import indent
from xt.render.diff_numbers import SCALED, scattered
from xt.render.layout import beside, wrap
from xt.render.quantities import ago, count, fingerprint, moment, number, seconds_since, since
from xt.render.styled import Line, say

#: As `xt noise`: longer lines are hard to read, and narrower nothing is laid out.
WIDEST, NARROWEST = 110, 24
#: Cells of a purpose or reason beside other things.
LONG = 200


def fitting(width: int) -> int:
    """Columns a page is laid out for."""
    return max(min(width, WIDEST), NARROWEST)


def run(one: Went) -> Line:
    """The short id of its run."""
    return [say(one.run[: one.shown], "key")]


def artefact(one: Went) -> Line:
    """`model.npz  blake3 91c0f3a2…`."""
    return [say(one.output), say(f"  {fingerprint(one.digest)}", "dim")]


def headed(lines: list[Line], one: Went, width: int) -> list[Line]:
    """What it is called as a deployment, beside a headline or below it."""
    number: Line = [say(f"deployment {one.short}", "dim")]
    shown = beside(lines, number, width)
    return shown if len(shown) == len(lines) else [*lines, *indent([number])]


def why(one: Went) -> Line:
    """The purpose of its run, or why it is not known."""
    if one.unreadable is not None:
        return [say(f"its run cannot be read: {one.unreadable}", "bold")]
    purpose = (one.purpose or "").strip()
    return [say(clip(say(purpose).text, LONG))] if purpose else [say("– no purpose", "dim")]


def when(one: Went, now: datetime) -> Line:
    """`live for 2 h`, `live for 3 d, until 2 h ago`."""
    began = seconds_since(one.since, now)
    if one.until is None:
        said = ago(began) if began is not None else one.since
        return [say("live", "good"), say(f" for {said}" if said != "now" else ", just now")]
    ended = seconds_since(one.until, now)
    if began is None or ended is None:
        return [say(f"live from {one.since} until {one.until}")]
    lasted = ago(max(began - ended, 0))
    return [say(f"live for {lasted if lasted != 'now' else 'a moment'}, until {since(ended)}")]


def facts(one: Went, now: datetime) -> list[Line]:
    """When, by whom, with what else; each a piece."""
    items = [when(one, now)]
    items.append([say(moment(one.since, now), "dim")])
    items += [[say(f"by {one.by}", "dim")]] if one.by else []
    items += [[say(version)] for version in (one.prompts, one.policy) if version]
    items += [[say(count(len(one.config), "config file"), "dim")]] if one.config else []
    items += [[say("a rollback", "bold")]] if one.takes_back else []
    items += [[say("was rolled back")]] if one.taken_back else []
    return items


def warnings(one: Went, width: int) -> list[Line]:
    """What spoke against it and was passed over, and why."""
    lines: list[Line] = []
    if one.lacking:
        lines += wrap([say(f"incomplete evidence: no {', no '.join(one.lacking)}", "bad")], width, 2)
    for said in one.despite:
        lines += wrap([say(f"in spite of: {said}", "bad")], width, 2)
    return lines


def reason(one: Went, width: int) -> list[Line]:
    """Why it was deployed, as somebody said."""
    said = (one.reason or "").strip()
    return wrap([say("why  ", "dim"), say(said)], width, 5) if said else []


def value(of: float | int | Number | None, unit: str | None) -> str:
    """Write one value with its unit, if that is part of numbers."""
    if of is None:
        return "–"
    if isinstance(of, Number) or not math.isfinite(of):
        return number(of)
    return scattered([float(of)], None, None, unit)[0][0]


def values(of: list[float], unit: str | None) -> list[str]:
    """Write values of one metric in one unit, as precisely as their distance asks for."""
    spread = max(of) - min(of) if of else 0.0
    if not of or not math.isfinite(spread):
        return [value(one, unit) for one in of]
    return scattered(of, spread or None, None, unit)[0]


def named(name: str, unit: str | None) -> Line:
    """A metric's name, with its unit where that is no part of the numbers."""
    return [say(name), *([say(f" {clip(say(unit).text, 12)}", "dim")] if unit and unit not in SCALED else [])]
