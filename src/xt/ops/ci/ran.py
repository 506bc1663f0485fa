"""What `xt run` has to tell a job."""

from __future__ import annotations

from xt.model.ci import Account, Figure, Remark
from xt.model.files import Problem
from xt.model.result import Record, labelled
from xt.ops.ci.around import Around, bounded, named, required_at
from xt.ops.ci.faults import Fault
from xt.ops.run import Report

#: Figures of one run.
FIGURES = 5_000


def of_run(report: Report, found: Fault | None, around: Around) -> Account:
    """Tell of a run that has just been made."""
    record = report.record
    status = record.result.status
    short = record.id[: report.shown]
    remarks: list[Remark] = []
    ended = _ended(record)
    if status != "ok":
        text = ended if found is None else f"{found.text} ({ended})"
        place = (found.file, found.line) if found is not None else (None, None)
        remarks.append(Remark("error", text, f"xt run {short}", *place))
    if report.trouble:
        remarks.append(Remark("warning", f"this run is not recorded: {report.trouble}", "xt run"))
    lacking = [*report.missing, *report.undelivered]
    if lacking:
        file, line = required_at(around, record.snapshot.context.task)
        fields = ", no ".join(item.field for item in lacking)
        hints = " · ".join(dict.fromkeys(item.hint for item in lacking))
        remarks.append(Remark("warning", f"not evidence: no {fields} ({hints})", "evidence", file, line))
    remarks += [_problem(one) for one in (*record.snapshot.problems, *record.result.problems)]
    if status == "ok":
        remarks.append(Remark("notice", f"{short} {ended}", "xt run"))
    return Account(
        command="run",
        at=around.now,
        title=f"run {short}",
        sentence=ended,
        passed=status == "ok",
        run=record.id,
        status=status,
        remarks=bounded(remarks),
        figures=_of_record(record),
        job=around.place.job,
    )


def of_reuse(record: Record, shown: int, around: Around) -> Account:
    """Tell of a run that stood for the one that was asked for."""
    short = record.id[:shown]
    return Account(
        command="run",
        at=around.now,
        title=f"run {short}",
        sentence="reused: nothing was run",
        passed=True,
        run=record.id,
        status=record.result.status,
        remarks=[Remark("notice", f"{short} was reused: nothing was run", "xt run")],
        figures=_of_record(record),
        job=around.place.job,
    )


def _problem(one: Problem) -> Remark:
    hint = f" ({one.hint})" if one.hint else ""
    return Remark("warning", f"{one.message}{hint}", one.where)


def _ended(record: Record) -> str:
    """How it ended, in a clause that needs no renderer: exit code or signal, and seconds."""
    result = record.result
    if result.status == "not-started":
        return "did not start"
    how: str = result.status
    if result.status == "failed":
        how = f"signal {result.signal}" if result.signal is not None else f"exit {result.exit_code}"
    return f"{how} after {result.usage.wall_s:.3g} s"


def _of_record(record: Record) -> list[Figure]:
    labels = named(record.snapshot.context.task, record.snapshot.context.name)
    result = record.result
    figures = [Figure("xt_run_passed", int(result.status == "ok"), labels)]
    usage = result.usage
    cpu = None if usage.user_s is None or usage.system_s is None else usage.user_s + usage.system_s
    for name, value in (
        ("xt_run_seconds", usage.wall_s),
        ("xt_run_cpu_seconds", cpu),
        ("xt_run_peak_memory_bytes", usage.peak_memory_bytes),
    ):
        if value is not None:
            figures.append(Figure(name, value, labels))
    for metric in result.metrics[:FIGURES]:
        name = labelled(metric.name, metric.labels)
        figures.append(Figure("xt_metric", metric.value, {"metric": name, **labels}))
    return figures[:FIGURES]
