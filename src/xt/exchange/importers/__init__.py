"""Formats that metrics, settings and cases can be taken from, as other tools leave them behind.

A reader is a function `read(path, sink)`: it is given one *anchor*, the file by which a format is known, and
hands on what it finds. It reads in bounded memory, executes nothing, and imports nothing of the tool. What is
wrong with a file is a doubt, or a `MalformedError`; the rest is handed on all the same.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

from xt.registry import Row, Table


class MalformedError(Exception):
    """A file is not what it should be."""

    def __init__(self, message: str) -> None:
        """Keep a clause that says what is wrong."""
        super().__init__(message)
        self.message = message


class Sink(Protocol):
    """What a reader hands things on to."""

    began: float | None
    """Seconds since 1970 at which the command started; None where it is not known."""
    run: str
    """Id of the run."""
    several: bool
    """Whether there are several runs of that tool, so that points need the label `run`; without one they get
    the folder as it."""

    def point(
        self,
        name: str,
        value: Any,
        step: Any = None,
        labels: dict[str, str] | None = None,
        single: bool = False,
    ) -> bool:
        """Take a point of a metric.

        Args:
            name: of the metric, `/` between its parts.
            value: a number, or the text of one; anything else is passed over.
            step: the same.
            labels: of the metric.
            single: whether the value was kept in single precision.

        Returns:
            Whether it was a number.
        """

    def goal(self, name: str, goal: Literal["min", "max"]) -> None:
        """Take which way of a metric is better, where the file says it."""

    def setting(self, name: str, value: Any, *, text: bool = False) -> None:
        """Take a setting; lists and tables are flattened.

        Args:
            name: dotted.
            value: plain.
            text: whether it is the text of a value, to be typed as that of a param.
        """

    def case(self, cells: dict[str, Any]) -> None:
        """Take one evaluated example: `id`, `passed` or `score`, and whatever else."""

    def doubt(self, message: str, hint: str | None = None) -> None:
        """Take what is wrong with the file, as a clause."""


#: By the name that `--metrics FORMAT:PATH` takes.
FORMATS = Table(
    "format",
    [
        Row("tensorboard", "xt.exchange.importers.tensorboard:read", "TensorBoard event files"),
        Row("wandb", "xt.exchange.importers.wandb:read", "W&B offline runs"),
        Row(
            "mlflow",
            "xt.exchange.importers.mlflow:read",
            "MLflow's local runs: mlflow.db, or a folder mlruns",
        ),
        Row("dvclive", "xt.exchange.importers.dvclive:read", "DVCLive's folder"),
        Row("lightning", "xt.exchange.importers.lightning:read", "logs of Lightning's CSVLogger"),
        Row("trainer", "xt.exchange.importers.trainer:read", "trainer_state.json of Hugging Face's Trainer"),
        Row(
            "lm-eval",
            "xt.exchange.importers.lm_eval:read",
            "results of lm-evaluation-harness, samples as cases",
        ),
        Row("promptfoo", "xt.exchange.importers.promptfoo:read", "output of promptfoo, tests as cases"),
    ],
)
