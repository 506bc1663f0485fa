"""Which runs agree in what: outcomes of repeats, thing by thing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from xt.model.level import Level, reaches
from xt.model.result import Record
from xt.ops.verify.agreement import Agreement


class UnusableError(Exception):
    """Two runs cannot be compared in something: a clause why."""


class Outcomes:
    """Compares runs with each other; each pair once."""

    def __init__(self, agreement: Callable[[Record], Agreement], required: Level) -> None:
        """Prepare.

        Args:
            agreement: compares others with a given run.
            required: what counts as agreeing.
        """
        self._agreement, self._required = agreement, required
        self._known: dict[tuple[str, str], frozenset[str]] = {}

    def differing(self, one: Record, other: Record) -> frozenset[str]:
        """Paths of the things in which two runs do not agree.

        Raises:
            UnusableError: something could not be compared, as when a disk was full.
        """
        pair = (one.id, other.id)
        if pair not in self._known:
            points = [point for point in self._agreement(one).points(other) if point.counted]
            lost = next((point for point in points if point.level == "unverifiable"), None)
            if lost is not None:
                raise UnusableError(f"{lost.path}: {lost.note or 'it could not be compared'}")
            self._known[pair] = frozenset(
                point.path for point in points if not reaches(point.level, self._required)
            )
        return self._known[pair]

    def agree(self, one: Record, other: Record, path: str) -> bool:
        """Whether two runs agree in one thing."""
        return one is other or path not in self.differing(one, other)

    def groups(self, records: Sequence[Record], path: str) -> list[list[Record]]:
        """Runs that agree in one thing, the largest group first."""
        found: list[list[Record]] = []
        for record in records:
            home = next((group for group in found if self.agree(group[0], record, path)), None)
            if home is None:
                found.append([record])
            else:
                home.append(record)
        return sorted(found, key=len, reverse=True)


def accident(others: Sequence[int], own: int, n: int) -> float:
    """Probability that n repeats fall into one group although what was held fixed has no effect.

    Then every choice of n of all runs is as likely to be those under the pin: a permutation test (Fisher
    1935), which assumes nothing about how often which outcome comes.

    Args:
        others: sizes of the groups of runs without the pin that these repeats do not agree with.
        own: size of the group that they do agree with; 0 for none.
        n: repeats, all of which agree with each other.
    """
    total = sum(others) + own + n
    ways = math.comb(own + n, n) + sum(math.comb(size, n) for size in others)
    return ways / math.comb(total, n)
