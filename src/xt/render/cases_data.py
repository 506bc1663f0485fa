"""`xt cases --format csv`."""

from __future__ import annotations

from xt.model.cases import Cases, History
from xt.model.text import from_text, to_shown
from xt.render.case_cells import plain
from xt.render.spreadsheet import line


def cases(found: Cases) -> str:
    """Write the listed cases: `id`, `outcome`, `score`, `was` and `file` where there are any, the rest."""
    names = [*found.columns.cohorts, *found.columns.others] if found.columns is not None else []
    told = ["id", "outcome", "score", *(["was"] if found.against else [])]
    with_file = any(case.file is not None for case in found.cases)
    told += ["file"] if with_file else []
    lines = [line([*told, *names])]
    for case in found.cases:
        cells = [
            case.id,
            plain(case.outcome),
            plain(case.score),
            *([plain(case.was)] if found.against else []),
        ]
        cells += [to_shown(from_text(case.file or ""))] if with_file else []
        lines.append(line([*cells, *(plain(case.cells.get(name)) for name in names)]))
    return "".join(lines)


def history(found: History) -> str:
    """Write the runs that one case is in."""
    lines = [line(["run", "started_at", "outcome", "score", "flipped", "causes", "purpose", "reason"])]
    for one in found.runs:
        told = (one.run, one.started_at, one.outcome, one.score, one.flipped)
        rest = (" ".join(one.causes), one.purpose, one.reason)
        lines.append(line([plain(value) for value in (*told, *rest)]))
    return "".join(lines)
