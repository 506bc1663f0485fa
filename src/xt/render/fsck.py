"""`xt fsck`: what is wrong with a store, what harms nothing, and how much was looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping

from xt.model.fsck import Affected, Finding, Fsck
from xt.model.runid import SHORTEST
from xt.model.text import from_text
from xt.render.diff_blocks import indent
from xt.render.layout import wrap
from xt.render.quantities import count, size
from xt.render.styled import Line, join, paint, say

#: Findings of one sort, runs of one finding, and parts of one run, that are named one by one.
FEW, RUNS, PARTS = 20, 6, 3
WIDEST = 110
#: Letters of a run that is not here any more.
_UNKNOWN = 2 * SHORTEST
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{26,}")


def render(found: Fsck, shown: Mapping[str, int], columns: int, colour: bool) -> str:
    """Write the report.

    Args:
        found: what was found.
        shown: letters of ids to show, of runs that are here.
        columns: of the longest line wanted.
        colour: whether to write colours.
    """
    columns = max(24, min(columns, WIDEST))
    lines: list[Line] = []
    for fault in (True, False):
        by_code: dict[str, list[Finding]] = {}
        for finding in found.findings:
            if finding.fault == fault:
                by_code.setdefault(finding.code, []).append(finding)
        for code, some in by_code.items():
            for finding in some[:FEW]:
                lines += _finding(finding, shown, columns)
            if len(some) > FEW:
                more = f"… and {len(some) - FEW} more of {code} (--json)"
                lines += indent(wrap([say(more, "dim")], columns - 2, 2))
    for doubt in found.doubts:
        lines += wrap([say("not done: ", "bad"), say(doubt)], columns, 2)
    lines += _sum(found, columns)
    return "".join(f"{paint(line, colour)}\n" for line in lines)


def _finding(finding: Finding, shown: Mapping[str, int], columns: int) -> list[Line]:
    style = "bad" if finding.stands else "good" if finding.fault else "dim"
    head: Line = [say(finding.code, style)]
    if finding.path is not None:
        head += [say("  "), say(_shortened(from_text(finding.path)))]
    if finding.count > 1:
        head += [say(f"  ({_grouped(finding.count)})", "dim")]
    lines = wrap(head, columns, 2)
    said: list[Line] = [[say(finding.message)]]
    if finding.runs:
        said += _runs(finding, shown)
    if finding.repaired is not None:
        said.append([say("repaired: ", "good"), say(finding.repaired)])
    if finding.aside is not None:
        said.append([say("put aside: ", "dim"), say(finding.aside)])
    if finding.hint is not None and finding.repaired is None:
        said.append([say(finding.hint, "accent")])
    for line in said:
        lines += indent(wrap(line, columns - 2, 2))
    return lines


def _shortened(path: str) -> str:
    """A path in the store, with only so much of a digest as tells it from others."""
    return _DIGEST.sub(lambda match: f"{match[1]}…", path)


def _runs(finding: Finding, shown: Mapping[str, int]) -> list[Line]:
    """The runs, those that lack the same together."""
    lines: list[Line] = []
    alike: dict[tuple[str, ...], list[Affected]] = {}
    for one in finding.runs:
        alike.setdefault(tuple(from_text(part) for part in one.parts), []).append(one)
    told = 0
    for parts, some in alike.items():
        if told >= RUNS:
            break
        line: Line = [say("run " if len(some) == 1 else "runs ", "dim")]
        for number, one in enumerate(some[: RUNS - told]):
            line += [*([say(" ")] if number else []), say(one.run[: shown.get(one.run, _UNKNOWN)], "key")]
        told += len(some[: RUNS - told])
        if parts:
            named = ", ".join(parts[:PARTS]) + (
                f" and {len(parts) - PARTS} more" if len(parts) > PARTS else ""
            )
            line += [say("  "), say(named)]
        lines.append(line)
    if len(finding.runs) > told:
        lines.append([say(f"and {count(len(finding.runs) - told, 'run')} more (--json)", "dim")])
    return lines


def _sum(found: Fsck, columns: int) -> list[Line]:
    checked = found.checked
    contents = f"{count(checked.objects, 'object')} ({size(checked.size)}"
    if checked.by_size:
        contents += f"; {_grouped(checked.by_size)} of them over 8 MB by size only: --deep reads them"
    parts: list[Line] = [[say(count(checked.runs, "run"))], [say(contents + ")")]]
    if checked.in_flight:
        parts.append([say(f"{_grouped(checked.in_flight)} in flight or lost")])
    if checked.events:
        parts.append([say(count(checked.events, "event"))])
    if checked.trees:
        parts.append([say(count(checked.trees, "tree") + " of code")])
    if checked.code_by_size:
        parts.append([say(f"{count(checked.code_by_size, 'pack')} of code not read: --deep")])
    faults = [finding for finding in found.findings if finding.fault]
    standing = [finding for finding in faults if finding.stands]
    verdict = [say("nothing wrong", "good")]
    if found.interrupted:
        verdict = [say("interrupted", "bad")]
    elif standing:
        runs = {one.run for finding in standing for one in finding.runs}
        said = count(len(standing), "fault")
        if len(standing) < len(faults):
            said = f"{_grouped(len(standing))} of {count(len(faults), 'fault')} left"
        verdict = [say(said, "bad"), say(f", {count(len(runs), 'run')} affected" if runs else "")]
    elif faults:
        verdict = [say(f"{count(len(faults), 'fault')}, all repaired", "good")]
    lines = wrap([*join(parts, ", "), say(" … ", "dim"), *verdict], columns, 2)
    if standing and not found.repair:
        said = "`xt fsck --repair` puts aside what is damaged and brings back what is to be had"
        lines += wrap([say(said, "accent")], columns, 2)
    elif standing and not found.remotes:
        said = "`xt fsck --repair --from REMOTE` asks a place that may have it; a run made again heals it too"
        lines += wrap([say(said, "accent")], columns, 2)
    return lines


def _grouped(number: int) -> str:
    """A number as `count` writes it."""
    return f"{number:,}".replace(",", " ")
