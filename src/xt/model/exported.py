"""What `xt export` did."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.restored import Source
from xt.model.result import Record
from xt.model.standing import RunStanding
from xt.model.text import Text


class Gap(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something of a run that is not in what was exported."""

    run: str
    what: Source
    path: Text
    """As recorded."""
    reason: str
    lost: bool = False
    """Whether it should have been there: its content was stored once, and is gone or damaged."""


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one exporter wrote."""

    place: Text
    """Where to: a path as the user may want to read it, `-`, or a URL without credentials."""
    files: int = 0
    """Files of runs that were carried."""
    size: int = 0
    """Bytes of them."""
    gaps: list[Gap] = []
    remarks: list[str] = []
    """What else is to be known, one sentence each."""


class LeftOut(msgspec.Struct, frozen=True):
    """A run that was asked for by a query and was not exported."""

    run: str
    reason: str


class Exportation(msgspec.Struct, frozen=True):
    """What came of one `xt export`."""

    format: str
    runs: list[str]
    """Ids of those that were exported."""
    report: Report
    left_out: list[LeftOut] = []
    doubts: list[Text] = []
    """Events that cannot be read, so that what they say is missing."""
    schema: Literal["xt.export/1"] = "xt.export/1"


class Whole(msgspec.Struct, frozen=True):
    """One run with everything that is known of it."""

    record: Record
    """As it was sealed."""
    name: str | None
    """Now."""
    tags: list[str]
    """Now."""
    said: RunStanding
    """All that was said of it later."""


class Runs(msgspec.Struct, frozen=True):
    """What `xt export --to json` writes."""

    runs: list[Whole]
    schema: Literal["xt.runs/1"] = "xt.runs/1"
