"""What is declared of a metric that is measured in production."""

from __future__ import annotations

from msgspec.structs import replace

from xt.compare.tolerances import settings_of
from xt.config import MetricSettings, Settings
from xt.model.result import Metric


def about(settings: Settings, name: str, metric: Metric | None = None) -> MetricSettings:
    """What is declared of a metric, by its name with labels or without; else what the run said."""
    plain = name.partition("{")[0]
    found = settings_of(settings.metrics, list(dict.fromkeys([name, plain]))) or MetricSettings()
    if metric is None:
        return found
    return replace(
        found,
        goal=found.goal if found.goal != "none" else metric.goal,
        unit=found.unit if found.unit is not None else metric.unit,
    )
