"""The law of `spread` for few numbers, pair by pair: to load numpy takes longer than to look at thousands."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterator, Sequence
from struct import unpack
from typing import Any

from xt.compare.kinds import Kind, eight_bits, same_type
from xt.compare.spread import Peak, Spread

#: Type codes of arrays by width; there is none of 2 bytes for floats.
_FLOATS = {4: "f", 8: "d"}
_SIGNED = {1: "b", 2: "h", 4: "i", 8: "q"}
#: More than rounding to float32 moves a quotient.
_NEAR = 1 - 1e-6


def knows(kind: Kind) -> bool:
    """Whether numbers of a type can be made here: not records, nor floats wider than 64 bits."""
    return kind.family != "record" and (kind.family == "opaque" or kind.itemsize // kind.parts <= 8)


def compare_step(
    kinds: tuple[Kind, Kind], data: Sequence[bytes | bytearray], spreads: dict[str, Spread], first: int
) -> None:
    """Compare two runs of items that differ somewhere.

    Args:
        kinds: types of both sides that `knows` knows, and that can be compared.
        data: as many items of each, as they are stored.
        spreads: has the result, by "".
        first: number of the first item.
    """
    spread = spreads[""]
    left, right = (_values(kind, side) for kind, side in zip(kinds, data, strict=True))
    spread.total += len(left)
    one_type = same_type(*kinds)
    kind = kinds[0]
    first *= kind.parts
    if one_type and kind.family == "opaque":
        differing = sum(a != b for a, b in zip(left, right, strict=True))
        spread.differing += differing
        spread.beyond += differing
        return
    spread.measured = True
    if one_type and kind.family in ("integer", "bool"):
        _integers(spread, left, right, first)
        return
    if not one_type:
        left, right = ([float(value) for value in side] for side in (left, right))
        _floats(spread, left, right, None, single=False, first=first)
        return
    codes = _codes(kinds[0], data[0]), _codes(kinds[1], data[1])
    _floats(spread, left, right, codes, single=kind.itemsize // kind.parts < 8, first=first)


def _values(kind: Kind, data: bytes | bytearray) -> Sequence[Any]:
    """The numbers in stored bytes, the parts of complex ones as numbers of their own."""
    if kind.family == "opaque":
        width = kind.itemsize
        return [data[at : at + width] for at in range(0, len(data), width)]
    if kind.family == "bool":
        return [int(byte != 0) for byte in data]
    width = kind.itemsize // kind.parts
    if kind.family == "integer":
        code = _SIGNED[width]
        return _array(code if kind.stored[1] == "i" else code.upper(), kind, data)
    if kind.label == "bfloat16":
        # The upper half of a float32.
        return _of_bits(code << 16 for code in _array("H", kind, data))
    if width == 1:
        table = eight_bits(kind.label)
        assert table is not None
        return [table[code] for code in data]
    if width == 2:
        order = ">" if kind.stored[0] == ">" else "<"
        return unpack(f"{order}{len(data) // 2}e", data)
    return _array(_FLOATS[width], kind, data)


def _of_bits(bits: Iterator[int]) -> Sequence[float]:
    values = array("f")
    values.frombytes(array("I", bits).tobytes())
    return values


def _codes(kind: Kind, data: bytes | bytearray) -> array[int]:
    """The stored bits of floats as signed integers."""
    return _array(_SIGNED[kind.itemsize // kind.parts], kind, data)


def _array(code: str, kind: Kind, data: bytes | bytearray) -> array[Any]:
    """Stored items in the order of bytes of this machine."""
    values: array[Any] = array(code)
    values.frombytes(data)
    if kind.stored[0] != "|" and (kind.stored[0] == "<") != (sys.byteorder == "little"):
        values.byteswap()
    return values


def _integers(spread: Spread, left: Sequence[int], right: Sequence[int], first: int) -> None:
    rule = spread.rule
    for at, (a, b) in enumerate(zip(left, right, strict=True), first):
        if a == b:
            continue
        apart = abs(a - b)
        size = max(abs(float(a)), abs(float(b)))
        spread.differing += 1
        if not (rule.atol or rule.rtol) or not float(apart) <= rule.atol + rule.rtol * size:
            spread.beyond += 1
        if apart > spread.delta.rank:
            spread.delta = Peak(apart, at, apart)
        share = apart / max(size, 1.0)
        if share > spread.relative.rank:
            spread.relative = Peak(share, at, share)


def _floats(
    spread: Spread,
    left: Sequence[float],
    right: Sequence[float],
    codes: tuple[array[int], array[int]] | None,
    *,
    single: bool,
    first: int,
) -> None:
    """Compare floats.

    Args:
        spread: to add to.
        left: of any length.
        right: as many.
        codes: their stored bits, where steps are counted.
        single: whether their arithmetic is that of float32.
        first: flat index of the first.
    """
    rule = spread.rule
    for at, (a, b) in enumerate(zip(left, right, strict=True)):
        if a == b:
            continue
        nan = math.isnan(a) + math.isnan(b)
        if nan == 2:
            continue
        spread.differing += 1
        if nan:
            spread.nan += 1
            spread.beyond += 1
            continue
        if math.isinf(a) or math.isinf(b):
            spread.infinite += 1
            spread.beyond += 1
            continue
        apart, size = abs(a - b), max(abs(a), abs(b))
        share = apart / size if math.isfinite(apart) else abs(a / size - b / size)
        if apart > spread.delta.rank * _NEAR:
            rank = _single(apart) if single else apart
            if rank > spread.delta.rank:
                spread.delta = Peak(apart, first + at, rank)
        if share > spread.relative.rank * _NEAR:
            rank = _single_share(a, b) if single else share
            if rank > spread.relative.rank:
                spread.relative = Peak(share, first + at, rank)
        near = apart <= rule.atol + rule.rtol * size
        if codes is not None:
            steps = _steps(codes[0][at], codes[1][at], 8 * codes[0].itemsize - 1)
            near |= steps <= rule.ulp
            if spread.steps is None or steps > spread.steps.rank:
                spread.steps = Peak(steps, first + at, steps)
        spread.beyond += not near


def _single(value: float) -> float:
    """Round to float32."""
    rounded: float = array("f", (value,))[0]
    return rounded


def _single_share(a: float, b: float) -> float:
    """The share of a distance in the arithmetic of float32.

    A double has more than twice as many digits and two more, so rounding twice does no harm.
    """
    apart, size = _single(abs(a - b)), max(abs(a), abs(b))
    if math.isfinite(apart):
        return _single(apart / size)
    return _single(abs(_single(a / size) - _single(b / size)))


def _steps(left: int, right: int, bits: int) -> int:
    """Count the steps from one float to another by their stored bits, sign and magnitude."""
    if (left < 0) == (right < 0):
        return abs(left - right)
    largest = (1 << bits) - 1
    return (left & largest) + (right & largest)
