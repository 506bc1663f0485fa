"""What travels between a store and a remote, and what came of it."""

from __future__ import annotations

from typing import Literal

import msgspec

#: What can be asked for beyond records, events, logs, manifests, metrics and cases.
EXTRA = ("code", "inputs", "outputs")


#: What came of a run. `completed`: its record was there, some of its content was not. `waiting`: not come to.
State = Literal["copied", "completed", "present", "refused", "waiting"]


class Transfer(msgspec.Struct, frozen=True):
    """One run."""

    run: str
    state: State
    objects: int = 0
    """Contents that were copied for it."""
    size: int = 0
    """Bytes of them, as they are stored."""
    reason: str | None = None
    """Why it was refused."""
    secret: bool = False
    """It was refused because something in it looks like a secret."""
    lacking: list[str] = []
    """Of what was asked for, what the other side does not have either, such as `outputs: model.bin`."""


class Synced(msgspec.Struct, frozen=True):
    """A push or a pull."""

    direction: Literal["push", "pull"]
    remote: str
    url: str
    runs: list[Transfer]
    events: int
    """Later statements that were copied."""
    objects: int
    size: int
    """Bytes that were copied in all."""
    asked: list[str]
    """Of `code`, `inputs`, `outputs`."""
    doubts: list[str] = []
    """What on the remote was passed over, one sentence each."""
    single_writer: bool = False
    """The remote cannot refuse to overwrite: only one may push at a time."""
    stopped: str | None = None
    """Why it ended early."""
    secrets: int = 0
    """Later statements that were kept back, because something in them looks like a secret."""
    schema: Literal["xt.sync/1"] = "xt.sync/1"


class Surplus(msgspec.Struct, frozen=True):
    """What one side has and the other has not."""

    runs: list[str] = []
    objects: int = 0
    size: int = 0
    """Bytes of these objects, as they are stored."""
    events: int = 0


class RemoteStatus(msgspec.Struct, frozen=True):
    """A store held against a remote."""

    remote: str
    url: str
    runs: int
    """On both sides."""
    here: Surplus
    there: Surplus
    wrong: list[str]
    """Copies on the remote that are not what their names say, one sentence each."""
    checked: bool
    """Whether the content of records was read, and sizes of objects held against ours."""
    schema: Literal["xt.remote-status/1"] = "xt.remote-status/1"


class Pulled(msgspec.Struct, frozen=True):
    """That a run came from a remote, and with what: a file of this store, never of a remote."""

    remote: str
    url: str
    parts: list[str] = []
    """Of `code`, `inputs`, `outputs`."""


class CodePack(msgspec.Struct, frozen=True):
    """One pack of git's; a file of the remote, named by its digest."""

    digest: str
    size: int
    name: str
    """As git names it, by what is in it."""


class CodePacks(msgspec.Struct, frozen=True):
    """What a snapshot's tree is made of: a file of a remote."""

    tree: str
    packs: list[CodePack]
    """Those that others build on first."""
    schema: Literal["xt.code/1"] = "xt.code/1"
