"""A comparison as a document for a page or a comment: what Markdown and HTML both say, each in its own signs.

The order is another than on a terminal: who opens a pull request wants the verdict first.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from xt.model.delta import Comparison, Delta, Gate, Side
from xt.render.diff_command import inline
from xt.render.diff_explain import facts
from xt.render.diff_headline import headline
from xt.render.diff_parts import is_part, part_of_input, part_of_output
from xt.render.diff_rows import column_names, row_name, table_rows
from xt.render.diff_text import renamed, stat
from xt.render.diff_view import CAUSES, EFFECTS, View
from xt.render.diff_words import (
    arrow,
    brief,
    case_verdict,
    caveats,
    described,
    is_told_elsewhere,
    last,
    named_input,
    outcome,
    part,
    rows_of,
    short,
    shown,
    tally,
    weights,
)
from xt.render.outcome import not_evidence
from xt.render.quantities import count, seconds_since, since
from xt.render.styled import Line, join, measure, say

#: Rows of one list, lines of a patch that are seen without opening it, lines of one patch at all.
LISTED, OPEN, MOST = 60, 40, 5_000
#: Parts of one content.
PARTS = 4
#: Cells of one text in a table.
LONG = 300


class Title(NamedTuple):
    """A heading."""

    level: int
    line: Line


class Paragraph(NamedTuple):
    """A line of text."""

    line: Line


class Bullets(NamedTuple):
    """A list."""

    lines: list[Line]


class Grid(NamedTuple):
    """A table."""

    head: list[Line]
    rows: list[list[Line]]
    right: frozenset[int]
    """Columns whose content belongs to the right."""


class Patch(NamedTuple):
    """Lines of a diff, folded away when they are many."""

    summary: Line
    lines: list[str]
    open: bool
    words: bool


class Fold(NamedTuple):
    """Statements that are opened when somebody wants them."""

    summary: Line
    lines: list[Line]


Block = Title | Paragraph | Bullets | Grid | Patch | Fold


def document(found: Comparison, options: View, now: datetime) -> list[Block]:
    """Write a comparison as blocks.

    Args:
        found: the comparison.
        options: what of it is wanted.
        now: to say how long ago the runs were.
    """
    names = join([_named(found.left), _named(found.right)], " → ")
    blocks: list[Block] = [Title(2, names)]
    if options.sections in ("all", "effects"):
        blocks.append(Paragraph([say("Verdict: ", "bold"), say(found.verdict.sentence)]))
    blocks.append(Bullets([_gate(gate) for gate in found.gates]))
    counted = headline(found)
    blocks += [
        *([Paragraph([say(counted)])] if counted else []),
        Bullets([_about(side, now) for side in (found.left, found.right)]),
    ]
    if options.any_of(EFFECTS):
        blocks += [Paragraph(line) for line in caveats(found.comparability)]
    if options.any_of(CAUSES):
        blocks += _causes(found, options)
    if options.any_of(EFFECTS):
        blocks += _effects(found, options)
    if options.explain:
        blocks.append(_explained(found))
    return [block for block in blocks if not isinstance(block, Bullets | Fold) or block.lines]


def _gate(gate: Gate) -> Line:
    word = {True: "passed", False: "failed", None: "cannot be told"}[gate.passed]
    reasons = f": {'; '.join(gate.reasons)}" if gate.reasons else ""
    return [say(f"{gate.name} ", "bold"), say(word, "good" if gate.passed else "bad"), say(reasons)]


def _named(side: Side) -> Line:
    return [say(f"{side.pinned} ")] * bool(side.pinned) + [say(short(side), "key")]


def _about(side: Side, now: datetime) -> Line:
    age = seconds_since(side.started_at, now)
    items = [
        [
            say(short(side), "key"),
            say("  "),
            brief(side.purpose or "– no purpose", LONG, "" if side.purpose else "dim"),
        ],
        [say(not_evidence(side.lacking), "bold")] if side.lacking else [],
        [say(since(age), "dim")] if age is not None else [],
        [say(f"run {side.id}", "dim")],
    ]
    return join([item for item in items if item], " · ")


# ---- causes


def _causes(found: Comparison, options: View) -> list[Block]:
    rows: list[list[Line]] = []
    patches: list[Block] = []
    same = []
    for section in found.causes.children:
        if not options.shows(section.path) or is_told_elsewhere(section, options):
            continue
        if section.relation == "same":
            same.append(section.path)
            continue
        first = [say(section.path, "bold")]
        for what, how in _cause_rows(section):
            rows.append([first, what, how])
            first = []
        patches += _patches(section, options)
    blocks: list[Block] = [Title(3, [say("Causes")])]
    if rows:
        blocks.append(Grid([[say("cause")], [say("what")], [say("change")]], rows, frozenset()))
    if same:
        blocks.append(Paragraph([say("same: ", "dim"), say(", ".join(same), "dim")]))
    context = [
        [say(f"{last(child.path, 1)} "), *arrow(child, plain=True)]
        for child in found.context.children[:LISTED]
        if child.relation != "same"
    ]
    if context and options.shows("context"):
        blocks.append(
            Paragraph([say("context: ", "dim"), *[say(span.text, "dim") for span in join(context, " · ")]])
        )
    return blocks + patches


def _cause_rows(section: Delta) -> list[tuple[Line, Line]]:
    """What differs in a section, and how."""
    differing = [child for child in section.children if child.relation != "same"]
    rows: list[tuple[Line, Line]] = []
    if section.path == "command":
        stretches = [child for child in section.children if last(child.path, 1).isdecimal()]
        differing = [child for child in differing if not last(child.path, 1).isdecimal()]
        if any(child.relation != "same" for child in stretches):
            rows.append(([], inline(stretches)))
    elif section.path == "seed" and (section.left, section.right) != (None, None):
        rows.append(([], arrow(section)))
    for child in differing[:LISTED]:
        rows.append((_what(section, child), _how(section, child)))
    left = len(differing[LISTED:]) + section.more
    if left:
        rows.append(([], [say(f"and {count(left, 'more difference')}", "dim")]))
    if section.note or not rows:
        word = "unknown" if section.relation == "unknown" else "differs"
        rows.append(([], [say(f"{word}: {section.note}" if section.note else word)]))
    if section.hint:
        rows.append(([], [say(section.hint, "dim")]))
    return rows


def _what(section: Delta, child: Delta) -> Line:
    if section.path == "code":
        return renamed(child, "code")
    name = last(child.path, 1)
    if section.path == "environment":
        name = name.removeprefix("packages/")
    if section.path == "inputs":
        return [say(f"{name.partition('/')[0]} ", "dim"), *named_input(child)]
    return [say(name)]


def _how(section: Delta, child: Delta) -> Line:
    one = stat(child)
    counts = one if one and (sum(one) or not child.note) else None
    items: list[Line] = [[say(f"+{counts.added} −{counts.removed} lines")]] if counts else []
    if section.path == "code":
        items += [[say(child.change)]] if child.change and child.change != "changed" else []
        items += [weights(child)] if not one and not child.note else []
    elif section.path == "inputs":
        items.append(weights(child, digests=True))
    else:
        items.append(arrow(child, plain=section.path != "params"))
    for text, style in ((child.note, ""), (child.hint, "dim")):
        items += [[say(text, style)]] if text else []
    inner = [part for part in child.children if part.relation != "same"]
    if any(is_part(part, child) for part in inner):
        items += [part_of_input(part, child) for part in inner[:PARTS]]
        left = len(inner[PARTS:]) + child.more
        items += [[say(f"and {count(left, 'more part')}", "dim")]] if left else []
    elif inner:
        names = ", ".join(brief(part.path.removeprefix(child.path + "/"), 60).text for part in inner[:6])
        left = len(inner[6:]) + child.more
        items.append([say(names + (f" and {count(left, 'more file')}" if left else ""), "dim")])
    return join([item for item in items if measure(item)], " · ") or [say(child.relation)]


def _patches(section: Delta, options: View) -> list[Block]:
    """The patches of a section and of the files in it."""
    if options.no_patches():
        return []
    found = [inner for child in section.children for inner in (child, *child.children) if inner.text]
    return [_patch(item, [say(last(item.path, 1))], options) for item in found[:LISTED]]


def _patch(found: Delta, name: Line, options: View, most: int = OPEN) -> Patch:
    summary = [*name, say(f": {count(len(found.text), 'line')} of diff")]
    opened = len(found.text) <= most or options.code is True
    return Patch(summary, found.text, opened, options.word_diff)


# ---- effects


def _effects(found: Comparison, options: View) -> list[Block]:
    sides = (found.left, found.right)
    blocks: list[Block] = [Title(3, [say("Effects")])]
    status = part(found.effects, "status") if options.shows("status") else None
    facts_found: list[Line] = []
    if status is not None:
        ends = join(
            [
                [say(shown(end, True), "good" if end == "ok" else "bad")]
                for end in (status.left, status.right)
            ],
            " → ",
        )
        if status.left == status.right:
            ends = [*ends[:1], say(" in both")]
        facts_found.append([say("status ", "bold"), *ends, *_notes(status)])
        for child in status.children:
            if child.relation != "same":
                facts_found.append(
                    [say(f"{last(child.path, 1)} ", "bold"), *arrow(child, plain=True), *_notes(child)]
                )
    rows = table_rows(found, options)
    if rows.rows:
        left, right, noise = column_names(found, rows.rows)
        heads = ("", left, right, "Δ", "Δ %", "tolerance", noise, "verdict")
        cells = [
            [
                _indented(row.name, row.kind),
                *([say(text)] if text else [] for text in row.figures),
                row.outcome,
            ]
            for row in rows.rows
        ]
        kept = [number for number in range(len(heads)) if any(measure(row[number]) for row in cells)]
        blocks.append(
            Grid(
                [[say(heads[number])] for number in kept],
                [[row[number] for number in kept] for row in cells],
                frozenset(at for at, number in enumerate(kept) if 1 <= number <= 4),
            )
        )
    blocks += [Paragraph(line) for line in rows.reasons]
    if rows.folded or rows.equal:
        texts = [rows.folded, f"{count(rows.equal, 'metric')} the same" if rows.equal else ""]
        blocks.append(Paragraph([say("; ".join(text for text in texts if text), "dim")]))
    texts_found: list[Block] = []
    for name in ("cases", "outputs", "logs"):
        section = part(found.effects, name) if options.shows(name) else None
        if section is None:
            continue
        facts_found += _cases(section, sides) if name == "cases" else _outputs(section, sides)
        if not options.no_patches():
            # Logs differ nearly always; they are of interest when a run failed.
            most = 0 if name == "logs" and (status is None or status.relation == "same") else OPEN
            differing = [child for child in section.children[:LISTED] if child.text]
            texts_found += [_patch(child, [say(last(child.path, 1))], options, most) for child in differing]
    return [*blocks, Bullets(facts_found), *texts_found]


def _indented(name: Line, kind: str) -> Line:
    """Cohorts stand under their metric; spaces alone would be lost."""
    return [say("↳ ", "dim"), *(span for span in name if span.text.strip())] if kind == "cohort" else name


def _notes(found: Delta) -> Line:
    texts = [(found.note, ""), (found.hint, "dim")]
    return [span for text, style in texts if text for span in (say(" · ", "dim"), say(text, style))]


def _cases(section: Delta, sides: tuple[Side, Side]) -> list[Line]:
    lines: list[Line] = []
    if section.tally is not None:
        verdict = case_verdict(section)
        said = [*tally(section.tally, sides, whole=True), *([say(" · ")] if verdict else []), *verdict]
        lines.append([say("cases ", "bold"), *said, *_notes(section)])
    for child in [child for child in section.children if child.relation != "same"][:LISTED]:
        said = tally(child.tally, sides, whole=False) if child.tally is not None else arrow(child, plain=True)
        lines.append([say(f"{last(child.path, 1)} "), *said, *_notes(child)])
    if section.more:
        lines.append([say(f"and {count(section.more, 'more case')}", "dim")])
    return lines


def _outputs(section: Delta, sides: tuple[Side, Side]) -> list[Line]:
    differing = [child for child in section.children if child.relation != "same"]
    lines: list[Line] = []
    for child in differing[:LISTED]:
        inner = [part for part in child.children if part.relation != "same"]
        parts = [part_of_output(part, child, sides) for part in inner[:PARTS]]
        over = len(inner[PARTS:]) + child.more
        parts += [[say(f"and {count(over, 'more part')}", "dim")]] if over else []
        hint = [say(f" · {child.hint}", "dim")] if child.hint else []
        detail = [say(": "), *join(parts, " · ")] if parts else []
        one = stat(child)
        said = [say(f"+{one.added} −{one.removed} lines"), *_notes(child)] if one else described(child, sides)
        lines.append([say(f"{last(child.path, 1)} ", "bold"), *said, *detail, *hint])
    left = len(differing[LISTED:]) + section.more
    if left:
        lines.append([say(f"and {count(left, 'more output')}", "dim")])
    equal = sum(child.relation == "same" for child in section.children)
    if equal:
        lines.append([say(f"{count(equal, section.path.removesuffix('s'))} the same", "dim")])
    return lines


def _explained(found: Comparison) -> Fold:
    lines = [[say(text)] for text in found.verdict.method]
    for row in [row for row in rows_of(found.effects) if row.judgement is not None][:LISTED]:
        assert row.judgement is not None
        said = "; ".join(facts(row, row.judgement))
        lines.append(
            [say(f"{row_name(row)} ", "bold"), *outcome(row.judgement), *([say(f": {said}")] if said else [])]
        )
    return Fold([say("How this was found")], lines)
