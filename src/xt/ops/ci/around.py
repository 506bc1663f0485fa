"""What every account of a command to a job is made in, and the account of an error."""

from __future__ import annotations

import os
from typing import NamedTuple

from xt import config, fsio
from xt.context import Outside, timestamp
from xt.errors import XtError
from xt.model.ci import Account, Remark
from xt.ops.ci.places import Place

#: Remarks of one kind.
REMARKS = 50


class Around(NamedTuple):
    """What an account is made in."""

    place: Place
    outside: Outside
    root: str
    """Absolute path of the project's root."""

    @property
    def now(self) -> str:
        """The time to write down."""
        return timestamp(self.outside.now())


def of_error(command: str, error: XtError, around: Around) -> Account:
    """Tell that a command came to nothing."""
    text = f"{error.message} ({error.hint})" if error.hint else error.message
    return Account(
        command=command,  # type: ignore[arg-type]
        at=around.now,
        title=command,
        sentence=text,
        passed=None,
        remarks=[Remark("error", text, f"xt {command}")],
        job=around.place.job,
    )


def required_at(around: Around, task: str | None) -> tuple[str | None, int | None]:
    """File and line that say what evidence is required."""
    from xt.toml_lines import key_lines

    try:
        path = config.load(around.root).path
        if path is None:
            return None, None
        lines = key_lines(fsio.read_file(os.path.realpath(path), config.LIMIT).decode())
    except (XtError, OSError, ValueError):
        return None, None
    above = ("tool", "xt") if os.path.basename(path) == "pyproject.toml" else ()
    for below in (("evidence", "required"), ("task", task or "", "required")):
        line = lines.get((*above, *below))
        real = os.path.realpath(path)
        if line is not None and fsio.is_inside(real, around.place.top):
            return fsio.relative_to(real, around.place.top), line
    return None, None


def named(task: str | None, name: str | None) -> dict[str, str]:
    """Labels that tell a run from others, from one job to the next: its task and its name."""
    return {key: value for key, value in (("task", task), ("run", name)) if value}


def bounded(remarks: list[Remark]) -> list[Remark]:
    """Keep some of each kind, errors first."""
    kept: list[Remark] = []
    for kind in ("error", "warning", "notice"):
        some = [remark for remark in remarks if remark.kind == kind]
        kept += some[:REMARKS]
    return kept
