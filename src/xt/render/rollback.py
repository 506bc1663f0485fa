"""`xt rollback`: what could be live again, what it would undo, what it would cost, as a page."""

from __future__ import annotations

from datetime import datetime

from xt.model.delta import Delta
from xt.model.production import Candidate, Changes, Rollback, Tradeoff
from xt.model.result import Number
from xt.render.cells import clip
from xt.render.diff_blocks import block, indent, room
from xt.render.diff_command import inline
from xt.render.diff_view import View
from xt.render.diff_words import arrow, is_told_elsewhere, last
from xt.render.layout import beside, flow, table, wrap
from xt.render.production import doubts
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
from xt.render.styled import Line, Span, join, measure, paint, say

#: Parts of one section that are named, metrics of one candidate.
PARTS, METRICS = 3, 10
#: Cells of a setting, or of a command.
LONG = 60
_VIEW = View()
_LABELS = {"environment": "env"}
#: Sections whose parts have short values.
_SETTINGS = ("params", "environment")


def render(found: Rollback, now: datetime, width: int, colour: bool) -> str:
    """Write the page.

    Args:
        found: what there is to go back to.
        now: to say how long ago.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
    """
    width = fitting(width)
    live = found.live
    head: Line = [say(found.to, "bold"), say("  live: "), *run(live), say("  "), *artefact(live)]
    lines = doubts(found.doubts, width)
    lines += beside(wrap([*head, say("  "), *why(live)], width, 2), [], width)
    lines += indent(flow(facts(live, now), width - 2))
    for one in found.candidates:
        lines += [[], *_candidate(one, found, now, width)]
    if found.more:
        lines += [[], [say(f"and {count(found.more, 'older one')}: xt prod {found.to}", "dim")]]
    return "".join(paint(line, colour) + "\n" for line in lines)


def _candidate(one: Candidate, found: Rollback, now: datetime, width: int) -> list[Line]:
    went = one.deployment
    head = [*run(went), say("  "), *artefact(went), say("  "), *why(went)]
    lines = headed(wrap(head, width, 2), went, width)
    inner = width - 2
    below = flow(facts(went, now), inner) + reason(went, inner) + warnings(went, inner)
    if not one.held:
        below += wrap([say("its content is not in this store", "bad")], inner, 2)
    lines += indent(below)
    undone = [item for item in _changed(one.changes) if measure(item)]
    lines += block(
        [say("undoes", "accent")], flow(undone, room(width)) if undone else [[say("nothing recorded")]], width
    )
    if one.tradeoff:
        content = _tradeoff(one.tradeoff, room(width))
        lines += block([say("metrics", "accent")], content, width)
    target = went.short if went.run == found.live.run else went.run[: went.shown]
    force = " --force" if one.against else ""
    if one.against:
        said = f"only with --force: {'; '.join(one.against)}"
        lines += indent(wrap([say(said, "bad")], inner, 2))
    if went.unreadable is None:
        command = f"xt rollback {found.to} --to {target}{force} -m WHY"
        lines += indent(wrap([say(command, "accent")], inner, 2))
    return lines


def _changed(found: Changes) -> list[Line]:
    """What differs, each in a few words."""
    items: list[Line] = []
    for role, pair in (("prompts", found.prompts), ("policy", found.policy)):
        if pair is not None:
            old, new = (version or f"no {role}" for version in pair)
            items.append([say(old), say(" → ", "dim"), say(new, "bold")])
    if found.reason is not None:
        items.append([say(f"causes not known: {found.reason}", "bold")])
    # A bundle stands for the inputs it is made of.
    bundled = [
        f"inputs/{role}/" for role, pair in (("prompts", found.prompts), ("policy", found.policy)) if pair
    ]
    for section in found.causes.children if found.causes is not None else []:
        if section.relation != "same" and not is_told_elsewhere(section, _VIEW):
            items.append(_section(section, tuple(bundled)))
    return items


def _section(section: Delta, but: tuple[str, ...]) -> Line:
    """What differs in a section, without the parts whose paths begin in some way."""
    name = _LABELS.get(section.path, section.path)
    line: Line = [say(f"{name} ", "accent")]
    if section.relation == "unknown" and not any(part.relation == "changed" for part in section.children):
        return [*line, say(f"not known: {clip(say(section.note or 'no reason recorded').text, 60)}")]
    if section.path == "command" and section.children:
        words = inline(section.children)
        return [*line, *words] if measure(words) <= LONG else [*line, say("differs")]
    differing = [part for part in section.children if part.relation != "same" and part.counted]
    parts = [part for part in differing if not part.path.startswith(but)]
    if differing and not parts:
        return []
    shown: list[Line] = []
    for part in parts[:PARTS]:
        told: Line = [say(clip(say(last(part.path, 1)).text, 40))]
        setting = arrow(part, plain=True) if section.path in _SETTINGS else []
        shown.append([*told, Span(" ", ""), *setting] if 0 < measure(setting) < LONG else told)
    line += join(shown, ", ") if shown else (arrow(section) or [say("differs")])
    more = len(parts) - PARTS + section.more
    return [*line, say(f" and {more} more", "dim")] if more > 0 else line


def _tradeoff(found: list[Tradeoff], width: int) -> list[Line]:
    rows: list[list[Line]] = []
    for one in found[:METRICS]:
        now, then = _both(one)
        what = "offline" if one.where == "offline" else "in production"
        verdict: Line = []
        if one.direction is not None:
            better = one.direction == "better"
            verdict = [say("better ▲" if better else "worse ▼", "good" if better else "bad")]
        if one.judged is not None and one.judged not in ("improved", "regressed"):
            verdict += [say(f"{', ' if verdict else ''}{one.judged}", "dim")]
        if one.n is not None:
            verdict += [say(f"{'  ' if verdict else ''}n {one.n[0]}, {one.n[1]}", "dim")]
        move = [say(now), say(" → ", "dim"), say(then, "bold")]
        rows.append([named(one.name, one.unit), [say(what, "dim")], move, verdict])
    lines = table(rows, width, 0)
    if len(found) > METRICS:
        lines.append([say(f"and {count(len(found) - METRICS, 'more metric')}: --json", "dim")])
    return lines


def _both(one: Tradeoff) -> tuple[str, str]:
    """Both values in one unit and with one precision."""
    if one.now is None or one.then is None or isinstance(one.now, Number) or isinstance(one.then, Number):
        return value(one.now, one.unit), value(one.then, one.unit)
    now, then = values([float(one.now), float(one.then)], one.unit)
    return now, then
