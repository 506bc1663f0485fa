"""`xt cases`: the evaluated examples of a run, as a page."""

from __future__ import annotations

from datetime import datetime

from xt.model.cases import Case, CasesOfRun, Share
from xt.model.delta import Tally
from xt.model.text import from_text, to_shown
from xt.render.case_cells import LONGEST, aligned, figure, outcome, shown
from xt.render.cells import clip
from xt.render.diff_blocks import indent
from xt.render.layout import beside, clipped, flow, wrap
from xt.render.quantities import count, seconds_since, since
from xt.render.styled import Line, join, measure, paint, say

#: Longer lines are hard to read, and narrower nothing is laid out.
WIDEST, NARROWEST = 140, 24
#: Cohorts of one column and groups that are listed.
COHORTS, GROUPS = 8, 20
#: Cells of a column of cases at least.
_LEAST = 8


def render(found: CasesOfRun, now: datetime, width: int, colour: bool) -> str:
    """Write the page.

    Args:
        found: what was asked for.
        now: to say how long ago the run was.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
    """
    width = max(min(width, WIDEST), NARROWEST)
    lines = _headline(found, now, width)
    if found.cohorts and not found.only and found.chosen not in ("broken", "fixed"):
        lines += [[], *indent(_cohorts(found, width - 2))]
    if found.groups:
        lines += [[], *indent(_groups(found, width - 2))]
    if found.cases:
        lines += [[], *indent(_table(found, width - 2))]
    elif found.fits == 0 and found.n and not found.only:
        what = {"failed": "no case failed", "broken": "no case broke", "fixed": "no case was fixed"}
        lines += [[], *indent([[say(what.get(found.chosen, "no case"))]])]
    lines += _foot(found, width)
    return "".join(paint(line, colour) + "\n" for line in lines)


def _headline(found: CasesOfRun, now: datetime, width: int) -> list[Line]:
    name: Line = [
        say("cases of ", "dim"),
        say(found.run[: found.shown], "key"),
        say(f"  {to_shown(from_text(found.output))}", "dim"),
    ]
    age = seconds_since(found.started_at, now)
    lines = beside([clipped(name, width)], [say(since(age), "dim")] if age is not None else [], width)
    if found.purpose and found.purpose.strip():
        lines += indent(wrap([say(found.purpose.strip())], width - 2))
    items: list[Line] = [[say(count(found.n, "case"))]]
    judged = found.passed + found.failed
    if judged:
        items.append([say(f"{found.passed} passed"), say(f" ({_percent(found.passed, judged)})", "dim")])
        items.append([say(f"{found.failed} failed", "bad" if found.failed else "")])
    if found.unread:
        items.append([say(f"{found.unread} without a result", "bold")])
    if found.mean is not None:
        items.append([say("mean score ", "dim"), say(figure(found.mean))])
    lines += indent(flow(items, width - 2))
    if found.against is not None:
        lines += indent(_against(found, width - 2))
    if found.only:
        of = ", ".join(f"{name}={value}" for name, value in found.only.items())
        kind = f"{found.chosen} " if found.chosen != "all" else ""
        lines += indent(wrap([say(of, "accent"), say(f": {count(found.fits, f'{kind}case')}")], width - 2, 2))
    return lines


def _against(found: CasesOfRun, width: int) -> list[Line]:
    against = found.against
    assert against is not None
    run = [
        say("against ", "dim"),
        say(f"{against.pinned} " if against.pinned else ""),
        say(against.run[: against.shown], "key"),
    ]
    return flow(
        [run, *_tally(against.tally, found.columns is not None and found.columns.outcome is None)], width
    )


def _tally(tally: Tally, scored: bool) -> list[Line]:
    words = (
        ("of a higher score", "of a lower score", "", "of the same")
        if scored
        else ("fixed", "broken", "failing in both", "passing in both")
    )
    numbers = (tally.fixed, tally.broken, tally.failing, tally.passing)
    styles = ("good", "bad", "dim", "dim")
    items: list[Line] = [
        [say(f"{many} "), say(word, style)]
        for many, word, style in zip(numbers, words, styles, strict=True)
        if many
    ]
    for many, word in ((tally.only_left, "only there"), (tally.only_right, "only here")):
        items += [[say(f"{many} {word}", "bold")]] if many else []
    return items or [[say("no case in both", "bold")]]


def _percent(part: int, whole: int) -> str:
    """A share that is 100 % or 0 % only when it is all or nothing."""
    share = 100 * part / whole
    rounded = f"{share:.1f}" if whole >= 1000 else f"{share:.0f}"
    if part not in (0, whole) and float(rounded) in (0.0, 100.0):
        return "over 99 %" if share > 50 else "below 1 %"
    return f"{rounded} %"


