"""A run in one row, for lists: what the index keeps of a record."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec.structs import replace

from xt.model.level import Level
from xt.model.result import Exit, Metric, Number, Record, Start, Status
from xt.model.text import Text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.model.standing import RunStanding

#: What a list can say of a run: how it ended, or what readers derived.
Shown = Status | Literal["running", "lost", "unknown", "damaged"]
#: Metrics kept of each run; the record has all.
METRICS = 16
#: Words of the command kept.
WORDS = 12


def headline(metrics: list[Metric]) -> list[Metric]:
    """Metrics worth a line, the most telling first: those with a goal; those of training data last.

    Labelled ones (cohorts) are left out.
    """
    plain = [metric for metric in metrics if not metric.labels]
    return sorted(plain, key=lambda metric: (metric.goal == "none", metric.name.startswith("train")))


class MetricValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """A metric without its series."""

    name: str
    value: float | int | Number
    goal: Literal["min", "max", "none"] = "none"


class Summary(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of `xt ls`."""

    id: str
    status: Shown
    started_at: str | None = None
    wall_s: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    purpose: str | None = None
    name: str | None = None
    task: str | None = None
    tags: list[str] = []
    command: list[Text] = []
    metrics: list[MetricValue] = []
    outputs: int = 0
    problems: int = 0
    lacking: list[str] = []
    """Required evidence it does not have; of the record what it lacked when it started."""
    has: list[str] = []
    """Fields of evidence it has by its record; `xt.model.evidence.lacking` says what it lacks."""
    recipe: str | None = None
    reason: str | None = None
    """What is wrong with it, for a damaged one."""
    repeat_of: str | None = None
    """The run it repeats, for one made by `xt rerun`, `xt verify` or `xt stale --run`."""
    recompute: bool = False
    """It takes that run's place, made with the causes of its day: `xt stale --run`."""
    trial: bool = False
    """Made by `xt verify`: lists leave it out unless asked."""
    level: Level | None = None
    """How well it repeats, as last verified. This and what follows is said by events, not by the record, and
    is not in the index."""
    required: Level | None = None
    """The level that was required of it then."""
    verified_at: str | None = None
    """RFC 3339, UTC."""
    verified_by: int = 0
    """Repeats of it, as it was, that the level was judged by; 0 when it was held against another run."""
    notes: int = 0
    """Notes that were written on it."""
    live: list[str] = []
    """Environments in which something of it is live now."""

    def standing(self, said: RunStanding) -> Summary:
        """Add what was said of it later."""
        last = said.verified
        return replace(
            self,
            name=said.name(self.name),
            tags=said.tags_now(self.tags),
            notes=len(said.notes),
            level=last.level if last else None,
            required=last.required if last else None,
            verified_at=last.at if last else None,
            verified_by=len(last.repeats) if last else 0,
        )

    @classmethod
    def of(cls, record: Record) -> Summary:
        """Summarise a sealed run."""
        from xt.model.evidence import present

        context, result, repeat = record.snapshot.context, record.result, record.snapshot.repeat
        plain = headline(result.metrics)
        return cls(
            id=record.id,
            status=result.status,
            started_at=record.started_at,
            wall_s=result.usage.wall_s,
            exit_code=result.exit_code,
            signal=result.signal,
            purpose=context.purpose,
            name=context.name,
            task=context.task,
            tags=context.tags,
            command=record.snapshot.command.argv[:WORDS],
            metrics=[MetricValue(metric.name, metric.value, metric.goal) for metric in plain[:METRICS]],
            outputs=len(result.outputs),
            problems=len(record.snapshot.problems) + len(result.problems),
            lacking=record.snapshot.lacking,
            has=present(record.snapshot, result),
            recipe=record.snapshot.recipe,
            repeat_of=repeat.of if repeat else None,
            recompute=repeat is not None and repeat.recompute,
            trial=repeat is not None and repeat.trial,
        )

    @classmethod
    def in_flight(
        cls, start: Start, status: Shown, wall_s: float | None, ended: Exit | None = None
    ) -> Summary:
        """Summarise a run that has no record; its command may have ended all the same."""
        context, repeat = start.snapshot.context, start.snapshot.repeat
        return cls(
            id=start.id,
            status=status,
            started_at=start.started_at,
            wall_s=wall_s if ended is None else ended.wall_s,
            exit_code=ended.exit_code if ended is not None else None,
            signal=ended.signal if ended is not None else None,
            purpose=context.purpose,
            name=context.name,
            task=context.task,
            tags=context.tags,
            command=start.snapshot.command.argv[:WORDS],
            recipe=start.snapshot.recipe,
            repeat_of=repeat.of if repeat else None,
            recompute=repeat is not None and repeat.recompute,
            trial=repeat is not None and repeat.trial,
        )
