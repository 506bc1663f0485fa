"""What `xt run` reports to a job; loaded where there is one."""

from __future__ import annotations

import sys

from xt.cli.ci import Job, opened
from xt.context import Outside
from xt.errors import XtError
from xt.join import Asked
from xt.model.ci import Account
from xt.model.result import Record
from xt.ops.ci.faults import fault, tail
from xt.ops.ci.ran import of_reuse, of_run
from xt.ops.reuse import Hit
from xt.ops.run import Report
from xt.render.ci_run import junit, markdown
from xt.store import Store

#: Lines of the end of a log that are shown.
LINES = 40
COLUMNS = 100


def report(asked: Asked, done: Report | Hit, store: str, outside: Outside, *, quiet: bool) -> None:
    """Tell a job of a run, or of one that stood for it.

    Args:
        asked: the command line.
        done: what became of it.
        store: path of the store.
        outside: the world.
        quiet: put nothing into the log that is no remark.
    """
    job = opened("run", asked.ci, asked.ci_dir, outside)
    if job is None:
        return
    record = done.record
    log = _log(store, record)
    beside = done.beside if isinstance(done, Report) else None
    judged = dict(beside.judged) if beside is not None else {}
    baseline = beside.baseline[: done.shown] if beside is not None else ""

    def account() -> Account:
        if isinstance(done, Hit):
            return of_reuse(record, done.shown, job.around)
        found = fault(log, record, job.around.root, job.place.top) if record.result.status != "ok" else None
        return of_run(done, found, job.around)

    if job.place.provider == "gitlab" and not quiet:
        _section(job, store, record, done.shown)
    job.tell(
        account,
        lambda told, most: markdown(record, told, judged, baseline, log[-LINES:], most),
        lambda told: junit(record, told, log[-LINES:]),
    )


def _log(store: str, record: Record) -> list[str]:
    """The end of the log of a run that did not end well; empty when it cannot be read."""
    if record.result.status == "ok":
        return []
    try:
        return tail(Store(store), record)
    except (XtError, OSError):
        return []


def _section(job: Job, store: str, record: Record, shown: int) -> None:
    """Put the page of the run into the log, folded away."""
    from xt.cli.run import say
    from xt.ops.show import page
    from xt.render.show import render

    try:
        text = render(page(Store(store), record.id), job.outside.now(), COLUMNS, False)
    except (XtError, OSError):
        return  # it is not recorded, as the line before says
    sys.stderr.flush()
    head = f"xt run {record.id[:shown]}: causes and effects"
    say([job.folded(job.harmless(text.encode("utf-8", "backslashreplace")), head).decode().rstrip("\n")])
