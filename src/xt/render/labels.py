"""What was said of runs later, in a few lines."""

from __future__ import annotations

from datetime import datetime

from xt.model.event import Noted
from xt.model.standing import Labelled
from xt.render.layout import flow, wrap
from xt.render.markdown import markdown
from xt.render.quantities import seconds_since, since
from xt.render.styled import Line, Span, measure, paint, say
from xt.render.tickets import Tickets, linked

NARROWEST = 24
#: Runs named in what brings them back.
_NAMED = 4


def line(run: Labelled, width: int, colour: bool) -> str:
    """Name and tags of a run."""
    items: list[Line] = [[say(run.id[: run.shown], "key")]]
    items.append([say("name ", "dim"), say(run.name)] if run.name else [say("no name", "dim")])
    items.append(
        [say("tags ", "dim"), say(", ".join(run.tags), "accent")] if run.tags else [say("no tags", "dim")]
    )
    if run.said.removed is not None:
        items.append([say("put away", "bold")])
    return "".join(paint(part, colour) + "\n" for part in flow(items, max(width, NARROWEST)))


def away(runs: list[Labelled], now: datetime, width: int, colour: bool, *, done: bool = False) -> str:
    """Runs that are put away, one a line: when, by whom, why; where that was done now, what undoes it."""
    lines: list[Line] = []
    for run in runs:
        event = run.said.removed
        if event is None:
            continue
        when = f"put away {_when(event.at, now)}" if done else _when(event.at, now)
        items: list[Line] = [[say(run.id[: run.shown], "key")], [say(when)]]
        items += [[say("by ", "dim"), say(event.by)]] if event.by else []
        items += [[say(event.reason)]] if event.reason else []
        lines += flow(items, max(width, NARROWEST))
    if not lines:
        lines = [[say("no run is put away")]]
    elif done:
        names = " ".join(run.id[: run.shown] for run in runs) if len(runs) <= _NAMED else "RUN…"
        undo: Line = [say(f"xt rm --undo {names}", "accent"), say(" brings back, ", "dim")]
        lines += wrap([*undo, say("xt gc", "accent"), say(" deletes", "dim")], max(width, NARROWEST), 2)
    return "".join(paint(part, colour) + "\n" for part in lines)


def notes(run: Labelled, now: datetime, width: int, colour: bool, tickets: Tickets) -> str:
    """The notes on a run, the oldest first."""
    width = max(width, NARROWEST)
    if not run.said.notes:
        short = run.id[: run.shown]
        none = [say("no notes on "), say(short, "key"), say(" · "), say(f"xt note {short} -m TEXT", "accent")]
        return "".join(paint(part, colour) + "\n" for part in wrap(none, width))
    lines: list[Line] = []
    for note in run.said.notes:
        lines += [*([[]] if lines else []), *note_lines(note, now, width, tickets)]
    return "".join(paint(part, colour) + "\n" for part in lines)


def note_lines(note: Noted, now: datetime, width: int, tickets: Tickets) -> list[Line]:
    """One note: who and when, then its text."""
    head: Line = [say(note.by or "somebody", "bold"), say(f", {_when(note.at, now)}", "dim")]
    body = markdown(linked(note.text, tickets), width - 2)
    return [*wrap(head, width), *([Span("  ", ""), *part] if measure(part) else [] for part in body)]


def _when(at: str, now: datetime) -> str:
    age = seconds_since(at, now)
    return since(age) if age is not None else at
