"""The law of tolerance for arrays: which pairs of stored numbers count as equal.

Two numbers are close when they are identical (NaN with NaN, an infinity with itself, -0.0 with 0.0); or
both are finite and `|a - b| <= atol + rtol * max(|a|, |b|)`, in double precision; or at most `ulp` steps
between neighbouring representable numbers of the stored type lead from one to the other (IEEE 754-2019,
5.3.1 nextUp). The law is reflexive, symmetric and monotone in each bound, and zero bounds are equality.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xt.compare import Rule


def steps_apart(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.uint64]:
    """Count the steps between representable numbers that lie from left to right.

    Args:
        left: stored bits of floats as signed integers (sign and magnitude), any shape.
        right: of the same type and shape.

    Returns:
        Exact distances, 0 between the two zeros; without meaning where a side is NaN.
    """
    unsigned = np.dtype(f"u{left.dtype.itemsize}")
    mask = left.dtype.type(np.iinfo(left.dtype).max)
    a, b = (left & mask).view(unsigned), (right & mask).view(unsigned)
    # Magnitudes of two signs add up: at most twice the largest signed integer, which the width holds.
    apart = np.where((left ^ right) < 0, a + b, np.maximum(a, b) - np.minimum(a, b))
    return np.asarray(apart, np.uint64)


def close_floats(
    left: NDArray[Any],
    right: NDArray[Any],
    rule: Rule,
    codes: tuple[NDArray[Any], NDArray[Any]] | None = None,
) -> NDArray[np.bool_]:
    """Apply the law to floats, pair by pair.

    Args:
        left: floats of any width, any shape.
        right: of the same shape.
        rule: the bounds.
        codes: the stored bits of both, for `rule.ulp`; by default those of the arrays themselves.
            A type wider than 64 bits has none: its steps are not counted, only the other bounds hold.
    """
    wide = np.result_type(left.dtype, right.dtype, np.float64)
    # Even widening a signalling NaN would warn.
    with np.errstate(all="ignore"):
        a, b = left.astype(wide), right.astype(wide)
        equal = (a == b) | (np.isnan(a) & np.isnan(b))
        finite = np.isfinite(a) & np.isfinite(b)
        near = np.abs(a - b) <= rule.atol + rule.rtol * np.maximum(np.abs(a), np.abs(b))
        if rule.ulp and codes is None and left.dtype == right.dtype and left.dtype.itemsize <= 8:
            signed = np.dtype(f"i{left.dtype.itemsize}")
            codes = left.view(signed), right.view(signed)
        if rule.ulp and codes is not None:
            near |= steps_apart(*codes) <= np.uint64(min(rule.ulp, 2**64 - 1))
        return np.asarray(equal | (finite & near), np.bool_)


def close_integers(left: NDArray[Any], right: NDArray[Any], rule: Rule) -> NDArray[np.bool_]:
    """Apply the law to integers of one type; `ulp` says nothing of them.

    The distance is exact over the whole range of int64 and uint64; the bound is in double precision.
    """
    near = left == right
    if rule.atol or rule.rtol:
        size = np.maximum(np.abs(left.astype(np.float64)), np.abs(right.astype(np.float64)))
        with np.errstate(all="ignore"):
            near |= distance(left, right).astype(np.float64) <= rule.atol + rule.rtol * size
    return np.asarray(near, np.bool_)


def distance(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Exact `|left - right|` of integers of one type, as unsigned integers of the same width."""
    unsigned = np.dtype(f"u{left.dtype.itemsize}")
    high, low = np.maximum(left, right), np.minimum(left, right)
    return np.asarray(high.view(unsigned) - low.view(unsigned))
