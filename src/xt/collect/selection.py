"""Which untracked files go into a snapshot, and why the others do not."""

from __future__ import annotations

import os
import stat
from fnmatch import fnmatchcase
from typing import NamedTuple

from xt.collect.secret_files import is_secret_file
from xt.config import CodeSettings
from xt.model.code import LeftOut
from xt.model.text import to_text

#: Why the key is left out.
KEY = "the key that signs"
#: What to do with data among the code.
HINT = "declare data with `-i PATH`, or leave it out: `.gitignore`, `[code] exclude` in xt.toml"
#: Bytes of untracked files, and files, that are probably no code.
MUCH, MANY = 100_000_000, 5000


class Chosen(NamedTuple):
    """What becomes of untracked paths."""

    kept: list[str]
    left: list[LeftOut]
    much: str | None
    """That much is kept that is probably data, or that not all is kept, for a warning."""


def choose(
    top: str, paths: list[str], settings: CodeSettings, outputs: list[str], key: str | None = None
) -> Chosen:
    """Divide untracked paths into those to store and those to list.

    Args:
        top: absolute folder the paths are relative to.
        paths: untracked files and links.
        settings: limits, in bytes and files.
        outputs: absolute paths or globs of declared outputs: effects of an earlier run, not causes of this.
        key: absolute path of the key that signs the run, whatever it is called.
    """
    kept: list[str] = []
    left: list[LeftOut] = []
    total = beyond = 0
    why = ""
    below: dict[str, int] = {}
    many: dict[str, int] = {}
    over = f"more than code.max_files = {settings.max_files} untracked files"
    for path in paths:
        if len(kept) >= settings.max_files:
            left.append(LeftOut(to_text(path), over))
            beyond, why = beyond + 1, over
            continue
        try:
            info = os.lstat(os.path.join(top, path))
        except FileNotFoundError:
            continue  # gone since git saw it: not part of what will run
        except OSError as error:
            left.append(LeftOut(to_text(path), f"unreadable: {error.strerror}"))
            continue
        reason = _reason(top, path, info, settings)
        if reason is None and any(_covers(output, os.path.join(top, path)) for output in outputs):
            reason = "a declared output"
        if reason is None and is_key(top, path, key):
            reason = KEY
        if reason is None and total + info.st_size > settings.max_total:
            reason = f"untracked files together are over code.max_total = {settings.max_total} bytes"
            beyond, why = beyond + 1, reason
        if reason is None:
            total += info.st_size
            first = path.partition("/")
            name = first[0] + first[1]
            below[name] = below.get(name, 0) + info.st_size
            many[name] = many.get(name, 0) + 1
            kept.append(path)
        else:
            left.append(LeftOut(to_text(path), reason, info.st_size, info.st_mtime_ns))
    much = None
    if total > MUCH:
        name = max(below, key=lambda each: below[each])
        much = f"{total / 1e6:.0f} MB that git does not have are stored as code, most of it `{to_text(name)}`"
    elif len(kept) > MANY:
        name = max(many, key=lambda each: many[each])
        much = (
            f"{len(kept)} files that git does not have are stored as code, most of them in `{to_text(name)}`"
        )
    if beyond:
        files = "a file" if beyond == 1 else f"{beyond} files"
        much = (
            f"{files} that git does not have {'is' if beyond == 1 else 'are'} left out of the snapshot: {why}"
        )
    return Chosen(kept, left, much)


def _reason(top: str, path: str, info: os.stat_result, settings: CodeSettings) -> str | None:
    if stat.S_ISLNK(info.st_mode):
        return None
    if info.st_size > settings.max_file:
        return f"larger than code.max_file = {settings.max_file} bytes"
    if not settings.allow_secret_files and is_secret_file(path):
        return "named like a secret"
    for pattern in settings.exclude:
        folder = pattern.rstrip("/") + "/"
        if path.startswith(folder) or fnmatchcase(path, pattern) or fnmatchcase(path, folder + "*"):
            return f"excluded by `{pattern}`"
    if not os.access(os.path.join(top, path), os.R_OK):
        return "unreadable: Permission denied"
    return None


def is_key(top: str, path: str, key: str | None) -> bool:
    """Whether a path is the private key that signs; a public one may be shared."""
    if key is None or key.endswith(".pub"):
        return False
    try:
        return os.path.samefile(os.path.join(top, path), key)
    except OSError:
        return False


def _covers(output: str, path: str) -> bool:
    """Whether a declared output is the path, a folder above it, or a glob that matches it."""
    return path == output or path.startswith(output + "/") or fnmatchcase(path, output)


def specials(top: str, ignored: list[str], inner: list[str]) -> tuple[list[LeftOut], list[str]]:
    """Find what git passes over in silence: FIFOs, sockets, devices, unreadable and empty folders.

    Args:
        top: absolute.
        ignored: paths that are not in the snapshot, relative to the top; not entered.
        inner: repositories not to enter.

    Returns:
        What is left out, and the folders with nothing in them that a snapshot holds, which a repeat needs.
    """
    ignoring = {path.rstrip("/") for path in ignored}
    repositories = {path.rstrip("/") for path in inner}
    left: list[LeftOut] = []
    empty: list[str] = []
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(os.path.join(top, folder) if folder else top) as found:
                entries = list(found)
        except FileNotFoundError:
            continue  # gone meanwhile
        except OSError as error:
            left.append(LeftOut(to_text(folder), f"unreadable folder: {error.strerror}"))
            continue
        prefix = folder + "/" if folder else ""
        holds = False
        for entry in entries:
            name = entry.name
            if entry.is_file(follow_symlinks=False) or entry.is_symlink():
                holds = holds or prefix + name not in ignoring
            elif entry.is_dir(follow_symlinks=False):
                if name in (".git", ".xt") or prefix + name in ignoring:
                    continue
                holds = True
                if prefix + name not in repositories:
                    waiting.append(prefix + name)
            elif prefix + name not in ignoring:
                left.append(LeftOut(to_text(prefix + name), f"not a file: {_kind(entry)}"))
        if not holds and folder:
            empty.append(folder)
    return left, sorted(empty)


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except OSError as error:
        return error.strerror or "unreadable"
    if stat.S_ISFIFO(mode):
        return "FIFO"
    return "socket" if stat.S_ISSOCK(mode) else "device"
