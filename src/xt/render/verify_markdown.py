"""A verification in GitHub-flavoured Markdown, for the summary of a CI job or a comment."""

from __future__ import annotations

from collections.abc import Iterator

from xt.model.level import reaches
from xt.model.verification import Verification, Verifications
from xt.render.diff_document import Block, Bullets, Fold, Grid, Paragraph, Title
from xt.render.diff_markdown import MOST_BYTES, write
from xt.render.diff_words import brief
from xt.render.layout import GAP
from xt.render.styled import Line, Span, join, say
from xt.render.verify import summary
from xt.render.verify_words import (
    UNCOUNTED,
    UNCOUNTED_MEANS,
    Shown,
    cell_of,
    condensed,
    decided,
    deviation,
    head,
    hints,
    partly,
    short,
    skipped,
    standing,
    to_look_at,
    tolerance,
    trial,
    tried,
    where,
)

#: Cells of one text in the table, clauses of one list.
LONG, MOST = 300, 60


def render(found: Verifications, *, explain: bool = False, most: int = MOST_BYTES) -> str:
    """Write the report.

    Args:
        found: what was verified, one or several runs.
        explain: show every line and how each test was made.
        most: bytes.

    Returns:
        Markdown; what was cut is said at its end.
    """
    return write(_document(found, explain), most)


def _document(found: Verifications, explain: bool) -> Iterator[Block]:
    if len(found.verifications) != 1:
        yield Paragraph(summary(found))
    for one in found.verifications:
        yield from _blocks(one, explain)


def _blocks(found: Verification, explain: bool) -> Iterator[Block]:
    yield Title(2, _title(found))
    yield Paragraph(standing(found))
    diagnosis = found.diagnosis
    said: Line = [say(found.sentence, "bold")]
    if diagnosis is not None and diagnosis.sentence:
        said += [say(" "), say(diagnosis.sentence)]
    yield Paragraph(said)
    advice: list[Line] = [[say("hint: "), say(hint)] for hint in hints(found)[:MOST]]
    if diagnosis is not None and diagnosis.first:
        advice.insert(0, [say("first difference: "), say(diagnosis.first)])
    if diagnosis is not None and diagnosis.sources:
        advice.insert(0, [say("source: "), say(", ".join(diagnosis.sources), "bold")])
    other = to_look_at(found)
    if other is not None:
        advice.append(
            [say(f"xt diff {short(found)} {other[: found.shown]} shows one of the differing repeats")]
        )
    if advice:
        yield Bullets(advice)
    rows = condensed(found, explain)
    if rows and tried(found):
        yield _table(found, rows)
        if any(not row.line.counted for row in rows):
            yield Paragraph([say(UNCOUNTED_MEANS)])
    for line in found.lines:
        if line.test is not None:
            yield Bullets(
                [[say(line.test.metric, "bold"), say(": "), *join(decided(line.test, explain), " · ")]]
            )
    for label, items in _lists(found):
        if items:
            more: list[Line] = [[say(f"and {len(items) - MOST} more")]] if len(items) > MOST else []
            yield Fold([say(f"{label} ({len(items)})")], [*items[:MOST], *more])


def _title(found: Verification) -> Line:
    line = [say(f"verify {short(found)}")]
    if found.against is not None:
        line.append(say(f" against {found.against[: found.shown]}"))
    purpose = (found.purpose or "").strip()
    return [*line, say(" · "), brief(purpose, LONG)] if purpose else line


def _table(found: Verification, rows: list[Shown]) -> Grid:
    columns = tried(found)
    heads: list[Line] = [[say("")], *([brief(head(one.column, found), LONG)] for one in columns)]
    made = [_row(found, row) for row in rows]
    if len(columns) > 1 and len(rows) > 1:
        made.append([[say("whole")], *([_level(one.column.level, found)] for one in columns), [], [], []])
    titles: list[Line] = [[say("largest deviation")], [say("tolerance")], [say("where")]]
    said = [
        number
        for number in range(len(columns) + 4)
        if number <= len(columns) or any(row[number] for row in made)
    ]
    heads += titles
    return Grid(
        [heads[number] for number in said], [[row[number] for number in said] for row in made], frozenset()
    )


def _row(found: Verification, row: Shown) -> list[Line]:
    mark = "" if row.line.counted else f" {UNCOUNTED}"
    name: Line = [brief(f"{row.section} {row.name}".strip(), LONG), say(mark)]
    cells: list[Line] = []
    for one in tried(found):
        cell = cell_of(row.line, one.place)
        if cell is None:
            cells.append([say("–")])
            continue
        strong = "bold" if row.line.counted and not reaches(cell.level, found.required) else ""
        cells.append([say(cell.level if row.more else f"{cell.level}{partly(cell)}", strong)])
    if row.more:
        return [name, *cells, [], [], []]
    return [name, *cells, _cut(deviation(row.line)), _cut([say(tolerance(row.line))]), _cut(where(row.line))]


def _level(level: str, found: Verification) -> Span:
    return say(level, "bold" if level == found.level else "")


def _lists(found: Verification) -> Iterator[tuple[str, list[Line]]]:
    """What is opened when somebody wants it."""
    pair = " " * GAP
    yield "missing", [[say(clause)] for clause in found.missing]
    yield "drift of the environment", [[say(clause)] for clause in found.drift]
    yield "notes", [[say(clause)] for clause in found.notes]
    yield (
        "varied",
        [
            [say(one.column.name, "bold"), say(f"{pair}{one.column.what}")]
            for one in tried(found)
            if one.column.what
        ],
    )
    yield "skipped", [[say(column.name, "bold"), say(f"{pair}{column.skipped}")] for column in skipped(found)]
    if found.diagnosis is not None:
        yield "trials", [trial(one) for one in found.diagnosis.trials]
        yield (
            "trials that were not possible",
            [
                [say(name, "bold"), say(f"{pair}{reason}")]
                for name, reason in found.diagnosis.impossible.items()
            ],
        )


def _cut(line: Line) -> Line:
    return [brief(span.text, LONG, span.style) for span in line if span.text]
