"""The terminal page of a comparison, second half: how it ended, what moved, what came out different."""

from __future__ import annotations

from xt.model.delta import Comparison, Delta, Side, Tally
from xt.render.cells import clip_front
from xt.render.diff_blocks import LABEL, LONG_LABEL, STACKED, block, indent, room
from xt.render.diff_parts import part_of_output
from xt.render.diff_rows import Row, Rows, table_rows
from xt.render.diff_table import effects_table
from xt.render.diff_text import patch, stat
from xt.render.diff_view import View
from xt.render.diff_words import (
    agreement,
    arrow,
    brief,
    case_verdict,
    described,
    last,
    part,
    short,
    shown,
    tally,
)
from xt.render.layout import beside, flow, wrap
from xt.render.quantities import count
from xt.render.styled import Line, Span, join, measure, say

#: Outputs, parts of one, cases, lines of a text that are shown; a section that is asked for is shown in full.
OUTPUTS, PARTS, CASES, LINES, MOST = 12, 4, 6, 12, 2_000
_TITLE = "Effects"
#: How the note of an output begins whose numbers or cases are rows of the table.
ABOVE = "judged above"
_WORDS = {"same": "the same", "within": "equivalent", "unknown": "unknown", "changed": "different"}


def effects(found: Comparison, options: View, width: int) -> list[Line]:
    """Write everything that came out, what is equal in one line at the end.

    Args:
        found: the comparison.
        options: what is wanted.
        width: of the longest line wanted.
    """
    rows = table_rows(found, options)
    column = _column(found, rows.rows, options, width)
    status = _section(found, "status", options)
    lines: list[Line] = []
    if status is not None and status.relation != "same":
        lines += block([say("status", "accent")], _status(status, room(width, column)), width, column)
    table = effects_table(found, rows.rows, "" if lines else _TITLE, width, column - 2) if rows.rows else []
    titled = bool(table) and not lines
    lines += [*table, *_below_table(rows, width)]
    for name, write in (("cases", _cases), ("outputs", _outputs), ("logs", _logs)):
        section = _section(found, name, options)
        if section is not None and (section.relation != "same" or options.asks(name)):
            lines += write(section, found, options, width, column)
    same = _same(found, rows, options)
    if same:
        content = wrap([say(", ".join(same), "dim")], room(width, column), 2)
        lines += block([say("same", "dim")], content, width, column)
    return lines if titled or not lines else [[say(_TITLE, "bold")], *lines]


def _section(found: Comparison, name: str, options: View) -> Delta | None:
    return part(found.effects, name) if options.shows(name) else None


