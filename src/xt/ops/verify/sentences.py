"""What a verification comes to, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from xt.model.level import LEVELS, Level
from xt.model.verification import Cell, Column, Diagnosis, Equivalence, Line
from xt.ops.verify.advice import ADVICE
from xt.ops.verify.lines import may_be_excused

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
    wanted: int,
    required: Level,
) -> str:
    """Say what was found, with a full stop.

    Args:
        short: the run's id as shown.
        level: of the whole.
        columns: how it was repeated.
        lines: what was compared.
        missing: preconditions that are.
        wanted: repeats that were asked for.
        required: the level that was asked for.
    """
    why = missing[0] if missing else "no repeat was made"
    if not columns:
        return f"{short} cannot be verified: {why}."
    base = columns[0]
    if base.name == "against":
        return f"{_beside(short, base, lines)}."
    if level == "unverifiable" and missing:
        if len(base.runs) < wanted:
            made = f"{len(base.runs)} of {_times(wanted)}"
            return f"{short} cannot be verified in full: only {made} could be made: {why}."
        return f"{short} cannot be verified in full: {why}."
    said = _repeats(short, base, lines, required)
    if base.level in ("divergent", "unverifiable"):
        return f"{said}."
    return f"{said}{_varied(base, columns[1:])}."


def _varied(base: Column, columns: Sequence[Column]) -> str:
    """What variations change, as the rest of a sentence."""
    tried = [column for column in columns if column.runs]
    alone = [column for column in tried if column.name != "all"]
    parts = []
    for found in LEVELS:
        names = [column.name for column in alone if column.level == found]
        if names and found != base.level:
            parts.append(f"{found} when {_or([CHANGES.get(name, f'`{name}` changes') for name in names])}")
    together = next((column for column in tried if column.name == "all"), None)
    if together is not None and together.level not in [base.level, *(column.level for column in alone)]:
        parts.append(f"{together.level} when {CHANGES['all']}")
    if parts:
        return f"; {'; '.join(parts)}"
    if not alone:
        return ""
    if len(alone) == 1:
        return f", and also when {CHANGES.get(alone[0].name, f'`{alone[0].name}` changes')}"
    return ", whatever was varied"


def _or(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def _times(n: int) -> str:
    return f"{n} {'repeat' if n == 1 else 'repeats'}"


def _repeats(short: str, base: Column, lines: Sequence[Line], required: Level) -> str:
    repeats = _times(len(base.runs))
    excused = [_name(line) for line in lines if line.excused]
    differ = f"{_names(excused)} {'differs' if len(excused) == 1 else 'differ'}, "
    if base.level in ("identical", "equivalent") and excused:
        return f"{short} is consistent in {repeats}: {differ}the metrics agree in the mean"
    if base.level == "identical":
        return f"{short} is repeatable: identical in {repeats}"
    if base.level == "equivalent":
        within = [line for line in lines if line.counted and line.level == "equivalent"]
        declared = all(line.tolerance is not None for line in within)
        more = ", within the declared tolerances" if declared else ""
        return f"{short} is repeatable: equivalent in {repeats}{more}"
    if base.level == "consistent":
        tests = [line.test for line in lines if line.level == "consistent" and line.test is not None]
        more = f" and {len(tests) - TOLD} more" if len(tests) > TOLD else ""
        shown = ", ".join(f"{test.metric} is within ±{test.bound:g}" for test in tests[:TOLD])
        others = differ if excused else ""
        return f"{short} is consistent in {repeats}: {others}the mean of {shown}{more}"
    open_ = undecided(lines) if required == "consistent" else []
    if open_:
        most = max(open_, key=lambda test: test.needed or 0)
        return (
            f"{short} is not shown to be consistent: {repeats} {'is' if len(base.runs) == 1 else 'are'}"
            f" too few for {most.metric}, which needs about {most.needed}"
        )
    if base.level == "unverifiable":
        wrong = [line for line in lines if line.counted and line.level == base.level]
        what = "; ".join(f"{_name(line)}: {line.note or 'could not be compared'}" for line in wrong[:TOLD])
        more = f"; and {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
        return f"{short} cannot be verified in full: {what}{more}"
    return f"{short} does not repeat: {_differing(lines)}"


def undecided(lines: Sequence[Line]) -> list[Equivalence]:
    """Tests that more repeats would decide, if nothing else keeps a run from being consistent."""
    wrong = [line for line in lines if line.counted and line.level in ("divergent", "unverifiable")]
    found = [line.test for line in lines if line.test is not None and not line.test.passed]
    alone = all(line.test is not None or may_be_excused(line) for line in wrong)
    return found if found and alone and all(test.needed is not None for test in found) else []


def _differing(lines: Sequence[Line]) -> str:
    """`acc and out.bin differ in 3 of 3 repeats; model.npz differs in 1`."""
    wrong = [line for line in lines if line.counted and line.level == "divergent"]
    parts = []
    alike: dict[tuple[int, int], list[str]] = {}
    for line in wrong:
        cell = line.cells[0]
        if line.path == "status":
            parts.append(f"it ended differently ({line.note}) in {_of(cell)}")
        else:
            alike.setdefault((cell.differ, cell.n), []).append(_name(line))
    for names in alike.values():
        cell = next(line.cells[0] for line in wrong if _name(line) == names[0])
        parts.append(f"{_names(names)} {'differs' if len(names) == 1 else 'differ'} in {_of(cell)}")
    more = f"; and {len(parts) - TOLD} more" if len(parts) > TOLD else ""
    return "; ".join(parts[:TOLD]) + more


def _of(cell: Cell) -> str:
    if cell.n == 1:
        return "the one repeat"
    return f"all {cell.n} repeats" if cell.differ == cell.n else f"{cell.differ} of {cell.n} repeats"


def _name(line: Line) -> str:
    return line.path.partition("/")[2] or line.path


def _beside(short: str, base: Column, lines: Sequence[Line]) -> str:
    other = base.runs[0][: len(short)]
    excused = any(line.excused for line in lines)
    if base.level in ("identical", "equivalent", "consistent"):
        return f"{other} agrees with {short}: {'consistent' if excused else base.level}"
    wrong = [line for line in lines if line.counted and line.level == base.level]
    names = _names([_name(line) for line in wrong])
    if base.level == "unverifiable":
        return f"whether {other} agrees with {short} cannot be told: {names}"
    if len(wrong) == 1 and wrong[0].path == "status":
        return f"{other} does not agree with {short}: it ended differently ({wrong[0].note})"
    return f"{other} does not agree with {short}: {names} {'differs' if len(wrong) == 1 else 'differ'}"


def _names(names: Sequence[str]) -> str:
    if len(names) > TOLD:
        return f"{', '.join(names[:TOLD])} and {len(names) - TOLD} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


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
        names = [_name(line) for line in lines if line.counted and line.cells[at].level in below]
        differ = "differs" if len(names) == 1 else "differ"
        parts.append(f"With {column.what or column.name}, {_names(names)} {differ}.")
    names = [column.name for column in alone]
    hints = [ADVICE[name].hint for name in names if name in ADVICE]
    return Diagnosis(sources=names, sentence=" ".join(parts), hint="; ".join(hints) or None)
