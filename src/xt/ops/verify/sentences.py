"""What a verification comes to, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from xt.model.level import Level
from xt.model.verification import Column, Diagnosis, Line
from xt.ops.verify.advice import ADVICE

#: Things that are named in a sentence.
TOLD = 3
#: What changes in a variation.
CHANGES = {
    "hashseed": "the seed of string hashes changes",
    "threads": "the number of threads changes",
    "cpus": "there are fewer processors",
    "locale": "the locale changes",
    "timezone": "the time zone changes",
    "clock": "the date changes",
    "umask": "the umask changes",
    "home": "the home folder is elsewhere",
    "hostname": "the machine has another name",
    "path": "it runs at another path",
    "fileorder": "files are listed in another order",
    "times": "files have other modification times",
    "environment": "the environment is larger",
    "network": "there is no network",
    "gpu": "flags for deterministic GPU operations change",
    "nogpu": "no GPU is to be seen",
    "memory": "uninitialised memory holds other bytes",
    "addresses": "addresses of memory are not random",
    "all": "all of it changes",
}


def conclusion(
    short: str,
    level: Level,
    columns: Sequence[Column],
    lines: Sequence[Line],
    missing: Sequence[str],
) -> str:
    """Say what was found.

    Args:
        short: the run's id as shown.
        level: of the whole.
        columns: how it was repeated.
        lines: what was compared.
        missing: preconditions that are.
    """
    if not columns:
        return f"{short} cannot be verified: {missing[0] if missing else 'no repeat was made'}"
    base = columns[0]
    if base.name == "against":
        return f"{_beside(short, base, lines)}"
    said = _repeats(short, base, lines)
    tried = [column for column in columns[1:] if column.runs]
    if not tried or base.level in ("divergent", "unverifiable"):
        return said
    parts = []
    for found in ("identical", "equivalent", "consistent", "divergent", "unverifiable"):
        names = [column.name for column in tried if column.level == found and column.name != "all"]
        if names and found != base.level:
            when = " or ".join(CHANGES.get(name, f"`{name}` changes") for name in names)
            parts.append(f"{found} when {when}")
    together = next((column for column in tried if column.name == "all"), None)
    if not parts:
        what = (
            "whatever was varied" if len(tried) > 1 else f"when {CHANGES.get(tried[0].name, tried[0].name)}"
        )
        return f"{said}, and {what} too"
    if together is not None and together.level not in [column.level for column in tried[:-1]]:
        parts.append(f"{together.level} when {CHANGES['all']}")
    return f"{said}; {'; '.join(parts)}"


def _repeats(short: str, base: Column, lines: Sequence[Line]) -> str:
    n = len(base.runs)
    repeats = f"{n} {'repeat' if n == 1 else 'repeats'}"
    if base.level == "identical":
        excused = [line.path.partition("/")[2] or line.path for line in lines if line.excused]
        if excused:
            return f"{short} is consistent in {repeats}: {_names(excused)} differ, the metrics agree"
        return f"{short} is repeatable: identical in {repeats}"
    if base.level == "equivalent":
        return f"{short} is repeatable: equivalent in {repeats}, within the declared tolerances"
    if base.level == "consistent":
        tested = [line for line in lines if line.level == "consistent" and line.test is not None]
        shown = ", ".join(
            f"{line.test.metric} within ± {line.test.bound:g}"
            for line in tested[:TOLD]
            if line.test is not None
        )
        return f"{short} is consistent: other numbers in {repeats}, the same in the mean ({shown})"
    wrong = [line for line in lines if line.counted and line.level == base.level]
    undecided = [line.test for line in wrong if line.test is not None and line.test.needed is not None]
    if undecided and len(undecided) == len(wrong):
        most = max(test.needed or 0 for test in undecided)
        return (
            f"{short} is not shown to be consistent: {repeats} are too few to tell"
            f" ({undecided[0].metric} needs {most})"
        )
    what = "; ".join(_differs(line, n) for line in wrong[:TOLD])
    more = f"; and {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
    if base.level == "unverifiable":
        return f"{short} cannot be verified in full: {what}{more}"
    return f"{short} does not repeat: {what}{more}"


def _differs(line: Line, n: int) -> str:
    name = line.path.partition("/")[2] or line.path
    if line.level == "unverifiable":
        return f"{name}: {line.note or 'could not be compared'}"
    if line.path == "status":
        return f"it ended differently ({line.note})"
    cell = line.cells[0]
    return f"{name} differs in {cell.differ} of {cell.n}"


def _beside(short: str, base: Column, lines: Sequence[Line]) -> str:
    other = base.runs[0][: len(short)]
    if base.level in ("identical", "equivalent", "consistent"):
        return f"{other} agrees with {short}: {base.level}"
    wrong = [
        line.path.partition("/")[2] or line.path
        for line in lines
        if line.counted and line.level == base.level
    ]
    if base.level == "unverifiable":
        return f"whether {other} agrees with {short} cannot be told: {_names(wrong)}"
    return (
        f"{other} does not agree with {short}: {_names(wrong)} {'differs' if len(wrong) == 1 else 'differ'}"
    )


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return ", ".join(names[:TOLD]) + more


def of_variations(
    columns: Sequence[Column], lines: Sequence[Line], below: Sequence[Level]
) -> Diagnosis | None:
    """Name the variations that change results: each was made alone, so that is an experiment.

    Args:
        columns: of which the first is no variation.
        lines: what was compared.
        below: levels that are not enough.
    """
    found = [column for column in columns[1:] if column.runs and column.level in below]
    alone = [column for column in found if column.name != "all"]
    if not found:
        return None
    if not alone:
        return Diagnosis(
            sources=["all"],
            sentence="No variation alone changes the results; all of them together do.",
        )
    parts = []
    for column in alone:
        at = columns.index(column)
        names = [
            line.path.partition("/")[2] or line.path
            for line in lines
            if line.counted and line.cells[at].level in below and line.cells[at].n
        ]
        done = f" ({column.what})" if column.what else ""
        parts.append(f"{_names(names)} changes when {CHANGES.get(column.name, column.name)}{done}")
    names = [column.name for column in alone]
    hints = [ADVICE[name].hint for name in names if name in ADVICE]
    return Diagnosis(sources=names, sentence="; ".join(parts) + ".", hint="; ".join(hints) or None)
