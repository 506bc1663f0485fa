"""`xt blame`: where a metric moved in production and what that coincides with, as a page."""

from __future__ import annotations

from datetime import datetime

from xt.model.production import Blame, Changes, Moved, Went
from xt.render.diff_blocks import block, indent, room
from xt.render.diff_causes import sections
from xt.render.diff_numbers import scientific, sparklines
from xt.render.diff_view import View
from xt.render.layout import beside, flow, wrap
from xt.render.production import doubts
from xt.render.production_words import artefact, facts, fitting, reason, run, values, warnings, why
from xt.render.quantities import count, moment, seconds_since, since
from xt.render.styled import Line, Span, join, paint, say

_VIEW = View(sections="causes")


def render(found: Blame, now: datetime, width: int, colour: bool) -> str:
    """Write the page.

    Args:
        found: what is known.
        now: to say how long ago.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
    """
    width = fitting(width)
    went = {one.event: one for one in found.deployments}
    head: Line = [say(found.to, "bold"), say("  "), say(found.metric, "bold")]
    lines = [
        *doubts(found.doubts, width),
        *beside([head], [say(count(found.n, "measurement"), "dim")], width),
    ]
    lines += wrap(_verdict(found, went), width, 2)
    for note in found.notes:
        lines += indent(wrap([say(note)], width - 2, 2))
    moved = [place for place in found.places if place.word in ("moved", "within tolerance")]
    others = [place for place in found.places if place not in moved]
    for place in moved:
        lines += [[], *_moved(place, found, went, now, width)]
    if others:
        lines.append([])
        for place in others:
            lines += _other(place, found, went, now, width)
    lines += _foot(found, moved, width)
    return "".join(paint(line, colour) + "\n" for line in lines)


def _verdict(found: Blame, went: dict[str, Went]) -> Line:
    """The page in a sentence."""
    moved = [place for place in found.places if place.word == "moved"]
    if not moved:
        words = {place.word for place in found.places}
        if "within tolerance" in words:
            return [say(f"moved only within the declared tolerance ({found.tolerance})")]
        if not words and not found.family:
            return [say("cannot tell: too little was measured, and nothing was deployed meanwhile")]
        if not words:
            return [say("did not move, and nothing was deployed meanwhile")]
        if words == {"cannot tell"}:
            return [say("cannot tell: too little was measured")]
        return [say("did not move" + (" where that can be told" if "cannot tell" in words else ""))]
    parts: list[Line] = []
    for place in moved:
        worse: Line = []
        if place.direction is not None:
            better = place.direction == "better"
            worse = [say(" for the "), say("better ▲" if better else "worse ▼", "good" if better else "bad")]
        if place.deployments:
            parts.append([say("moved"), *worse, say(", which coincides with "), *_names(place, went)])
        else:
            parts.append([say("moved"), *worse, say(" while nothing was deployed")])
    return join(parts, "; ")


def _names(place: Moved, went: dict[str, Went]) -> Line:
    """The deployments of a place: `the deployment of kwpz`."""
    known = [went[event] for event in place.deployments if event in went]
    what = "deployment" if len(known) == 1 else f"{len(known)} deployments, close together,"
    kind = "rollback to" if len(known) == 1 and known[0].takes_back else f"{what} of"
    line: Line = [say(f"the {kind} " if len(known) == 1 or not known else f"{kind} ")]
    # One run may have been deployed several times, with other prompts for instance.
    return [*line, *join([run(one) for one in {one.run: one for one in known}.values()], ", ")]


def _when(place: Moved, now: datetime) -> str:
    age = seconds_since(place.at, now)
    return f"{moment(place.at, now)}{'' if age is None else f', {since(age)}'}"