def _cohorts(found: CasesOfRun, width: int) -> list[Line]:
    """How each value of the declared columns went, the worst first."""
    by: dict[str, list[Share]] = {}
    for share in found.cohorts:
        by.setdefault(share.column, []).append(share)
    lines: list[Line] = []
    for column, shares in by.items():
        rows = [_share(share) for share in shares[:COHORTS]]
        lines.append([say(clip(say(column[:LONGEST]).text, width), "accent")])
        lines += indent(aligned(rows, width - 2, frozenset((1,))))
        if len(shares) > COHORTS:
            lines += indent([[say(f"and {len(shares) - COHORTS} more: --json", "dim")]])
    return lines


def _share(share: Share) -> list[Line]:
    judged = share.passed + share.failed
    name = say(share.value[:LONGEST] if share.value else "(empty)", "" if share.value else "dim")
    rate = _percent(share.passed, judged) if judged else figure(share.mean)
    said = f"{share.failed} of {judged} failed" if share.failed else count(share.n, "case")
    rest = f", {share.unread} without a result" if share.unread else ""
    return [
        [name],
        [say(rate)],
        [say(said + rest, "bad" if share.failed and share.failed * 2 > judged else "dim")],
    ]


def _groups(found: CasesOfRun, width: int) -> list[Line]:
    """The chosen cases by a column, the largest group first."""
    rows: list[list[Line]] = []
    for group in found.groups[:GROUPS]:
        name = say(group.value[:LONGEST] if group.value else "(empty)", "" if group.value else "dim")
        more = " …" if group.n > len(group.examples) else ""
        rows.append([[say(str(group.n), "bold")], [name], [say(" · ".join(group.examples) + more, "dim")]])
    title: Line = [say("by ", "dim"), say(clip(say((found.by or "")[:LONGEST]).text, width - 3), "accent")]
    lines = [title, *indent(aligned(rows, width - 2, frozenset((0,))))]
    if len(found.groups) > GROUPS:
        lines.append([say(f"and {count(len(found.groups) - GROUPS, 'more value')}: --json", "dim")])
    return lines


def _table(found: CasesOfRun, width: int) -> list[Line]:
    """The cases in rows: id, result, cohorts, and of the other columns what there is room for."""
    columns = found.columns
    assert columns is not None
    listed = found.cases
    heads, cells = ["id"], [[[say(case.id[:LONGEST], "key")] for case in listed]]
    if columns.outcome is not None:
        heads.append("")
        cells.append([_result(case) for case in listed])
    if columns.score is not None:
        heads.append("score")
        cells.append([_score(case, columns.outcome is None) for case in listed])
    if any(case.file is not None for case in listed):
        heads.append("file")
        cells.append([[say(case.file or "", "dim")] for case in listed])
    for name in [*columns.cohorts, *columns.others]:
        column = [[say(shown(case.cells.get(name)))] for case in listed]
        if any(measure(cell) for cell in column):
            heads.append(name)
            cells.append(column)
    rows = [[[say(head[:LONGEST], "dim")] for head in heads], *map(list, zip(*cells, strict=True))]
    return aligned(rows, width, frozenset(), least=_LEAST)


def _result(case: Case) -> Line:
    if case.was is None or isinstance(case.was, float):
        return outcome(case.outcome)
    return join([outcome(case.was), outcome(case.outcome)], " → ")


def _score(case: Case, moved: bool) -> Line:
    if moved and isinstance(case.was, float):
        return join([[say(figure(case.was))], [say(figure(case.score))]], " → ")
    return [say(figure(case.score))]


def _foot(found: CasesOfRun, width: int) -> list[Line]:
    lines: list[Line] = []
    for note in found.notes:
        lines += wrap([say(note, "bold")], width - 2, 2)
    items: list[Line] = []
    if found.more:
        items.append([say(f"{len(found.cases)} of {found.fits}"), say(": -n 0 lists all", "dim")])
    if found.chosen == "all" and found.failed and found.passed:
        items.append([say(f"xt cases {found.run[: found.shown]} --failed", "accent")])
    if found.cases:
        one = found.cases[0].id
        # An id that is no plain word is better copied than typed.
        if one.isprintable() and len(one) <= 40 and not set(one) & set(" '\"\\$`"):
            items.append([say(f"xt cases {found.run[: found.shown]} --history {one}", "accent")])
    lines += flow(items, width - 2, "   ")
    return [[], *indent(lines)] if lines else []
