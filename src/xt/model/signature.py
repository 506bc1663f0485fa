"""What `xt audit --signature` finds: who signed a run, and whether all that was signed is as it was."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.text import Text


class Checked(msgspec.Struct, frozen=True, omit_defaults=True):
    """One signature of a run."""

    event: str
    verdict: Literal["valid", "unknown", "refused"]
    """`unknown`: nobody that is trusted made it. `refused`: it is not what it says it is."""
    keys: list[str]
    """Fingerprints: of the trusted key that made it; else those it names, which proves nothing."""
    who: str | None = None
    """Whose key it is, as the file of allowed signers says."""
    signed_at: str | None = None
    """RFC 3339, by the clock of the signer."""
    reason: str | None = None
    """Why it is not valid."""


class Lost(msgspec.Struct, frozen=True):
    """Content that the record names and that is not as it was."""

    what: Literal["outputs", "logs", "metrics"]
    path: Text
    state: Literal["damaged", "missing"]
    reason: str


class Signatures(msgspec.Struct, frozen=True):
    """The answer about one run."""

    run: str
    shown: int
    """Letters of the id that tell it from all others."""
    seal: str
    valid: bool | None
    """Whether somebody who is trusted signed it, and all that was stored is as it was; None: it cannot be
    told."""
    why: str
    """One sentence."""
    signatures: list[Checked]
    """Oldest first."""
    whole: dict[str, int]
    """Files of outputs and logs, and series of metrics, whose content was read and is what was signed."""
    lost: list[Lost] = []
    purpose: str | None = None
    notes: list[str] = []
    """What else a reader must know, such as events that cannot be read."""
    schema: Literal["xt.signature/1"] = "xt.signature/1"