def _levels(place: Moved, found: Blame) -> Line:
    """`0.031 → 0.092` with pictures and numbers of measurements."""
    before, after = place.before, place.after
    medians = [level.median for level in (before, after) if level.median is not None]
    written = values(medians, found.unit)
    if len(medians) < 2:
        return [say(f"{before.n} before, {after.n} since", "dim")]
    drawn = sparklines(before.picture, after.picture)
    unit = f" {found.unit}" if found.unit and found.unit not in ("s", "B", "J") else ""
    numbers: Line = [say(written[0]), say(" → ", "dim"), say(written[1], "bold"), say(unit, "dim")]
    picture: Line = [Span(f"  {drawn[0]} ", ""), Span("│ ", "dim"), Span(drawn[1], "bold")]
    return [*numbers, *picture, say(f"  medians of {before.n} and {after.n}", "dim")]


def _moved(place: Moved, found: Blame, went: dict[str, Went], now: datetime, width: int) -> list[Line]:
    head: Line = [say(_when(place, now), "bold")]
    if place.deployments:
        head += [say(", "), *_names(place, went)]
    else:
        head += [say(", while nothing was deployed")]
    if place.word == "within tolerance":
        head.append(say(f": within the tolerance {found.tolerance}", "dim"))
    lines = wrap(head, width, 2)
    inner = width - 2
    below = wrap(_levels(place, found), inner, 2)
    if place.reason:
        below += wrap([say(place.reason)], inner, 2)
    for event in place.deployments:
        if (one := went.get(event)) is not None:
            below += [[], *_deployment(one, now, inner)]
    if place.changes is not None:
        below += [[], *changes(place.changes, inner)]
    return [*lines, *indent(below)]


def _deployment(one: Went, now: datetime, width: int) -> list[Line]:
    lines = wrap([*run(one), say("  "), *artefact(one), say("  "), *why(one)], width, 4)
    below = [*flow(facts(one, now), width - 2), *reason(one, width - 2), *warnings(one, width - 2)]
    return [*lines, *indent(below)]


def changes(found: Changes, width: int) -> list[Line]:
    """What is another from one deployment to the next."""
    lines: list[Line] = []
    for role, pair in (("prompts", found.prompts), ("policy", found.policy)):
        if pair is not None:
            old, new = (version or "none" for version in pair)
            content: Line = [say(old), say(" → ", "dim"), say(new, "bold")]
            lines += block([say(role, "accent")], wrap(content, room(width), 2), width)
            if found.same_run and None not in pair:
                where = wrap([say(f"xt bundle diff {old} {new}", "accent")], room(width), 2)
                lines += block([], where, width)
    if found.reason is not None:
        lines += block([say("causes", "accent")], wrap([say(found.reason, "bold")], room(width), 2), width)
    if found.causes is not None:
        lines += sections(found.causes, _VIEW, width)
    if found.same_run and not lines:
        lines += wrap([say("  the same run, prompts and policies: nothing recorded is another")], width, 2)
    elif found.same_run:
        lines += wrap([say("  the run is the same", "dim")], width, 2)
    return [[say("Changed with it", "bold")], *lines]


def _other(place: Moved, found: Blame, went: dict[str, Went], now: datetime, width: int) -> list[Line]:
    line = [say(_when(place, now), "dim"), say("  "), *_names(place, went), say(f": {place.word}")]
    if place.reason:
        line.append(say(f", {place.reason}"))
    lines = wrap(line, width, 2)
    if place.word == "did not move":
        lines += indent(wrap(_levels(place, found), width - 2, 2))
    return lines


def _foot(found: Blame, moved: list[Moved], width: int) -> list[Line]:
    said = []
    for place in moved:
        if place.p is not None and place.level is not None:
            said.append(
                f"{place.method}: p = {scientific(place.p)}, asked for below {scientific(place.level)}"
                f" (Holm over {found.family})"
            )
    if any(place.deployments for place in moved):
        said.append("what coincides need not be the cause: traffic and users change too")
    lines = [line for text in said for line in indent(wrap([say(text, "dim")], width - 2, 2))]
    return [[], *lines] if lines else []
