"""Masking of secrets in a byte stream, however it is cut into chunks.

Bytes, not lines: a secret may hold a newline, and a chunk may end anywhere. What may still become a secret
is held back until it is decided; overlapping secrets become one mask. What `xt.execute.apart` knows to stand
in the middle of secrets is looked through, and kept. A seat belt, not a boundary: a secret that is
transformed (reversed, compressed) is not recognised.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from xt.execute.apart import CODE, Piece, Shade, last_of, shade
from xt.execute.apart import MOST as MOST_APART
from xt.execute.forms import HEAD
from xt.execute.sought import AFTER, Group, part_places, sought

#: What stands in the log instead.
MASK = b"***"
#: Bytes of a chunk that are counted to know which are rare, and after how many such chunks they are again.
_LARGE, _ANEW = 4096, 1000
#: Bytes under which so many parts are searched for one by one.
_SMALL, _FEW = 1024, 10
#: A stretch of bytes that a mask stands for; whether one that was written before stands for it already.
_Stretch = tuple[int, int, bool]


class Mask:
    """Replaces secrets in one stream. Not to be shared between streams: it remembers what it held back."""

    def __init__(self, values: dict[str, str]) -> None:
        """Prepare the forms to look for.

        Args:
            values: secrets by the name of their variable, as `xt.redact.secret_values` gives them.
        """
        self._sought = sought(tuple(values.items()))
        self.left_out = self._sought.left_out
        """Names of values that are masked as they are, and not in all their forms: there are too many."""
        self.active = bool(self._sought.needles)
        """Whether there is anything to look for; if not, bytes pass as they are."""
        self.count = 0
        """Masks written so far."""
        self._groups = self._sought.groups
        self._chunks = 0  # large ones
        self._held = b""
        self._covered: list[_Stretch] = []  # of what is held, that a mask already stands for

    def feed(self, data: bytes, final: bool = False) -> bytes:
        """Take the next chunk.

        Args:
            data: any bytes, also none.
            final: whether the stream ends here, so that nothing is held back.

        Returns:
            What can be written now: chunks put together are the same however the stream is cut.
        """
        if not self.active:
            return data
        whole = self._held + data if self._held else data
        size = len(whole)
        if size >= _LARGE:
            if self._chunks % _ANEW == 0:
                self._groups = self._sought.grouped(whole)
            self._chunks += 1
        searched = whole
        if coded := b"\x1b" in whole:  # what stands in the middle of one
            searched = CODE.sub(b"", whole)
            if self._sought.codes:
                searched = whole + searched
        found = [
            part
            for group in self._groups
            if group.byte in searched
            for part in _candidates(group, searched)
            if part in searched
        ]
        cut = size if final or not size else size - self._open(whole, coded)
        if not found and not self._covered:
            self._held = whole[cut:]
            return whole[:cut] if cut < size else whole
        forms = {form for part in found for form in self._sought.forms[part]}
        return self._replace(whole, self._places(whole, forms, cut), cut)

    def _open(self, whole: bytes, coded: bool) -> int:
        """Length of the longest end of the bytes that a secret begins with."""
        longest = 0
        sought = self._sought
        if whole[-1] in sought.ends:
            if whole[-HEAD:] in sought.inner or len(whole) < HEAD:
                longest = self._begun(whole)
            else:
                longest = next((n for n in range(HEAD - 1, 0, -1) if whole[-n:] in sought.heads[n]), 0)
        if sought.apart:
            last = None if coded else last_of(whole, HEAD)
            if last is None or last in sought.inner:
                longest = max(longest, self._begun_apart(whole))
        if not coded or not longest:
            return longest
        # Not from the middle of a code.
        start = whole.rfind(b"\x1b", max(len(whole) - longest - 67, 0), len(whole) - longest)
        code = CODE.match(whole, start) if start >= 0 else None
        return len(whole) - start if code and code.end() > len(whole) - longest else longest

    def _begun(self, whole: bytes) -> int:
        tail = whole[1 - self._sought.longest :] if self._sought.longest > 1 else b""
        size = len(tail)
        longest = 0
        for needle in self._sought.needles:
            at = tail.find(needle[:1], max(size - len(needle) + 1, 0), size - longest)
            while at >= 0:
                if needle.startswith(tail[at:]):
                    longest = size - at
                    break
                at = tail.find(needle[:1], at + 1, size - longest)
        return longest

    def _begun_apart(self, whole: bytes) -> int:
        """The same for what has something in the middle, or may get it."""
        tail = whole[-(max(map(len, self._sought.apart)) + MOST_APART) :]
        longest = 0
        for seen in self._shades(tail, ending=True):
            size = len(seen.text)
            for form in self._sought.apart:
                head = form[:HEAD]
                at = seen.text.find(head, max(size - len(form) + 1, 0))
                while at >= 0:
                    length = len(tail) - seen.at(at)
                    if (
                        form.startswith(seen.text[at:])
                        and length <= len(form) + MOST_APART
                        and seen.at(at + HEAD - 1) == seen.at(at) + HEAD - 1
                    ):
                        longest = max(longest, length)
                        break
                    at = seen.text.find(head, at + 1)
        return longest

    def _shades(self, data: bytes, *, ending: bool = False) -> list[Shade]:
        if b"\n" not in data and b"\x1b" not in data and not ending:
            return []
        return [
            shade(data, spaced=spaced, ending=ending) for spaced in (False, True)[: 1 + self._sought.spaced]
        ]

    def _places(self, whole: bytes, found: set[bytes], cut: int) -> list[_Stretch]:
        """Find where the secrets are that begin before `cut`.

        Every one of them is complete: an incomplete one would have moved `cut` before it.
        """
        places: list[_Stretch] = []
        for needle in found:
            at = whole.find(needle)
            while 0 <= at < cut:
                places.append((at, at + len(needle), False))
                at = whole.find(needle, at + 1)
        apart = found & self._sought.apart
        for seen in self._shades(whole) if apart else ():
            for form in apart:
                at = seen.text.find(form)
                while at >= 0 and seen.at(at) < cut:
                    pieces = seen.pieces(at, at + len(form))
                    if _is_one(form, pieces, whole):
                        places += [(start, stop, offset > 0) for start, stop, offset in pieces]
                    at = seen.text.find(form, at + 1)
        return places

    def _replace(self, whole: bytes, places: list[_Stretch], cut: int) -> bytes:
        """Write masks for what begins before `cut`, and hold the rest."""
        places = [*self._covered, *places]
        places.sort(key=lambda place: (place[0], not place[2]))
        parts = []
        end = 0
        for start, stop, told in places:
            if start >= cut:
                break
            if start >= end:
                parts.append(whole[end:start])
                if not told:
                    parts.append(MASK)
                    self.count += 1
            end = max(end, stop)
        parts.append(whole[end:cut])
        self._held = whole[cut:]
        self._covered = [(max(start - cut, 0), stop - cut, True) for start, stop, _ in places if stop > cut]
        return b"".join(parts)


def _candidates(group: Group, whole: bytes) -> Iterable[bytes]:
    """List the parts that may be there."""
    if group.after is None or (len(whole) < _SMALL and len(group.parts) <= _FEW):
        return group.parts
    after = {piece[:AFTER] for piece in whole.split(bytes((group.byte,)))}
    return [part for key in after & group.after.keys() for part in group.after[key]]


def _is_one(form: bytes, pieces: list[Piece], whole: bytes) -> bool:
    """Whether pieces are to be taken for a secret, which must not depend on where a chunk ends."""
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1 or first.stop - first.start < HEAD:
        return False
    ends = [
        (one.offset + one.stop - one.start, other.offset)
        for one, other in pairwise(pieces)
        if b"\n" in whole[one.stop : other.start]
    ]
    return last.stop - first.start <= len(form) + MOST_APART and any(
        all(start >= after or stop <= before for before, after in ends) for start, stop in part_places(form)
    )
