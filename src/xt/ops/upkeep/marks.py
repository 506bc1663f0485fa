"""Digests of which it is asked whether they are among them: millions, in little more than their own bytes."""

from __future__ import annotations

from collections.abc import Iterable

#: Bytes of a digest.
LENGTH = 32
#: Bytes of one group below which it is not worth the time to look for those that are in it twice.
_LEAST = 4096


class Marks:
    """A set of digests, grouped by their first byte, as the folders of objects are."""

    def __init__(self) -> None:
        """Begin with none."""
        self._groups = [bytearray() for _ in range(256)]
        self._bounds = [_LEAST] * 256

    def add(self, digests: Iterable[bytes]) -> None:
        """Put some in."""
        for digest in digests:
            group = self._groups[digest[0]]
            group += digest
            if len(group) > self._bounds[digest[0]]:
                self._tidy(digest[0])

    def of(self, first: int) -> frozenset[bytes]:
        """Those that begin with a byte."""
        group = bytes(self._groups[first])
        return frozenset(group[at : at + LENGTH] for at in range(0, len(group), LENGTH))

    def __contains__(self, digest: bytes) -> bool:
        """Whether one is among them; whoever asks for many asks `of`."""
        return digest in self.of(digest[0])

    def _tidy(self, first: int) -> None:
        """Let go of what is in a group twice; it may then become twice as large before the next time."""
        self._groups[first] = bytearray(b"".join(self.of(first)))
        self._bounds[first] = max(_LEAST, 2 * len(self._groups[first]))
