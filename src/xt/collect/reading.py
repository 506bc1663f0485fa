"""Declared inputs → identities: each place is read once, and not at all when its stat vouches for it.

Only the identity is stored, except for small texts of the roles that a later diff shows.
"""

from __future__ import annotations

import os
import stat
from typing import Literal

from xt import codec, fsio
from xt.collect import Capture
from xt.collect.globs import has_magic, match, split
from xt.collect.hashing import CHANGED, NotReadError, Stamp, hash_file
from xt.collect.paths import absolute, recorded, shown, usable, why
from xt.collect.places import moment
from xt.collect.statcache import StatCache, recall
from xt.collect.tree import (
    Listing,
    Note,
    fill,
    kind_of,
    look_outside,
    manifest,
    single,
    summary,
    walk,
)
from xt.errors import NotStartedError, XtError
from xt.model.files import Input
from xt.model.request import InputSpec
from xt.model.text import to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.collect.secret_lines import Looking

#: Roles whose small texts are kept, so that a diff can show what changed in them.
KEPT_ROLES = ("prompts", "policy", "config", "harness", "benchmark")
#: Bytes of one file that is kept, and of all of a run.
KEPT_FILE = 1_000_000
KEPT_ALL = 20_000_000
#: Bytes; larger files that two declarations hold are read once.
SHARED = 1 << 20


