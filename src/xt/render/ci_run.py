"""A run that has just been made, for a job: Markdown for its summary, JUnit XML for its tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as Xml

from xt.model.ci import Account
from xt.model.delta import Judgement
from xt.model.files import Output
from xt.model.result import Metric, Record
from xt.model.summary import headline
from xt.model.text import Text, from_text
from xt.render.causes import commit
from xt.render.diff_document import LONG, Block, Bullets, Fold, Grid, Paragraph, Patch, Title
from xt.render.diff_markdown import write
from xt.render.diff_words import brief
from xt.render.effects import metric_name, metric_value
from xt.render.junit import add, count_up, document, text_of
from xt.render.outcome import style
from xt.render.quantities import count, duration, size
from xt.render.quoting import shell, value
from xt.render.runline import change, outcome
from xt.render.styled import Line, join, say

#: Rows of the table of metrics, params, outputs.
ROWS, PARAMS, OUTPUTS = 60, 20, 40


def markdown(
    record: Record,
    account: Account,
    judged: Mapping[str, Judgement],
    baseline: str,
    log: list[str],
    most: int,
) -> str:
    """Write a run for the summary of a job.

    Args:
        record: the run.
        account: what is told of it.
        judged: by metric, how it stands to the baseline.
        baseline: beginning of the id of that; '' without one.
        log: the end of what it wrote, shown when it failed.
        most: bytes.
    """
    return write(_blocks(record, account, judged, baseline, log), most)


def account_markdown(account: Account, most: int) -> str:
    """Write what a command that came to nothing has to tell."""
    return write([_title(account, None), Paragraph([say(account.sentence, "bold")])], most)


def account_junit(account: Account) -> bytes:
    """Write the same as a test that could not be made."""
    root = Xml.Element("testsuites", name=f"xt {account.command}")
    suite = Xml.SubElement(root, "testsuite", name=text_of(f"xt {account.title}"))
    case = Xml.SubElement(suite, "testcase", classname=f"xt.{account.command}", name=account.command)
    error = Xml.SubElement(case, "error", type="xt.unverifiable", message=text_of(account.sentence))
    error.text = text_of(account.sentence)
    count_up(suite, [])
    count_up(root, [suite])
    return document(root)


def _title(account: Account, purpose: str | None) -> Title:
    line: Line = [say(f"xt {account.title}")]
    why = (purpose or "").strip()
    return Title(2, [*line, say(" · "), brief(why, LONG)] if why else line)


def _blocks(
    record: Record, account: Account, judged: Mapping[str, Judgement], baseline: str, log: list[str]
) -> Iterator[Block]:
    result, snapshot = record.result, record.snapshot
    yield _title(account, snapshot.context.purpose)
    ended: Line = [say(outcome(result), "bold" if style(result.status) == "bad" else "")]
    if result.status != "not-started":
        ended.append(say(f" in {duration(result.usage.wall_s)}"))
    if account.sentence.startswith("reused"):
        ended.append(say(f" · {account.sentence}"))
    yield Paragraph(ended)
    params: list[Line] = [
        [say(f"{one.name} "), brief(value(one.value), 100)] for one in snapshot.params[:PARAMS]
    ]
    if len(snapshot.params) > PARAMS:
        params.append([say(f"and {count(len(snapshot.params) - PARAMS, 'more param')}")])
    rows: list[Line] = [
        [say("command ", "bold"), brief(_command(snapshot.command.argv), 2 * LONG)],
        [say("code ", "bold"), *(commit(snapshot.code) if snapshot.code.tree else [say("not recorded")])],
        [say("params ", "bold"), *join(params, " · ")] if params else [],
        [say("run ", "bold"), say(record.id)],
    ]
    yield Bullets([row for row in rows if row])
    if result.metrics:
        yield _metrics(result.metrics, judged, baseline)
        if len(result.metrics) > ROWS:
            yield Paragraph([say(f"and {count(len(result.metrics) - ROWS, 'more metric')}: xt show")])
    if result.outputs:
        left = len(result.outputs) - OUTPUTS
        more: list[Line] = [[say(f"and {count(left, 'more output')}")]] if left > 0 else []
        yield Bullets([*map(_output, result.outputs[:OUTPUTS]), *more])
    told = [remark for remark in account.remarks if remark.kind == "warning"]
    if told:
        yield Fold(
            [say(count(len(told), "remark"))],
            [[say(f"{one.title}: " if one.title else ""), say(one.text)] for one in told],
        )
    if log and account.passed is False:
        yield Patch([say(f"the last {count(len(log), 'line')} it wrote")], log, True, True)


def _command(argv: list[Text]) -> str:
    return shell([from_text(word) for word in argv])


def _metrics(metrics: list[Metric], judged: Mapping[str, Judgement], baseline: str) -> Grid:
    ordered = [*headline(metrics), *(metric for metric in metrics if metric.labels)][:ROWS]
    rows: list[list[Line]] = []
    for metric in ordered:
        judgement = judged.get(metric.name) if not metric.labels else None
        against: Line = [say(change(judgement))] if judgement is not None else []
        rows.append([metric_name(metric), metric_value(metric), against])
    heads: list[Line] = [[say("metric")], [say("value")], [say(f"against baseline {baseline}")]]
    if not any(row[2] for row in rows):
        heads, rows = heads[:2], [row[:2] for row in rows]
    return Grid(heads, rows, frozenset((1,)))


def _output(item: Output) -> Line:
    # Of a pattern that matches nothing the path is only where it starts from.
    name = item.declared if item.path is None or item.status == "missing" else item.path
    line: Line = [say(f"{item.role} "), say(name, "bold")]
    if item.status != "stored":
        return [*line, say(f" {item.status}", "bold"), say(f": {item.reason}" if item.reason else "")]
    return [*line, say(f" {size(item.size or 0)}")]


def junit(record: Record, account: Account, log: list[str]) -> bytes:
    """Write a run as tests: how it ended, and each output it declared.

    Args:
        record: the run.
        account: what is told of it.
        log: the end of what it wrote, for a failure.
    """
    context = record.snapshot.context
    # Names without the id, so that a reader finds the same test in the job before.
    name = f"xt.run.{text_of(context.task or context.name or 'command').replace('.', '_')}"
    root = Xml.Element("testsuites", name="xt run")
    purpose = (context.purpose or "").strip()
    suite = Xml.SubElement(
        root, "testsuite", name=text_of(f"xt {account.title}" + f": {purpose}" * bool(purpose))
    )
    properties = Xml.SubElement(suite, "properties")
    for key, said in (("run", record.id), ("status", record.result.status), ("task", context.task)):
        if said is not None:
            Xml.SubElement(properties, "property", name=f"xt.{key}", value=text_of(said))
    case = Xml.SubElement(suite, "testcase", classname=name, name="status")
    case.set("time", f"{record.result.usage.wall_s:.3f}")
    if not account.passed:
        failure = Xml.SubElement(case, "failure", type="xt.status", message=text_of(account.sentence))
        errors = [remark.text for remark in account.remarks if remark.kind == "error"]
        failure.text = text_of("\n".join([*errors, "", *log]).strip())
    for item in record.result.outputs:
        declared = from_text(item.declared)
        case = Xml.SubElement(suite, "testcase", classname=name, name=text_of(f"output {declared}"))
        if item.status in ("missing", "partial", "skipped"):
            said = item.reason or item.status
            Xml.SubElement(case, "failure", type="xt.output", message=text_of(f"{item.status}: {said}"))
    count_up(suite, [])
    warnings = [f"{one.title}: {one.text}" for one in account.remarks if one.kind == "warning"]
    add(suite, "system-err", "\n".join(warnings))
    count_up(root, [suite])
    return document(root)
