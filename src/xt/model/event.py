"""Later statements about runs: immutable files beside the records, so that sharing is copying."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from xt.model.level import Level
from xt.model.text import Text, Whole, check_digest, check_moment

#: The pin that comparisons default to.
BASELINE = "baseline"


class Event(msgspec.Struct, frozen=True, tag_field="kind"):
    """What all events have."""

    id: str
    """Sorts by time."""
    at: str
    """RFC 3339, UTC."""
    by: str | None

    def __post_init__(self) -> None:
        """Refuse nonsense; see `check_moment`."""
        check_moment(self.at)


class Pin(Event, frozen=True, tag="pin"):
    """A name was pinned on a run; a later one of the same name takes its place."""

    name: str
    run: str | None
    """None takes the pin away."""
    reason: str | None
    schema: Literal["xt.event/1"] = "xt.event/1"


class Verified(Event, frozen=True, tag="verified"):
    """A run was verified."""

    run: str
    level: Level
    required: Level
    repeats: list[str]
    """Ids of the repeats it was judged by, as the run was."""
    against: str | None
    varied: dict[str, Level]
    """Level by variation."""
    sentence: str
    sources: list[str] = []
    """What makes repeats differ, if that was found."""
    pins: list[str] = []
    on: str | None = None
    """The engine that made them, as written for `--on`; None: the machine itself."""
    schema: Literal["xt.event/1"] = "xt.event/1"


class Reused(Event, frozen=True, tag="reused"):
    """A run was not made again: what an earlier one of the same recipe gave was put in place."""

    run: str
    recipe: str
    restored: Whole
    """Files that were written; the others were there."""
    purpose: str | None = None
    schema: Literal["xt.event/1"] = "xt.event/1"


class Tagged(Event, frozen=True, tag="tagged"):
    """A tag was put on a run, or taken off; the last word on a tag of a run holds."""

    run: str
    name: str
    off: bool = False
    schema: Literal["xt.event/1"] = "xt.event/1"


class Named(Event, frozen=True, tag="named"):
    """A run got another name."""

    run: str
    name: str | None
    """None takes the name away."""
    schema: Literal["xt.event/1"] = "xt.event/1"


class Noted(Event, frozen=True, tag="noted"):
    """Somebody wrote down something about a run."""

    run: str
    text: str
    """Markdown."""
    schema: Literal["xt.event/1"] = "xt.event/1"


class Removed(Event, frozen=True, tag="removed"):
    """A run was put away: lists and references pass over it. The record stays until it is swept."""

    run: str
    reason: str | None
    back: bool = False
    """It was brought back."""
    schema: Literal["xt.event/1"] = "xt.event/1"


class Deployed(Event, frozen=True, tag="deployed"):
    """An artefact of a run went live."""

    to: str
    """Name of the environment, such as `prod`."""
    run: str
    output: Text
    """Path of the output of that run, as recorded."""
    digest: Annotated[str, msgspec.Meta(pattern="^blake3:[0-9a-f]{64}$")]
    """Of its content (file) or manifest (tree)."""
    path: Text | None = None
    """The file that was named, when it was one."""
    prompts: str | None = None
    """Digest of the bundle of prompts that went live with it."""
    policy: str | None = None
    """Digest of the bundle of policies."""
    config: dict[str, str] = {}
    """Digest of each input of role `config` of the run, by path."""
    reason: str | None = None
    lacking: list[str] = []
    """Evidence that was required and missing; it was deployed all the same."""
    takes_back: str | None = None
    """Event of the deployment that this one rolls back."""
    despite: list[str] = []
    """What else spoke against it, one sentence each; it was forced."""
    since: str | None = None
    """RFC 3339, UTC: when it went live, if it was recorded later than that, or if a clock was wrong."""
    schema: Literal["xt.event/1"] = "xt.event/1"

    def __post_init__(self) -> None:
        """Refuse nonsense; see `check_moment`."""
        Event.__post_init__(self)
        if self.since is not None:
            check_moment(self.since)
        for digest in (self.prompts, self.policy, *self.config.values()):
            check_digest(digest)

    @property
    def live_from(self) -> str:
        """When it went live."""
        return self.since or self.at


class Point(msgspec.Struct, frozen=True):
    """One measurement."""

    name: str
    value: float | Whole
    at: str
    """RFC 3339, UTC: when it was measured."""

    def __post_init__(self) -> None:
        """Refuse nonsense; see `check_moment`."""
        check_moment(self.at)


class Observed(Event, frozen=True, tag="observed"):
    """Something was measured in production."""

    to: str
    """Name of the environment."""
    points: list[Point]
    source: Text | None = None
    """The file it was read from."""
    schema: Literal["xt.event/1"] = "xt.event/1"


class Signature(msgspec.Struct, frozen=True):
    """One signature of an envelope."""

    sig: str
    """Base64 of an ed25519 signature over the pre-authentication encoding."""
    keyid: str = ""
    """Fingerprint of the key as `ssh-keygen -l` prints it: `SHA256:…`. It is a hint, and proves nothing."""


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """A payload with its signatures: DSSE 1.0, JSON form."""

    payload: str
    """Base64 of the statement's bytes."""
    payload_type: str
    signatures: list[Signature]


class Signed(Event, frozen=True, tag="signed"):
    """A run was signed: a statement about its record, in an envelope."""

    run: str
    envelope: Envelope
    schema: Literal["xt.event/1"] = "xt.event/1"


class Swept(Event, frozen=True, tag="swept"):
    """Runs were dropped from this store by `xt gc`. It tells of this store alone, and does not travel."""

    runs: dict[str, str]
    """Run → why it was dropped."""
    commits: list[str] = []
    """Commits that their code began with: because of these runs they need no protection in the project."""
    schema: Literal["xt.event/1"] = "xt.event/1"
