"""Declared tolerances: read from settings and from the command line, and held against two numbers."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple, TypeVar

from xt.compare import Rule
from xt.compare.jsonable import written
from xt.compare.resolution import Resolution
from xt.config import MetricSettings, OutputSettings
from xt.model.result import labelled

Kind = Literal["abs", "rel", "ulp", "sigma"]
KINDS: tuple[Kind, ...] = ("abs", "rel", "ulp", "sigma")
#: A declared decimal and the difference of two decimals are each rounded to binary: 0.97 - 0.96 is more than
#: 0.01. A move is not over the bound for that, nor ever for more than this share of the bound.
_SLACK = 1e-9

T = TypeVar("T")


class Tolerance(NamedTuple):
    """A bound up to which two numbers count as equal."""

    kind: Kind
    bound: float
    """In the metric's unit, a share, representable numbers, or standard deviations."""

    def __str__(self) -> str:
        """Write as declared: `abs 0.005`, `ulp 4`."""
        return f"{self.kind} {_written(self.bound)}"


def parse_tolerance(text: str) -> Tolerance:
    """Read a tolerance from the command line.

    Args:
        text: `abs:0.01`, `rel:1e-3`, `ulp:4`, `sigma:2`.

    Raises:
        ValueError: with a clause that says what is wrong.
    """
    kind, colon, bound = text.partition(":")
    known = next((name for name in KINDS if name == kind), None)
    if not colon or known is None:
        raise ValueError(f"`{text}` is no tolerance: `abs:`, `rel:`, `ulp:` or `sigma:` and a number")
    number = math.nan
    # `float` takes `1_000`, ` 1` and the digits of other scripts, which a settings file does not.
    if bound.isascii() and "_" not in bound and bound == bound.strip():
        try:
            number = float(bound)
        except ValueError:
            number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"the bound `{bound}` of `{kind}` is not a finite number of 0 or more")
    if known == "ulp" and not number.is_integer():
        raise ValueError(f"`ulp` counts representable numbers: `{bound}` is not whole")
    return Tolerance(known, number)


def tolerances_of(settings: MetricSettings | None) -> list[Tolerance]:
    """List what is declared for a metric; each is enough by itself."""
    if settings is None:
        return []
    bounds = {"abs": settings.abs, "rel": settings.rel, "ulp": settings.ulp, "sigma": settings.sigma}
    return [Tolerance(kind, float(bound)) for kind in KINDS if (bound := bounds[kind]) is not None]


def declared(tolerances: Sequence[Tolerance]) -> str | None:
    """Write tolerances as declared: `abs 0.005 or rel 0.001`; None when there are none."""
    return " or ".join(map(str, tolerances)) or None


def allowed(tolerance: Tolerance, left: float, right: float, sd: float | None = None) -> float | None:
    """Express a tolerance in the metric's unit.

    Args:
        tolerance: as declared.
        left: finite.
        right: finite.
        sd: standard deviation of repeats, None without repeats.

    Returns:
        The largest size of `right - left` that is within it, None when that needs repeats.
    """
    if tolerance.kind == "abs":
        return tolerance.bound
    if tolerance.kind == "rel":
        return tolerance.bound * max(abs(left), abs(right))
    if tolerance.kind == "sigma":
        return None if sd is None else tolerance.bound * sd
    steps = int(min(tolerance.bound, 2**63))
    position = _position(left)
    # Towards the right value; not beyond the largest float.
    reached = position + steps if right >= left else position - steps
    largest = _position(math.inf) - 1
    return abs(_at(max(-largest, min(largest, reached))) - left)


def widest(
    tolerances: Sequence[Tolerance], left: float, right: float, sd: float | None = None
) -> tuple[float, bool] | None:
    """Hold two numbers against all that is declared.

    Args:
        tolerances: each enough by itself.
        left: finite.
        right: finite.
        sd: standard deviation of repeats, None without repeats.

    Returns:
        What is allowed in the metric's unit and whether the two are within it; None when nothing is declared,
        or all of it needs repeats.
    """
    known = [
        (bound, within(tolerance, left, right, bound))
        for tolerance in tolerances
        if (bound := allowed(tolerance, left, right, sd)) is not None
    ]
    if not known:
        return None
    return max(bound for bound, _ in known), any(fits for _, fits in known)


def within(tolerance: Tolerance, left: float, right: float, bound: float) -> bool:
    """Say whether two numbers are within a tolerance.

    Args:
        tolerance: as declared.
        left: finite.
        right: finite.
        bound: what `allowed` gives for them.
    """
    if tolerance.kind == "ulp":
        return abs(_position(left) - _position(right)) <= tolerance.bound
    slack = min(math.ulp(max(abs(left), abs(right))), _SLACK * bound)
    return abs(right - left) <= bound + slack


def finer_than(tolerances: Sequence[Tolerance], bound: float, step: Resolution) -> str | None:
    """Warn of a bound that only equality can meet, because the metric moves in larger steps.

    Args:
        tolerances: as declared.
        bound: the widest of them in the metric's unit.
        step: of the metric's values.

    Returns:
        A note, None when there is nothing to say. A bound of 0 is meant as equality.
    """
    if not 0 < bound < step.step * (1 - _SLACK) or all(t.kind == "ulp" for t in tolerances):
        return None
    # Of values that are rounded more coarsely than that, a case is not what they move by.
    a_case = step.cases is not None and any(
        math.isclose(step.step * step.cases, whole, rel_tol=1e-6) for whole in (1, 100)
    )
    smallest = f"one of {step.cases} cases is {step.step:.4g}" if a_case else None
    return (
        f"the tolerance `{declared(tolerances)}` is finer than the metric's resolution: "
        f"{smallest or f'its values are written in steps of {step.step:.4g}'}"
    )


def metric_name(name: str, labels: dict[str, str]) -> str:
    """Write a metric with its cohort, as text that any file can hold: `val/acc{digit=8,split=b}`."""
    return written(labelled(name, labels))


def settings_of(table: dict[str, T], names: Sequence[str]) -> T | None:
    """Choose settings: by exact name, else the first glob of the table that fits.

    Args:
        table: in the order of the file.
        names: of one thing, the most exact first: `val/acc{digit=8}`, `val/acc`.
    """
    for name in names:
        if name in table:
            return table[name]
    for pattern, settings in table.items():
        if any(fnmatchcase(name, pattern) for name in names):
            return settings
    return None


def rule_of(settings: OutputSettings | None) -> Rule:
    """Turn the settings of an output into a rule; `ignore = true` becomes a glob that names every part."""
    if settings is None:
        return Rule()
    ignore = settings.ignore
    return Rule(
        rtol=settings.rtol,
        atol=settings.atol,
        ulp=settings.ulp,
        exact=settings.exact,
        ignore=(["*"] if ignore else []) if isinstance(ignore, bool) else ignore,
        key=settings.key,
    )


def _position(value: float) -> int:
    """Number the representable numbers in their order, 0 and -0 as one (IEEE 754 totalOrder, folded)."""
    bits: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return bits if bits >= 0 else -(bits + 2**63)


def _at(position: int) -> float:
    bits = position if position >= 0 else -position - 2**63
    value: float = struct.unpack("<d", struct.pack("<q", bits))[0]
    return value


def _written(bound: float) -> str:
    return str(int(bound)) if bound < 1e15 and bound == int(bound) else repr(bound)
