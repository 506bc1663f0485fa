"""`xt bundle`: versions of prompts and tool policies, the files of one, what differs between two."""

from __future__ import annotations

from datetime import datetime

from xt.model.bundle import Compared, Content, Shown, Use, Version, Versions
from xt.render.cells import clip
from xt.render.diff_blocks import indent
from xt.render.diff_inputs import differing_files
from xt.render.diff_view import View
from xt.render.diff_words import weights
from xt.render.layout import flow, table, wrap
from xt.render.quantities import ago, count, fingerprint, seconds_since, since, size
from xt.render.styled import Line, join, measure, paint, say
from xt.render.visible import visible_lines

#: Longer lines are hard to read, and narrower nothing is laid out.
WIDEST, NARROWEST = 110, 24
#: Below this many columns every version is a small block.
STACKED = 60
#: Runs listed whose versions are not known.
UNKNOWN = 6
#: Cells of a purpose in a list.
_PURPOSE = 60


def listing(found: Versions, now: datetime, width: int, colour: bool) -> str:
    """Write the versions in rows, the one used last first.

    Args:
        found: all of them.
        now: to say how long ago.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
    """
    width = max(min(width, WIDEST), NARROWEST)
    lines: list[Line] = []
    if found.versions:
        lines += _rows(found.versions, now, width)
        last = found.versions[0]
        hints: list[Line] = [[say(f"xt bundle show {last.version}", "accent")]]
        earlier = next((one for one in found.versions[1:] if one.role == last.role), None)
        if earlier is not None:
            hints.append([say(f"xt bundle diff {earlier.version} {last.version}", "accent")])
        lines += [[], *flow(hints, width, "   ")]
    else:
        lines += wrap(
            [say("no version is known"), say(" · ", "dim"), say("xt run --input prompts:PATH", "accent")],
            width,
        )
    for one in found.unknown[:UNKNOWN]:
        of = f"{one.role} of " if one.role else ""
        lines += wrap([say("unknown: ", "bold"), say(f"{of}{one.run[:8]}: {one.reason}", "dim")], width, 2)
    if len(found.unknown) > UNKNOWN:
        lines.append([say(f"and {count(len(found.unknown) - UNKNOWN, 'more run')}: --json", "dim")])
    return "".join(paint(line, colour) + "\n" for line in lines)


def _rows(versions: list[Version], now: datetime, width: int) -> list[Line]:
    again = "first" if any(one.runs > 1 for one in versions) else ""
    heads: list[list[Line]] = [
        [
            [say(word, "dim")] if word else []
            for word in ("version", "files", "size", "runs", again, "last", "")
        ]
    ]
    rows = [
        [
            [say(one.version, "key")],
            [say(str(one.files))],
            [say(size(one.size), "dim")],
            [say(str(one.runs))],
            _used(one.first, now) if one.runs > 1 else [],
            _used(one.last, now),
            [say(clip(say((one.last.purpose or "").strip()[: 4 * _PURPOSE]).text, _PURPOSE), "dim")],
        ]
        for one in versions
    ]
    if width >= STACKED:
        return table([*heads, *rows], width, 6, frozenset((1, 2, 3)))
    lines: list[Line] = []
    for one, row in zip(versions, rows, strict=True):
        facts = [count(one.files, "file"), size(one.size), count(one.runs, "run")]
        lines += wrap([*row[0], say("  "), say(" · ".join(facts))], width, 2)
        lines += indent(flow([[say("last "), *row[5]], row[6]], width - 2))
    return lines


def _used(one: Use, now: datetime) -> Line:
    age = seconds_since(one.at, now)
    return [say(one.run[: one.shown]), say(f" {ago(age) if age is not None else '–'}", "dim")]


def shown(found: Shown, now: datetime, width: int, colour: bool) -> str:
    """Write a version, its files, and their texts where these were asked for.

    Args:
        found: the version.
        now: to say how long ago it was used.
        width: of the terminal; every line but those of texts fits, from 24 columns on.
        colour: whether it may have colours.
    """
    width = max(min(width, WIDEST), NARROWEST)
    total = sum(one.size or 0 for one in found.files)
    head: list[Line] = [
        [say(found.version, "key"), say(f"  {count(len(found.files), 'file')}, {size(total)}")],
        [say("in no run of this store", "dim")] if found.last is None else _uses(found, now),
    ]
    if found.digest is not None:
        head.append([say(fingerprint(found.digest), "dim")])
    lines = flow(head, width)
    if found.doubt is not None:
        lines += indent(wrap([say("unknown: ", "bold"), say(found.doubt)], width - 2, 2))
    rows: list[list[Line]] = [
        [
            [say(one.path)],
            [say(size(one.size) if one.size is not None else "–", "dim")],
            [say(fingerprint(one.digest) if one.digest is not None else "", "dim")],
            [say(one.reason, "dim")] if one.reason else [],
        ]
        for one in found.files
    ]
    if rows:
        lines += [[], *indent(table(rows, width - 2, 3, frozenset((1,))))]
    page = "".join(paint(line, colour) + "\n" for line in lines)
    return page + "".join(_text(one, colour) for one in found.files if one.text is not None)


def _uses(found: Shown, now: datetime) -> Line:
    line: Line = [say(f"{count(found.runs, 'run')}: ")]
    uses = [one for one in (found.first, found.last) if one is not None]
    uses = uses if len(uses) > 1 and uses[0] != uses[1] else uses[-1:]
    items: list[Line] = []
    for word, one in zip(("first ", "last ") if len(uses) > 1 else ("",), uses, strict=True):
        age = seconds_since(one.at, now)
        said = f" {since(age)}" if age is not None else ""
        items.append([say(word), say(one.run[: one.shown], "key"), say(said)])
    return [*line, *join(items, ", ")]


def _text(one: Content, colour: bool) -> str:
    """A file as it is, harmless, below a line with its name."""
    text = visible_lines((one.text or "").expandtabs(4))
    return f"\n{paint([say('── ', 'dim'), say(one.path, 'bold')], colour)}\n{text}" + (
        "" if text.endswith("\n") else "\n"
    )


def compared(found: Compared, width: int, colour: bool) -> str:
    """Write what differs between two versions, file by file.

    Args:
        found: both.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
    """
    width = max(min(width, WIDEST), NARROWEST)
    delta = found.delta
    names: Line = [say(found.left, "key"), say(" → ", "dim"), say(found.right, "key")]
    same: Line = [say("the same" if delta.relation == "same" else "")]
    lines = flow([item for item in (names, weights(delta), same) if measure(item)], width, "  ")
    if delta.relation != "same":
        lines += indent(differing_files(delta, View(True, sections="inputs"), width - 2))
    return "".join(paint(line, colour) + "\n" for line in lines)
