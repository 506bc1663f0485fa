"""Remotes: other places of a project's store, as they are defined."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.text import Text

#: The user's own file, `xt.toml` of the project, the variable `XT_REMOTE`, or the command line.
Source = Literal["user", "project", "variable", "argument"]


class Defined(msgspec.Struct, frozen=True):
    """One remote."""

    name: str
    """How it is named in commands; of one without a definition, its URL."""
    url: str
    """Where it is. Shown and recorded without credentials, which a URL that is used never has."""
    source: Source
    """Who named it."""
    confirmed: bool
    """Whether the user named this very URL, or confirmed it: otherwise it is not used."""
    exclusive: bool | None = None
    """Whether a name that is taken is refused there, however many write at once; None: not tried yet."""
    problem: str | None = None
    """Why it cannot be used as it is written."""


class Remotes(msgspec.Struct, frozen=True, kw_only=True):
    """What `xt remote ls` answers."""

    schema: Literal["xt.remotes/1"] = "xt.remotes/1"
    project: Text
    """The folder whose remotes these are."""
    remotes: list[Defined]
    """By name."""


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What `xt remote probe` answers."""

    schema: Literal["xt.remote-probe/1"] = "xt.remote-probe/1"
    name: str
    url: str
    """Without credentials."""
    writers: int
    """How many tried to write one name at once."""
    won: int
    """How many of them were told that they did; one, where it may be used by many."""
    exclusive: bool
    """Whether a name that is taken is refused: otherwise one writer at a time may use it."""
    listed: bool
    """Whether what was written can be found in a listing."""
    seconds: float
    """How long it took."""
    notes: list[str] = []
    """What else was found."""
