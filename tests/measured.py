"""A store with runs that measured something, sealed without running anything."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tests import builders
from xt.context import timestamp
from xt.model.result import Metric, Number, Record
from xt.model.snapshot import Param
from xt.store import Store


def plain(value: float) -> float | Number:
    """As a record holds it."""
    if math.isfinite(value):
        return value
    return Number("nan" if math.isnan(value) else "inf" if value > 0 else "-inf")


class Runs:
    """The store of one folder."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.create(str(folder / ".xt"))
        self.count = 0

    def series(self, name: str, values: list[float], steps: list[float] | None = None, **more: Any) -> Metric:
        """A metric with a point for each value."""
        steps = list(range(len(values))) if steps is None else steps
        lines = []
        for step, value in zip(steps, values, strict=True):
            said = {"value": plain(value) if math.isfinite(value) else {"special": plain(value).special}}
            lines.append(json.dumps({**said, "step": step}))
        digest = self.store.objects.put_bytes("".join(line + "\n" for line in lines).encode())
        return Metric(
            name, plain(values[-1]), "XT_METRICS", step=steps[-1], count=len(values), series=digest, **more
        )

    def seal(
        self, run_id: str, metrics: list[Metric], params: dict[str, Any] | None = None, **more: Any
    ) -> Record:
        """A run, each a minute after the one before.

        Args:
            run_id: whole.
            metrics: what it measured.
            params: its settings.
            more: `purpose`, `recipe`, `status`, `exit_code`, `tags`, `outputs`, `logs`.
        """
        self.count += 1
        context = builders.context(
            purpose=more.get("purpose", f"attempt {self.count}"), tags=more.get("tags", [])
        )
        snapshot = builders.snapshot(
            params=[Param(name, value, "--param") for name, value in (params or {}).items()],
            context=context,
            problems=[],
            recipe=more.get("recipe", "blake3:" + f"{self.count:064x}"),
        )
        result = builders.result(
            metrics=metrics,
            outputs=more.get("outputs", []),
            status=more.get("status", "ok"),
            exit_code=more.get("exit_code", 0),
            logs=more.get("logs", builders.logs(streams=[], timing=None)),
        )
        made = builders.record(snapshot, result, run_id)
        made = replace(made, started_at=timestamp(builders.NOW + timedelta(minutes=self.count)))
        live = self.store.begin(run_id)
        self.store.seal(live, made)
        live.end()
        return made
