"""What `xt restore` did, path by path."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.text import Text

#: What a run has that can be brought back, in the order in which it takes its place.
Source = Literal["outputs", "inputs", "code", "logs"]
SOURCES: tuple[Source, ...] = ("outputs", "inputs", "code", "logs")

State = Literal["written", "unchanged", "shadowed", "absent", "pending", "conflict", "refused", "failed"]


class Restored(msgspec.Struct, frozen=True, omit_defaults=True):
    """One path of a run."""

    source: Source
    path: Text
    """As recorded: relative to the project's root when inside it, absolute otherwise."""
    form: Literal["file", "link", "folder"]
    state: State
    """`unchanged`: it is there already, and was left alone. `shadowed`: something else of the run belongs
    there. `absent`: the run has no content of it. `pending`: would have been written, if there were no
    conflict. `conflict`: something else is there. `refused`: it cannot go there. `failed`: its content
    could not be had or written."""
    place: Text | None = None
    """Where it belongs, relative to the target."""
    size: int | None = None
    """Bytes, of a file whose size is known."""
    reason: str | None = None
    """Why it was not written, or what is odd about it."""


class Restoration(msgspec.Struct, frozen=True):
    """What came of one `xt restore`."""

    run: str
    target: Text
    """Absolute path of the folder everything was written below."""
    paths: list[Restored]
    missed: list[Text]
    """Of what was asked for by name, the paths that were not to be had."""
    remark: str | None = None
    """What is to be known about all of it."""
    schema: Literal["xt.restore/1"] = "xt.restore/1"
