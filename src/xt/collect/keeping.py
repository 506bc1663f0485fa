"""Declared outputs → objects of the store.

Nothing here raises for what a command left behind: what cannot be kept is `skipped` with a reason, and
the rest of its tree is recorded all the same.
"""

from __future__ import annotations

import os
import stat
from typing import Literal, NamedTuple

from xt import codec
from xt.collect import Capture
from xt.collect.hashing import CHANGED, Stamp
from xt.collect.paths import recorded, shown, why
from xt.collect.places import Place, moment, stamps_of
from xt.collect.statcache import StatCache, recall, settled
from xt.collect.tree import NOTHING, Folder, Listing, Note, fill, kind_of, manifest, summary
from xt.errors import XtError
from xt.model.files import Output
from xt.model.request import OutputRequest
from xt.model.text import Text, to_text

#: Bytes; a larger file that is named by two declarations is kept by one reading.
SHARED = 1 << 20

UNTOUCHED = "not written by this run"
DELETED = "deleted by the command"


class Before(NamedTuple):
    """What was there before the command started."""

    began: int
    """Nanoseconds since 1970."""
    stamps: dict[str, dict[bytes, Stamp]]
    """By place, then by path within it."""


class Keeping:
    """One collection."""

    def __init__(self, capture: Capture, before: Before) -> None:
        self.capture = capture
        self.before = before
        self.cache = StatCache(capture.store, moment(capture))
        self.done: dict[str, tuple[Listing, str | None, str | None]] = {}
        """By place: its listing, the digest of its manifest, and why that could not be kept."""
        self.large: dict[tuple[str, Stamp], bytes] = {}

    def output(self, request: OutputRequest, place: Place) -> Output:
        """Keep one output."""
        if place.kind == "missing":
            return self._missing(request, place)
        if place.kind == "link":
            return self._link(request, place)
        if place.listing is None:
            return self._skipped(request, place, place.reason or f"a {place.kind}, not read")
        listing, digest, failed = self._kept(place, place.listing)
        if failed is not None:
            return self._skipped(request, place, failed)
        reasons = [summary(listing)] if listing.notes else []
        if reasons:
            self._problem(request, reasons[0])
        reasons += self._history(place, listing)
        reason = "; ".join(reasons) or None
        written = UNTOUCHED not in reasons
        if place.kind == "file":
            content, info = listing.folders[0].contents[0], listing.folders[0].stamps[0]
            return Output(
                request.role,
                to_text(request.path),
                "file",
                "stored" if content else "skipped",
                self._recorded(place),
                "blake3:" + content.hex() if content else None,
                info[1],
                1,
                info[4] & 0o777,
                written=written,
                reason=reason,
            )
        kept = any(content not in (b"", NOTHING) for folder in listing.folders for content in folder.contents)
        status: Literal["stored", "partial", "skipped"] = "stored"
        odd = [kind for folder in listing.folders for kind in _special(folder)]
        if odd:
            reasons.append(f"not stored: {', '.join(sorted(set(odd)))}")
            self._problem(request, reasons[-1])
            reason = "; ".join(reasons)
        if odd or any(note.unreadable or note.text != CHANGED for note in listing.notes.values()):
            status = "partial" if kept else "skipped"
        return Output(
            request.role,
            to_text(request.path),
            "tree" if place.kind == "tree" else "glob",
            status,
            self._recorded(place),
            digest,
            listing.size(),
            listing.count(),
            place.mode & 0o777 if place.kind == "tree" else None,
            written=written,
            reason=reason,
        )

    def _kept(self, place: Place, listing: Listing) -> tuple[Listing, str | None, str | None]:
        """Keep every file of a listing, and its manifest; what did not change since last time is not read."""
        if place.name in self.done:
            return self.done[place.name]
        memory = self.cache.load(place.name)
        same = recall(memory, listing)
        for folder in listing.folders:
            for index, info in enumerate(folder.stamps):
                content = folder.contents[index]
                if (
                    content
                    and stat.S_ISREG(info[4])
                    and not self.capture.keep.hold("blake3:" + content.hex())
                ):
                    folder.contents[index] = b""
                    same = False
        if not same:
            fill(listing, self._keep, self.capture.amount)
        digest: str | None = None
        failed: str | None = None
        if place.kind != "file":
            try:
                digest = self.capture.keep.put_bytes(codec.encode(manifest(listing)))
            except (OSError, XtError) as error:
                failed = f"its manifest could not be kept: {why(error)}"
        if not same:
            self.cache.save(place.name, listing, digest or "")
        self.done[place.name] = listing, digest, failed
        return self.done[place.name]

    def _keep(self, path: str, before: Stamp) -> tuple[bytes, Stamp, Note | None]:
        """Keep one file."""
        if before[1] >= SHARED and (known := self.large.get((path, before))):
            return known, before, None
        try:
            digest, size, changed = self.capture.keep.put_file(path, self.capture.amount.add)
        except (OSError, XtError) as error:
            return b"", before, Note(f"not stored: {why(error)}")
        # With a writer about, the bytes may be of a later state than the stamp; that state is gone for good,
        # so nothing will ever match a stamp it is remembered by.
        content = bytes.fromhex(digest.removeprefix("blake3:"))
        kept = (before[0], size, *before[2:])
        if changed:
            return content, kept, Note(CHANGED)
        if size >= SHARED:
            self.large[path, kept] = content
        return content, kept, None

    def _link(self, request: OutputRequest, place: Place) -> Output:
        try:
            target = os.readlink(place.path)
        except OSError as error:
            return self._skipped(request, place, why(error))
        reasons = ["a link: what it points to is kept only where that is declared"]
        if self._untouched(place.name, stamps_of(place)):
            reasons.append(UNTOUCHED)
        return Output(
            request.role,
            to_text(request.path),
            "link",
            "stored",
            self._recorded(place),
            target=to_text(target),
            written=UNTOUCHED not in reasons,
            reason="; ".join(reasons),
        )

    def _missing(self, request: OutputRequest, place: Place) -> Output:
        reason: str | None = DELETED if self._was_there(place) else place.reason
        self._problem(request, reason or "was not written")
        return Output(
            request.role,
            to_text(request.path),
            "glob" if place.name.startswith("glob ") else "file",
            "missing",
            self._recorded(place),
            reason=reason,
        )

    def _skipped(self, request: OutputRequest, place: Place, reason: str) -> Output:
        self._problem(request, reason)
        return Output(
            request.role,
            to_text(request.path),
            "tree" if place.kind == "tree" else "glob" if place.kind == "glob" else "file",
            "skipped",
            self._recorded(place),
            reason=reason,
        )

    def _history(self, place: Place, listing: Listing) -> list[str]:
        """Say what of an output is not the command's work, and what the command took away."""
        now = {
            path: info
            for path, info in stamps_of(place._replace(listing=listing)).items()
            if not stat.S_ISDIR(info[4])
        }
        old = self.before.stamps.get(place.name, {})
        said = []
        untouched = self._untouched(place.name, now)
        if untouched and untouched == len(now):
            said.append(UNTOUCHED)
        elif untouched:
            said.append(f"{untouched} of {len(now)} files {UNTOUCHED}")
        gone = sum(1 for path, info in old.items() if path not in now and not stat.S_ISDIR(info[4]))
        if gone:
            said.append(f"{gone} {'file' if gone == 1 else 'files'} {DELETED}")
        return said

    def _untouched(self, name: str, now: dict[bytes, Stamp]) -> int:
        """Count the paths that surely are as they were before the start."""
        old = self.before.stamps.get(name, {})
        return sum(
            1 for path, info in now.items() if old.get(path) == info and settled(info, self.before.began)
        )

    def _was_there(self, place: Place) -> bool:
        return place.name in self.before.stamps or f"tree {place.path}" in self.before.stamps

    def _recorded(self, place: Place) -> Text:
        return to_text(recorded(place.path, self.capture.root))

    def _problem(self, request: OutputRequest, text: str) -> None:
        self.capture.problem("outputs", f"{shown(request.path)}: {text}")


def _special(folder: Folder) -> list[str]:
    """Kinds of what is neither file, link nor folder."""
    kinds = (kind_of(info[4]) for info in folder.stamps)
    return [kind for kind in kinds if kind not in ("file", "link", "dir")]
