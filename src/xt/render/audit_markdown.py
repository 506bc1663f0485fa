"""An audit in GitHub-flavoured Markdown, for the summary of a job."""

from __future__ import annotations

from collections.abc import Iterator

from xt.model.audit import Audit, Audits
from xt.render.audit import NEW_RUN, NOTHING, evidence_value
from xt.render.diff_document import LONG, Block, Bullets, Grid, Paragraph, Title
from xt.render.diff_markdown import MOST_BYTES, write
from xt.render.diff_words import brief
from xt.render.outcome import not_evidence
from xt.render.quantities import count
from xt.render.styled import Line, say

#: Runs of a table.
MOST = 200


def render(found: Audits, most: int = MOST_BYTES) -> str:
    """Write the report.

    Args:
        found: what was found.
        most: bytes.
    """
    blocks = _one(found.audits[0]) if len(found.audits) == 1 and not found.unreadable else _many(found)
    return write([*blocks, *(Paragraph([say(note)]) for note in found.notes)], most)


def _one(found: Audit) -> Iterator[Block]:
    yield Title(2, [say(f"xt audit {found.run[: found.shown]}"), *_purpose(found)])
    if found.complete is None:
        yield Paragraph([say(NOTHING, "bold")])
    else:
        missing = sum(not item.present for item in found.fields)
        of = count(len(found.fields), "required field")
        said = f"{missing} of {of} missing" if missing else f"complete: {of}"
        yield Paragraph([say(said, "bold")])
    rows: list[list[Line]] = []
    for item in found.fields:
        if item.present:
            rows.append(
                [[say(item.field)], [brief(evidence_value(item.value), LONG)], [say(item.source or "")]]
            )
            continue
        how = " · ".join(filter(None, (item.command or NEW_RUN, item.supply)))
        missing_why = say(f": {item.missing or 'no reason is known'}")
        rows.append([[say(item.field, "bold")], [say("missing", "bold"), missing_why], [say(how)]])
    if rows:
        heads: list[Line] = [[say("field")], [say("value")], [say("where from, or what supplies it")]]
        yield Grid(heads, rows, frozenset())
    yield Bullets([[say("run ", "bold"), say(found.run)], [say("status ", "bold"), say(found.status)]])


def _many(found: Audits) -> Iterator[Block]:
    yield Title(2, [say("xt audit")])
    judged = [one for one in found.audits if one.complete is not None]
    whole = sum(bool(one.complete) for one in judged)
    of = len(judged) + len(found.unreadable)
    yield Paragraph([say(f"{whole} of {count(of, 'run')} complete" if of else NOTHING, "bold")])
    rows: list[list[Line]] = [
        [[say(bad.run[: bad.shown])], [], [say(f"damaged: {bad.reason}", "bold")]] for bad in found.unreadable
    ]
    for one in sorted(found.audits, key=lambda one: one.complete is not False):
        lacks = [item.field for item in one.fields if not item.present]
        said = say(not_evidence(lacks), "bold") if lacks else say("complete" if one.complete else "–")
        rows.append([[say(one.run[: one.shown])], [brief((one.purpose or "").strip(), LONG)], [said]])
    if rows:
        yield Grid([[say("run")], [say("purpose")], [say("evidence")]], rows[:MOST], frozenset())
    if len(rows) > MOST:
        yield Paragraph([say(f"and {count(len(rows) - MOST, 'more run')}: xt audit --all")])
    if found.running:
        yield Paragraph([say(f"{count(len(found.running), 'run')} not judged: still running")])


def _purpose(found: Audit) -> Line:
    purpose = (found.purpose or "").strip()
    return [say(" · "), brief(purpose, LONG)] if purpose else []