def _column(found: Comparison, rows: list[Row], options: View, width: int) -> int:
    """Cells of the first column, so that what is below the table begins where its numbers do."""
    names = [measure(row.name) for row in rows]
    outputs = _section(found, "outputs", options)
    if outputs is not None:
        listed = [child for child in outputs.children if child.relation != "same"][:OUTPUTS]
        names += [min(measure([say(last(child.path, 1)[:80])]), LONG_LABEL) for child in listed]
    return max(LABEL, min(max(names, default=0), LONG_LABEL, width // 3) + 4)


def _status(section: Delta, width: int) -> list[Line]:
    """How both ended, and what went wrong with the outputs."""
    line: Line = []
    if section.left is not None or section.right is not None:
        ends = [
            say(shown(end, True), "good" if end == "ok" else "bad") for end in (section.left, section.right)
        ]
        line = (
            [ends[0], say(" → ", "dim"), ends[1]]
            if section.left != section.right
            else [ends[0], say(" in both")]
        )
    lines = wrap(line, width, 2) if line else []
    for text in (section.note, section.hint):
        lines += wrap([say(text, "dim")], width, 2) if text else []
    for child in section.children[:PARTS]:
        if child.relation == "same":
            continue
        name = [say(last(child.path, 1), "dim")]
        lines += wrap(
            join([name, arrow(child, plain=True), [say(child.note)] if child.note else []], "  "), width, 2
        )
    return lines or [[say("unknown" if section.relation == "unknown" else "differs", "bold")]]


def _below_table(rows: Rows, width: int) -> list[Line]:
    """What is folded, and why nothing can be told of some rows."""
    lines = [[say(f"and {rows.folded}: --only metrics", "dim")]] if rows.folded else []
    return indent([line for text in (*lines, *rows.reasons) for line in wrap(text, width - 2, 2)])


def _cases(section: Delta, found: Comparison, options: View, width: int, column: int) -> list[Line]:
    """How many were fixed and broken, where most of them are, which they are."""
    sides = (found.left, found.right)
    inner = room(width, column)
    cohorts = [child for child in section.children if child.tally is not None and child.relation != "same"]
    single = [child for child in section.children if child.tally is None and child.relation != "same"]
    everything = options.asks("cases")
    lines: list[Line] = []
    if section.tally is not None:
        line = tally(section.tally, sides, whole=True)
        worst = max(cohorts, key=lambda child: child.tally.broken if child.tally else 0, default=None)
        if (
            worst is not None
            and worst.tally is not None
            and 2 * worst.tally.broken >= section.tally.broken > 0
        ):
            at = next(number for number, span in enumerate(line) if span.text == "broken") + 1
            line[at:at] = [say(f" ({worst.tally.broken} of them "), brief(_cohort(worst), 40), say(")")]
        lines = wrap(line, inner, 2)
    lines += wrap(case_verdict(section), inner, 2) if case_verdict(section) else []
    for text in (section.note, section.hint):
        lines += wrap([say(text, "dim")], inner, 2) if text else []
    if everything or options.by:
        for child in cohorts[:MOST]:
            if child.tally is not None:
                lines += wrap([say(f"{_cohort(child)}  "), *tally(child.tally, sides, whole=True)], inner, 4)
    listed = single[: MOST if everything else CASES]
    items = [
        join([[say(last(child.path, 1))], arrow(child, plain=True), _noted(child)], " ") for child in listed
    ]
    lines += [line for item in items for line in wrap(item, inner, 2)] if everything else flow(items, inner)
    left = len(single) - len(listed) + section.more
    if left:
        lines.append(
            [say(f"and {count(left, 'more case')}" + ("" if everything else ": --only cases"), "dim")]
        )
    if section.tally is not None and (section.tally.broken or section.tally.fixed):
        lines += wrap(_which(section.tally, found), inner, 2)
    return block([say("cases", "accent")], lines or [[say(_WORDS[section.relation])]], width, column)


def _which(found: Tally, whole: Comparison) -> Line:
    """What shows the cases that broke, or those that were fixed."""
    against = "" if whole.left.pinned == "baseline" else f" --against {short(whole.left)}"
    kind = "broken" if found.broken else "fixed"
    return [say(f"xt cases {short(whole.right)} --{kind}{against}", "accent")]


def _cohort(found: Delta) -> str:
    return last(found.path, 1).strip("{}")


def _noted(found: Delta) -> Line:
    return [say(found.note, "dim")] if found.note else []


def _outputs(section: Delta, found: Comparison, options: View, width: int, column: int) -> list[Line]:
    """What came out other than before, one by one."""
    everything = options.asks("outputs")
    differing = [child for child in section.children if child.relation != "same"]
    told = [child for child in differing if not child.counted and (child.note or "").startswith(ABOVE)]
    differing = [child for child in differing if child not in told]
    listed = differing[: MOST if everything else OUTPUTS]
    lines: list[Line] = []
    for child in listed:
        name = say(last(child.path, 1))
        label = Span(clip_front(name.text, max(width - 4, 8)), "accent")
        lines += block([label], _output(child, found, options, room(width, column)), width, column)
    left = len(differing) - len(listed) + section.more
    rest: list[Line] = [[say("outputs: ", "dim"), say(section.note)]] if section.note else []
    if told:
        rest.append([say(f"{ABOVE}: {', '.join(last(child.path, 1) for child in told)}", "dim")])
    if not (listed or rest or left):
        rest.append([say(f"outputs: {_WORDS[section.relation]}")])
    if left:
        rest.append(
            [say(f"and {count(left, 'more output')}" + ("" if everything else ": --only outputs"), "dim")]
        )
    return lines + indent([line for text in rest for line in wrap(text, width - 2, 2)])


def _output(found: Delta, whole: Comparison, options: View, width: int) -> list[Line]:
    sides: tuple[Side, Side] = (whole.left, whole.right)
    everything = options.asks("outputs")
    head = described(found, sides)
    parts = [child for child in found.children if child.relation != "same"]
    listed = [part_of_output(child, found, sides) for child in parts[: MOST if everything else PARTS]]
    if len(parts) == 1 and len(head) == 1:
        # Of a single part its whole is in the same line.
        head, listed = [*head, say(": "), *listed[0]], []
    lines = [line for text in (head, *listed) for line in wrap(text, width, 2)]
    left = len(parts) - len(parts[: MOST if everything else PARTS]) + found.more
    if left:
        lines.append(
            [say(f"and {count(left, 'more part')}" + ("" if everything else ": --only outputs"), "dim")]
        )
    if found.hint:
        lines += wrap([say(found.hint, "dim")], width, 2)
    return lines + _text(found, "outputs", options, width)


def _text(found: Delta, section: str, options: View, width: int) -> list[Line]:
    """The lines of a text that differ, when they are few or asked for."""
    if not found.text or options.no_patches():
        return []
    if options.asks(section) or len(found.text) <= LINES:
        return patch(found.text, width, whole=options.asks(section), words=options.word_diff)
    return [[say(f"{count(len(found.text), 'line')} of diff: --only {section}", "dim")]]


def _logs(section: Delta, found: Comparison, options: View, width: int, column: int) -> list[Line]:
    """How much of the logs differs; the lines themselves when they are asked for or a run failed."""
    inner = room(width, column)
    status = part(found.effects, "status")
    failed = status is not None and status.relation != "same"
    lines: list[Line] = []
    for child in section.children:
        if child.relation == "same":
            continue
        one = stat(child)
        amount = (
            f"+{one.added} −{one.removed} lines"
            if one
            else agreement(child, (found.left, found.right))[0].text
        )
        line = [
            say(f"{last(child.path, 1)} "),
            say(amount, "dim"),
            *([say(f"  {child.note}", "dim")] if child.note else []),
        ]
        shows = options.asks("logs") or failed
        aside = [say("--only logs", "dim")] if child.text and not shows else []
        lines += beside(wrap(line, inner, 2), aside, inner) if width >= STACKED else wrap(line, inner, 2)
        lines += _text(child, "logs", options, inner) if shows else []
    if section.note:
        lines += wrap([say(section.note, "dim")], inner, 2)
    return block([say("logs", "accent")], lines or [[say("differ", "bold")]], width, column)


def _same(found: Comparison, rows: Rows, options: View) -> list[str]:
    """What came out equal, in few words."""
    said = []
    status = _section(found, "status", options)
    if status is not None and status.relation == "same":
        said.append(f"status {status.left}" if isinstance(status.left, str) else "status")
    if rows.equal:
        said.append(count(rows.equal, "metric"))
    for name, thing in (("outputs", "output"), ("cases", "case"), ("logs", "log")):
        section = _section(found, name, options)
        if section is None or options.asks(name):
            continue
        if name == "cases":
            said += ["cases"] if section.relation == "same" else []
            continue
        equal = [last(child.path, 1) for child in section.children if child.relation == "same"]
        if len(equal) > 3:
            said.append(count(len(equal), thing))
        else:
            said += [brief(text, 30).text for text in equal]
    return said
