"""`xt show`: one run on one page that is pleasant to read and leaves nothing out silently.

Laid out here and not by rich: a page wants hanging indents, items that stay whole and remarks on the right,
and the rich that would do the rest takes longer to import than the page to make.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from xt.model.bundle import Bundle
from xt.model.result import Exit, Record
from xt.model.snapshot import Context, Snapshot
from xt.model.standing import RunStanding
from xt.render import causes, effects, gaps, repeating
from xt.render.labels import note_lines
from xt.render.layout import flow, pad, wrap
from xt.render.outcome import ended_with, not_evidence, style, words
from xt.render.quantities import duration, fingerprint, moment, seconds_since, since
from xt.render.styled import Line, Span, join, measure, paint, say
from xt.render.tickets import NO_TRACKER, Tickets, url_of

#: Lines longer than this are hard to read, however wide the terminal.
WIDEST = 110
#: Narrower than this nothing is laid out; lines are then longer than the terminal is wide.
NARROWEST = 24
#: Below this many columns labels stand on lines of their own.
STACKED = 50
#: Cells of the label column, margin included.
LABEL = 12


class Page(Protocol):
    """What the page needs; `xt.ops.show.Page` is one."""

    @property
    def id(self) -> str:
        """The whole run id."""

    @property
    def shown(self) -> int:
        """Letters of it that tell it from all others."""

    @property
    def snapshot(self) -> Snapshot:
        """Its causes."""

    @property
    def started_at(self) -> str:
        """RFC 3339."""

    @property
    def record(self) -> Record | None:
        """None for a run that is running or lost."""

    @property
    def seal(self) -> str | None:
        """Digest of the record."""

    @property
    def state(self) -> str | None:
        """Of a run without a record: `running`, `lost`, `unknown`."""

    @property
    def ended(self) -> Exit | None:
        """How its command has ended all the same."""

    @property
    def repeats(self) -> tuple[str, str] | None:
        """Id and start of the last earlier run of the same recipe."""

    @property
    def repeats_known(self) -> bool:
        """Whether that could be told."""

    @property
    def is_baseline(self) -> bool:
        """Whether it is the pinned baseline."""

    @property
    def said(self) -> RunStanding:
        """What was said of it later."""

    @property
    def bundles(self) -> Sequence[Bundle]:
        """Versions of the prompts and the policy it used."""

    @property
    def live(self) -> list[str]:
        """Environments in which something of it is live now."""

    @property
    def lacking(self) -> list[str] | None:
        """Required evidence it does not have; None where nothing is required."""


def render(page: Page, now: datetime, width: int, colour: bool, tickets: Tickets = NO_TRACKER) -> str:
    """Write the page of a run.

    Args:
        page: the run.
        now: to say how long ago.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
        tickets: where tickets lead to.
    """
    width = max(min(width, WIDEST), NARROWEST)
    lines = [*_headline(page, width), *_standing(page, now, width), *_about(page, width, tickets)]
    inner = width - (2 * 2 if width < STACKED else LABEL)
    for group in _blocks(page, now, inner, tickets):
        lines.append([])
        for label, content in group:
            if content:
                lines += _labelled(label, content, width)
    lines += _fine_print(page, width)
    return "".join(paint(line, colour) + "\n" for line in lines)


def _headline(page: Page, width: int) -> list[Line]:
    purpose = (page.snapshot.context.purpose or "").strip()
    short, rest = page.id[: page.shown], page.id[page.shown :]
    name = [say("run ", "dim"), say(short, "key"), say(f" {rest}", "dim")]
    why = [say(purpose, "bold")] if purpose else [say("– no purpose", "dim")]
    return wrap([*name, say("  "), *why], width, 4)


def _standing(page: Page, now: datetime, width: int) -> list[Line]:
    """How it ended or stands, when, whose it is; what it repeats."""
    context = page.snapshot.context
    facts: list[Line] = []
    age = seconds_since(page.started_at, now)
    when = since(age) if age is not None else "at an unknown time"
    if age is not None and age >= 86_400:
        when += f" ({moment(page.started_at, now)})"
    if page.record is not None:
        result = page.record.result
        outcome = words(result.status, result.exit_code, result.signal)
        if result.status == "interrupted":
            outcome += f" ({ended_with(result.exit_code, result.signal)})"
        facts.append([say(outcome, style(result.status))])
        facts += [[say(word)] for word in effects.unexpected(result)]
        if result.status != "not-started":
            facts.append([say(duration(result.usage.wall_s))])
        facts.append([say(when)])
    else:
        state = page.state or "unknown"
        code, number = (page.ended.exit_code, page.ended.signal) if page.ended else (None, None)
        facts.append([say(words(state, code, number), style(state))])
        if page.ended is not None:
            facts.append([say(duration(page.ended.wall_s))])
        facts.append([say(f"started {when}")])
    who = "@".join(part for part in (context.user, context.host) if part)
    facts += [[say(part)] for part in (who, _trigger(context)) if part]
    after = _repeats(page, now) if page.record is not None else [say(_in_flight(page), "bold")]
    items = [join(facts, ", "), after, _reused(page, now), _evidence(page)]
    return flow([item for item in items if measure(item)], width)


def _evidence(page: Page) -> Line:
    """Whether it has what is required of it; with nothing required there is nothing to say."""
    if page.lacking is None:
        return []
    return [say(not_evidence(page.lacking), "bad")] if page.lacking else [say("evidence complete")]


def _in_flight(page: Page) -> str:
    """What it means that there is no record."""
    if page.ended is not None:
        said = {
            "running": "its command has ended: what came out is being stored",
            "lost": "its command ended, and xt without writing its record",
        }
    else:
        said = {
            "running": "its causes are recorded, the rest follows when it ends",
            "lost": "xt ended without writing its record",
        }
    host = page.snapshot.context.host or "its host"
    return said.get(page.state or "", f"only {host} can tell whether it still goes on")


def _trigger(context: Context) -> str:
    if context.trigger == "xt" and context.parent:
        return f"from run {context.parent[:8]}"
    if context.trigger == "ci":
        return f"from CI ({context.ci.get('provider', 'unknown provider')})"
    if context.trigger == "slurm":
        job = context.slurm.get("job") or context.slurm.get("SLURM_JOB_ID")
        return f"from Slurm job {job}" if job else "from Slurm"
    return {"terminal": "from a terminal", "cron": "from cron"}.get(context.trigger, "")


def _repeats(page: Page, now: datetime) -> Line:
    if page.repeats is None and page.snapshot.repeat is not None:
        return []  # what it repeats is said below; with a variation its recipe is another
    if page.repeats is None:
        return [say("repeats nothing recorded" if page.repeats_known else "", "dim")]
    earlier, started_at = page.repeats
    age = seconds_since(started_at, now)
    return [
        say("repeats "),
        say(earlier[: page.shown], "key"),
        say(f" ({since(age)})" if age is not None else ""),
    ]


def _reused(page: Page, now: datetime) -> Line:
    if not page.said.reused:
        return []
    times, last = len(page.said.reused), max(event.at for event in page.said.reused)
    age = seconds_since(last, now)
    said = "reused once" if times == 1 else f"reused {times} times"
    when = "" if age is None else f", {since(age)}" if times == 1 else f", last {since(age)}"
    return [say(said), say(when)]


def _about(page: Page, width: int, tickets: Tickets) -> list[Line]:
    """What the user calls it, and where it stands."""
    context = page.snapshot.context
    items: list[Line] = [[say("◆", "key"), say(" baseline")]] if page.is_baseline else []
    items += [[say("live in ", "dim"), say(", ".join(page.live), "bold")]] if page.live else []
    if page.said.removed is not None:
        away = f"put away by {page.said.removed.by or 'somebody'}"
        reason = page.said.removed.reason
        items.append([say(f"{away}: {reason}" if reason else away, "bold")])
    address = url_of(context.ticket, tickets) if context.ticket else None
    for word, said in (
        ("name", page.said.name(context.name)),
        ("tags", ", ".join(page.said.tags_now(context.tags))),
        ("task", context.task),
        ("ticket", f"{context.ticket} ({address})" if address else context.ticket),
        ("job", context.ci.get("url")),
    ):
        if said:
            items.append([say(f"{word} ", "dim"), say(said)])
    return flow(items, width)


Blocks = list[tuple[str, list[Line]]]


def _blocks(page: Page, now: datetime, width: int, tickets: Tickets) -> list[Blocks]:
    """Causes, effects, and what is missing of both."""
    snapshot, short, last = page.snapshot, page.id[: page.shown], page.said.verified
    result = page.record.result if page.record is not None else None
    before = [
        ("repeat", repeating.repeat(snapshot.repeat, page.shown, width) if snapshot.repeat else []),
        ("command", causes.command(snapshot, width)),
        ("code", causes.code(snapshot, short, width)),
        ("params", causes.params(snapshot.params, width)),
        ("facts", causes.params(snapshot.facts, width, "fact")),
        ("inputs", causes.inputs(snapshot.inputs, width)),
        *((one.role, causes.bundle(one, width)) for one in page.bundles),
        ("seed", causes.seed(snapshot.seed, width)),
        ("env", causes.environment(snapshot.environment, width)),
    ]
    problems = list(snapshot.problems)
    if result is None:
        follow = " -f" if page.state == "running" else ""
        after = [
            ("outputs", effects.declared(snapshot.outputs, width) if snapshot.outputs else []),
            ("logs", [[say(f"xt logs {short}{follow}", "accent")]]),
        ]
    else:
        after = [
            ("outputs", effects.outputs(result.outputs, width)),
            ("metrics", effects.metrics(result.metrics, width)),
            ("cases", effects.derived(result.derived, width)),
            ("reported", causes.params(result.reported, width, "setting")),
            ("ranks", effects.ranks(result.ranks, snapshot.context.launch, short, width)),
            ("cost", effects.cost(result.usage, width) if result.status != "not-started" else []),
            ("logs", effects.logs(result.logs, short, width)),
            ("verified", repeating.verified(last, page.shown, now, width) if last else []),
        ]
        problems += result.problems
    notes = [part for note in page.said.notes for part in note_lines(note, now, width, tickets)]
    later = [("notes", notes)]
    gone = [
        ("missing", gaps.missing(snapshot, result, width)),
        ("problems", gaps.problems(problems, width)),
    ]
    return [blocks for blocks in (before, after, later, gone) if any(content for _, content in blocks)]


def _labelled(label: str, content: list[Line], width: int) -> list[Line]:
    """Put a label on the left of a block, or above it where there is no room."""
    name = say(label, "accent")
    if width < STACKED:
        return [[Span("  ", ""), name], *([Span("    ", ""), *line] for line in content)]
    head = pad([Span("  ", ""), name], LABEL)
    return [[*(head if number == 0 else pad([], LABEL)), *line] for number, line in enumerate(content)]


def _fine_print(page: Page, width: int) -> list[Line]:
    """The digests by which this run can be quoted."""
    snapshot = page.snapshot
    items = [
        f"recipe {fingerprint(snapshot.recipe)}",
        f"environment {fingerprint(snapshot.environment.fingerprint)}",
    ]
    if snapshot.code.tree is not None:
        items.append(f"tree {snapshot.code.tree[:8]}…")
    lines = flow([[say(item, "dim")] for item in items], width - 2)
    if page.seal is not None:
        # Outside the label column: with it a seal would not fit 80 columns.
        lines += wrap([say(f"seal {page.seal}", "dim")], width - 2, 5)
    if page.said.signed:
        lines += wrap(
            [say(f"signed, not checked here: xt audit {page.id[: page.shown]} --signature", "dim")],
            width - 2,
            5,
        )
    return [[], *([say("  "), *line] for line in lines)]