class Reading:
    """One collection."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture
        self.environ = capture.outside.environ
        self.cache = StatCache(capture.store, moment(capture))
        self.missing: list[str] = []
        self.kept = 0
        self.done: dict[str, tuple[Listing, str]] = {}
        """By cache name: one path in two roles is read once."""
        self.looking: Looking | None = None
        self.large: dict[tuple[str, Stamp], bytes] = {}
        """Digests of large files, which overlapping declarations read once."""

    def add(self, spec: InputSpec, found: dict[tuple[str, str], Input]) -> None:
        """Identify one declaration, unless it names what another one did."""
        declared = spec.path
        path = declared
        if ":" in declared:
            from xt.collect.uris import file_path, is_uri

            local = file_path(declared) if is_uri(declared) else declared
            if local is None:
                self._uri(spec, found)
                return
            path = local
        if not usable(path):
            self.missing.append(shown(declared))
            return
        place = absolute(path, spec.base, self.environ)
        if self.capture.in_store(place):
            raise NotStartedError(f"input `{shown(declared)}` is the store itself", "nothing was started")
        if (spec.role, place) in found:
            return
        try:
            info = os.lstat(place)
        except OSError as error:
            if has_magic(path) and path == declared:
                self._glob(spec, found)
            elif isinstance(error, FileNotFoundError | NotADirectoryError):
                self.missing.append(shown(declared))
            else:
                found[spec.role, place] = self._unknown(spec, place, why(error))
            return
        result = self._place(spec, place, info)
        if result is not None:
            found[spec.role, place] = result

    def _place(self, spec: InputSpec, place: str, info: os.stat_result) -> Input | None:
        """Identify an existing path; a link stands for what it points to, and is named in the reason."""
        odd = None
        real = place
        if stat.S_ISLNK(info.st_mode):
            odd = "a link"
            real = os.path.realpath(place)
            try:
                odd = f"a link to {shown(os.readlink(place))}"
                info = os.lstat(real)
            except FileNotFoundError:
                self.missing.append(f"{shown(spec.path)} ({odd}, which does not exist)")
                return None
            except OSError as error:
                return self._unknown(spec, place, f"{odd}; {why(error)}")
            if stat.S_ISLNK(info.st_mode):
                self.missing.append(f"{shown(spec.path)} ({odd}, in a circle)")
                return None
        if stat.S_ISREG(info.st_mode):
            return self._file(spec, place, real, info, odd)
        if stat.S_ISDIR(info.st_mode):
            return self._tree(spec, place, real, odd)
        return self._unknown(spec, place, f"a {kind_of(info.st_mode)}, not read")

    def _file(
        self, spec: InputSpec, place: str, real: str, info: os.stat_result, odd: str | None
    ) -> Input | None:
        name = f"file {real}"
        if name not in self.done:
            listing = single(real, info)
            memory = self.cache.load(name)
            if not recall(memory, listing):
                fill(listing, self._read, self.capture.amount)
                self.cache.save(name, listing, "")
            self.done[name] = (listing, "")
        listing, _ = self.done[name]
        folder = listing.folders[0]
        note = next(iter(listing.notes.values()), None)
        self._keep(spec.role, listing)
        content = folder.contents[0]
        return Input(
            spec.role,
            to_text(spec.path),
            "file",
            "unverified" if note else "verified",
            to_text(recorded(place, self.capture.root)),
            "blake3:" + content.hex() if content else None,
            folder.stamps[0][1],
            1,
            reason=self._reason(spec, listing, odd),
        )

    def _tree(self, spec: InputSpec, place: str, real: str, odd: str | None) -> Input:
        name = f"tree {real}"
        if name not in self.done:
            listing = Listing(real)
            walk(listing)
            self._read_all(name, listing)
        return self._many(spec, "tree", name, place, odd)

    def _glob(self, spec: InputSpec, found: dict[tuple[str, str], Input]) -> None:
        head, pattern = split(spec.path)
        top = absolute(head or ".", spec.base, self.environ)
        name = f"glob {top}\0{pattern}"
        if (spec.role, name) in found:
            return
        if name not in self.done:
            listing = match(os.path.realpath(top), pattern)
            if not listing.folders:
                self.missing.append(f"{shown(spec.path)} (matches nothing)")
                return
            self._read_all(name, listing)
        found[spec.role, name] = self._many(spec, "glob", name, top, None)

    def _read_all(self, name: str, listing: Listing) -> None:
        """Learn the contents of a tree or glob, from memory where it did not change; keep its manifest."""
        keep = self.capture.keep
        look_outside(listing)
        memory = self.cache.load(name)
        same = recall(memory, listing)
        if same and memory is not None and memory.manifest and keep.hold(memory.manifest):
            self.done[name] = (listing, memory.manifest)
            return
        if not same:
            fill(listing, self._read, self.capture.amount)
        data = codec.encode(manifest(listing))
        try:
            digest = keep.put_bytes(data)
        except (OSError, XtError) as error:
            digest = codec.digest(data)
            self.capture.problem("inputs", f"a manifest could not be kept: {why(error)}")
        if not same or memory is None or memory.manifest != digest:
            self.cache.save(name, listing, digest)
        self.done[name] = (listing, digest)

    def _read(self, path: str, before: Stamp) -> tuple[bytes, Stamp, Note | None]:
        if before[1] >= SHARED and (known := self.large.get((path, before))):
            return known, before, None
        try:
            content = hash_file(path, self.capture.amount.add)
        except NotReadError as error:
            return b"", before, Note(str(error))
        except OSError as error:
            return b"", before, Note(why(error), unreadable=True)
        if content.note is not None:
            return content.digest, content.stamp, Note(CHANGED)
        if before[1] >= SHARED:
            self.large[path, content.stamp] = content.digest
        return content.digest, content.stamp, None

    def _many(
        self, spec: InputSpec, kind: Literal["tree", "glob"], name: str, place: str, odd: str | None
    ) -> Input:
        listing, digest = self.done[name]
        self._keep(spec.role, listing)
        return Input(
            spec.role,
            to_text(spec.path),
            kind,
            "unverified" if listing.notes else "verified",
            to_text(recorded(place, self.capture.root)),
            digest,
            listing.size(),
            listing.count(),
            reason=self._reason(spec, listing, odd),
        )

    def _uri(self, spec: InputSpec, found: dict[tuple[str, str], Input]) -> None:
        from xt.collect.uris import identify

        known = identify(spec.path, spec.base, self.environ)
        if known.missing is not None:
            self.missing.append(shown(known.declared))
            return
        found[spec.role, known.declared] = Input(
            spec.role,
            to_text(known.declared),
            "uri",
            "unverified",
            size=known.size,
            revision=known.revision,
            reason=known.reason,
        )

    def _reason(self, spec: InputSpec, listing: Listing, odd: str | None) -> str | None:
        """Say what is odd, and report what could not be read."""
        if not listing.notes:
            return odd
        text = summary(listing)
        self.capture.problem("inputs", f"{shown(spec.path)}: {text}")
        return text if odd is None else f"{odd}; {text}"

    def _unknown(self, spec: InputSpec, place: str, text: str) -> Input:
        """Record a path whose content cannot be had."""
        self.capture.problem("inputs", f"{shown(spec.path)}: {text}")
        return Input(
            spec.role,
            to_text(spec.path),
            "file",
            "unverified",
            to_text(recorded(place, self.capture.root)),
            reason=text,
        )

    def _keep(self, role: str, listing: Listing) -> None:
        """Keep the small texts of a role that a diff wants to show."""
        if role not in KEPT_ROLES:
            return
        from xt.collect.secret_files import is_secret_file

        for folder in listing.folders:
            for name, info, content in zip(folder.names, folder.stamps, folder.contents, strict=True):
                if not stat.S_ISREG(info[4]) or not content or not 0 < info[1] <= KEPT_FILE:
                    continue
                if self.kept + info[1] > KEPT_ALL or is_secret_file(os.fsdecode(name)):
                    continue
                self.kept += info[1]
                digest = "blake3:" + content.hex()
                path = listing.absolute(folder, name)
                try:
                    if (
                        _is_text(path)
                        and not self._refused(path, role)
                        and not self.capture.keep.hold(digest)
                    ):
                        self.capture.keep.put_file(path)
                except (OSError, XtError) as error:
                    self.capture.problem("inputs", f"{shown(path)} could not be kept: {why(error)}")

    def _refused(self, path: str, role: str) -> bool:
        """Whether a text is not to be kept, because something in it looks like a secret."""
        from xt.collect.secret_lines import Looking

        if self.looking is None:
            self.looking = Looking(self.capture, self.capture.root, "inputs")
        relative = os.path.relpath(path, self.capture.root)
        return bool(self.looking.refused([relative], settings="all" if role == "config" else None))


def _is_text(path: str) -> bool:
    """Whether the beginning of a file holds no NUL byte, as git asks."""
    fd = fsio.open_regular(path)
    try:
        return b"\0" not in os.read(fd, 8192)
    finally:
        os.close(fd)
