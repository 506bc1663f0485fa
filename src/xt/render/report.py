"""A report of runs as one page of HTML that needs nothing else: no script, no font, no network.

It is read long after it was written, so times are absolute. What others wrote passes `say` and `escape`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from msgspec.structs import replace

from xt.model.delta import Comparison
from xt.model.plot import Plot
from xt.model.report import Cases, LogEnd, Report, ReportRun
from xt.model.result import Number
from xt.model.text import from_text
from xt.render.diff_document import Block, Grid, Paragraph, Patch, Title, document
from xt.render.diff_html import block, escape, inline, page
from xt.render.diff_view import View
from xt.render.diff_words import brief, short
from xt.render.levels import SIGNS
from xt.render.levels import style as level_style
from xt.render.logs import painted
from xt.render.outcome import style, words
from xt.render.plot_svg import inline as drawn
from xt.render.plot_svg import style as plot_style
from xt.render.quantities import count, duration, moment, number
from xt.render.quoting import shell
from xt.render.styled import Line, join, say
from xt.render.visible import visible_log

#: Cells of a purpose, a value, a name in a table.
LONG, VALUE, NAME = 160, 40, 60
#: Characters of HTML of one comparison: a longer one is told by its verdict.
LARGEST = 400_000
#: Comparisons that are open from the start.
OPEN = 1
#: Pixels between the axes of a plot.
WIDE, HIGH = 440, 170
_STYLE = """
h1 { margin: 0; font-size: 1.6rem; } h2 { margin: 2.5rem 0 .5rem; font-size: 1.25rem; }
h4 { margin: 1.2rem 0 .3rem; } nav { margin: .8rem 0 0; } nav a { margin-right: 1.2rem; }
a { color: var(--accent); } header p { margin: .3rem 0; }
details.part { border: 1px solid var(--line); border-radius: 6px; margin: .6rem 0; padding: .5rem .9rem; }
.plots { display: grid; gap: 1.2rem 2rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
td { overflow-wrap: break-word; }
#runs td:nth-child(-n+2), #runs td:nth-child(4) { white-space: nowrap; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
thead th { white-space: nowrap; } tbody tr:nth-child(even) td { background: var(--new); }
@media (max-width: 40rem) { body { margin: 1rem auto; padding: 0 .6rem; } th, td { padding-right: .6rem; } }
@media print { body { max-width: none; margin: 0; font-size: 11px; } nav { display: none; }
  table { display: table; } details.part, svg.xt, tr { break-inside: avoid; } }
"""


def render(found: Report) -> str:
    """Write the page.

    Args:
        found: what it says.
    """
    sections = [("runs", "Runs", _runs(found))]
    if found.plot is not None and found.plot.panels:
        sections.append(("metrics", "Metrics", _plots(found.plot)))
    if found.comparisons:
        parts = [_comparison(one, at < OPEN) for at, one in enumerate(found.comparisons)]
        sections.append(("comparisons", "Comparisons", parts))
    if found.cases is not None:
        sections.append(("cases", "Failing cases", _cases(found.cases)))
    if found.logs:
        sections.append(("logs", "Logs of runs that did not end well", [_log(log) for log in found.logs]))
    links = "".join(f'<a href="#{name}">{title}</a>' for name, title, _ in sections)
    written = (
        f"{count(len(found.runs), 'run')} · written {moment(found.created, _utc())} · xt {found.version}"
    )
    head = f'<header>\n<h1>{escape(found.title)}</h1>\n<p class="dim">{escape(written)}</p>\n'
    head += f"<nav>{links}</nav>\n"
    notes = "".join(f'<p class="dim">{escape(note)}</p>\n' for note in found.notes)
    body = "\n".join(
        f'<section id="{name}">\n<h2>{title}</h2>\n' + "\n".join(parts) + "\n</section>"
        for name, title, parts in sections
    )
    return page(found.title, f"{head}{notes}</header>\n{body}", _STYLE + plot_style())


def _utc() -> datetime:
    """A moment of the zone that times are written in."""
    return datetime(1970, 1, 1, tzinfo=UTC)


# ---- the table


def _runs(found: Report) -> list[str]:
    """All runs in rows; a column in which nothing is said is left out."""
    columns: list[tuple[str, list[Line], bool]] = [
        ("run", [_named(run) for run in found.runs], False),
        ("started", [_when(run) for run in found.runs], False),
        ("purpose", [_purpose(run) for run in found.runs], False),
        ("status", [_status(run) for run in found.runs], False),
        ("repeats", [_level(run) for run in found.runs], False),
        ("evidence", [_evidence(run, found.required) for run in found.runs], False),
    ]
    for name in found.metrics:
        columns.append((name, _values(found, name), True))
    for name in found.params:
        columns.append((name, [_param(run, name) for run in found.runs], False))
    columns.append(("time", [_time(run) for run in found.runs], True))
    columns.append(("tags", [_tags(run) for run in found.runs], False))
    kept = [column for column in columns if any(column[1])]
    table = Grid(
        [[brief(name, NAME)] for name, _, _ in kept],
        [list(row) for row in zip(*(cells for _, cells, _ in kept), strict=True)],
        frozenset(at for at, (_, _, right) in enumerate(kept) if right),
    )
    best = [block(Paragraph([say("bold: the best value of a metric with a goal", "dim")]))]
    return [block(table), *(best if any(goal != "none" for goal in found.goals.values()) else [])]


def _named(run: ReportRun) -> Line:
    mark = [say("◆ ", "key")] if run.pinned else []
    return [
        *mark,
        say(run.summary.id[: run.shown], "key"),
        *([say(" baseline", "dim")] if run.pinned else []),
    ]


def _when(run: ReportRun) -> Line:
    return [say(moment(run.summary.started_at, _utc()))] if run.summary.started_at else []


def _purpose(run: ReportRun) -> Line:
    row = run.summary
    if row.status == "damaged":
        return [brief(row.reason or "damaged", LONG, "bad")]
    if row.purpose:
        return [brief(row.purpose, LONG)]
    return [brief(shell([from_text(word) for word in row.command]), LONG, "dim")]


def _status(run: ReportRun) -> Line:
    row = run.summary
    return [say(words(row.status, row.exit_code, row.signal), style(row.status))]


def _level(run: ReportRun) -> Line:
    row = run.summary
    if row.level is None:
        return []
    by = f" ({count(row.verified_by, 'repeat')})" if row.verified_by else ""
    return [say(f"{SIGNS[row.level]} {row.level}", level_style(row.level, row.required)), say(by, "dim")]


def _evidence(run: ReportRun, required: bool) -> Line:
    lacking = run.summary.lacking
    if lacking:
        return [brief(f"lacks {', '.join(lacking)}", LONG, "bad")]
    ended = run.summary.status not in ("running", "lost", "unknown", "damaged")
    return [say("complete", "dim")] if required and ended else []


def _values(found: Report, name: str) -> list[Line]:
    goal = found.goals.get(name, "none")
    finite = [
        value
        for run in found.runs
        if (value := run.metrics.get(name)) is not None and not isinstance(value, Number)
    ]
    best = None if goal == "none" or len(set(finite)) < 2 else (min if goal == "min" else max)(finite)
    lines: list[Line] = []
    for run in found.runs:
        value = run.metrics.get(name)
        lines.append([say(number(value), "bold" if value == best else "")] if value is not None else [])
    return lines


def _param(run: ReportRun, name: str) -> Line:
    if name not in run.params:
        return []
    value = run.params[name]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [say(number(value))]
    return [brief(value if isinstance(value, str) else str(value), VALUE)]


def _time(run: ReportRun) -> Line:
    wall = run.summary.wall_s
    return [say(duration(wall))] if wall is not None and run.summary.status != "not-started" else []


def _tags(run: ReportRun) -> Line:
    row = run.summary
    parts = [*([brief(row.name, NAME, "bold")] if row.name else []), *(brief(tag, NAME) for tag in row.tags)]
    parts += [brief(f"live in {place}", NAME, "accent") for place in row.live]
    return join([[part] for part in parts], " ")


def _plots(found: Plot) -> list[str]:
    """A picture for each metric, side by side where there is room."""
    pictures = "\n".join(
        drawn(replace(found, panels=[panel], notes=[]), WIDE, HIGH) for panel in found.panels
    )
    notes = [block(Paragraph([say(note, "dim")])) for note in found.notes]
    return [f'<div class="plots">\n{pictures}\n</div>', *notes]


# ---- comparisons


def _comparison(found: Comparison, opened: bool) -> str:
    """A comparison folded away under its verdict."""
    pinned = f"{found.left.pinned} " if found.left.pinned else ""
    summary: Line = [
        say(f"{pinned}{short(found.left)} → {short(found.right)}", "key"),
        say("  "),
        say(found.verdict.sentence),
    ]
    # How long ago the runs were is nothing a file can say: without their times the document does not.
    timeless = replace(
        found, left=replace(found.left, started_at=""), right=replace(found.right, started_at="")
    )
    blocks = document(timeless, View(), _utc())
    # The first two are the names and the verdict, which the summary says.
    body = "\n".join(block(_lower(one)) for one in blocks[2:])
    if len(body) > LARGEST:
        left, right = short(found.left), short(found.right)
        body = block(Paragraph([say(f"It is too long for this page: `xt diff {left} {right}` shows it.")]))
    state = " open" if opened else ""
    return f'<details class="part"{state}><summary>{inline(summary)}</summary>\n{body}\n</details>'


def _lower(one: Block) -> Block:
    """A heading one level lower, since the page has its own above it; patches folded away."""
    if isinstance(one, Patch):
        return one._replace(open=False)
    return Title(one.level + 1, one.line) if isinstance(one, Title) else one


# ---- cases


def _cases(found: Cases) -> list[str]:
    parts = []
    if found.shown:
        failed = f"{found.failed} of {found.total} cases fail in at least one run"
        of = "lowest scores first" if found.by_score else failed
        more = len(found.shown) < (found.total if found.by_score else found.failed)
        said = f"{of}{f', the first {len(found.shown)} of them here' if more else ''}"
        parts.append(block(Paragraph([say(said)])))
        cohorts = list(dict.fromkeys(name for case in found.shown for name in case.cohorts))
        details = list(dict.fromkeys(name for case in found.shown for name in case.details))[:3]
        rows = [
            [
                [brief(case.id, NAME, "bold")],
                *([brief(case.cohorts.get(name, ""), VALUE)] for name in cohorts),
                *(_outcome(outcome) for outcome in case.outcomes),
                *([brief(case.details.get(name, ""), LONG)] for name in details),
            ]
            for case in found.shown
        ]
        heads = ["case", *cohorts, *found.runs, *details]
        parts.append(block(Grid([[brief(name, NAME)] for name in heads], rows, frozenset())))
    elif found.runs:
        parts.append(block(Paragraph([say(f"none of {count(found.total, 'case')} fails", "good")])))
    parts += [block(Paragraph([say(note, "dim")])) for note in found.notes]
    return parts


def _outcome(outcome: bool | float | None) -> Line:
    if outcome is None:
        return [say("–", "dim")]
    if isinstance(outcome, bool):
        return [say("✓ pass", "good") if outcome else say("✗ fail", "bad")]
    return [say(number(outcome))]


# ---- logs


def _log(found: LogEnd) -> str:
    """The end of a log, as a terminal would show it in the end, without its colours."""
    head: Line = [say(found.run, "key"), say(f"  {found.stream}")]
    if found.reason is not None:
        return block(Paragraph([*head, say(f": {found.reason}", "dim")]))
    if found.left_out:
        head.append(say(f", the last {len(found.data)} bytes: `xt logs {found.run}` shows all", "dim"))
    text = found.data.decode("utf-8", "surrogateescape")
    if found.left_out and "\n" in text:
        text = text[text.index("\n") + 1 :]  # the first line is a part of one
    lines = [visible_log(painted(line), colour=False) for line in text.rstrip("\n").split("\n")]
    shown = "\n".join(map(_line, lines))
    return f'<details class="part" open><summary>{inline(head)}</summary><pre>{shown}</pre></details>'


def _line(text: str) -> str:
    return escape(re.sub("\t", "    ", text))
