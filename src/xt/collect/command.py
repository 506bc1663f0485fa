"""What is started, where, and which file that is."""

from __future__ import annotations

import os
import stat

from xt import fsio
from xt.collect import Capture
from xt.collect.hashing import NotReadError, hash_file
from xt.collect.statcache import StatCache, recall
from xt.collect.tree import fill, single
from xt.context import sort_of
from xt.model.snapshot import Command, Executable
from xt.model.text import to_text
from xt.redact import clean_argv

#: Bytes; the content of a larger program is not read for its digest.
LARGEST = 200_000_000


def describe(capture: Capture) -> Command:
    """Describe the command of a run as a record keeps it: without secrets."""
    request = capture.request
    argv, redacted = clean_argv(request.command)
    return Command(
        argv=[to_text(word) for word in argv],
        redacted=redacted,
        cwd=to_text(fsio.relative_to(request.cwd, capture.root)),
        executable=_executable(capture),
        stdin=sort_of(0),
        stdout=sort_of(1),
        stderr=sort_of(2),
    )


def _executable(capture: Capture) -> Executable:
    """Identify the file that argv[0] resolves to, as `execvp` would."""
    name = capture.request.command[0]
    inside = capture.request.docker is not None
    if inside and not _is_mounted(capture, name):
        return Executable(None, None, None, "it is that of the image")
    if "/" in name:
        path: str | None = os.path.join(capture.request.cwd, name)
    else:
        path = fsio.find_program(name, capture.outside.environ.get("PATH", os.defpath))
    if path is None:
        return Executable(None, None, None, "not found")
    real = os.path.realpath(path)
    try:
        info = os.stat(real)
        if not stat.S_ISREG(info.st_mode):
            return Executable(to_text(real), None, None, "not a file")
        if info.st_size > LARGEST:
            return Executable(to_text(real), None, info.st_size, f"larger than {LARGEST} bytes: not read")
        return Executable(to_text(real), _digest(capture, real, info), info.st_size)
    except NotReadError as error:
        return Executable(to_text(real), None, None, str(error))
    except OSError as error:
        return Executable(to_text(real), None, None, error.strerror)


def _is_mounted(capture: Capture, name: str) -> bool:
    """Whether what a container is told to run is a file of the project."""
    path = os.path.normpath(os.path.join(capture.request.cwd, name))
    return "/" in name and fsio.is_inside(path, capture.root) and os.path.exists(path)


def _digest(capture: Capture, path: str, info: os.stat_result) -> str:
    """Digest of a file, remembered while its stat stays the same."""
    cache = StatCache(capture.store, int(capture.outside.now().timestamp() * 1e9))
    listing = single(path, info)
    if not recall(cache.load(f"file {path}"), listing):
        # An error of reading is the caller's to tell: this file is one and not a tree.
        content = hash_file(path)
        fill(listing, lambda _path, _before: (content.digest, content.stamp, None))
        cache.save(f"file {path}", listing, "")
    return "blake3:" + listing.folders[0].contents[0].hex()
