"""Where content came from and where it went: runs and files, joined by what the files hold."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.text import Text


class TracedRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run of the graph."""

    id: str
    shown: int
    """Letters of the id that tell it from all others."""
    status: str
    started_at: str
    purpose: str | None = None
    name: str | None = None
    task: str | None = None
    command: list[Text] = []
    trial: bool = False
    """Made by `xt verify`."""


class TracedFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A content of the graph: a file, or the files of a folder or pattern together."""

    key: str
    """Its digest; of an input whose content is not known, another unique text."""
    kind: Literal["file", "tree", "unknown"]
    digest: str | None = None
    paths: list[Text] = []
    """Where it lay, as recorded; the first as it was asked for."""
    size: int | None = None
    files: int | None = None
    source: bool = False
    """No recorded run made it, nor any file of it."""
    makers: list[str] = []
    """Runs that made all of it; the one that is shown first, then the others, newest first."""
    reason: str | None = None
    """Why its content is not known, or what is odd about it."""


class TracedDeployment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A deployment of the graph."""

    event: str
    to: str
    at: str
    by: str | None = None
    until: str | None = None
    """When another one took its place; None while it is live."""
    reason: str | None = None


class Link(msgspec.Struct, frozen=True, omit_defaults=True):
    """How two of them hang together, in the direction in which content flows."""

    kind: Literal["made", "read", "deployed"]
    source: str
    """Id of a run (`made`) or key of a file."""
    target: str
    """Key of a file (`made`), id of a run (`read`) or of an event (`deployed`)."""
    role: str
    path: Text
    """As that run recorded it."""
    common: int = 0
    """Files that both have in common, when it is not all of the content."""


class Trace(msgspec.Struct, frozen=True):
    """What `xt trace` reports."""

    asked: str
    start: str
    """Key or id of what was asked for."""
    direction: Literal["up", "down", "both"]
    known: bool
    """Whether a recorded run or a deployment has to do with it."""
    runs: list[TracedRun] = []
    files: list[TracedFile] = []
    deployments: list[TracedDeployment] = []
    links: list[Link] = []
    cut: dict[str, int] = {}
    """Links that were not followed, by what they hang on: the graph is wide, or deeper than asked."""
    notes: list[str] = []
    doubts: list[str] = []
    """What cannot be read, so that something may be missing here."""
    schema: Literal["xt.trace/1"] = "xt.trace/1"
