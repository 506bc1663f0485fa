"""`xt cases --format csv`."""

from __future__ import annotations

from xt.model.cases import CasesOfRun, History
from xt.model.text import from_text, to_shown
from xt.render.case_cells import plain
from xt.spreadsheet import line


def cases(found: CasesOfRun) -> str:
    """Write the listed cases: `id`, `outcome`, `score`, `was` and `file` where there are any, the rest."""
    columns = found.columns
    if columns is None:
        return line(["id"])
    told = {
        "id": True,
        "outcome": columns.outcome is not None,
        "score": columns.score is not None,
        "was": found.against is not None,
        "file": any(case.file is not None for case in found.cases),
    }
    names = [*columns.cohorts, *columns.others]
    lines = [line([*(name for name, is_told in told.items() if is_told), *names])]
    for case in found.cases:
        file = to_shown(from_text(case.file or ""))
        first = (case.id, plain(case.outcome), plain(case.score), plain(case.was), file)
        known = [text for text, is_told in zip(first, told.values(), strict=True) if is_told]
        lines.append(line([*known, *(plain(case.cells.get(name)) for name in names)]))
    return "".join(lines)


def history(found: History) -> str:
    """Write the runs that one case is in."""
    lines = [line(["run", "started_at", "outcome", "score", "flipped", "causes", "purpose", "reason"])]
    for one in found.runs:
        told = (one.run, one.started_at, one.outcome, one.score, one.flipped)
        rest = (" ".join(one.causes), one.purpose, one.reason)
        lines.append(line([plain(value) for value in (*told, *rest)]))
    return "".join(lines)
