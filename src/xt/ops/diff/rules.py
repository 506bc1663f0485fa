"""Tolerances and goals by name: those of the command line before those of `xt.toml`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from msgspec.structs import replace

from xt.compare import Rule
from xt.compare.tolerances import Tolerance, metric_name, parse_tolerance, rule_of, settings_of, tolerances_of
from xt.config import MetricSettings, OutputSettings, Settings
from xt.errors import UsageError
from xt.model.result import Metric
from xt.suggest import suggest

#: What outputs call the bounds that metrics call by other names.
_OF_OUTPUTS = {"rtol": "rel", "atol": "abs"}

T = TypeVar("T")


class Rules:
    """What counts as equal in one comparison."""

    def __init__(self, settings: Settings, texts: Iterable[str]) -> None:
        """Bring settings and command line together.

        Args:
            settings: of the project.
            texts: `NAME=KIND:BOUND`, NAME may be a glob; more than one may be said of a name.

        Raises:
            UsageError: a text cannot be read.
        """
        self.settings = settings
        self._told: dict[str, list[Tolerance]] = {}
        for text in texts:
            name, equals, bound = text.rpartition("=")
            if not equals or not name:
                raise UsageError(f"--tol `{text}` is not NAME=KIND:BOUND", "such as `--tol val/acc=abs:0.01`")
            kind, colon, number = bound.partition(":")
            try:
                tolerance = parse_tolerance(_OF_OUTPUTS.get(kind, kind) + colon + number)
            except ValueError as error:
                raise UsageError(f"--tol `{text}`: {error}") from error
            self._told.setdefault(name, []).append(tolerance)

    @property
    def told(self) -> bool:
        """Whether the command line says something."""
        return bool(self._told)

    def check(self, metrics: list[str], outputs: list[str]) -> None:
        """See that every tolerance of the command line is of something that is there.

        Raises:
            UsageError: one is of nothing, which must not look like a bound that was kept.
        """
        names = [*metrics, *outputs]
        for pattern in self._told:
            if settings_of({pattern: True}, names) is None:
                raise UsageError(
                    f"--tol: no run has a metric or an output `{pattern}`",
                    suggest(pattern, names, "metrics and outputs"),
                )

    def metric(self, metric: Metric) -> tuple[MetricSettings | None, list[Tolerance]]:
        """Settings and tolerances of a metric; those of the command line take the place of the others."""
        names = names_of(metric)
        settings = settings_of(self.settings.metrics, names)
        told = settings_of(self._told, names)
        return settings, told if told is not None else tolerances_of(settings)

    def cost(self, name: str) -> tuple[MetricSettings | None, list[Tolerance]]:
        """The same of a cost such as `cost/wall`; a glob that does not say `cost/` is not meant for it."""
        settings = settings_of(_of_costs(self.settings.metrics), [name])
        told = settings_of(_of_costs(self._told), [name])
        return settings, told if told is not None else tolerances_of(settings)

    def output(self, name: str) -> OutputSettings | None:
        """Settings of an output, or of a file in one, by its path."""
        settings = settings_of(self.settings.outputs, [name])
        told = settings_of(self._told, [name])
        if told is None:
            return settings
        bounds = {tolerance.kind: tolerance.bound for tolerance in told}
        return replace(
            settings or OutputSettings(),
            atol=bounds.get("abs", 0.0),
            rtol=bounds.get("rel", 0.0),
            ulp=int(bounds.get("ulp", 0)),
        )

    def declares(self, name: str) -> bool:
        """Whether something is declared of an output itself, and not only by a glob of the command line."""
        return name in self._told or settings_of(self.settings.outputs, [name]) is not None

    def rule(self, name: str) -> Rule:
        """The rule by which the content of an output is compared; exact by value without settings."""
        return rule_of(self.output(name))


def _of_costs(table: dict[str, T]) -> dict[str, T]:
    return {pattern: value for pattern, value in table.items() if pattern.startswith("cost/")}


def names_of(metric: Metric) -> list[str]:
    """Names a metric's settings can be declared under, the most exact first."""
    return list(dict.fromkeys([metric_name(metric.name, metric.labels), metric.name]))
