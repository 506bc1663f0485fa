"""What a run measured: sealed in its record, or sent so far by one that has none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from xt.collect.metric_lines import Tally, lines, point
from xt.model.result import Metric, Record
from xt.model.snapshot import Snapshot
from xt.ops.series import number, read
from xt.store import State, Store

Key = tuple[str, tuple[tuple[str, str], ...]]
Points = list[tuple[float | int | None, float]]
#: Points of a run in flight, all metrics together.
MOST = 1_000_000


class Measured(NamedTuple):
    """One run, as far as it is drawn."""

    id: str
    started_at: str
    snapshot: Snapshot
    metrics: list[Metric]
    sent: dict[Key, Points] | None = None
    """Points so far, of a run without a record."""
    state: State | None = None
    """Of a run without a record."""

    @classmethod
    def of(cls, record: Record) -> Measured:
        """Take a sealed run."""
        return cls(record.id, record.started_at, record.snapshot, record.result.metrics)

    @property
    def params(self) -> dict[str, Any]:
        """Params by name."""
        return params_of(self.snapshot)

    def points(self, store: Store, metric: Metric) -> Iterator[tuple[float | int | None, float]]:
        """Read the points of a metric that has more than one.

        Raises:
            NotRecordedError, DamagedError: they are not to be had.
        """
        if self.sent is not None:
            return iter(self.sent[key_of(metric)])
        return read(store, metric.series or "")


def measured(store: Store, run_id: str) -> Measured:
    """Read what a run measured; of one in flight or lost, what it sent through `XT_METRICS`.

    Args:
        store: that has it.
        run_id: whole.

    Raises:
        NotRecordedError, DamagedError: it is not there, or not readable.
    """
    whole = store.whichever(run_id)
    if not isinstance(whole, tuple):
        return Measured.of(whole)
    start, state = whole
    metrics: dict[Key, Metric] = {}
    sent: dict[Key, Points] = {}
    try:
        for count, line, ended in lines(f"{store.live_folder(run_id)}/metrics.jsonl", Tally()):
            found = point(line) if ended else None  # the last line may be half written
            if found is None:
                continue
            metric = Metric(found.name, found.value, "XT_METRICS", labels=found.labels, step=found.step)
            sent.setdefault(key_of(metric), []).append((found.step, number(found.value)))
            metrics[key_of(metric)] = metric
            if count == MOST:
                break
    except OSError:
        pass  # it has sent nothing, or was sealed in between
    found_metrics = [
        Metric(one.name, one.value, one.source, labels=one.labels, step=one.step, count=len(sent[key]))
        for key, one in metrics.items()
    ]
    return Measured(run_id, start.started_at, start.snapshot, found_metrics, sent, state)


def key_of(metric: Metric) -> Key:
    """What tells a metric of a run from its others."""
    return metric.name, tuple(sorted(metric.labels.items()))


def params_of(snapshot: Snapshot) -> dict[str, Any]:
    """Params by name."""
    return {param.name: param.value for param in snapshot.params}
