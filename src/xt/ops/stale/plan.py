"""The order in which to do runs again: whatever another one needs comes before it, the least work first."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import NamedTuple


class Step(NamedTuple):
    """One run of a plan."""

    run: str
    needs: frozenset[str]
    """Runs whose outputs it reads; those that are not in the plan do not matter."""
    heavy: bool
    """Whether it trains."""
    cost: float
    """What it took last time, in seconds."""


def order(steps: Mapping[str, Step]) -> list[str]:
    """Put runs in order.

    Of those that nothing holds up, those that train come last, and then the one that took the least comes
    first. Runs that need each other (each read what the other wrote) are taken in that order too, so that
    every run is there exactly once.

    Args:
        steps: by run.
    """
    waiting = {
        run: {other for other in step.needs if other in steps and other != run} for run, step in steps.items()
    }
    holds: dict[str, list[str]] = {}
    for run, needs in waiting.items():
        for other in needs:
            holds.setdefault(other, []).append(run)
    ready = [_weight(steps[run]) for run, needs in waiting.items() if not needs]
    heapq.heapify(ready)
    found: list[str] = []
    done: set[str] = set()
    while len(found) < len(steps):
        if not ready:
            # A circle: the lightest of it goes first.
            heapq.heappush(ready, min(_weight(steps[run]) for run in steps if run not in done))
        run = heapq.heappop(ready)[-1]
        if run in done:
            continue
        done.add(run)
        found.append(run)
        for other in holds.get(run, []):
            waiting[other].discard(run)
            if not waiting[other] and other not in done:
                heapq.heappush(ready, _weight(steps[other]))
    return found


def _weight(step: Step) -> tuple[bool, float, str]:
    return step.heavy, step.cost, step.run
