"""Which columns of an evaluation hold what, and what their cells mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from xt.compare import UnreadableError
from xt.config import CaseSettings

_IDS = ("id", "case_id", "case", "name")
OUTCOMES = ("passed", "pass", "correct", "outcome", "ok", "success")
SCORES = ("score",)
_PASS = {"true", "pass", "passed", "ok", "yes", "correct", "success", "1", "1.0"}
_FAIL = {"false", "fail", "failed", "error", "no", "incorrect", "wrong", "failure", "0", "0.0"}


#: No score is larger; their squares can be summed.
_LARGEST = 1e100


class CaseColumns(NamedTuple):
    """Names of columns."""

    id: str
    outcome: str | None = None
    """Pass or fail; it decides what is fixed and what is broken."""
    score: str | None = None
    """More is better."""


def columns_of(settings: CaseSettings, first_row: Mapping[str, Any]) -> CaseColumns:
    """Find the columns of an evaluation.

    Args:
        settings: what is declared; the rest is taken from the usual names.
        first_row: by column.

    Raises:
        UnreadableError: a declared column is missing, none identifies a case, or none says how it went.
    """
    identity = _column("id", settings.id, _IDS, first_row)
    outcome = _column("outcome", settings.outcome, OUTCOMES, first_row)
    score = _column("score", settings.score, SCORES, first_row)
    if identity is None:
        raise UnreadableError(f"no column identifies a case: there is none of {_listed(_IDS)}")
    if outcome is None and score is None:
        raise UnreadableError(
            f"no column says how a case went: there is none of {_listed(OUTCOMES + SCORES)}"
        )
    return CaseColumns(identity, outcome, score)


def outcome_of(value: Any) -> bool | None:
    """Read a cell as pass or fail; None when it is neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return {1.0: True, 0.0: False}.get(value)
    word = value.strip().lower() if isinstance(value, str) else ""
    return True if word in _PASS else False if word in _FAIL else None


def score_of(value: Any) -> float | None:
    """Read a cell as a number of at most 1e100; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (not value.isascii() or "_" in value or len(value) > 400):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) <= _LARGEST else None


def _column(
    what: str, declared: str | None, usual: tuple[str, ...], first_row: Mapping[str, Any]
) -> str | None:
    if declared is not None:
        if declared not in first_row:
            raise UnreadableError(f"it has no column `{declared}`, which `[cases] {what}` names")
        return declared
    return next((name for name in usual if name in first_row), None)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
