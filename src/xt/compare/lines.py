"""Text beside text, line by line, whatever its size."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from xt.compare import Content, Rule, UnreadableError
from xt.compare.alignment import Edit, edits
from xt.compare.closeness import Widest
from xt.compare.content import CHUNK, read_up_to
from xt.compare.numerals import differ_within, frame, see
from xt.compare.octets import first_difference, shared_end
from xt.compare.texts import Looks, look, packaging, plain
from xt.compare.unified import cut, hunks
from xt.model.delta import Delta, Measure

#: Bytes of a text that is rewritten (in a file) to see through its encoding and line ends.
REWRITTEN = 256 << 20
#: Bytes and lines between the common beginning and end, up to which lines are aligned.
WINDOW_BYTES = 8 << 20
WINDOW_LINES = 150_000
#: Bytes in which the lines around a change are looked for.
NEAR = 64 << 10
#: Bytes of a line that is compared number by number, or counted as a whole.
LINE = 1 << 20
#: Bytes between the common beginning and end that are read again line by line.
SCANNED = 2 << 30
#: Equal lines around a change, and lines of hunks that are kept.
CONTEXT = 3
KEPT = 1000


class Window(NamedTuple):
    """What lies between the common beginning and the common end of two texts, with lines of context."""

    start: int
    """Offset on both sides."""
    left_end: int
    right_end: int
    line: int
    """Number of its first line."""
    differs: int
    """Offset of the first byte that differs."""
    differs_line: int
    column: int | None
    """Bytes of that line before it, counted from 1; None when the line begins far before it."""
    whole: bool
    """Whether it begins and ends at a line's end."""


