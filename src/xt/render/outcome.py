"""How a run ended, or where it stands, in a word or two."""

from __future__ import annotations

from collections.abc import Iterable


def words(status: str, exit_code: int | None, signal: int | None) -> str:
    """Name an outcome: `ok`, `exit 1`, `SIGKILL`, `a rank failed`, `interrupted`, `did not start`, `lost`.

    Args:
        status: of a record, or what readers derived.
        exit_code: the command's own, if it ended by itself; of a run without a record too.
        signal: the number of the signal that ended it.
    """
    if status == "failed" and exit_code == 0 and signal is None:
        return "a rank failed"
    if status == "failed":
        return ended_with(exit_code, signal)
    if status in _UNSEALED and (exit_code is not None or signal is not None):
        return f"{_UNSEALED[status]} ({ended_with(exit_code, signal)})"
    return "did not start" if status == "not-started" else status


#: What is said of a run without a record whose command has ended all the same.
_UNSEALED = {"running": "storing", "lost": "lost", "unknown": "unknown"}


def ended_with(exit_code: int | None, signal: int | None) -> str:
    """Name an exit code or a signal."""
    if signal is None:
        return f"exit {exit_code}" if exit_code is not None else "failed"
    import signal as signals

    try:
        return signals.Signals(signal).name
    except ValueError:
        return f"signal {signal}"


def not_evidence(lacking: Iterable[str]) -> str:
    """Mark a run that lacks required evidence: `not evidence: no ticket, no inputs.data`."""
    return "not evidence: " + ", ".join(f"no {field}" for field in lacking)


def style(status: str) -> str:
    """Style of an outcome: green and red for pass and fail, accent for what goes on."""
    if status == "ok":
        return "good"
    if status in ("failed", "incomplete", "not-started", "lost", "damaged"):
        return "bad"
    return {"running": "accent", "unknown": "dim"}.get(status, "bold")
