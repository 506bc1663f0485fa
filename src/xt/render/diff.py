"""`xt diff`: what was changed, what moved, and whether that is noise, on one page of a terminal."""

from __future__ import annotations

from datetime import datetime

from xt.model.delta import Comparison, Side
from xt.render.diff_blocks import indent
from xt.render.diff_causes import causes
from xt.render.diff_effects import effects
from xt.render.diff_explain import explanation
from xt.render.diff_headline import headline
from xt.render.diff_view import CAUSES, EFFECTS, View
from xt.render.diff_words import caveats, short
from xt.render.layout import beside, wrap
from xt.render.outcome import not_evidence
from xt.render.quantities import seconds_since, since
from xt.render.styled import Line, measure, paint, say

#: Lines longer than this are hard to read, however wide the terminal.
WIDEST = 110
#: Narrower than this nothing is laid out; lines are then longer than the terminal is wide.
NARROWEST = 24


def render(found: Comparison, options: View, now: datetime, width: int, colour: bool) -> str:
    """Write the page of a comparison.

    Args:
        found: the comparison; every fact is in it.
        options: what of it is wanted.
        now: to say how long ago the runs were.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
    """
    width = max(min(width, WIDEST), NARROWEST)
    parts = [_headline(found, width) + _purposes(found, now, width)]
    if options.any_of(CAUSES):
        parts.append(causes(found, options, width))
    if options.any_of(EFFECTS):
        parts.append([line for text in caveats(found.comparability) for line in wrap(text, width, 2)])
        parts.append(effects(found, options, width))
    if options.sections in ("all", "effects"):
        parts.append(wrap([say("Verdict: ", "bold"), say(found.verdict.sentence)], width, 2))
    if options.explain:
        parts.append(explanation(found, width))
    lines: list[Line] = []
    for part in parts:
        lines += [*([[]] if lines and part else []), *part]
    return "".join(paint(fit, colour) + "\n" for line in lines for fit in _fitted(line, width))


def _fitted(line: Line, width: int) -> list[Line]:
    """Break what a block of its own found no room for, under its own margin."""
    if measure(line) <= width:
        return [line]
    rest = list(line)
    margin = 0
    while rest and not rest[0].text.strip(" "):
        margin += len(rest.pop(0).text)
    margin = min(margin, width // 2)
    return indent(wrap(rest, width - margin, 2), margin)


def _headline(found: Comparison, width: int) -> list[Line]:
    names: list[Line] = [_named(side) for side in (found.left, found.right)]
    line = [*names[0], say(" → ", "dim"), *names[1]]
    return beside(wrap(line, width, 2), [say(headline(found))], width)


def _named(side: Side) -> Line:
    pinned = [say(f"{side.pinned} ")] if side.pinned else []
    return [*pinned, say(short(side), "key")]


def _purposes(found: Comparison, now: datetime, width: int) -> list[Line]:
    """Why each was made, how long ago, and what its evidence lacks; nothing when nobody said anything."""
    if not any(side.purpose or side.lacking for side in (found.left, found.right)):
        return []
    lines: list[Line] = []
    for side in (found.left, found.right):
        purpose = (side.purpose or "").strip()
        line = [say(f"  {short(side)}  ", "dim"), say(purpose or "– no purpose", "dim")]
        if side.lacking:
            line.append(say(f"  {not_evidence(side.lacking)}", "bold"))
        age = seconds_since(side.started_at, now)
        aside = [say(since(age), "dim")] if age is not None else []
        wrapped = [[say("  "), *part] for part in wrap(line, width - 2, 2)]
        lines += (
            beside(wrapped, aside, width) if measure(wrapped[0]) + measure(aside) + 3 <= width else wrapped
        )
    return lines
