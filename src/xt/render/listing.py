"""`xt ls`: runs in rows, newest first, as wide as the terminal and no wider.

No rich table: importing it takes 20 ms of the 150 a list of 10,000 runs may take, and it shrinks all columns
alike where here the least important one goes first. Of rich only the widths of characters are used
(`xt.render.cells`).
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from xt.model.summary import MetricValue, Summary
from xt.model.text import from_text
from xt.render.cells import clip, clip_front
from xt.render.layout import wrap
from xt.render.levels import SIGNS, legend
from xt.render.levels import style as level_style
from xt.render.outcome import style, words
from xt.render.quantities import ago, count, duration, number, seconds_since
from xt.render.quoting import shell
from xt.render.styled import Line, Span, join, measure, paint, say

#: Metric columns at most.
METRICS = 4
#: Cells of a column at most: names and tags, head of a metric.
MOST_NAME, MOST_TAGS, MOST_HEAD = 20, 28, 16
#: Below this many columns the table has no margin.
MARGIN_FROM = 60
GAP = 2
MARK = "◆"
#: Narrower than this nothing is laid out; lines are then longer than the terminal is wide.
NARROWEST = 10
#: Characters of a text that are looked at; the rest can not be seen in any table.
LONGEST = 2000


class Column:
    """A column and how much it matters; its cells are measured once."""

    def __init__(self, head: str, cells_of_it: list[Line], last_to_go: int, *, right: bool = False) -> None:
        """Take what is in it.

        Args:
            head: its name, as shown.
            cells_of_it: one for every row.
            last_to_go: columns of the lowest number are dropped first.
            right: whether its content belongs to the right.
        """
        self.head = head
        self.cells: list[Line] = [[say(head, "dim")], *cells_of_it]
        self.sizes = [measure(cell) for cell in self.cells]
        self.last_to_go = last_to_go
        self.right = right
        self.natural = max(self.sizes)

    def cell(self, row: int, width: int) -> Line:
        """One of its cells, cut or filled up to a width; row 0 is the head."""
        size = self.sizes[row]
        if size > width:
            return _clipped(self.cells[row], width)
        space = Span(" " * (width - size), "")
        return [space, *self.cells[row]] if self.right else [*self.cells[row], space]


def table(
    rows: list[Summary],
    shown: dict[str, int],
    total: int,
    now: datetime,
    width: int,
    colour: bool,
    baseline: str | None = None,
    trials: int = 0,
) -> str:
    """Write the rows, a head above and a line below that says how many there are and where to look next.

    Args:
        rows: newest first.
        shown: letters of each id that tell it from all others.
        total: runs of the store.
        now: to say how long ago.
        width: of the terminal; every line fits, from 10 columns on.
        colour: whether it may have colours.
        baseline: id of the run that is pinned as such; it gets a mark in the margin.
        trials: repeats made by `xt verify` that are not among the rows.
    """
    width = max(width, NARROWEST)
    margin = 2 if width >= MARGIN_FROM else 0
    marked = baseline if margin else None
    if not rows:
        lines = wrap(
            [say("no runs yet"), say(" · ", "dim"), say("xt run -m WHY -- COMMAND", "accent")], width
        )
        lines += wrap(_hidden(trials), width) if trials else []
        return "".join(paint(line, colour) + "\n" for line in lines)
    room = width - margin
    columns = _columns(rows, shown, now)
    if _needed(columns, room) > room and any(row.verified_at for row in rows):
        # Before any column, how long ago runs were verified goes.
        at = [column.head for column in columns].index("status")
        columns[at] = Column("status", [_status(row) for row in rows], columns[at].last_to_go)
    lines = _lay_out(_fitting(columns, room), room)
    marks = [MARK if row.id == marked else " " for row in rows]
    footer = [_footer(rows, shown, total, room, baseline=MARK in marks)]
    footer += wrap(_hidden(trials), room) if trials else []
    if not margin:
        return "".join(paint(line, colour) + "\n" for line in [*lines, *footer])
    lines = [[Span(f"{mark} ", "key"), *line] for mark, line in zip([" ", *marks], lines, strict=True)]
    return "".join(
        paint(line, colour) + "\n" for line in [*lines, [], *([Span("  ", ""), *line] for line in footer)]
    )


def _columns(rows: list[Summary], shown: dict[str, int], now: datetime) -> list[Column]:
    """Every column there is something to say in, in order."""
    letters = max(shown.get(row.id, 16) for row in rows)
    found = [
        Column("run", [_id(row, shown.get(row.id, 16), letters) for row in rows], 99),
        Column("when", [_when(row, now) for row in rows], 80),
        Column("purpose", [[*_repeat(row, letters), *_purpose(row)] for row in rows], 85),
        Column("status", [_status(row, now) for row in rows], 90),
    ]
    for place, name in enumerate(_common_metrics(rows)):
        # The first metric outlives all but the purpose; the third and fourth go first of all.
        found.append(_metric(rows, name, (70, 50, 20, 10)[place]))
    times = [
        say(duration(row.wall_s))
        if row.wall_s is not None and row.status != "not-started"
        else say("–", "dim")
        for row in rows
    ]
    found.append(Column("time", [[time] for time in times], 60, right=True))
    if any(row.name for row in rows):
        names = [clip(say((row.name or "")[:LONGEST]).text, MOST_NAME) for row in rows]
        found.append(Column("name", [[Span(name, "bold")] for name in names], 40))
    if any(row.tags for row in rows):
        tags = [clip(say(" ".join(row.tags)[:LONGEST]).text, MOST_TAGS) for row in rows]
        found.append(Column("tags", [[Span(text, "accent")] for text in tags], 30))
    return found


def _id(row: Summary, unique: int, letters: int) -> Line:
    return [say(row.id[:unique], "key"), say(row.id[unique:letters], "dim")]


def _when(row: Summary, now: datetime) -> Line:
    age = seconds_since(row.started_at, now) if row.started_at else None
    return [say("–", "dim") if age is None else say(ago(age))]


def _repeat(row: Summary, letters: int) -> Line:
    return [say(f"repeat of {row.repeat_of[:letters]} · ", "dim")] if row.repeat_of is not None else []


def _purpose(row: Summary) -> Line:
    if row.purpose and row.purpose.strip():
        return [say(row.purpose.strip()[:LONGEST])]
    if row.status == "damaged":
        return [say((row.reason or "it cannot be read")[:LONGEST], "dim")]
    command = shell([from_text(word)[:LONGEST] for word in row.command])
    return [say("– no purpose", "dim"), say(f" · {command}" if command else "", "dim")]


def _status(row: Summary, now: datetime | None = None) -> Line:
    line = [say(words(row.status, row.exit_code, row.signal), style(row.status))]
    count = row.problems + len(row.lacking)
    if count:
        line.append(say(f" !{count}", "bold"))
    if row.level is not None:
        # Only of an identical run it is known in how many of its repeats it was: in all.
        of = f" {row.verified_by}/{row.verified_by}" if row.level == "identical" and row.verified_by else ""
        line.append(say(f" {SIGNS[row.level]}{of}", level_style(row.level, row.required)))
        age = seconds_since(row.verified_at, now) if now is not None and row.verified_at else None
        if age is not None:
            line.append(say(f" · {ago(age)}", "dim"))
    return line


def _common_metrics(rows: list[Summary]) -> list[str]:
    """The metrics of most rows, those with a goal before all others, then in order of appearance."""
    seen: Counter[str] = Counter()
    goals: set[str] = set()
    for row in rows:
        seen.update({metric.name: 1 for metric in row.metrics})
        goals |= {metric.name for metric in row.metrics if metric.goal != "none"}
    return sorted(seen, key=lambda name: (name not in goals, -seen[name]))[:METRICS]


def _metric(rows: list[Summary], name: str, last_to_go: int) -> Column:
    found: list[MetricValue | None] = [
        next((metric for metric in row.metrics if metric.name == name), None) for row in rows
    ]
    texts = [number(metric.value) if metric else "–" for metric in found]
    head = clip_front(say(name[-LONGEST:]).text, MOST_HEAD)
    styles = ["" if metric else "dim" for metric in found]
    return Column(
        head,
        [[say(text, own)] for text, own in zip(_points(texts), styles, strict=True)],
        last_to_go,
        right=True,
    )


def _points(texts: list[str]) -> list[str]:
    """Fill up on the right so that decimal points stand below each other, if all are written alike."""
    if any("e" in text for text in texts):
        return texts
    behind = [len(text) - text.index(".") if "." in text else 0 for text in texts]
    most = max(behind)
    # A dash or `nan` stays at the right edge.
    return [
        text + " " * (most - own) if text[-1:].isdigit() else text
        for text, own in zip(texts, behind, strict=True)
    ]


def _fitting(columns: list[Column], room: int) -> list[Column]:
    """Drop the least important columns until the rest fits with a readable purpose."""
    columns = list(columns)
    while len(columns) > 1 and _needed(columns, room) > room:
        columns.remove(min(columns, key=lambda column: column.last_to_go))
    return columns


def _needed(columns: list[Column], room: int) -> int:
    least = max(12, min(28, room // 3))
    widths = [
        min(column.natural, least) if column.head == "purpose" else column.natural for column in columns
    ]
    return sum(widths) + GAP * (len(columns) - 1)


def _lay_out(columns: list[Column], room: int) -> list[Line]:
    others = sum(column.natural + GAP for column in columns if column.head != "purpose")
    # The purpose gets what is left; alone, any column may still be too wide.
    widths = [min(column.natural, room - others if column.head == "purpose" else room) for column in columns]
    lines = []
    for row in range(len(columns[0].cells)):
        line: Line = []
        for column, width in zip(columns, widths, strict=True):
            if line:
                line.append(Span(" " * GAP, ""))
            line += column.cell(row, width)
        lines.append(line)
    return lines


def _clipped(cell: Line, width: int) -> Line:
    if measure(cell) <= width:
        return cell
    kept: Line = []
    for span in cell:
        room = width - measure(kept)
        kept.append(Span(clip(span.text, room), span.style))
        if kept[-1].text != span.text:
            break
    return kept


def _footer(rows: list[Summary], shown: dict[str, int], total: int, room: int, *, baseline: bool) -> Line:
    runs = count(total, "run")
    first = rows[0].id[: shown.get(rows[0].id, 16)]
    said = [say(f"{len(rows)} of {runs}" if len(rows) < total else runs)]
    hints: list[Line] = [[say(f"xt show {first}", "accent")]]
    if baseline:
        hints.append([say(MARK, "key"), say(" baseline", "dim")])
    levels = [row.level for row in rows if row.level is not None]
    if levels:
        hints.append([say("verified: ", "dim"), *join(legend(levels), " ")])
    if any(row.problems or row.lacking for row in rows):
        hints.append([say("!", "bold"), say(" recording problems", "dim")])
    if len(rows) < total:
        hints.append([say("xt ls -n 0", "accent"), say(" lists all", "dim")])
    line: Line = list(said)
    for hint in hints:
        if measure(line) + 3 + measure(hint) <= room:
            line += [say("   "), *hint]
    return _clipped(line, room)


def _hidden(trials: int) -> Line:
    are = "is" if trials == 1 else "are"
    return [
        say(f"{count(trials, 'repeat')} made by xt verify {are} not shown: ", "dim"),
        say("xt ls --all", "accent"),
    ]
