"""Logs on a terminal: harmless, line by line, progress bars as their last frame."""

from __future__ import annotations

import codecs
from collections.abc import Callable

from xt.render.visible import visible_log

#: Bytes of a line after which it is written as far as it is.
LONG = 1 << 16
DIM, RESET = "\x1b[2m", "\x1b[0m"


def painted(line: str) -> str:
    r"""What a terminal shows of a line in the end: after `\r` the next characters cover the first ones."""
    frames = line.rstrip("\r").split("\r")
    if "\x1b" in line:
        return frames[-1]  # with sequences in it, a frame's length is not that of its text
    shown = ""
    for frame in frames:
        shown = frame + shown[len(frame) :]
    return shown


class LogPrinter:
    """Takes bytes of both streams and writes whole lines."""

    def __init__(self, write: Callable[[str], None], *, colour: bool, times: bool) -> None:
        """Write through `write`.

        Args:
            write: takes text.
            colour: keep the colours of the log.
            times: begin each line with the seconds since the start and the stream.
        """
        self._write = write
        self._colour = colour
        self._times = times
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}
        self._open: dict[str, str] = {}

    def feed(self, stream: str, at: float | None, data: bytes) -> None:
        """Take bytes of a stream that came `at` seconds after the start."""
        decoder = self._decoders.get(stream)
        if decoder is None:
            decoder = self._decoders[stream] = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        text = self._open.pop(stream, "") + decoder.decode(data)
        *lines, rest = text.split("\n")
        for line in lines:
            self._line(stream, at, line)
        if len(rest) > LONG:
            # A progress bar of a million frames: the earlier ones are painted over.
            rest = rest[rest.rstrip("\r").rfind("\r") + 1 :]
        if len(rest) > LONG:
            self._line(stream, at, rest)
            rest = ""
        if rest:
            self._open[stream] = rest

    def finish(self) -> None:
        """Write lines that have no end."""
        for stream, rest in self._open.items():
            self._line(stream, None, rest)
        self._open.clear()

    def _line(self, stream: str, at: float | None, line: str) -> None:
        shown = visible_log(painted(line), colour=self._colour)
        if self._colour and "\x1b[" in shown:
            shown += RESET
        if self._times:
            mark = "│" if stream == "stdout" else "!"
            when = f"{at:10.3f} s" if at is not None else " " * 12
            head = f"{when} {mark} "
            shown = (f"{DIM}{head}{RESET}" if self._colour else head) + shown
        self._write(shown + "\n")
