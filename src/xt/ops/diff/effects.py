"""All effects of two runs side by side: how they ended, what came out, what it cost."""

from __future__ import annotations

from msgspec.structs import replace

from xt.compare.content import Held
from xt.errors import UsageError, XtError
from xt.model.delta import Delta, whole
from xt.model.result import Record, Result, Stream
from xt.ops.diff import cases, metrics, outputs
from xt.ops.diff.contents import Stored
from xt.ops.diff.pictures import Pictures
from xt.ops.diff.rules import Rules
from xt.ops.diff.sides import One
from xt.ops.diff.wanted import Options
from xt.store import Store
from xt.suggest import suggest


def compare(
    store: Store, left: One, right: One, rules: Rules, measured: Delta, options: Options
) -> tuple[Delta, Delta]:
    """Compare what came out of two runs.

    Args:
        store: that has their content.
        left: the run to compare with.
        right: the run to judge.
        rules: tolerances, goals, columns.
        measured: whether they were measured on the same, as far as the causes tell.
        options: what to look at.

    Returns:
        The effects, and comparability with what the cases add to it.
    """
    one, other = left.record, right.record
    children = [_status(left, right)]
    if one is None or other is None:
        return whole("effects", children), measured
    if options.by:
        _check_labels(store, (one, other), options)
    examples: Delta | None = None
    if left.counts and right.counts:
        examples, apart = cases.compare(store, one, other, rules.settings.cases, options.by)
        if apart is not None:
            measured = whole("comparability", [*measured.children, apart])
    children += metrics.compare(store, left, right, rules, measured, examples, options)
    pictures = Pictures(options.images) if options.images is not None else None
    repeats = (left.repeats, right.repeats)
    children.append(outputs.compare(store, one, other, rules, repeats, pictures))
    if options.logs:
        children.append(_logs(store, one, other))
    return whole("effects", children), measured


def _check_labels(store: Store, records: tuple[Record, Record], options: Options) -> None:
    """See that what is grouped by is there.

    Raises:
        UsageError: it is no label of a metric and no column of the cases.
    """
    labels = {label for record in records for metric in record.result.metrics for label in metric.labels}
    known = sorted({*labels, *(name for record in records for name in cases.columns(store, record))})
    for name in options.by:
        if name not in known:
            raise UsageError(
                f"--by: `{name}` is neither a label of a metric nor a column of the cases",
                suggest(name, known, "labels and columns"),
            )


def _status(left: One, right: One) -> Delta:
    words = (_ended(left), _ended(right))
    notes = [
        f"the {side} run is {one.page.state}: what came out of it is not known"
        for side, one in (("left", left), ("right", right))
        if one.record is None
    ]
    if notes:
        return Delta("status", "unknown", words[0], words[1], note="; ".join(notes))
    return Delta("status", "same" if words[0] == words[1] else "changed", words[0], words[1])


def _ended(one: One) -> str:
    if one.record is None:
        return str(one.page.state)
    result: Result = one.record.result
    if result.status in ("ok", "not-started"):
        return result.status.replace("-", " ")
    if result.signal is not None:
        return f"{result.status}, signal {result.signal}"
    return f"exit {result.exit_code}" if result.exit_code else result.status


def _logs(store: Store, left: Record, right: Record) -> Delta:
    """Compare what was written, with times, addresses and durations made neutral; never counted."""
    from xt.compare.neutral import compare_logs

    one, other = ({stream.name: stream for stream in side.result.logs.streams} for side in (left, right))
    children = []
    for name in ("stdout", "stderr"):
        before, after = one.get(name), other.get(name)
        path = f"logs/{name}"
        if before is None or after is None or before.digest == after.digest:
            known = before is not None and after is not None
            children.append(Delta(path, "same" if known or before is after else "unknown", counted=False))
            continue
        try:
            delta = compare_logs(_content(store, before), _content(store, after), path)
        except XtError as error:
            delta = Delta(path, "unknown", note=error.message)
        children.append(replace(delta, counted=False))
    # What a program prints is not declared to repeat.
    return replace(whole("logs", children), counted=False)


def _content(store: Store, stream: Stream) -> Stored | Held:
    if stream.digest is None:
        return Held(stream.name, b"")
    return Stored(store, stream.name, stream.digest, stream.stored)
