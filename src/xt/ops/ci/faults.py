"""Where a failed command says the fault is: the end of its log, and a file and a line in it."""

from __future__ import annotations

import os
import re
from collections import deque
from typing import NamedTuple

from xt import fsio
from xt.model.result import Record
from xt.model.text import from_text
from xt.store import Store

#: Bytes of a log that are looked at from its end, lines that are shown, and logs too long to be read for it.
TAIL, LINES, MOST = 65_536, 60, 200_000_000
#: A frame of a Python traceback, and what it ends with.
_FRAME = re.compile(r'\s*File "([^"\n]+)", line (\d{1,9})(?:, in .*)?')
_RAISED = re.compile(r"((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?:: (.*))?")
#: What compilers and linters write: `FILE:LINE[:COLUMN]: error: TEXT`.
_SAID = re.compile(r"([^\s:][^:\n]*):(\d{1,9})(?::\d{1,9})?: (?:fatal )?error:? (.+)")
_COLOURS = re.compile("\x1b\\[[0-9;:]*[A-Za-z]")


class Fault(NamedTuple):
    """What a command said went wrong."""

    text: str
    file: str | None
    """Relative to the top of the checkout, `/` between parts."""
    line: int | None


def tail(store: Store, record: Record) -> list[str]:
    """Read the last lines a command wrote: to standard error, or to standard output if that has none.

    Raises:
        StoreError: the log is damaged or not there.
    """
    for name in ("stderr", "stdout"):
        for stream in record.result.logs.streams:
            if stream.name == name and stream.digest is not None and 0 < stream.stored <= MOST:
                lines = _last(store, stream.digest)
                if any(line.strip() for line in lines):
                    return lines
    return []


def _last(store: Store, digest: str) -> list[str]:
    pieces: deque[bytes] = deque()
    size = 0
    for piece in store.objects.stream(digest):
        pieces.append(piece)
        size += len(piece)
        while size - len(pieces[0]) >= TAIL:
            size -= len(pieces.popleft())
    text = b"".join(pieces)[-TAIL:].decode("utf-8", "replace")
    lines = _COLOURS.sub("", text.replace("\r\n", "\n")).split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    # Of a line that was drawn over what stood there last.
    return [line.rstrip("\r").rpartition("\r")[2] for line in lines]


def fault(lines: list[str], record: Record, root: str, top: str) -> Fault | None:
    """Find what went wrong in the end of a log.

    Args:
        lines: of the log.
        record: of the run, for the folder it ran in.
        root: absolute path of the project.
        top: absolute path of the checkout; a file elsewhere is not named.

    Returns:
        The last error there is, and the innermost frame of it in the project; None when there is none.
    """
    folder = os.path.join(root, from_text(record.snapshot.command.cwd))
    found: Fault | None = None
    frames: list[tuple[str, int]] | None = None
    for line in lines:
        frame, said = _FRAME.fullmatch(line), _SAID.fullmatch(line.strip())
        if line.startswith("Traceback (most recent call last)"):
            frames = []
        elif frame is not None:
            # A syntax error comes with a frame and no traceback.
            frames = [*(frames or []), (frame[1], int(frame[2]))]
        elif frames and line and not line[0].isspace():
            raised = _RAISED.fullmatch(line)
            if raised is not None:
                found = _innermost(line, frames, folder, top)
                frames = None
        elif said is not None:
            place = _inside(said[1], folder, top)
            found = Fault(said[3], place, int(said[2]) if place is not None else None)
    return found


def _innermost(text: str, frames: list[tuple[str, int]], folder: str, top: str) -> Fault:
    for name, number in reversed(frames):
        place = _inside(name, folder, top)
        if place is not None:
            return Fault(text, place, number)
    return Fault(text, None, None)


def _inside(name: str, folder: str, top: str) -> str | None:
    """A file of the checkout, relative to its top; None for any other, and for installed packages."""
    if "\0" in name:
        return None
    path = os.path.realpath(os.path.join(folder, name))
    if not fsio.is_inside(path, top) or "/site-packages/" in path or not os.path.isfile(path):
        return None
    return fsio.relative_to(path, top)
