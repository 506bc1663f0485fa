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

    def groups(self, records: Sequence[Record], path: str) -> list[int]:
        """Sizes of the groups of runs that agree in one thing, the largest first."""
        found: list[list[Record]] = []
        for record in records:
            home = next((group for group in found if self.agree(group[0], record, path)), None)
            if home is None:
                found.append([record])
            else:
                home.append(record)
        return sorted(map(len, found), reverse=True)


def needed(groups: Sequence[int], chance: float) -> int:
    """How many repeats must agree so that it is no accident.

    If the most frequent outcome has share f, n repeats fall on one outcome with probability about fⁿ. The
    share is estimated with half a run more than was seen, so that a few runs do not make it too small.

    Args:
        groups: sizes of the groups of runs that agree, without anything held fixed.
        chance: how often it may be an accident.
    """
    share = (groups[0] + 0.5) / (sum(groups) + 1)
    return math.ceil(math.log(chance) / math.log(share))
