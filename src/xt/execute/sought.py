"""What a mask looks for, prepared: made once for all streams and texts of a run."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from xt.execute.forms import HEAD, LEAST_LINE, forms, plain

#: Most forms looked for: each costs time on every chunk. The values themselves are, however many there are.
MOST = 1000
#: Longest part of a value that is looked for, for it may stand whole where the value does not.
_PART = 12
#: Values that may have a part in common for it to be looked for.
_SHARED = 8
#: From rare to common in logs.
_COMMON_LAST = (
    b"\0QXZJYKVWUHGOBPqzjNLMFRDIATSCEx~^`@#$&!?;\\|'%*+<>{}[]()\""
    b"Wv_kwy/-=,:bfgpmhucdlnrioa79865432ste.10 \n\t\r"
)


class Group(NamedTuple):
    """Parts that hold the same rare byte, and how they are searched for in a text that holds it, too."""

    byte: int
    parts: list[bytes]
    after: dict[bytes, list[bytes]] | None
    """By what follows the byte, up to the next one; None when to search for each by itself is cheaper."""


#: Bytes that are told apart behind the rare one.
AFTER = 4
#: Bytes for which these are: how often a byte occurs that is as good as a rarer one; microseconds for a
#: search, times the length of what is searched for; for a split, and for each piece of it.
_PIECE = 65536
_RARE, _SEARCH, _SPLIT, _EACH = 32, 500, 15, 0.1


class Sought:
    """The forms of some secrets, and what tells quickly that none of them is in a text."""

    def __init__(self, values: tuple[tuple[str, str], ...]) -> None:
        """Write them in all their forms.

        Args:
            values: names and values.
        """
        needles: dict[bytes, None] = {}
        self.left_out: list[str] = []
        """Names of values that are looked for as they are, and not in all their forms: there are too many."""
        written = {name: forms(value) for name, value in values}
        for all_forms in written.values():
            needles.update(dict.fromkeys(all_forms[:1]))
        for name, all_forms in written.items():
            more = [form for form in all_forms if form not in needles]
            room = max(MOST - len(needles), 0)
            if len(more) > room:
                self.left_out.append(name)
            needles.update(dict.fromkeys(more[:room]))
        self.needles = list(needles)
        self.longest = max(map(len, needles), default=0)
        self.apart = {
            form for _, value in values for form in plain(value) if form in needles and _may_be_apart(form)
        }
        """Those that may have something in their middle."""
        self.codes = any(b"\x1b" in needle for needle in needles)
        self.spaced = any(b" " in form for form in self.apart)
        self.forms: dict[bytes, list[bytes]] = {}
        """What is searched for, and the forms it may be one of."""
        parts = {
            needle: [needle[start:stop] for start, stop in part_places(needle)]
            if needle in self.apart
            else [needle]
            for needle in needles
        }
        shared = Counter(part for all_parts in parts.values() for part in all_parts)
        for needle, all_parts in parts.items():
            # What very many begin with would only lead to all of them.
            telling = [part for part in all_parts if shared[part] <= _SHARED]
            for part in telling or [min(all_parts, key=shared.__getitem__)]:
                self.forms.setdefault(part, []).append(needle)
        self.heads = [{needle[:count] for needle in needles} for count in range(HEAD)]
        """How they begin, by the number of characters."""
        self.inner = {
            bytes(three) for needle in needles for three in zip(needle, needle[1:], needle[2:], strict=False)
        }
        """What ends otherwise cannot end inside a secret."""
        self.ends = frozenset[int]().union(*(needle[:-1] for needle in needles))
        self._bytes = sorted(frozenset[int]().union(*self.forms), key=_COMMON_LAST.find)
        self.groups = self._grouped({byte: at for at, byte in enumerate(self._bytes)}, 0)

    def grouped(self, sample: bytes) -> list[Group]:
        """Sort what is searched for by bytes that are rare in a sample."""
        counts = {byte: sample.count(byte) * _PIECE // len(sample) for byte in self._bytes}
        return self._grouped(counts, _RARE)

    def _grouped(self, counts: dict[int, int], rare: int) -> list[Group]:
        found: dict[int, list[bytes]] = {}
        for part in self.forms:
            # Not among the last ones, so that what follows tells something; with others, if it may be.
            places = sorted(set(part[:-AFTER] or part), key=counts.__getitem__)
            least = max(counts[places[0]], rare)
            byte = next((byte for byte in places if byte in found and counts[byte] <= least), places[0])
            found.setdefault(byte, []).append(part)
        return [
            group
            for byte, parts in found.items()
            for short in (True, False)
            if (some := [part for part in parts if (len(part) <= AFTER) is short])
            for group in (Group(byte, some, None if short else _by_after(byte, some, counts[byte])),)
        ]


def _by_after(byte: int, parts: list[bytes], count: int) -> dict[bytes, list[bytes]] | None:
    # Measured on 64 KB: a search passes over what it cannot match, and is the faster the longer the part is.
    if sum(_SEARCH / len(part) for part in parts) <= _SPLIT + _EACH * count:
        return None
    after: dict[bytes, list[bytes]] = {}
    for part in parts:
        key = part[part.index(byte) + 1 :].partition(bytes((byte,)))[0][:AFTER]
        after.setdefault(key, []).append(part)
    return after


@lru_cache(maxsize=4)
def sought(values: tuple[tuple[str, str], ...]) -> Sought:
    """Prepare, or take what was prepared for the same values."""
    return Sought(values)


def _may_be_apart(form: bytes) -> bool:
    """Whether what stands in the middle of a form can be told from what it is made of."""
    return (
        len(form) >= LEAST_LINE
        and not {*b"\x1b\n"} & {*form}
        and form[:1] + form[-1:] == ((form[:1] + form[-1:]).strip(b" \t\r|\xe2\x82\x83\x91"))
    )


def part_places(form: bytes) -> list[tuple[int, int]]:
    """Where the parts of a form are of which one has to be whole: short ones, for lines may be short.

    Of hex digits alone longer ones: short ones of these have no byte that is rare.
    """
    rare = form.translate(None, b"0123456789abcdef") != b""
    count = 3 if rare and len(form) >= 16 else 2
    length = min(len(form) // 2, _PART if rare else 2 * _PART)
    step = (len(form) - length) // (count - 1)
    return [(step * number, step * number + length) for number in range(count)]