def compare(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare line by line.

    Args:
        left: one text.
        right: the other.
        rule: with a tolerance, lines that differ only in numbers that are close count as equal.
        path: of the result.

    Returns:
        `within` when all that differs are numbers that are close. Otherwise `changed`, with hunks and the
        number of lines added and removed; a note says when only the encoding, the byte order mark, the line
        ends, the newline at the end or the order of lines differs, or when it is too much to align.

    Raises:
        UnreadableError: it is larger than 256 MB and in UTF-16 or UTF-32.
    """
    looks = look(left), look(right)
    if max(left.size, right.size) <= REWRITTEN:
        left, right = plain(left, looks[0]), plain(right, looks[1])
    elif any(each.encoding.startswith("UTF-") and each.encoding != "UTF-8" for each in looks):
        raise UnreadableError(f"it is too large to compare line by line in {looks[0].encoding}")
    about = packaging(*looks)
    first = first_difference(left, right)
    if first is None or _only_final_newline(left, right, first):
        note = "only " + "; ".join(about or ["the places of carriage returns differ"])
        return Delta(path, "changed", change="changed", note=_differ(note))
    window = _window(left, right, first)
    if rule.rtol or rule.atol or rule.ulp:
        widest = _close_throughout(left, right, window, rule)
        if widest is not None and not about:
            many = "number differs" if widest.count == 1 else "numbers differ"
            note = f"{widest.count} {many} within tolerance"
            return Delta(path, "within", change="changed", measures=widest.measures(rule), note=note)
    small = window.whole and max(window.left_end, window.right_end) - window.start <= WINDOW_BYTES
    ours = _lines(left, window.start, window.left_end) if small else []
    theirs = _lines(right, window.start, window.right_end) if small else []
    if not small or max(len(ours), len(theirs)) > WINDOW_LINES:
        return _in_step(left, right, window, about, path) or _summary(left, right, window, looks, about, path)
    return _aligned(ours, theirs, window, rule, about, path)


def _differ(note: str) -> str:
    """Turn `only the line ends: LF → CRLF` into a statement."""
    return (
        note.replace(":", " differ:", 1)
        if note.startswith("only the line ends:")
        else note.replace(":", " differs:", 1)
    )


def _only_final_newline(left: Content, right: Content, first: int) -> bool:
    shorter, longer = sorted((left, right), key=lambda content: content.size)
    # Beside nothing at all, a newline is a line.
    if not first or first != shorter.size or longer.size != first + 1:
        return False
    with longer.open() as stream:
        stream.seek(first)
        return read_up_to(stream, 2) == b"\n"


def _window(left: Content, right: Content, first: int) -> Window:
    """Widen the stretch that differs to whole lines, and by lines of context."""
    tail = shared_end(left, right, min(left.size, right.size) - first)
    with left.open() as stream:
        low = max(0, first - NEAR)
        stream.seek(low)
        near = read_up_to(stream, first - low)
        start = near.rfind(b"\n") + 1
        column = len(near) - start + 1 if start or not low else None
        whole = column is not None
        for _ in range(CONTEXT):
            if start:
                start = near.rfind(b"\n", 0, start - 1) + 1
        if not start and low:  # lines too long to be shown as context
            start = near.rfind(b"\n") + 1
        start += low
        stream.seek(left.size - tail)
        near = read_up_to(stream, min(tail, NEAR))
    end = at = 0
    # The line that differs ends in the common end, unless it is the last one.
    for _ in range(CONTEXT + 1):
        at = near.find(b"\n", at) + 1
        if not at:
            break
        end = at
    if at == 0 and len(near) == tail:
        end = tail
    elif not end:
        whole = False
    line = _count(left, 0, start)
    return Window(
        *(start, left.size - tail + end, right.size - tail + end, line + 1),
        *(first, line + 1 + _count(left, start, first), column, whole),
    )


def _count(content: Content, start: int, end: int) -> int:
    """Line feeds between two offsets."""
    return sum(data.count(b"\n") for data in _read(content, start, end))


def _read(content: Content, start: int, end: int) -> Iterator[bytes]:
    with content.open() as stream:
        stream.seek(start)
        while start < end and (data := read_up_to(stream, min(CHUNK, end - start))):
            start += len(data)
            yield data


def _lines(content: Content, start: int, end: int) -> list[str]:
    lines = b"".join(_read(content, start, end)).decode("utf-8", "replace").split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _split(content: Content, start: int, end: int) -> Iterator[bytes]:
    """Lines between two offsets; one longer than a megabyte comes in pieces."""
    with content.open() as stream:
        stream.seek(start)
        while start < end and (line := stream.readline(min(LINE, end - start))):
            start += len(line)
            yield line


def _close_throughout(left: Content, right: Content, window: Window, rule: Rule) -> Widest | None:
    """Compare line with line in passing; None as soon as two are not close."""
    widest = Widest()
    ours, theirs = _split(left, window.start, left.size), _split(right, window.start, right.size)
    number = window.line - 1
    while True:
        one, other = next(ours, b""), next(theirs, b"")
        number += 1
        if one == other:
            if not one:
                return widest
            continue
        if not one or not other or max(len(one), len(other)) >= LINE:
            return None
        pairs = differ_within(one.decode("utf-8", "replace"), other.decode("utf-8", "replace"), rule)
        if pairs is None:
            return None
        see(widest, pairs, f"line {number}")


def _aligned(
    ours: list[str], theirs: list[str], window: Window, rule: Rule, about: list[str], path: str
) -> Delta:
    widest = Widest()
    changes = edits(ours, theirs)
    if rule.rtol or rule.atol or rule.ulp:
        changes = [
            part for change in changes for part in _not_close(ours, theirs, change, window, rule, widest)
        ]
    removed = sum(change.left_end - change.left for change in changes)
    added = sum(change.right_end - change.right for change in changes)
    counts = (("lines added", added), ("lines removed", removed))
    measures = [Measure(what, count) for what, count in counts if count] + widest.measures(rule)
    text: list[str] = []
    more = 0
    for hunk in hunks(ours, theirs, changes, CONTEXT, first=(window.line, window.line)):
        if text and len(text) + len(hunk) > KEPT:
            more += 1
        else:
            text += hunk[:KEPT]
    notes = []
    if sorted(ours) == sorted(theirs):
        notes.append("only the order of lines differs")
    elif widest.count and not changes:
        notes.append("numbers are within tolerance")
    notes += [f"also {each}" for each in about]
    note = "; ".join(notes) or None
    return Delta(path, "changed", change="changed", measures=measures, note=note, text=text, more=more)


def _not_close(
    ours: list[str], theirs: list[str], change: Edit, window: Window, rule: Rule, widest: Widest
) -> Iterator[Edit]:
    """Take the lines out of an edit that differ only in numbers that are close."""
    here = ours[change.left : change.left_end]
    there = theirs[change.right : change.right_end]
    same_count = len(here) == len(there)
    inner = [] if same_count else edits([*map(frame, here)], [*map(frame, there)])
    if same_count:
        pairs = [(at, at) for at in range(len(here))]
    else:
        pairs, at, other = [], 0, 0
        for left, left_end, right, right_end in [*inner, Edit(len(here), len(here), len(there), len(there))]:
            pairs += zip(range(at, left), range(other, right), strict=True)
            at, other = left_end, right_end
    at = other = 0
    for one, two in [*pairs, (len(here), len(there))]:
        if one < len(here):
            found = differ_within(here[one], there[two], rule)
            if found is None:
                continue
            see(widest, found, f"line {window.line + change.left + one}")
        if one > at or two > other:
            yield Edit(change.left + at, change.left + one, change.right + other, change.right + two)
        at, other = one + 1, two + 1


def _in_step(left: Content, right: Content, window: Window, about: list[str], path: str) -> Delta | None:
    """Compare line with line in passing, for few lines that differ far from each other; None for many."""
    if not window.whole or max(window.left_end, window.right_end) - window.start > SCANNED:
        return None
    text: list[str] = []
    changed = 0
    ours, theirs = _split(left, window.start, window.left_end), _split(right, window.start, window.right_end)
    for number, (one, other) in enumerate(zip_longest(ours, theirs, fillvalue=b""), window.line):
        if one == other:
            continue
        if not one or not other or max(len(one), len(other)) >= LINE or changed == KEPT // 3:
            return None
        changed += 1
        lines = [
            f"{sign}{line.decode('utf-8', 'replace').rstrip(chr(10))}"
            for sign, line in (("-", one), ("+", other))
        ]
        text += [f"@@ -{number} +{number} @@", *map(cut, lines)]
    measures = [Measure("lines added", changed), Measure("lines removed", changed)]
    note = "; ".join(
        ["too large for a line diff: compared line with line", *(f"also {each}" for each in about)]
    )
    return Delta(path, "changed", change="changed", measures=measures, note=note, text=text)


def _summary(
    left: Content, right: Content, window: Window, looks: tuple[Looks, Looks], about: list[str], path: str
) -> Delta:
    """What can be said of texts that differ in too many or too long lines."""
    where = f"line {window.differs_line}"
    if window.column is None or window.column > 200:
        where += f" (byte {window.differs})"
    note = f"too large for a line diff: first difference at {where}"
    if max(window.left_end, window.right_end) - window.start <= SCANNED and _same_lines(left, right, window):
        note = f"only the order of lines differs, first at {where}"
    measures = [Measure("first line", window.differs_line, where)]
    counts = [each.lines + (not each.final) for each in looks]
    if counts[0] != counts[1]:
        measures.append(Measure("lines added, net", counts[1] - counts[0]))
    note = "; ".join([note, *(f"also {each}" for each in about)])
    return Delta(path, "changed", change="changed", measures=measures, note=note)


def _same_lines(left: Content, right: Content, window: Window) -> bool:
    """Whether both have the same lines in some order: by a sum of keyed hashes, 64 bits, over them."""
    sums = []
    for content, end in ((left, window.left_end), (right, window.right_end)):
        total = count = 0
        for line in _split(content, window.start, end):
            if len(line) >= LINE:
                return False
            # The last line may lack its end; SipHash of bytes is keyed anew in every process.
            total += hash(line.rstrip(b"\n"))
            count += 1
        sums.append((total, count))
    return sums[0] == sums[1]
