"""The numbers of one row: in one unit, with one precision, so that the difference can be checked by eye."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from xt.model.delta import Delta, Sample
from xt.model.result import Number
from xt.render.cells import clip
from xt.render.quoting import value as quoted

#: Of units with larger and smaller ones: from which size on, its factor, its name.
_LADDERS: dict[str, tuple[tuple[float, float, str], ...]] = {
    "s": (
        (360_000, 86_400, "d"),
        (6_000, 3_600, "h"),
        (99.95, 60, "min"),
        (0.9995, 1, "s"),
        (0.000_999_5, 0.001, "ms"),
        (0, 0.000_001, "µs"),
    ),
    "B": (
        *((999.5 * 1000.0**power, 1000.0 ** (power + 1), unit) for power, unit in ((4, "PB"), (3, "TB"))),
        *((999.5 * 1000.0**power, 1000.0 ** (power + 1), unit) for power, unit in ((2, "GB"), (1, "MB"))),
        (999.5, 1000, "KB"),
        (0, 1, "B"),
    ),
    "J": ((3_600_000, 3_600_000, "kWh"), (999.5, 1000, "kJ"), (0, 1, "J")),
}
#: Units that are chosen by size, and so are part of a number.
SCALED = frozenset(_LADDERS)
#: More digits after the point are written with an exponent.
_MOST_DECIMALS = 8
#: More digits in all are more than a 64-bit float is sure of.
_MOST_DIGITS = 13
#: From here on a 64-bit float is not sure of its ones.
_SURE = 1e15
_BARS = "▁▂▃▄▅▆▇█"
#: Cells of a value that is no number.
_LONG = 28
#: Points of a series that are drawn.
_POINTS = 24


class Figures(NamedTuple):
    """The cells of a row, '' where nothing is known."""

    left: str
    right: str
    delta: str
    ratio: str
    tolerance: str
    noise: str


class _Scale(NamedTuple):
    factor: float
    decimals: int | None
    """None: with an exponent."""
    suffix: str


def figures(found: Delta) -> Figures:
    """Write both sides of a metric or cost, the difference, and the bounds it is held against.

    Args:
        found: with `left` and `right` in `unit`; means of repeats in the judgement take their place.
    """
    judged = found.judgement
    left = _of_side(found.left, judged.left if judged else None)
    right = _of_side(found.right, judged.right if judged else None)
    if judged is None:
        scale = _scale(left, right, None, found.unit)
        return Figures(_write(left, scale), _write(right, scale), "", "", "", "")
    delta = _plain(judged.delta)
    scale = _scale(left, right, delta, found.unit)
    return Figures(
        _write(left, scale),
        _write(right, scale),
        _signed(delta, scale) if delta is not None else "",
        _percent(judged.ratio),
        judged.tolerance or "",
        band(judged.noise, scale),
    )


def amount(found: Delta, value: float | None) -> str:
    """Write a further value of a row, such as what could have been detected, as `± 0.012`."""
    return band(value, _scale_of(found))


def scattered(
    values: list[float], sd: float | None, half: float | None, unit: str | None
) -> tuple[list[str], str, str]:
    """Write what repeats gave: in one unit, as precisely as their spread asks for.

    Args:
        values: of one metric, finite, at least one.
        sd: their standard deviation; '' is written for None.
        half: half width of a band, written as `± 0.012`; the same.
        unit: of all of them.
    """
    scale = _scale(max(values, key=abs), None, sd or half, unit)
    written = [_write(value, scale) for value in values]
    return written, band(sd, scale).removeprefix("± "), band(half, scale)


def own(found: Delta) -> tuple[str, str]:
    """Write what the two runs themselves gave, at least as precisely as the row."""
    scale, row = _scale(_plain(found.left), _plain(found.right), None, found.unit), _scale_of(found)
    if scale.factor == row.factor and scale.decimals is not None and row.decimals is not None:
        scale = scale._replace(decimals=max(scale.decimals, row.decimals))
    return _write(found.left, scale), _write(found.right, scale)


def is_finite(found: Delta) -> bool:
    """Whether no side is NaN or infinite."""
    sides = [_plain(side) for side in (found.left, found.right)]
    return all(math.isfinite(side) for side in sides if isinstance(side, float))


def band(half: float | None, scale: _Scale) -> str:
    """Write the half width of a band; more digits than its row has where it would be zero."""
    if half is None:
        return ""
    if not half:
        return "± 0"
    text = _write(half, scale)
    if half and math.isfinite(half) and not text.strip("0.−" + scale.suffix):
        text = _exponent(f"{half / scale.factor:.1g}") + scale.suffix
    return f"± {text}"


def sparklines(left: Any, right: Any) -> tuple[str, str]:
    """Draw two series on one scale, a space for a gap; '' for what is no series."""
    rows = [
        [_number(point) for point in side[:_POINTS]] if isinstance(side, list) else []
        for side in (left, right)
    ]
    known = [point for row in rows for point in row if point is not None]
    if not known:
        return "", ""
    low, high = min(known), max(known)
    # Halved: the distance of the largest float from the smallest is no float.
    span = high / 2 - low / 2

    def bar(point: float | None) -> str:
        if point is None:
            return " "
        share = (point / 2 - low / 2) / span if span else 0.5
        return _BARS[min(int(share * len(_BARS)), len(_BARS) - 1)]

    return "".join(map(bar, rows[0])), "".join(map(bar, rows[1]))


def scientific(value: object) -> str:
    """Write a number that stands alone: two or three digits that matter."""
    plain = _plain(value)
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        return _text(plain)
    if isinstance(plain, int) and abs(plain) < 10**15:
        return str(plain)
    real = _number(plain)
    return _text(plain) if real is None else _exponent(f"{real:.3g}")


def _scale_of(found: Delta) -> _Scale:
    """The unit and the precision of a row."""
    judged = found.judgement
    left = _of_side(found.left, judged.left if judged else None)
    right = _of_side(found.right, judged.right if judged else None)
    return _scale(left, right, _plain(judged.delta) if judged else None, found.unit)


def _exponent(text: str) -> str:
    """Write `1e-05` as `1e-5` and `2e+06` as `2e6`."""
    mantissa, e, power = text.partition("e")
    return f"{mantissa}e{int(power)}" if e else text


def _of_side(value: Any, sample: Sample | None) -> Any:
    """The mean where there are repeats, else what the run itself says."""
    if sample is not None and (sample.n > 1 or value is None):
        return sample.mean
    return _plain(value)


def _plain(value: Any) -> Any:
    """A float for what JSON has no literal for, also when it has been through JSON."""
    if isinstance(value, Number):
        return float(value.special)
    if isinstance(value, dict) and value.keys() == {"special"} and value["special"] in ("nan", "inf", "-inf"):
        return float(value["special"])
    return value


def _number(value: Any) -> float | None:
    """A finite float, None for anything else."""
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        real = float(value)
    except OverflowError:
        return None
    return real if math.isfinite(real) else None


def _scale(left: Any, right: Any, delta: Any, unit: str | None) -> _Scale:
    """Choose a unit by the larger value and a precision by the values and their difference."""
    values = [real for real in (_number(left), _number(right)) if real is not None]
    move = _number(delta)
    largest = max(map(abs, values or [move or 0.0]))
    if unit in _LADDERS:
        _, factor, name = next((step for step in _LADDERS[unit] if largest >= step[0]), _LADDERS[unit][-1])
        if not largest:
            factor, name = 1, unit
        suffix = f" {name}"
        whole = factor == 1 and unit == "B"
        least = 0 if whole or largest / factor >= (99.95 if name == "s" else 9.95) else 1
    else:
        factor, suffix = 1.0, ""
        if largest and (largest < 1e-4 or largest >= _SURE):
            return _Scale(1.0, None, suffix)
        if all(isinstance(side, int) for side in (left, right) if side is not None) and isinstance(
            delta, int | None
        ):
            return _Scale(1.0, 0, suffix)
        least = min(max((_decimals(real, 3) for real in values), default=0), _places(largest, 4))
    decimals = least
    if move and abs(move) < _SURE * factor:
        wanted = max(least, _decimals(move / factor, 1 if unit in _LADDERS else 2))
        if wanted <= _MOST_DECIMALS and wanted + _whole_digits(largest / factor) <= _MOST_DIGITS:
            decimals = wanted
            if len(values) == 2:
                decimals = _agreeing(values[0] / factor, values[1] / factor, move / factor, decimals)
    return _Scale(factor, min(decimals, _MOST_DECIMALS), suffix)


def _agreeing(left: float, right: float, move: float, decimals: int) -> int:
    """More digits, if need be, for the rounded difference to be the difference of the rounded."""
    for more in range(3):
        places = decimals + more
        ten = 10.0**places
        sure = max(abs(left), abs(right), abs(move)) * ten < _SURE
        if sure and places <= _MOST_DECIMALS and round(right * ten) - round(left * ten) == round(move * ten):
            return places
    return decimals


def _whole_digits(value: float) -> int:
    return math.floor(math.log10(value)) + 1 if value >= 1 else 1


def _places(value: float, significant: int) -> int:
    """Digits after the point for so many that matter."""
    return max(0, significant - 1 - math.floor(math.log10(abs(value)))) if value else 0


def _decimals(value: float, significant: int) -> int:
    """The same, without zeros at the end."""
    most = _places(value, significant)
    if most > 2 * _MOST_DECIMALS:
        return most
    return len(f"{value:.{most}f}".partition(".")[2].rstrip("0"))


def _write(value: Any, scale: _Scale) -> str:
    if value is None:
        return "–"
    real = _number(value)
    if real is None:
        return _text(value)
    scaled = real / scale.factor
    if scale.decimals is None or abs(scaled) >= _SURE:
        text = _exponent(f"{scaled:.3g}")
    else:
        text = f"{scaled:.{scale.decimals}f}"
        if not text.strip("-0."):
            text = text.lstrip("-")
    return text.replace("-", "−") + scale.suffix


def _signed(delta: Any, scale: _Scale) -> str:
    real = _number(delta)
    if real is None:
        return _text(delta)
    if not real:
        return "0"
    text = _write(abs(real), scale)
    if not text.removesuffix(scale.suffix).strip("0."):
        # Smaller than the values can show.
        text = _exponent(f"{abs(real) / scale.factor:.1e}") + scale.suffix
    return ("−" if real < 0 else "+") + text


def _percent(ratio: float | None) -> str:
    if ratio is None or not math.isfinite(ratio):
        return ""
    share = abs(ratio) * 100
    if not share:
        return "0 %"
    text = (
        f"{share:.0f}"
        if 99.5 <= share < 1e6
        else f"{share:.1f}"
        if 0.05 <= share < 99.5
        else _exponent(f"{share:.1g}")
    )
    return f"{'−' if ratio < 0 else '+'}{text} %"


def _text(value: Any) -> str:
    """What is no finite number."""
    if isinstance(value, float):
        return {math.inf: "inf", -math.inf: "−inf"}.get(value, "nan")
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{'−' if value < 0 else ''}beyond 1e308"
    text = value if isinstance(value, str) else quoted(value)
    return clip(text[: 4 * _LONG], _LONG)
