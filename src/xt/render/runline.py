"""The lines `xt run` adds on standard error: warnings before, one line after."""

from __future__ import annotations

from xt.model.files import Problem
from xt.model.result import Metric, Record, Result
from xt.render.outcome import ended_with
from xt.render.outcome import words as named
from xt.render.quantities import ago, count, duration, number, size
from xt.render.visible import visible

#: Metrics named in the line; `xt show` has all.
METRICS = 3
#: Problems named one by one.
PROBLEMS = 3

BOLD, DIM, RED, RESET = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[0m"


def outcome(result: Result) -> str:
    """How a run ended, with the signal of an interruption: `interrupted (SIGINT)`."""
    words = named(result.status, result.exit_code, result.signal)
    if result.status != "interrupted":
        return words
    return f"{words} ({ended_with(result.exit_code, result.signal)})"


def headline_metrics(metrics: list[Metric], goals: bool = True) -> list[Metric]:
    """The metrics worth a line: those with a declared goal first, without labels, in order of appearance."""
    plain = [metric for metric in metrics if not metric.labels]
    return sorted(plain, key=lambda metric: goals and metric.goal == "none")


def line(record: Record, shown: int, repeats: str | None, repeats_age: float | None, colour: bool) -> str:
    """One line: id, outcome, duration, key metrics, outputs, where to look next.

    Args:
        record: the sealed run.
        shown: letters of the id to show.
        repeats: id of an earlier run of the same recipe, as shown.
        repeats_age: seconds since that one.
        colour: whether the terminal may get colours.
    """
    result = record.result
    short = record.id[:shown]
    good = result.status == "ok"
    words = outcome(result)
    if colour:
        short = f"{BOLD}{short}{RESET}"
        words = words if good else f"{RED}{words}{RESET}"
    parts = [
        f"{short} {words}"
        + (f" in {duration(result.usage.wall_s)}" if result.status != "not-started" else "")
    ]
    metrics = headline_metrics(result.metrics)
    parts += [f"{visible(metric.name)} {number(metric.value)}" for metric in metrics[:METRICS]]
    stored = [output for output in result.outputs if output.status == "stored"]
    if stored:
        parts.append(f"{count(len(stored), 'output')}, {size(sum(output.size or 0 for output in stored))}")
    if repeats is not None:
        parts.append(f"repeats {repeats}" + (f" ({ago(repeats_age)} ago)" if repeats_age is not None else ""))
    parts.append(
        f"xt logs {record.id[:shown]}"
        if not good and result.status != "not-started"
        else f"xt show {record.id[:shown]}"
    )
    return "xt: " + " · ".join(parts)


def problem_lines(problems: list[Problem]) -> list[str]:
    """Warnings for what was not captured, the first few in full."""
    lines = []
    for problem in problems[:PROBLEMS]:
        hint = f" ({visible(problem.hint)})" if problem.hint else ""
        lines.append(f"xt: warning: {problem.where}: {visible(problem.message)}{hint}")
    if len(problems) > PROBLEMS:
        lines.append(f"xt: warning: and {count(len(problems) - PROBLEMS, 'more problem')}: see xt show")
    return lines
