"""What was measured of an artefact before it went live: by the run that made it and those that read it."""

from __future__ import annotations

from xt.compare.tolerances import metric_name
from xt.config import Settings
from xt.errors import XtError
from xt.model.event import Deployed
from xt.model.production import Offline
from xt.model.result import Record
from xt.model.standing import Standing
from xt.model.summary import headline
from xt.ops.lineage import Uses, label
from xt.ops.production.about import about
from xt.ops.production.lookups import own_bundle
from xt.store import Store

#: Metrics of one run that are taken, besides those that are measured in production too.
METRICS = 16
#: Runs that read the artefact which are looked at: the newest.
READERS = 200


class Measuring:
    """Looks up what was measured; the index is opened once for many deployments."""

    def __init__(self, store: Store, settings: Settings, standing: Standing) -> None:
        """Prepare.

        Args:
            store: that has the runs.
            settings: for goals and units.
            standing: which runs were put away.
        """
        self._store = store
        self._settings = settings
        self._standing = standing
        self._uses: Uses | None = None

    def offline(self, event: Deployed, record: Record, measured: set[str]) -> list[Offline]:
        """Give the metrics of a deployment, the most telling first.

        Those of the run that made the artefact come before those of evaluations: the newest run of each
        task that ended well and read this very content, with the prompts and policies that went live if any.

        Args:
            event: the deployment.
            record: of the run that made the artefact.
            measured: names that are measured in production, wanted in any case.
        """
        found: dict[str, Offline] = {}
        for run in (record, *self._evaluations(event)):
            for one in self._of(run, measured):
                found.setdefault(one.name, one)
        return sorted(found.values(), key=lambda one: one.goal == "none")

    def _evaluations(self, event: Deployed) -> list[Record]:
        if self._uses is None:
            self._uses = Uses(self._store)
        newest: dict[str, Record] = {}
        for use in reversed(self._uses.used(event.digest)[-READERS:]):
            run = self._uses.of_run(use.run)
            if run is None or run.status != "ok" or run.trial or run.id == event.run:
                continue
            if label(run) in newest or self._standing.of(run.id).removed is not None:
                continue
            try:
                record = self._store.record(run.id)
            except XtError:
                continue
            if record.result.metrics and self._with(event, record):
                newest[label(run)] = record
        return list(newest.values())

    def _with(self, event: Deployed, record: Record) -> bool:
        """Whether a run had the prompts and policies that went live, as far as both have any."""
        for role, live in (("prompts", event.prompts), ("policy", event.policy)):
            used = any(item.role == role for item in record.snapshot.inputs)
            if live is not None and used and own_bundle(self._store, record, role) != live:
                return False
        return True

    def _of(self, record: Record, measured: set[str]) -> list[Offline]:
        plain = headline(record.result.metrics)[:METRICS]
        every = [metric_name(metric.name, metric.labels) for metric in record.result.metrics]
        further = [
            metric
            for name, metric in zip(every, record.result.metrics, strict=True)
            if name in measured and metric not in plain
        ]
        found, shown = [], self._store.shown(record.id)
        for metric in [*plain, *further]:
            name = metric_name(metric.name, metric.labels)
            known = about(self._settings, name, metric)
            found.append(Offline(name, metric.value, known.unit, known.goal, record.id, shown))
        return found
