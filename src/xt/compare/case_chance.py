"""Whether cases moved more than chance: exact for pass and fail, by randomisation for scores."""

from __future__ import annotations

import math
import zlib
from array import array
from itertools import compress

from xt.compare.judging import Chance
from xt.compare.student import normal_two_sided, sign_test

#: Cases times resamples; beyond, the normal limit is as good.
WORK = 2_000_000
_RESAMPLES = 999
_RANDOMISATIONS = 9_999
_FAIR = bytes(number & 1 for number in range(256))


def outcome_chance(fixed: int, broken: int, joined: int) -> Chance:
    """Judge moves between pass and fail by the exact sign test (McNemar 1947).

    Args:
        fixed: cases that failed left and pass right.
        broken: cases that passed left and fail right.
        joined: cases on both sides.
    """
    interval = _outcome_interval(fixed, broken, joined)
    return Chance(
        sign_test(fixed, broken),
        f"sign test over the {fixed + broken} of {joined} cases that moved, {interval}",
    )


def score_chance(moves: array[float]) -> Chance:
    """Judge moves of scores by randomisation of their signs (Fisher 1935).

    If nothing truly changed, either run could have given either of the two scores of a case, so every sign
    is a fair toss. That holds for few cases and for any distribution; the paired bootstrap, which gives the
    interval here, finds too much with few cases.

    Args:
        moves: right minus left, one a joined case.
    """
    sizes = sorted(abs(move) for move in moves if move)
    total = abs(math.fsum(moves))
    interval = _score_interval(moves)
    method = f"sign randomisation over {len(moves)} cases, {interval}"
    if not sizes:
        return Chance(1.0, method)
    scale = sizes[-1]
    sizes = [size / scale for size in sizes]
    total /= scale
    rounds = min(_RANDOMISATIONS, WORK // len(sizes))
    if rounds < _RESAMPLES:
        error = math.sqrt(math.fsum(size * size for size in sizes))
        return Chance(normal_two_sided(total / error), method.replace("sign", "normal limit of sign", 1))
    whole = math.fsum(sizes)
    # Sums are rounded; one that ties with what was seen counts as reaching it.
    reach = total - 1e-12 * whole
    import random

    toss = random.Random(_seed(array("d", sizes))).randbytes  # noqa: S311 - a simulation, no secret
    hits = sum(
        abs(2 * sum(compress(sizes, toss(len(sizes)).translate(_FAIR))) - whole) >= reach
        for _ in range(rounds)
    )
    return Chance((1 + hits) / (1 + rounds), method)


def _outcome_interval(fixed: int, broken: int, joined: int) -> str:
    """Write the percentile interval that the paired bootstrap comes to with all resamples there can be.

    A resample draws `joined` cases of which `fixed` count 1 and `broken` count -1, so its sum is distributed
    as the powers in `(broken / x + rest + fixed x) ** joined`: nothing has to be drawn.
    """
    if joined * _RESAMPLES > WORK:
        return _normal((fixed - broken) / joined, (fixed + broken) / joined, joined)
    low = -_upper(broken, fixed, joined) / joined
    return _written(low, _upper(fixed, broken, joined) / joined, "paired bootstrap, exact")


def _upper(fixed: int, broken: int, joined: int) -> int:
    """The largest sum of a resample that a fortieth of them reach or exceed.

    Coefficients of a power of a polynomial follow from the two before (J. C. P. Miller's recurrence), here
    from the highest down, in whole numbers.
    """
    # From `fixed` down; what is 0 in front lowers the highest sum.
    terms = [fixed, joined - fixed - broken, broken, 0, 0]
    skipped = next(at for at, term in enumerate(terms) if term)
    first, second, third = terms[skipped : skipped + 3]
    before, this, tail, reached = 0, first**joined, 0, 0
    whole = joined**joined
    while True:
        tail += 40 * this
        if tail >= whole:
            return joined * (1 - skipped) - reached
        following = second * (joined - reached) * this + third * (2 * joined - reached + 1) * before
        reached += 1
        before, this = this, following // (first * reached)


def _score_interval(moves: array[float]) -> str:
    joined = len(moves)
    mean = math.fsum(moves) / joined
    if joined * _RESAMPLES > WORK:
        return _normal(mean, math.fsum(move * move for move in moves) / joined, joined)
    ordered = sorted(moves)
    import random

    chance = random.Random(_seed(array("d", ordered)))  # noqa: S311 - as above
    return _percentiles([math.fsum(chance.choices(ordered, k=joined)) / joined for _ in range(_RESAMPLES)])


def _percentiles(means: list[float]) -> str:
    """Write the percentile interval (Efron 1979) of resampled means."""
    means.sort()
    low, high = means[round(0.025 * len(means))], means[round(0.975 * len(means)) - 1]
    return _written(low, high, f"paired bootstrap, {len(means)} resamples")


def _normal(mean: float, square: float, joined: int) -> str:
    half = 1.959964 * math.sqrt(max(0.0, square - mean * mean) / joined)
    return _written(mean - half, mean + half, "normal limit")


def _written(low: float, high: float, how: str) -> str:
    return f"95% interval {low:+.4g} to {high:+.4g} ({how})"


def _seed(content: array[float]) -> int:
    """Derive the seed from what is judged: the same cases give the same answer in any order."""
    return zlib.crc32(content.tobytes())
