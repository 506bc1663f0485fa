"""Bytes beside bytes: sizes, the first difference, and how many differ, at the speed of memory."""

from __future__ import annotations

from xt.compare import Content, Rule
from xt.compare.content import CHUNK, read_up_to
from xt.model.delta import Delta, Measure

#: Bytes of differing chunks that are counted; then the count is a lower bound. About a second.
COUNTED = 256 << 20


def same(left: Content, right: Content) -> bool:
    """Whether two contents have the same bytes; reads no further than the first difference."""
    return left.size == right.size and first_difference(left, right) is None


def first_difference(left: Content, right: Content) -> int | None:
    """Offset of the first byte that differs or is missing on one side; None when there is none."""
    with left.open() as one, right.open() as other:
        at = 0
        while True:
            here, there = read_up_to(one, CHUNK), read_up_to(other, CHUNK)
            if here != there:
                return at + shared(here, there)
            if not here:
                return None
            at += len(here)


def shared(left: bytes, right: bytes) -> int:
    """Length of the common beginning, by halving."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def shared_end(left: Content, right: Content, most: int) -> int:
    """Length of the common end.

    Args:
        left: one content.
        right: the other.
        most: bytes to look at, no more than either has.
    """
    with left.open() as one, right.open() as other:
        length = 0
        while length < most:
            step = min(CHUNK, most - length)
            one.seek(left.size - length - step)
            other.seek(right.size - length - step)
            here, there = read_up_to(one, step), read_up_to(other, step)
            if here != there:
                return length + shared(here[::-1], there[::-1])
            length += step
        return length


def differing(left: bytes, right: bytes) -> int:
    """Count the positions at which two equally long texts of bytes differ."""
    apart = int.from_bytes(left, "little") ^ int.from_bytes(right, "little")
    return len(left) - apart.to_bytes(len(left), "little").count(0)


def compare(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare byte by byte.

    Args:
        left: one content.
        right: the other.
        rule: nothing in it excuses a byte.
        path: of the result.

    Returns:
        `same` or `changed`; sizes in bytes, the offset of the first difference, and how many of the
        positions that both have differ, a lower bound after 256 MB of differing chunks.
    """
    first: int | None = None
    count = at = looked_at = 0
    complete = True
    with left.open() as one, right.open() as other:
        while True:
            here, there = read_up_to(one, CHUNK), read_up_to(other, CHUNK)
            both = min(len(here), len(there))
            if here[:both] != there[:both]:
                if first is None:
                    first = at + shared(here, there)
                count += differing(here[:both], there[:both])
                looked_at += both
            at += both
            if looked_at >= COUNTED and at < min(left.size, right.size):
                complete = False
                break
            if both < CHUNK:
                break
    if first is None and left.size == right.size:
        return Delta(path, "same")
    measures = [Measure("first byte", at if first is None else first)]
    if first is not None:
        what = "bytes differing" if complete else "bytes differing, at least"
        measures.append(Measure(what, count))
    note = _note(left.size, right.size, first, count, complete)
    return Delta(path, "changed", left.size, right.size, "changed", "B", measures, note)


def _note(left: int, right: int, first: int | None, count: int, complete: bool) -> str:
    if first is None:
        if right > left:
            return f"{_bytes(right - left)} added at the end"
        return f"{_bytes(left - right)} removed at the end"
    least = "" if complete else "at least "
    both = min(left, right)
    note = f"{least}{count} of {_bytes(both)} {'differs' if count == 1 else 'differ'}, first at byte {first}"
    return note if left == right else f"{note}; {left} → {right} bytes"


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count} bytes"
