"""What a command has to tell the job of continuous integration it runs in."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.result import Number

#: What can be written for: providers whose own formats xt knows, and files for all others.
PROVIDERS = ("github", "gitlab", "jenkins", "buildkite", "generic")


class Remark(msgspec.Struct, frozen=True, omit_defaults=True):
    """One sentence that belongs beside the code, where there is a place for it."""

    kind: Literal["error", "warning", "notice"]
    text: str
    title: str = ""
    file: str | None = None
    """Relative to the top of the checkout, `/` between parts."""
    line: int | None = None
    """From 1."""


class Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """One number to be followed over time."""

    name: str
    """Of a family in `xt.render.ci_metrics`: `xt_metric`, `xt_run_seconds`."""
    value: float | int | Number
    labels: dict[str, str] = {}


class Account(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one command tells a job; kept beside its report, so that all of a job can be told in one file."""

    command: Literal["run", "verify", "diff", "audit"]
    at: str
    """RFC 3339, UTC."""
    title: str
    """What it is about: `run kwpz`, `diff nrqs → kwpz`."""
    sentence: str
    """What it comes to."""
    passed: bool | None
    """None: it cannot be told."""
    run: str | None = None
    """Id of the run it is about; of several the first that did not pass."""
    level: str | None = None
    verdict: str | None = None
    status: str | None = None
    """How that run ended."""
    remarks: list[Remark] = []
    """Most important first of each kind."""
    figures: list[Figure] = []
    job: str = ""
    """Tells this job from others, where the provider says what does."""
    # A factory, since a plain default would be left out.
    schema: Literal["xt.ci/1"] = msgspec.field(default_factory=lambda: "xt.ci/1")
