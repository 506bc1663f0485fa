"""The columns of `xt ls`: those it has by itself, and those that were chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from xt.model.groups import Value
from xt.model.summary import MetricValue, Summary
from xt.model.text import from_text
from xt.render.cells import clip, clip_front
from xt.render.layout import clipped
from xt.render.levels import SIGNS
from xt.render.levels import style as level_style
from xt.render.outcome import style, words
from xt.render.quantities import ago, duration, number, seconds_since
from xt.render.quoting import shell
from xt.render.styled import Line, Span, measure, say

#: Metric columns at most.
METRICS = 4
#: Cells of a column at most: names and tags, head of a metric, any other value.
MOST_NAME, MOST_TAGS, MOST_HEAD, MOST_VALUE = 20, 28, 16, 24
#: Mark of a run that is not evidence, before the number of required fields it lacks.
LACKING = "✗"
#: Characters of a text that are looked at; the rest can not be seen in any table.
LONGEST = 2000
#: The value of every row for each column that was asked for by name.
Cells = Mapping[str, Sequence[Sequence[Value]]]


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
            return clipped(self.cells[row], width)
        space = Span(" " * (width - size), "")
        return [space, *self.cells[row]] if self.right else [*self.cells[row], space]


def columns_of(rows: list[Summary], shown: dict[str, int], now: datetime) -> list[Column]:
    """Every column there is something to say in, in order."""
    letters = max(shown.get(row.id, 16) for row in rows)
    found = [
        Column("run", [_id(row, shown.get(row.id, 16), letters) for row in rows], 99),
        Column("when", [_when(row, now) for row in rows], 80),
        Column("purpose", [[*_repeat(row, letters), *_purpose(row)] for row in rows], 85),
        Column("status", [status(row, now) for row in rows], 90),
    ]
    for place, name in enumerate(_common_metrics(rows)):
        # The first metric outlives all but the purpose; the third and fourth go first of all.
        found.append(_metric(rows, name, (70, 50, 20, 10)[place]))
    found.append(Column("time", [[_time(row)] for row in rows], 60, right=True))
    if any(row.name for row in rows):
        found.append(Column("name", [_name(row) for row in rows], 40))
    if any(row.tags for row in rows):
        found.append(Column("tags", [_tags(row) for row in rows], 30))
    if any(row.live for row in rows):
        found.append(Column("live", [_live(row) for row in rows], 65))
    return found


def chosen_columns(
    rows: list[Summary], shown: dict[str, int], now: datetime, chosen: Sequence[str], cells: Cells
) -> list[Column]:
    """The columns that were asked for, in that order; the first outlive the last.

    Args:
        rows: not none.
        shown: letters of each id that tell it from all others.
        now: to say how long ago.
        chosen: names.
        cells: values of those that no summary holds.
    """
    letters = max(shown.get(row.id, 16) for row in rows)
    own: dict[str, Callable[[Summary], Line]] = {
        "run": lambda row: _id(row, shown.get(row.id, 16), letters),
        "when": lambda row: _when(row, now),
        "purpose": lambda row: [*_repeat(row, letters), *_purpose(row)],
        "status": lambda row: status(row, now),
        "time": lambda row: [_time(row)],
        "name": _name,
        "tags": _tags,
        "live": _live,
        "notes": lambda row: [say(str(row.notes))] if row.notes else [],
    }
    found: list[Column] = []
    for place, name in enumerate(chosen):
        rank = 99 if name == "run" else max(1, 90 - place)
        if name == "metrics":
            found += [_metric(rows, metric, rank) for metric in _common_metrics(rows)]
        elif name in own:
            found.append(Column(name, [own[name](row) for row in rows], rank, right=name == "time"))
        else:
            found.append(_asked(name, cells.get(name, [[]] * len(rows)), rank))
    if "status" not in chosen and any(row.lacking for row in rows):
        # Whatever was chosen, what is no evidence is told from what is.
        marks = [[say(f"{LACKING}{len(row.lacking)}", "bad")] if row.lacking else [] for row in rows]
        found.insert(1, Column("", marks, 98))
    return found


def _asked(name: str, values: Sequence[Sequence[Value]], rank: int) -> Column:
    """A column of values: numbers to the right with their points below each other."""
    texts = [
        ", ".join(value[:LONGEST] if isinstance(value, str) else number(value) for value in several) or "–"
        for several in values
    ]
    right = any(several and not isinstance(several[0], str) for several in values)
    lines = [
        [say(clip(say(text).text, MOST_VALUE), "" if several else "dim")]
        for text, several in zip(points(texts) if right else texts, values, strict=True)
    ]
    field, dot, key = name.partition(".")
    head = clip_front(
        say((key if dot and field in ("metric", "param", "fact") else name)[-LONGEST:]).text, MOST_HEAD
    )
    return Column(head, lines, rank, right=right)


def _time(row: Summary) -> Span:
    known = row.wall_s is not None and row.status != "not-started"
    return say(duration(row.wall_s)) if known and row.wall_s is not None else say("–", "dim")


def _name(row: Summary) -> Line:
    return [Span(clip(say((row.name or "")[:LONGEST]).text, MOST_NAME), "bold")]


def _tags(row: Summary) -> Line:
    return [Span(clip(say(" ".join(row.tags)[:LONGEST]).text, MOST_TAGS), "accent")]


def _live(row: Summary) -> Line:
    return [Span(clip(say(" ".join(row.live)[:LONGEST]).text, MOST_TAGS), "accent")]


def _id(row: Summary, unique: int, letters: int) -> Line:
    return [say(row.id[:unique], "key"), say(row.id[unique:letters], "dim")]


def _when(row: Summary, now: datetime) -> Line:
    age = seconds_since(row.started_at, now) if row.started_at else None
    return [say("–", "dim") if age is None else say(ago(age))]


def _repeat(row: Summary, letters: int) -> Line:
    if row.repeat_of is None:
        return []
    word = "in place" if row.recompute else "repeat"
    return [say(f"{word} of {row.repeat_of[:letters]} · ", "dim")]


def _purpose(row: Summary) -> Line:
    if row.purpose and row.purpose.strip():
        return [say(row.purpose.strip()[:LONGEST])]
    if row.status == "damaged":
        return [say((row.reason or "it cannot be read")[:LONGEST], "dim")]
    command = shell([from_text(word)[:LONGEST] for word in row.command])
    return [say("– no purpose", "dim"), say(f" · {command}" if command else "", "dim")]


def status(row: Summary, now: datetime | None = None) -> Line:
    """How it ended, what is amiss with its record, how well it repeats and, with `now`, since when."""
    line = [say(words(row.status, row.exit_code, row.signal), style(row.status))]
    if row.lacking:
        line.append(say(f" {LACKING}{len(row.lacking)}", "bad"))
    if row.problems:
        line.append(say(f" !{row.problems}", "bold"))
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
        [[say(text, own)] for text, own in zip(points(texts), styles, strict=True)],
        last_to_go,
        right=True,
    )


def points(texts: list[str]) -> list[str]:
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
