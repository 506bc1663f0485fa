"""Lines of code and settings that look like secrets: said with file and line before they are stored.

Only what is about to be stored is read: changed and untracked texts, and small inputs that are kept. What was
looked at and did not change since is remembered in `.xt/cache`, and not read again.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

import msgspec
from blake3 import blake3

from xt import fsio
from xt.collect import Capture
from xt.collect.places import moment
from xt.model.code import KEPT_OUT, LeftOut
from xt.model.text import to_shown, to_text
from xt.redact_scan import SUFFIXES, Settings, Sighting, sightings

#: Bytes; a longer file is data, and is not looked at.
LARGEST = 1 << 20
#: Lines of one file that are named, and files of a run.
LINES, FILES = 3, 20
#: Bytes that are read in one run, unless it is strict; the next one looks on.
TOGETHER = 16 << 20
HINT = "end the line with `xt: allow-secret` if it is none; with `--strict` the file is not stored"
#: Nanoseconds; a file that was touched so recently can be again without its stamp telling.
_RECENT = 2_000_000_000

_Stamp = tuple[int, int, int, int, str]


class _Memory(msgspec.Struct, array_like=True):
    """What was seen, for one set of rules and known secrets."""

    state: bytes
    files: dict[bytes, tuple[_Stamp, list[tuple[int, str]]]]


class Looking:
    """One look at files that are about to be stored."""

    def __init__(self, capture: Capture, top: str, where: str = "code") -> None:
        """Read what is remembered of a folder.

        Args:
            capture: of the run.
            top: absolute; paths are relative to it.
            where: section of the record that problems are of.
        """
        self._capture = capture
        self._top, self._where = top, where
        self._allowed = capture.settings.code.allow_secrets
        request = capture.request
        self.strict = request.strict or capture.settings.run.strict or request.refuse_secrets
        self._name = f"{capture.store}/cache/secrets-{blake3(os.fsencode(f'{where} {top}')).hexdigest()[:16]}"
        # Keyed: it tells nobody without the store's key whether a guess is one of the secrets.
        key = capture.key if len(capture.key) == 32 else blake3(capture.key).digest()
        known = "\0".join(sorted(capture.secrets.values())).encode("utf-8", "surrogateescape")
        self._state = blake3(b"1\0" + known, key=key).digest(length=16)
        self._settings = {
            os.path.normpath(os.path.join(spec.base, spec.path))
            for spec in capture.request.params
            if spec.path is not None
        }
        self._mask: Callable[[bytes], bytes] | None = None
        self._read = self._passed_over = 0
        self._before = self._remembered()
        self._now: dict[bytes, tuple[_Stamp, list[tuple[int, str]]]] = {}

    def refused(self, paths: Iterable[str], *, settings: Settings = None) -> list[LeftOut]:
        """Look at files, say what is found, and list those that are not to be stored.

        Args:
            paths: relative to the folder; what is no regular file is passed over.
            settings: which names decide, for files of settings.
        """
        left: list[LeftOut] = []
        told = 0
        self._passed_over = 0
        for path in paths:
            found = self.at(path, settings=settings)
            if not found:
                continue
            told += 1
            if told <= FILES:
                self._say(path, found, HINT if told == 1 else None)
            if self.strict:
                first = found[0]
                info = os.lstat(os.path.join(self._top, path))
                reason = f"{KEPT_OUT}: line {first.line}: {first.what}"
                left.append(LeftOut(to_text(path), reason, info.st_size, info.st_mtime_ns))
        if told > FILES:
            self._capture.problem(self._where, f"{told - FILES} more files have lines that look like secrets")
        if self._passed_over:
            self._capture.problem(
                self._where,
                f"{self._passed_over} files were not searched for secrets: too much is new at once",
            )
        return left

    def at(self, path: str, *, settings: Settings = None) -> list[Sighting]:
        """Find what looks like a secret in one file; nothing in one that cannot be read or is large."""
        if self._allowed and is_allowed(path, self._allowed):
            return []
        name = os.path.join(self._top, path)
        try:
            info = os.lstat(name)
            if not stat.S_ISREG(info.st_mode) or not 0 < info.st_size <= LARGEST:
                return []
            if os.path.normpath(name) in self._settings:
                settings = "all"
            settings = settings or by_name(path)
            stamp = (info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns, settings or "")
            known = self._before.get(os.fsencode(path))
            if known is not None and known[0] == stamp:
                found = [Sighting(*row) for row in known[1]]
            elif self._read + info.st_size > TOGETHER and not self.strict:
                self._passed_over += 1
                return []
            else:
                self._read += info.st_size
                if self._mask is None and self._capture.mask is not None:
                    self._mask = self._capture.mask()
                pieces = fsio.read_pieces(name)
                seen = sightings(pieces, self._mask, allowing=True, settings=settings)
                by_line = {one.line: one for one in sorted(seen, reverse=True)}
                found = [by_line[line] for line in sorted(by_line)]
        except OSError:
            return []  # what reads it for the snapshot says so
        self._now[os.fsencode(path)] = (stamp, [(one.line, one.what) for one in found])
        return found

    def _say(self, path: str, found: list[Sighting], hint: str | None) -> None:
        # Of a repository inside, too, as somebody in the project would type it.
        name = os.path.normpath(os.path.join(self._top, path))
        shown = to_shown(fsio.relative_to(name, self._capture.root))
        for one in found[:LINES]:
            self._capture.problem(self._where, f"{shown}:{one.line}: looks like a secret: {one.what}", hint)
            hint = None
        if len(found) > LINES:
            self._capture.problem(self._where, f"{shown}: {len(found) - LINES} more such lines")

    def _remembered(self) -> dict[bytes, tuple[_Stamp, list[tuple[int, str]]]]:
        try:
            memory = msgspec.msgpack.decode(fsio.read_file(self._name, 1 << 26), type=_Memory)
        except (OSError, msgspec.DecodeError):
            return {}
        return memory.files if memory.state == self._state else {}

    def remember(self) -> None:
        """Keep what was seen for the next run."""
        if self._now == self._before:
            return
        before = moment(self._capture) - _RECENT
        kept = {path: seen for path, seen in self._now.items() if max(seen[0][2:4]) < before}
        # Where it cannot be kept, the next run looks again.
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(self._name), fsio.PRIVATE_DIR, exist_ok=True)
            fsio.write_atomic(self._name, msgspec.msgpack.encode(_Memory(self._state, kept)), durable=False)


def by_name(path: str) -> Settings:
    """Which names decide in a file that is called so."""
    return "sure" if path.lower().endswith(SUFFIXES) else None


def is_allowed(path: str, globs: list[str]) -> bool:
    """Whether `[code] allow_secrets` names a path, or a folder above it."""
    return any(
        path == glob.rstrip("/") or path.startswith(glob.rstrip("/") + "/") or fnmatchcase(path, glob)
        for glob in globs
    )
