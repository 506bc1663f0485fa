"""The lines `xt run` adds on standard error: warnings before, one line after."""

from __future__ import annotations

from typing import Protocol

from xt.model.files import Problem
from xt.model.result import Number, Record, Result
from xt.model.summary import headline
from xt.render.outcome import ended_with
from xt.render.outcome import words as named
from xt.render.quantities import count, duration, number, since, size
from xt.render.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Without a baseline a run loads none of it.
    from xt.model.delta import Judgement

#: Metrics named in the line, fewer when more is said of each; `xt show` has all.
METRICS, JUDGED = 3, 2
#: Sections of problems with what came out, and what is said there of what did not.
_CAME_OUT, _UNWRITTEN = ("outputs", "metrics"), "not written"
#: Problems named one by one.
PROBLEMS = 3

BOLD, DIM, RED, RESET = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[0m"


def outcome(result: Result) -> str:
    """How a run ended, with the signal of an interruption: `interrupted (SIGINT)`."""
    words = named(result.status, result.exit_code, result.signal)
    if result.status != "interrupted":
        return words
    return f"{words} ({ended_with(result.exit_code, result.signal)})"


class Beside(Protocol):
    """Another run, and how far each metric is from it."""

    @property
    def baseline(self) -> str:
        """Its id."""

    @property
    def judged(self) -> dict[str, Judgement]:
        """By metric."""


def line(
    record: Record,
    shown: int,
    repeats: tuple[str, float | None] | None,
    beside: Beside | None,
    *,
    colour: bool,
    width: int | None = None,
) -> str:
    """One line: id, outcome, duration, key metrics, outputs, where to look next.

    Args:
        record: the sealed run.
        shown: letters of an id to show.
        repeats: id of an earlier run of the same recipe, and how many seconds ago it was made.
        beside: the pinned baseline.
        colour: whether the terminal may get colours.
        width: of the terminal, which would break the line in the middle of a word; None for a pipe.
    """
    result = record.result
    started = result.status != "not-started"
    words = outcome(result)
    short = record.id[:shown]
    head = f"{short} {words}"
    if colour:
        head = f"{BOLD}{short}{RESET} " + (words if result.status == "ok" else f"{RED}{words}{RESET}")
    parts = [head + (f" in {duration(result.usage.wall_s)}" if started else "")]
    for metric in headline(result.metrics)[: JUDGED if beside and beside.judged else METRICS]:
        judged = beside.judged.get(metric.name) if beside else None
        moved = f" ({change(judged)})" if judged is not None else ""
        parts.append(f"{visible(metric.name)} {number(metric.value)}{moved}")
    if beside and beside.judged:
        parts[-1] += f" against baseline {beside.baseline[:shown]}"
    fresh = [item for item in result.outputs if item.status == "stored" and item.written is not False]
    if fresh:
        parts.append(f"{count(len(fresh), 'output')}, {size(sum(item.size or 0 for item in fresh))}")
    if repeats is not None:
        other, age = repeats
        parts.append(f"repeats {other[:shown]}" + (f" ({since(age)})" if age is not None else ""))
    parts.append(f"xt {'logs' if result.status in ('failed', 'interrupted') else 'show'} {short}")
    return _folded(parts, width) if width else "xt: " + " · ".join(parts)


def _folded(parts: list[str], width: int) -> str:
    """Break a line between its parts."""
    lines = ["xt: " + parts[0]]
    for part in parts[1:]:
        longer = f"{lines[-1]} · {part}"
        seen = longer.replace(BOLD, "").replace(RED, "").replace(RESET, "")
        # One column is left for the `·` of a line that goes on.
        if len(seen) + 2 <= width or (len(seen) <= width and part is parts[-1]):
            lines[-1] = longer
        else:
            lines += [f"    {part}"]
            lines[-2] += " ·"
    return "\n".join(lines)


def reused(record: Record, shown: int, seconds: float, restored: int, *, colour: bool) -> str:
    """The line after a run that was not made again.

    Args:
        record: the run that stands for it.
        shown: letters of its id to show.
        seconds: that it took.
        restored: outputs of which something was written.
        colour: whether the terminal may get colours.
    """
    short = record.id[:shown]
    parts = [f"{BOLD}{short}{RESET}" if colour else short]
    parts[0] += f" reused in {duration(seconds)}"
    if restored:
        parts.append(f"{count(restored, 'output')} restored")
    elif record.result.outputs:
        parts.append("outputs in place")
    parts.append(f"xt show {short}")
    return "xt: " + " · ".join(parts)


def change(judged: Judgement) -> str:
    """How far from the baseline, and whether that is noise where it can be told."""
    if judged.word in ("same", "not comparable") or isinstance(judged.delta, Number) or judged.delta is None:
        return judged.word
    words = [f"{judged.delta:+.4g}"]
    if judged.word in ("improved", "regressed"):
        words += ["over tolerance" if judged.noise is None else "beyond noise", judged.direction or ""]
    elif judged.word != "cannot tell":
        words.append(judged.word)
    return ", ".join(words)


def problem_lines(problems: list[Problem], *, failed: bool = False) -> list[str]:
    """Warnings for what was not captured, the first few in full.

    Args:
        problems: of the record.
        failed: whether the command did: that it then did not write what was declared is no news.
    """
    if failed:
        problems = [one for one in problems if not (one.where in _CAME_OUT and _UNWRITTEN in one.message)]
    lines = []
    for problem in problems[:PROBLEMS]:
        hint = f" ({visible(problem.hint)})" if problem.hint else ""
        lines.append(f"xt: warning: {problem.where}: {visible(problem.message)}{hint}")
    if len(problems) > PROBLEMS:
        lines.append(f"xt: warning: and {count(len(problems) - PROBLEMS, 'more problem')}: see xt show")
    return lines
