"""What a look through a whole store came to."""

from __future__ import annotations

from typing import Literal

import msgspec

from xt.model.text import Text

#: Stable names of what can be found. Those of `NOTES` harm nothing.
FAULTS = {
    "format-missing": "The store has runs and no file `format`.",
    "format-damaged": "`format` says nothing that can be understood.",
    "folder-damaged": "Something else is where a folder of the store must be.",
    "key-missing": "The secret for keyed digests is gone: what was masked before cannot be compared.",
    "key-damaged": "The secret is not as long as it must be.",
    "record-damaged": "A record is not what was sealed, cannot be read, or is of another run.",
    "record-lost": "A damaged record was put aside, and no whole one came in its place.",
    "record-missing": "The index remembers a run that is not here, and no `xt gc` dropped it.",
    "record-misplaced": "A record lies where nobody looks for it, or under another name.",
    "start-damaged": "A run in flight or lost does not say how it was started.",
    "event-damaged": "A later statement cannot be read, or is not of its name.",
    "event-changed": "A later statement is not what the index remembers of it.",
    "object-damaged": "A content is not what its name says.",
    "object-missing": "A run names a content that is not here and should be.",
    "object-misplaced": "A content lies in a folder where nobody looks for it.",
    "manifest-damaged": "The list of the files of a tree cannot be understood.",
    "code-damaged": "An object or pack of `code.git` is not what its name says.",
    "code-missing": "A run's code cannot be read: something of it is neither here nor in the project.",
    "index-damaged": "The search index cannot be read.",
    "index-disagrees": "The search index says something else than the records.",
    "pull-note-damaged": "It is not known any more what of a pulled run was brought.",
    "unreadable": "Something may not be read, or the disk fails to, so it was not looked at.",
}
NOTES = {
    "unfinished": "The making of the store was interrupted; the next run completes it.",
    "record-newer": "A record was written by a newer xt.",
    "event-newer": "A later statement is of a kind that is not known here.",
    "event-unheld": "A later statement is about a run that is not here.",
    "run-lost": "The xt of a run ended without writing its record. What it wrote before is kept.",
    "not-brought": "Contents of a pulled run that were not brought with it.",
    "code-partial": "Code that was missing when it was recorded already, in a partial clone.",
    "code-unchecked": "Code could not be looked at.",
    "index-old": "The search index is of another version of xt; the next command makes it anew.",
    "index-busy": "The search index was not compared: somebody is writing it.",
    "quarantined": "What was put aside because it is damaged.",
    "leftover": "What a process left that was ended; it harms nothing.",
    "foreign": "What is not of xt, and is left alone.",
}


class Affected(msgspec.Struct, frozen=True):
    """A run, and what of it is concerned."""

    run: str
    parts: list[Text] = []
    """Such as `outputs: model.bin`; none: all of it."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that is not as it must be, or that is worth to know."""

    code: str
    """One of `FAULTS` or `NOTES`."""
    path: Text | None
    """Of the file, relative to the store; of a content that is missing, where it would be."""
    message: str
    fault: bool
    """False for what harms nothing."""
    runs: list[Affected] = []
    hint: str | None = None
    repaired: str | None = None
    """How it was mended; None when it was not."""
    aside: Text | None = None
    """Where in the store the damaged thing lies now."""
    count: int = 1
    """Of a note, how many things it is about."""

    @property
    def stands(self) -> bool:
        """Whether it is a fault and was not mended."""
        return self.fault and self.repaired is None


class Counts(msgspec.Struct, frozen=True):
    """What was looked at."""

    runs: int = 0
    in_flight: int = 0
    """Running, lost, or of another host."""
    events: int = 0
    objects: int = 0
    size: int = 0
    """Bytes of them, as they are stored."""
    by_size: int = 0
    """Of the objects, those that were not read: only their sizes were looked at."""
    by_size_bytes: int = 0
    trees: int = 0
    """Trees of code."""
    code_objects: int = 0
    """Files of `code.git` that hold objects."""
    code_by_size: int = 0
    """Of these, those that were not read."""
    code_by_size_bytes: int = 0


class Fsck(msgspec.Struct, frozen=True):
    """A store that was looked through."""

    store: Text
    deep: bool
    repair: bool
    """Whether something was to be repaired."""
    checked: Counts
    findings: list[Finding]
    remotes: list[str] = []
    """Where what is missing was asked for, by name."""
    doubts: list[str] = []
    """What could not be asked or repaired, and why."""
    interrupted: bool = False
    schema: Literal["xt.fsck/1"] = "xt.fsck/1"

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong, or everything was mended."""
        return not self.interrupted and not any(finding.stands for finding in self.findings)
