"""Which run holds which content, in bounded memory: what a folder lists is held once, whoever has it."""

from __future__ import annotations

import array
from collections.abc import Iterable

#: Bytes of a digest, and of the number of who holds it.
_DIGEST, _NUMBER = 32, 4
_PAIR = _DIGEST + _NUMBER
#: Stands for more than one run.
_MANY = -1


class Shares:
    """Holders of contents: runs, and the folders (by their lists) that runs have."""

    def __init__(self) -> None:
        """Begin with none."""
        self.runs: list[str] = []
        self._groups = [bytearray() for _ in range(256)]
        self._folders: dict[bytes, int] = {}
        self._of: array.array[int] = array.array("i")
        """By number of a holder: the one run that has it, or `_MANY`."""

    def run(self, run_id: str, contents: Iterable[bytes]) -> int:
        """Take in a run and its contents; give its number."""
        number = self._holder(len(self.runs))
        self.runs.append(run_id)
        self._hold(number, contents)
        return number

    def folder(self, digest: bytes, number: int) -> bool:
        """Let a run have a folder; whether it is new, so that `listed` is to be told what is in it."""
        run = self._of[number]
        if digest in self._folders:
            own = self._folders[digest]
            if self._of[own] != run:
                self._of[own] = _MANY
            return False
        self._folders[digest] = self._holder(run)
        return True

    def listed(self, digest: bytes, contents: Iterable[bytes]) -> None:
        """Take in what is in a folder."""
        self._hold(self._folders[digest], contents)

    def number_of(self, digest: bytes) -> int:
        """Number of a folder as a holder."""
        return self._folders[digest]

    def holders(self, first: int) -> dict[bytes, list[int]]:
        """Of the contents that begin with a byte: the numbers of their holders."""
        found: dict[bytes, list[int]] = {}
        group = self._groups[first]
        for at in range(0, len(group), _PAIR):
            digest = bytes(group[at : at + _DIGEST])
            found.setdefault(digest, []).append(int.from_bytes(group[at + _DIGEST : at + _PAIR], "little"))
        return found

    def owner(self, holders: list[int]) -> int | None:
        """Place in `runs` of the one run that has a content; None when more have it."""
        runs = {self._of[number] for number in holders}
        only = runs.pop() if len(runs) == 1 else _MANY
        return None if only == _MANY else only

    def _holder(self, run: int) -> int:
        self._of.append(run)
        return len(self._of) - 1

    def _hold(self, number: int, contents: Iterable[bytes]) -> None:
        own = number.to_bytes(_NUMBER, "little")
        for digest in contents:
            self._groups[digest[0]] += digest + own
