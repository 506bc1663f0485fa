"""Student's t distribution and the exact sign test on the standard library, for real degrees of freedom."""

from __future__ import annotations

import math
from functools import lru_cache

_TINY = 1e-300
#: Above this, gamma functions of neighbours are divided by a series: their logarithms would cancel.
_SERIES_FROM = 30.0


def two_sided(t: float, df: float) -> float:
    """Probability that |T| is at least |t|: the p value of a t test.

    With x = df / (df + t²) it is the regularised incomplete beta function I_x(df/2, 1/2)
    (Abramowitz & Stegun 1964, 26.5.27 and 26.7.1).

    Args:
        t: the statistic; infinite gives 0.
        df: degrees of freedom, a real number above 0.
    """
    t = abs(t)
    if t == 0.0:
        return 1.0
    if math.isinf(t):
        return 0.0
    half = df / 2
    # Logarithms of x and 1 - x, each without cancellation and without squaring what would overflow.
    log_x, log_y = (
        (-math.log1p(t / df * t), -math.log1p(df / t / t))
        if 1e-150 < t < 1e150
        else (min(0.0, math.log(df) - 2 * math.log(t)), min(0.0, 2 * math.log(t) - math.log(df)))
    )
    front = math.exp(half * log_x + 0.5 * log_y + _log_gamma_step(half) - 0.5 * math.log(math.pi))
    x = math.exp(log_x)
    if x < (half + 1) / (half + 2.5):
        return min(1.0, front * _fraction(half, 0.5, x) / half)
    return max(0.0, 1.0 - 2 * front * _fraction(0.5, half, math.exp(log_y)))


def density(t: float, df: float) -> float:
    """Density of Student's t at t (Student 1908; Fisher 1925)."""
    log_x = -math.log1p(t / df * t)
    return math.exp(_log_gamma_step(df / 2) - 0.5 * math.log(math.pi * df) + (df + 1) / 2 * log_x)


@lru_cache(maxsize=4096)
def critical(p: float, df: float) -> float:
    """Find the t that |T| reaches with probability p: the inverse of `two_sided`.

    Newton's method on log p against log t. That curve falls and is concave for every df, so that it
    converges from any start, and from the second step on from one side.

    Args:
        p: above 0 and below 1.
        df: degrees of freedom, a real number above 0.
    """
    t = _near(p, df)
    wanted = math.log(p)
    for _ in range(60):
        reached = two_sided(t, df)
        if reached <= 0.0:  # far outside of what a float can say: come nearer first
            t /= 16
            continue
        gap = math.log(reached) - wanted
        step = gap * reached / (2 * density(t, df) * t)
        t *= math.exp(max(-8.0, min(8.0, step)))
        if abs(step) < 1e-11:
            break
    return t


def sign_test(fixed: int, broken: int) -> float:
    """Two-sided p value of the exact sign test (McNemar 1947, in its binomial form).

    Of pairs that differ, each direction has probability 1/2; the smaller count K of n has
    P(X <= K) = I_½(n - K, K + 1), and both tails count.

    Args:
        fixed: pairs that moved one way.
        broken: pairs that moved the other way.
    """
    total = fixed + broken
    fewer = min(fixed, broken)
    if total == 0 or 2 * fewer >= total - 1:
        return 1.0
    a, b = float(total - fewer), float(fewer + 1)
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    front = math.exp(-(a + b) * math.log(2) - log_beta)
    # The fraction converges fast on the side of the mean; a >= b puts 1/2 on it here.
    return min(1.0, 2 * front * _fraction(a, b, 0.5) / a)


def normal_two_sided(z: float) -> float:
    """Probability that a standard normal variable is at least |z| away from 0."""
    return math.erfc(abs(z) / math.sqrt(2))


def _log_gamma_step(a: float) -> float:
    """Find log Γ(a + 1/2) - log Γ(a); the series is that of Tricomi & Erdélyi (1951)."""
    if a < _SERIES_FROM:
        return math.lgamma(a + 0.5) - math.lgamma(a)
    r = 1 / a
    s = r * r
    return 0.5 * math.log(a) - r * (1 / 8 - s * (1 / 192 - s * (1 / 640 - s * 17 / 14336)))


def _fraction(a: float, b: float, x: float) -> float:
    """Continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method (1976)."""
    c = 1.0
    d = 1.0 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > _TINY else _TINY)
    value = d
    for m in range(1, 100_000):
        twice = a + 2 * m
        even = m * (b - m) * x / ((twice - 1) * twice)
        d = 1 + even * d
        d = 1 / (d if abs(d) > _TINY else _TINY)
        c = 1 + even / c
        c = c if abs(c) > _TINY else _TINY
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / (twice * (twice + 1))
        d = 1 + odd * d
        d = 1 / (d if abs(d) > _TINY else _TINY)
        c = 1 + odd / c
        c = c if abs(c) > _TINY else _TINY
        step = d * c
        value *= step
        if abs(step - 1) < 2e-16:
            break
    return value


def _near(p: float, df: float) -> float:
    """Guess the critical t: from the tail for few degrees of freedom, else from the normal distribution."""
    if df < 3:
        # P(|T| > t) ~ 2 C df^((df - 1) / 2) / t^df for large t, C as in the density.
        log_c = _log_gamma_step(df / 2) - 0.5 * math.log(math.pi * df)
        return math.exp((math.log(2 / p) + log_c + 0.5 * (df - 1) * math.log(df)) / df)
    r = math.sqrt(-2 * math.log(p / 2))
    z = r - (2.30753 + 0.27061 * r) / (1 + r * (0.99229 + 0.04481 * r))  # Abramowitz & Stegun 26.2.22
    z = max(z, 1e-6)
    # Fisher & Cornish (1960), Abramowitz & Stegun 26.7.5.
    s = z * z
    return z * (1 + (s + 1) / (4 * df) + ((5 * s + 16) * s + 3) / (96 * df * df))
