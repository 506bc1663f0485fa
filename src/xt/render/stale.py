"""`xt stale` as a page: what to do again and why, in order, with what it cost last time."""

from __future__ import annotations

from xt.model.stale import Judged, Staleness
from xt.model.text import from_text
from xt.render.diff_blocks import indent
from xt.render.layout import GAP, flow, pad, wrap
from xt.render.quantities import count, cut, duration, number
from xt.render.styled import Line, Span, join, measure, paint, say

#: As `xt show`.
WIDEST, NARROWEST = 110, 24
#: Cells of the command that stands for a name.
_WORDS = 40
#: Fresh runs that are named; lines of what was passed over.
FRESH, PASSED = 20, 8


def render(found: Staleness, width: int, colour: bool, *, hint: bool = True) -> str:
    """Write the page.

    Args:
        found: what is stale.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
        hint: whether to say how the plan is done.
    """
    width = max(min(width, WIDEST), NARROWEST)
    ids = {one.run: one.run[: one.shown] for one in (*found.plan, *found.unknown, *found.fresh)}
    lines = [*wrap(headline(found), width, 2)]
    for title, rows in (
        ("Stale, in the order to do them again", found.plan),
        ("Cannot be told", found.unknown),
    ):
        if rows:
            lines += [[], *wrap([say(title, "bold")], width, 2)]
            for row in rows:
                lines += indent(_row(row, found, ids, width - 2))
    if found.fresh:
        lines += [[], [say("Still valid", "bold")]]
        items = [_who(row, ids) for row in found.fresh[:FRESH]]
        if found.fresh[FRESH:]:
            items.append([say(f"and {len(found.fresh) - FRESH} more", "dim")])
        lines += indent(flow(items, width - 2, "  "))
    lines += _foot(found, width)
    if found.plan and hint:
        lines += [[], *wrap([say("`xt stale --run` does them again, in this order", "accent")], width, 2)]
    return "".join(paint(line, colour) + "\n" for line in lines)


def headline(found: Staleness) -> Line:
    """Say what it comes to."""
    runs = len(found.plan) + len(found.unknown) + len(found.fresh)
    if not runs:
        return [say("no runs that ended well: there is no evidence to be stale")]
    if not found.plan:
        if found.unknown:
            said = f"nothing is known to be stale; of {count(len(found.unknown), 'run')} it cannot be told"
            return [say(said, "bold")]
        return [say("nothing is stale", "bold"), say(f"  {count(runs, 'run')} looked at", "dim")]
    parts: list[Line] = [[say(f"{len(found.plan)} of {count(runs, 'run')} stale", "bold")]]
    works = {"train": "train", "evaluate": "evaluate", "run": "run"}
    counts = [
        f"{sum(row.action == action for row in found.plan)} to {word} again"
        for action, word in works.items()
        if any(row.action == action for row in found.plan)
    ]
    parts.append([say(", ".join(counts))])
    parts.append([say(f"{_cost(found.wall_s, found.money, found.currency)} last time", "dim")])
    return join(parts, " · ")


def _row(row: Judged, found: Staleness, ids: dict[str, str], width: int) -> list[Line]:
    """Who and what is to be done on the first line, then why."""
    to_do: Line = []
    if row.state == "stale":
        to_do = [say(f"{row.action} again")]
        if row.after:
            to_do.append(say(f" after {', '.join(ids.get(run, run) for run in row.after[:3])}", "accent"))
    cost: Line = [say(_cost(row.wall_s or 0.0, row.money, found.currency), "dim")]
    first = [*_who(row, ids), Span(" " * GAP, ""), *to_do]
    if measure(first) + GAP + measure(cost) <= width:
        first = [*pad(first, width - measure(cost)), *cost]
        lines = [first]
    else:
        lines = wrap([*first, Span(" " * GAP, ""), *cost], width, 2)
    reasons: list[Line] = [
        [say(_point(reason.point), "dim"), Span("  ", ""), say(reason.what)]
        if reason.relation == "changed"
        else [say(_point(reason.point), "dim"), Span("  ", ""), say(f"not known: {reason.what}", "bad")]
        for reason in row.reasons
    ]
    if row.after and not any(reason.relation == "changed" for reason in row.reasons):
        first_id = ids.get(row.after[0], row.after[0])
        what = f"made by {first_id}, which is {row.state if row.state == 'stale' else 'not known to hold'}"
        reasons.append([say("inputs", "dim"), Span("  ", ""), say(what)])
    if row.state == "stale" and row.by_hand is not None:
        reasons.append([say("by hand", "dim"), Span("  ", ""), say(row.by_hand)])
    for reason in reasons:
        lines += indent(wrap(reason, width - 4, 2), 4)
    return lines


def _who(row: Judged, ids: dict[str, str]) -> Line:
    words = cut(" ".join(from_text(word) for word in row.command), _WORDS)
    line: Line = [say(ids[row.run], "key"), Span(" ", ""), say(row.task or row.name or words)]
    if row.pinned:
        line.append(say(f" ({', '.join(row.pinned)})", "dim"))
    return line


def _point(point: str) -> str:
    return point.removeprefix("inputs.")


def _cost(wall: float, money: float | None, currency: str) -> str:
    if money is None:
        return duration(wall)
    return f"{duration(wall)}, {number(round(money, 4))}{f' {currency}' if currency else ''}"


def _foot(found: Staleness, width: int) -> list[Line]:
    lines: list[Line] = []
    passed: dict[str, None] = {}
    for row in (*found.plan, *found.unknown, *found.fresh):
        passed.update(dict.fromkeys(row.passed))
    if passed:
        lines += [[], *wrap([say("Differs, and does not count", "dim")], width, 2)]
        for said in list(passed)[:PASSED]:
            lines += indent(wrap([say(said, "dim")], width - 2, 2))
        if len(passed) > PASSED:
            lines += indent(wrap([say(f"and {len(passed) - PASSED} more: --json", "dim")], width - 2, 2))
    if found.doubts:
        more = len(found.doubts) - 3
        said = "; ".join(found.doubts[:3]) + (f"; and {more} more" if more > 0 else "")
        lines += [[], *wrap([say("something may be missing here: ", "bold"), say(said)], width, 2)]
    return lines
