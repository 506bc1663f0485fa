"""Which untracked files go into a snapshot, and why the others do not."""

from __future__ import annotations

import os
import stat
from fnmatch import fnmatchcase

from xt.config import CodeSettings
from xt.model.code import LeftOut
from xt.model.text import to_text

#: Names that hold secrets nearly always. `.example`, `.sample` and `.template` are meant to be shared.
SECRET_FILES = (
    ".env",
    ".env.*",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.kdbx",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".npmrc",
    ".pgpass",
    ".git-credentials",
    ".vault-token",
    ".databrickscfg",
    ".htpasswd",
    "credentials",
    "credentials.*",
    "*credentials*.json",
    "service-account*.json",
    "service_account*.json",
    "secrets.*",
)
SECRET_FOLDERS = (".aws", ".ssh", ".gnupg", ".kube", ".docker")
SHARED_SUFFIXES = (".example", ".sample", ".template", ".pub")


def is_secret_file(path: str) -> bool:
    """Whether a file is named as files with secrets are."""
    *folders, name = path.split("/")
    lowered = name.lower()
    if lowered.endswith(SHARED_SUFFIXES):
        return False
    return any(folder in SECRET_FOLDERS for folder in folders) or any(
        fnmatchcase(lowered, pattern) for pattern in SECRET_FILES
    )


def choose(
    top: str, paths: list[str], settings: CodeSettings, outputs: list[str]
) -> tuple[list[str], list[LeftOut]]:
    """Divide untracked paths into those to store and those to list.

    Args:
        top: absolute folder the paths are relative to.
        paths: untracked files and links.
        settings: limits, in bytes and files.
        outputs: absolute paths or globs of declared outputs: effects of an earlier run, not causes of this.
    """
    kept: list[str] = []
    left: list[LeftOut] = []
    total = 0
    for path in paths:
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
        if reason is None and total + info.st_size > settings.max_total:
            reason = f"untracked files together are over code.max_total = {settings.max_total} bytes"
        if reason is None and len(kept) >= settings.max_files:
            reason = f"more than code.max_files = {settings.max_files} untracked files"
        if reason is None:
            total += info.st_size
            kept.append(path)
        else:
            left.append(LeftOut(to_text(path), reason, info.st_size))
    return kept, left


def _reason(top: str, path: str, info: os.stat_result, settings: CodeSettings) -> str | None:
    if stat.S_ISLNK(info.st_mode):
        return None
    if info.st_size > settings.max_file:
        return f"larger than code.max_file = {settings.max_file} bytes"
    if not settings.allow_secret_files and is_secret_file(path):
        return "named like a secret"
    for pattern in settings.exclude:
        if fnmatchcase(path, pattern):
            return f"excluded by `{pattern}`"
    if not os.access(os.path.join(top, path), os.R_OK):
        return "unreadable: Permission denied"
    return None


def _covers(output: str, path: str) -> bool:
    """Whether a declared output is the path, a folder above it, or a glob that matches it."""
    return path == output or path.startswith(output + "/") or fnmatchcase(path, output)


def specials(top: str, ignored: list[str], nested: list[str]) -> tuple[list[LeftOut], list[str]]:
    """Find what git passes over in silence: FIFOs, sockets, devices, unreadable and empty folders.

    Args:
        top: absolute.
        ignored: paths not to enter, relative to the top, folders ending in `/`.
        nested: repositories not to enter.

    Returns:
        What is left out, and the empty folders, which a repeat needs.
    """
    closed = {path.rstrip("/") for path in (*ignored, *nested)}
    left: list[LeftOut] = []
    empty: list[str] = []
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(os.path.join(top, folder) if folder else top))
        except OSError as error:
            left.append(LeftOut(to_text(folder), f"unreadable folder: {error.strerror}"))
            continue
        if not entries and folder:
            empty.append(folder)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.name not in (".git", ".xt") and path not in closed:
                    waiting.append(path)
            elif not entry.is_file(follow_symlinks=False) and not entry.is_symlink():
                path = f"{folder}/{entry.name}" if folder else entry.name
                if path not in closed:
                    left.append(LeftOut(to_text(path), f"not a file: {_kind(entry)}"))
    return left, sorted(empty)


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except OSError as error:
        return error.strerror or "unreadable"
    if stat.S_ISFIFO(mode):
        return "FIFO"
    return "socket" if stat.S_ISSOCK(mode) else "device"
