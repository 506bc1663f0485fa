"""`xt gc`: what went, what stays and why, as a page."""

from __future__ import annotations

from datetime import datetime

from xt.model.upkeep import Fate, Sweeping, Waiting
from xt.render.diff_blocks import indent
from xt.render.layout import flow, table, wrap
from xt.render.quantities import count, duration, moment, seconds_since, since, size
from xt.render.space import kinds
from xt.render.styled import Line, paint, say

WIDEST, NARROWEST = 110, 24
#: Runs of each list that are shown without `--all`.
LISTED = 12


def render(
    found: Sweeping,
    now: datetime,
    width: int,
    colour: bool,
    *,
    everything: bool = False,
    unused: bool = False,
) -> str:
    """Write the page.

    Args:
        found: what was done.
        now: to say how long ago.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
        everything: list all runs.
        unused: there are rules in `xt.toml`, and they were not asked for.
    """
    width = max(min(width, WIDEST), NARROWEST)
    lines = [*wrap(_headline(found), width, 2)]
    lines += indent(kinds(found.freed, width - 2))
    lines += _runs("Would go" if found.dry else "Gone", found.dropped, now, width, everything)
    lines += _runs("Stay all the same", found.kept, now, width, everything)
    if found.rules:
        rows: list[list[Line]] = [[[say(str(n))], [say(why)]] for why, n in found.reasons.items()]
        lines += [[], [say("Kept", "bold")]]
        lines += indent(table(rows, width - 2, 1, frozenset([0])) if rows else [[say("no run")]])
    if found.waiting is not None:
        lines += [*([[]] if len(lines) > 1 else []), *wrap(_waits(found.waiting, found, now), width, 2)]
    for note in found.notes:
        lines += wrap([say(note, "bold" if found.failed else "")], width, 2)
    if unused:
        hint: Line = [say("the rules of "), say("[gc] keep", "accent"), say(" were not applied: ")]
        lines += wrap([*hint, say("xt gc --rules --dry-run", "accent")], width, 2)
    return "".join(paint(line, colour) + "\n" for line in lines)


def _headline(found: Sweeping) -> Line:
    runs = f"{len(found.dropped)} of {count(found.runs, 'run')}" if found.dropped else ""
    freed = size(found.size) if found.freed else ""
    if not (runs or freed):
        return [say("nothing to remove", "" if found.waiting or found.notes else "dim")]
    if found.dry:
        what = " and ".join(filter(None, (runs and f"drop {runs}", freed and f"free {freed}")))
        return [say("would ", "dim"), say(what, "bold")]
    what = ", ".join(filter(None, (runs and f"dropped {runs}", freed and f"freed {freed}")))
    return [say(what, "bold")]


def _runs(title: str, runs: list[Fate], now: datetime, width: int, everything: bool) -> list[Line]:
    if not runs:
        return []
    shown = runs if everything else runs[:LISTED]
    lines: list[Line] = [[], [say(title, "bold")]]
    for run in shown:
        items: list[Line] = [[say(run.run[: run.shown], "key")]]
        items += [[say(run.name)]] if run.name else []
        age = seconds_since(run.started_at, now)
        items += [[say(since(age), "dim")]] if age is not None else []
        items.append([say(run.reason)])
        lines += indent(flow(items, width - 2))
    if len(runs) > len(shown):
        lines += indent(wrap([say(f"and {len(runs) - len(shown)} more: --all", "dim")], width - 2, 2))
    return lines


def _waits(waiting: Waiting, found: Sweeping, now: datetime) -> Line:
    much = f"{size(waiting.size)} in {count(waiting.files, 'file')}"
    line: Line = [say(much, "bold"), say(" that nobody refers to "), say("stay for now: ")]
    if waiting.flying:
        runs = ", ".join(run[:8] for run in waiting.flying[:3])
        line.append(say(f"{runs} may need them, in flight for longer than {duration(found.grace_s)}"))
    elif waiting.until is not None:
        line.append(
            say(f"newer than {duration(found.grace_s)}; the last may go {moment(waiting.until, now)}")
        )
    else:
        line.append(say("their time is in the future"))
    return line
