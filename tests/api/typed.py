"""A program that uses xt, for mypy alone: each type is what it says, each mistake is one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import assert_type

import xt
from xt.model.delta import Comparison
from xt.model.level import Level
from xt.model.result import Record


def uses() -> None:
    with xt.open(Path("digits")) as store:
        assert_type(store, xt.Store)
        runs = assert_type(store.runs("tag:gold", limit=3), xt.Runs)
        assert_type(runs[1:], xt.Runs)
        run = assert_type(runs[0], xt.Run)
        assert_type([one.id for one in runs], list[str])
        assert_type(run.metrics, dict[str, int | float])
        assert_type(run.started_at, datetime | None)
        assert_type(run.level, Level | None)
        assert_type(run.record, Record)
        assert_type(run.series("loss").values, list[float])
        assert_type(run.read("model.npz"), bytes)
        assert_type(run.log("stdout"), str)
        assert_type(store.diff("@~1", run), Comparison)
    xt.log(loss=0.3, step=1, labels={"digit": 8})
    xt.log({"val/acc": 0.9})
    raise xt.errors.UsageError("why")


def misuses() -> None:
    xt.log(loss="high")  # type: ignore[arg-type]
    xt.open(3)  # type: ignore[arg-type]
    xt.nonsense()  # type: ignore[attr-defined]
