"""`xt verify` on a terminal: the table, what it comes to and why, and what would help."""

from __future__ import annotations

from xt.model.level import LEVELS
from xt.model.verification import Diagnosis, Verification, Verifications
from xt.render.diff_words import brief
from xt.render.layout import flow, wrap
from xt.render.layout import table as columns
from xt.render.quantities import count
from xt.render.styled import Line, paint, say
from xt.render.verify_table import labelled, left, table
from xt.render.verify_words import (
    condensed,
    decided,
    hints,
    short,
    skipped,
    standing,
    to_look_at,
    told,
    trial,
    tried,
)

#: Lines longer than this are hard to read, however wide the terminal.
WIDEST = 160
#: Of sentences.
READABLE = 110
#: Narrower than this nothing is laid out; lines are then longer than the terminal is wide.
NARROWEST = 32
#: Clauses of one list; `--format json` has all.
MOST = 30


def render(found: Verifications, width: int, colour: bool, *, explain: bool = False) -> str:
    """Write the report.

    Args:
        found: what was verified, one or several runs.
        width: of the terminal; every line fits, from 32 columns on.
        colour: whether it may have colours.
        explain: show every line, every trial of a diagnosis, and how each test was made.
    """
    width = max(min(width, WIDEST), NARROWEST)
    lines: list[Line] = []
    for one in found.verifications:
        lines += [*([[], []] if lines else []), *_block(one, width, explain)]
    if len(found.verifications) != 1:
        lines += [*([[], []] if lines else []), *wrap(summary(found), min(width, READABLE), 2)]
    return "".join(paint(line, colour) + "\n" for line in lines)


def summary(found: Verifications) -> Line:
    """Several in one line: how many of which level, and which did not reach the one required."""
    every = found.verifications
    counts = ((level, sum(one.level == level for one in every)) for level in LEVELS)
    levels = ", ".join(f"{number} {level}" for level, number in counts if number)
    failed = [one for one in every if not one.reached]
    line = [say(f"{count(len(every), 'run')} verified" + (f": {levels}" if levels else ""))]
    if not failed:
        return [*line, say("; "), say("all reached their level" if every else "nothing to judge", "good")]
    names = ", ".join(short(one) for one in failed[:MOST])
    more = f" and {len(failed) - MOST} more" if len(failed) > MOST else ""
    return [
        *line,
        say("; "),
        say(f"{len(failed)} did not reach the level required", "bad"),
        say(f": {names}{more}"),
    ]


def _block(found: Verification, width: int, explain: bool) -> list[Line]:
    lines = wrap(_title(found), width, 4)
    rows = condensed(found, explain)
    if rows and tried(found):
        lines += [[], *table(found, rows, width)]
    diagnosis = _diagnosis(found.diagnosis, width, explain) if found.diagnosis is not None else []
    level = labelled("level", wrap(standing(found), width - left(width), 2), width)
    for group in (_aside(found, width, explain), _tests(found, width, explain), diagnosis, level):
        lines += [[], *group] if group else []
    return [*lines, [], *_conclusion(found, min(width, READABLE))]


def _title(found: Verification) -> Line:
    line = [say("verify ", "dim"), say(short(found), "key")]
    if found.against is not None:
        line += [say(" against ", "dim"), say(found.against[: found.shown], "key")]
    purpose = (found.purpose or "").strip()
    return [*line, say("  "), *([brief(purpose, 300, "bold")] if purpose else [say("– no purpose", "dim")])]


def _aside(found: Verification, width: int, explain: bool) -> list[Line]:
    """What surrounds the table: variations in words, those not tried, the environment, remarks."""
    varied: list[list[Line]] = [
        [[told(one.column.name, "bold")], [told(one.column.what)]]
        for one in tried(found)
        if one.column.what and (explain or one.column.level != "identical")
    ]
    left_out: list[list[Line]] = [
        [[told(column.name, "bold")], [told(column.skipped or "")]] for column in skipped(found)
    ]
    return [
        *_paired("varied", varied, width),
        *_paired("skipped", left_out, width),
        *_listed("drift", [[told(clause)] for clause in found.drift], width),
        *_listed(
            "missing", [[told(clause)] for clause in found.missing if clause not in found.sentence], width
        ),
        *_listed("note", [[told(clause)] for clause in found.notes], width),
    ]


def _tests(found: Verification, width: int, explain: bool) -> list[Line]:
    """What `consistent` was decided by."""
    room = min(width - left(width), READABLE)
    tests: list[Line] = []
    for line in found.lines:
        if line.test is not None:
            tests += wrap([brief(line.test.metric, 60, "bold")], room)
            tests += [[say("  "), *part] for part in flow(decided(line.test, explain), room - 2)]
    return labelled("test", tests, width)


def _diagnosis(found: Diagnosis, width: int, explain: bool) -> list[Line]:
    sources: list[Line] = [[told(", ".join(found.sources) or "not found", "bold")]]
    made = _listed("source", sources, width)
    made += _listed("first", [[told(found.first)]] if found.first else [], width)
    if explain:
        made += _listed("trials", [trial(one) for one in found.trials], width)
    impossible: list[list[Line]] = [
        [[told(name, "bold")], [told(reason)]] for name, reason in found.impossible.items()
    ]
    return made + (_paired("no trial", impossible, width) if explain or not found.sources else [])


def _conclusion(found: Verification, width: int) -> list[Line]:
    """The sentences, and what to do."""
    said = [told(found.sentence, "bold")]
    if found.diagnosis is not None and found.diagnosis.sentence:
        said += [say(" "), told(found.diagnosis.sentence)]
    lines = wrap(said, width)
    for hint in hints(found)[:MOST]:
        lines += wrap([say("hint: ", "accent"), told(hint)], width, 6)
    other = to_look_at(found)
    if other is not None:
        command = f"xt diff {short(found)} {other[: found.shown]}"
        lines += wrap([say(command, "accent"), say(" shows one of the differing repeats", "dim")], width, 2)
    return lines


def _listed(label: str, items: list[Line], width: int) -> list[Line]:
    """A block of one item a line."""
    room = min(width - left(width), READABLE)
    lines = [line for item in items[:MOST] for line in wrap(item, room, 2)]
    if len(items) > MOST:
        lines.append([say(f"and {len(items) - MOST} more", "dim")])
    return labelled(label, lines, width)


def _paired(label: str, rows: list[list[Line]], width: int) -> list[Line]:
    """A block of names and what is said of them."""
    room = min(width - left(width), READABLE)
    return labelled(label, columns(rows, room, 1) if rows else [], width)
