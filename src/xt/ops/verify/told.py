"""What a diagnosis comes to, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from xt.model.result import Record
from xt.model.verification import Diagnosis, Trial
from xt.ops.verify.advice import ADVICE
from xt.ops.verify.differences import First

#: Things that are named, and hints that are given.
TOLD, HINTS = 3, 3


class Explained(NamedTuple):
    """Something that differs, and what it depends on."""

    pins: list[str]
    paths: list[str]
    n: int
    """Runs that agreed."""
    what: str | None
    """What was done to hold it fixed; of the environment, how it drifted."""
    note: str | None = None
    settled: bool = False
    """Whether runs agreed with the run that is verified, and not only with each other."""
    untried: str | None = None
    """Why it could not be tried out."""


def failing(record: Record) -> bool:
    """Whether a run did not end with 0."""
    return record.result.exit_code != 0


def how(record: Record) -> str:
    """How a run ended."""
    result = record.result
    return f"signal {result.signal}" if result.signal is not None else f"exit {result.exit_code}"


def conclude(
    explained: Sequence[Explained],
    left: list[str],
    rare: dict[str, str],
    *,
    first: First | None,
    trials: list[Trial],
    impossible: dict[str, str],
    settled: set[str],
    failure: tuple[str, str | None] | None,
    stopped: str | None,
) -> Diagnosis:
    """Put it together.

    Args:
        explained: what was found.
        left: paths that nothing explains.
        rare: paths that differ too rarely, and in how many of how many runs.
        first: the first difference.
        trials: all that were made.
        impossible: pins that could not be tried, and why.
        settled: paths in which repeats agree with each other, and not with the run.
        failure: how every repeat ended, and what it said last, when the run did not fail.
        stopped: why it ended before it was done.
    """
    sources: dict[str, list[str]] = {}
    sentences = []
    for found in explained:
        names = [_source(name, found, first) for name in found.pins]
        for name in names:
            sources.setdefault(name, []).extend(found.paths)
        sentences.append(_explained(found, names))
    hints = [ADVICE[name].hint for name in sources]
    if failure is not None and not explained:
        ended, said = failure
        sentences.append(
            f"Every repeat ended with {ended}: the run needs something that is not in its record."
            + (f" The last it said: {said}" if said else "")
        )
        hints.append("declare what it reads (`-i PATH`); files that git ignores are not in the code")
    elif left and stopped is None:
        sentences.append(_left(left, trials, settled))
        hints += [] if explained else [_where(left, settled)]
    for path, share in rare.items():
        sentences.append(f"{_names([path])} differs in {share} runs, too rarely to find out why.")
    if stopped is not None:
        sentences.append(stopped)
    return Diagnosis(
        sources=list(sources),
        sentence=" ".join(sentences),
        pins=list(dict.fromkeys(name for found in explained for name in found.pins if found.n)),
        reaches=sources,
        unexplained=[*left, *rare],
        hint="; ".join(hints[:HINTS]) or None,
        first=first.text if first is not None else None,
        trials=trials,
        impossible=impossible,
    )


def _source(name: str, found: Explained, first: First | None) -> str:
    """Under fixed entropy names of temporary files are fixed, too: what differs tells which of both it is."""
    is_path = first is not None and "path" in first.kinds and first.path in found.paths
    return "temporary path" if name == "seed" and is_path else name


def _explained(found: Explained, names: Sequence[str]) -> str:
    where, depends = _names(found.paths), "depends" if len(found.paths) == 1 else "depend"
    subject = " and on ".join(dict.fromkeys(ADVICE[name].subject for name in names))
    if found.pins == ["environment"]:
        if found.untried is not None:
            return (
                f"Repeats agree with each other, and the environment is not the recorded one: {found.what}."
                f" That it is the reason was not tried out: {found.untried}."
            )
        said = "built again it agrees with the run; here it drifted"
        return f"{where} {depends} on {subject}: {said}: {found.what}."
    if found.note is not None:
        return f"{where} {depends} on {subject}: without it, {found.note}."
    held = " and ".join(dict.fromkeys(ADVICE[name].held for name in names))
    done = f" ({found.what})" if found.what else ""
    repeats = "agrees with the run" if found.settled else "repeats"
    repeats = repeats if len(found.paths) == 1 else {"repeats": "repeat"}.get(repeats, "agree with the run")
    it = "it" if len(found.paths) == 1 else "they"
    return (
        f"{where} {depends} on {subject}: with {held} held fixed{done} {it} {repeats} ({found.n}/{found.n})."
    )


def _left(left: list[str], trials: Sequence[Trial], settled: set[str]) -> str:
    tried = [trial.pins[0] for trial in trials if len(trial.pins) == 1]
    names = f" ({', '.join(dict.fromkeys(tried))})" if tried else ""
    agree = "Repeats agree with each other, and not with the run. " if set(left) <= settled else ""
    return f"{agree}Nothing that was held fixed{names} explains {_names(left)}."


def _where(left: list[str], settled: set[str]) -> str:
    if set(left) <= settled:
        return "what a run reads that is not declared is not compared: declare it with `-i PATH`"
    return "look where the first difference is; what the run keeps outside of the project is not reset"


def _names(paths: Sequence[str]) -> str:
    words = {"status": "the exit status", "logs/stdout": "what it prints", "logs/stderr": "what it reports"}
    names = [words.get(path) or path.partition("/")[2] or path for path in paths]
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    text = ", ".join(names[:TOLD]) + more
    return text[:1].upper() + text[1:] if text.startswith(("the ", "what ")) else text
