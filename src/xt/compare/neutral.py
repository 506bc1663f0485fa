"""Logs beside logs: what no two runs share (times, addresses, process numbers) is taken out first."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from xt.compare import Content, Rule
from xt.compare.content import Spooled
from xt.compare.lines import LINE, compare
from xt.compare.octets import same
from xt.model.delta import Delta

#: Bytes of a log that is rewritten; ten seconds.
LIMIT = 64_000_000
#: Characters of a line that are looked at; what follows stays as it is.
LOOKED_AT = 16_384

#: Escape sequences of terminals (ECMA-48): CSI, OSC, and those of two characters.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
_CLOCK = r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
#: Not `5 m` or `7 d`, which may be metres or dimensions.
_UNIT = r"(?:ns|us|µs|μs|ms|msecs?|s|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?)"
#: What begins with a digit that no letter, digit or point stands before; the longest first.
_DIGITAL = (
    # ISO 8601 and RFC 3339, and what `logging` makes of it; with the zone.
    (
        "time",
        r"[0-9]{3}[-/][0-9]{2}[-/][0-9]{2}[T ]"
        r"(?:[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?|[0-9]{2}:[0-9]{2})"
        r"(?:Z\b|[ ]?[+-][0-9]{2}:?[0-9]{2}\b)?",
    ),
    ("time", r"[0-9]{7}[T_-][0-9]{6}Z?\b"),
    ("time", rf"[0-9]? {_MONTH}(?: [0-9]{{4}})? {_CLOCK}(?: [A-Z]{{3,4}}\b)?"),
    ("rate", r"[0-9]*(?:\.[0-9]+)? ?(?:[A-Za-z]{1,12}/(?:s|sec|second)|s/[A-Za-z]{1,12})\b"),
    ("duration", r"[0-9]*(?::[0-9]{2}){1,3}(?:[.,][0-9]{1,9})?(?![\w:])"),
    ("duration", r"[0-9]{0,5}[dhm] ?(?:[0-9]{1,6}[hm] ?){0,2}[0-9]{1,6}(?:\.[0-9]+)?[hms]\b"),
    (
        "duration",
        rf"[0-9]*(?:\.[0-9]+)?(?:e[+-]?[0-9]+)? ?{_UNIT}\b(?: [0-9]+(?:\.[0-9]+)? ?{_UNIT}\b){{0,3}}",
    ),
    # Seconds since 1970, from 2001 to 2286, in seconds to nanoseconds.
    ("epoch", r"(?<!0)[0-9]{9}(?:\.[0-9]{1,9}|[0-9]{3}|[0-9]{6}|[0-9]{9})?(?![\w.])"),
)
# The first letter outside of the alternatives: so the search passes over all others quickly.
_DIGITS = re.compile(
    r"[0-9](?<![\w.][0-9])(?:"
    + "|".join(f"(?P<{name}_{at}>{rest})" for at, (name, rest) in enumerate(_DIGITAL))
    + ")"
)
_UUID = re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
#: syslog (RFC 3164), `date` and `ctime`.
_CALENDAR = re.compile(
    rf"\b(?:{_DAY},? )?{_MONTH} [ 0-9][0-9] {_CLOCK}(?: [A-Z]{{3,4}})?(?: [0-9]{{4}}\b)?", re.ASCII
)
#: glog: `I1125 02:56:01.123456  1234 file.cc:7]`.
_GLOG = re.compile(rf"(?<=^[IWEF])[0-9]{{4}} {_CLOCK}\s+[0-9]+\b")
_PATH = re.compile(r"(?:/private)?/(?:tmp|var/tmp|var/folders|dev/shm|run/user)(?:/[^\s'\"`,;:()\[\]{}<>]+)+")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,16}\b")
_PID = re.compile(
    r"(?i:(?<=\bpid)|(?<=\bprocess))(?i:\s{0,9}[=:#]?\s{0,9}|\s{1,9}id\s{0,9}[=:]?\s{0,9})[0-9]+\b"
)
_BRACKETED = re.compile(r"(?<=[A-Za-z_)])\[[0-9]{2,7}\](?=:)")
#: A progress bar before its first step.
_NO_RATE = re.compile(r"\?(?:[A-Za-z]{1,12}/s|s/[A-Za-z]{1,12})\b")


def neutralise(line: str) -> str:
    """Write a line of a log as every equal run would have written it.

    Of a progress bar only the last frame stays, colours go; times, durations, rates, addresses, UUIDs,
    process numbers and temporary paths become `<time>`, `<duration>`, `<rate>`, `<address>`, `<uuid>`,
    `<pid>`, `<path>`, `<epoch>`.

    Args:
        line: without its line feed.
    """
    if "\x1b" in line:
        line = _ESCAPES.sub("", line)
    if "\r" in line:
        # What a terminal shows in the end; a frame that is empty only moves the cursor.
        line = next((frame for frame in reversed(line.split("\r")) if frame), "")
    if "\b" in line:
        line = line.replace("\b", "")
    line = line.rstrip()
    looked_at, rest = line[:LOOKED_AT], line[LOOKED_AT:]
    for sign, pattern, word in _GATED:
        if sign in looked_at:
            looked_at = pattern.sub(word, looked_at)
    if looked_at[:1] in ("I", "W", "E", "F"):
        looked_at = _GLOG.sub("<time>", looked_at)
    if "pid" in (small := looked_at.lower()) or "process" in small:
        looked_at = _PID.sub("<pid>", looked_at)
    return _DIGITS.sub(_placeholder, looked_at) + rest


#: A sign without which a pattern cannot be in a line.
_GATED = (
    ("-", _UUID, "<uuid>"),
    (":", _CALENDAR, "<time>"),
    ("/", _PATH, "<path>"),
    ("0x", _ADDRESS, "<address>"),
    ("]:", _BRACKETED, "<pid>"),
    ("?", _NO_RATE, "<rate>"),
)


def _placeholder(match: re.Match[str]) -> str:
    return f"<{(match.lastgroup or '').rpartition('_')[0]}>"


def compare_logs(left: Content, right: Content, path: str) -> Delta:
    """Compare two logs line by line, after `neutralise`.

    Args:
        left: one log, of any encoding that ASCII is part of.
        right: the other.
        path: of the result.

    Returns:
        `same` for equal bytes; `within` when the logs agree but for what no two runs share; otherwise
        `changed`, with hunks of the lines as `neutralise` writes them. Logs of more than 64 MB are compared
        as they are, and a note says so.
    """
    if same(left, right):
        return Delta(path, "same")
    if max(left.size, right.size) > LIMIT:
        delta = compare(left, right, Rule(), path)
        return replace(delta, note="; ".join(filter(None, [_TOO_LARGE, delta.note])))
    ours, theirs = (Spooled(content.name, _neutral(content)) for content in (left, right))
    if same(ours, theirs):
        note = "only times, durations, addresses, process numbers or temporary paths differ"
        return Delta(path, "within", change="changed", note=note)
    return compare(ours, theirs, Rule(), path)


_TOO_LARGE = "too large to leave out times and other things no two runs share"


def _neutral(content: Content) -> Iterator[bytes]:
    """Lines of a log, a batch at a time."""
    with content.open() as stream:
        batch: list[str] = []
        size = 0
        while line := stream.readline(LINE):
            ended = line.endswith(b"\n")
            text = line.decode("utf-8", "surrogateescape")
            batch.append(neutralise(text[:-1]) + "\n" if ended else neutralise(text))
            size += len(line)
            if size > LINE:
                yield "".join(batch).encode("utf-8", "surrogateescape")
                batch, size = [], 0
        yield "".join(batch).encode("utf-8", "surrogateescape")
