"""That repeats agree under a pin must be no accident: the permutation test behind a diagnosis."""

from __future__ import annotations

import itertools
import random

import pytest

from xt.execute.vary import PINS
from xt.ops.verify.diagnose import CONTROL, FREQUENT, MORE_CONTROL, MOST, WRONG
from xt.ops.verify.outcomes import accident


@pytest.mark.parametrize(
    ("others", "own", "n"), [([1] * 6, 0, 3), ([3, 2], 1, 3), ([5], 1, 2), ([2, 2], 0, 4)]
)
def test_it_is_the_share_of_choices_that_agree(others, own, n):
    runs = [group for group, size in enumerate(others) for _ in range(size)] + [-1] * (own + n)
    choices = list(itertools.combinations(runs, n))
    agreeing = [choice for choice in choices if len(set(choice)) == 1]
    assert accident(others, own, n) == pytest.approx(len(agreeing) / len(choices))


def named(draw: random.Random, shares: list[float]) -> bool:
    """One diagnosis of what no pin has an effect on: whether one is named."""

    def outcome() -> int:
        return draw.choices(range(len(shares)), shares)[0]

    control = [outcome() for _ in range(CONTROL)]
    if max(map(control.count, control)) >= FREQUENT:
        control += [outcome() for _ in range(MORE_CONTROL - CONTROL)]
    sizes = {value: control.count(value) for value in control}
    if len(sizes) == 1:
        return False  # it seems to repeat
    for _ in PINS:
        first = outcome()
        others = [size for value, size in sizes.items() if value != first]
        for n in range(1, MOST + 1):
            if accident(others, sizes.get(first, 0), n) <= WRONG / len(PINS.rows):
                return True
            if outcome() != first:
                break
    return False


@pytest.mark.parametrize(
    "shares", [[0.5, 0.5], [0.7, 0.3], [0.8, 0.2], [0.9, 0.1], [0.97, 0.03], [0.4, 0.3, 0.3], [0.01] * 100]
)
def test_a_source_is_rarely_named_where_no_pin_has_an_effect(shares):
    draw = random.Random(17)
    times = 600
    wrong = sum(named(draw, shares) for _ in range(times))
    assert wrong / times < 0.06
