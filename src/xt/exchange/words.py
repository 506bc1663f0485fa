"""What several formats say of a run."""

from __future__ import annotations

import os

from xt.exchange import Exported
from xt.model.result import Result
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_shown


def title(subject: Exported) -> str:
    """What to call it: its name, else its purpose, else its task or the program."""
    context = subject.record.snapshot.context
    return subject.name or context.purpose or context.task or program(subject.record.snapshot)


def program(snapshot: Snapshot) -> str:
    """Name of the program that was started, without its folder."""
    argv = snapshot.command.argv
    return os.path.basename(to_shown(from_text(argv[0]))) if argv else "unknown"


def ended_badly(result: Result) -> str | None:
    """How it failed, in a few words; None for a run that is `ok`."""
    if result.status == "ok":
        return None
    if result.signal is not None:
        how = f"ended by signal {result.signal}"
    elif result.exit_code is None:
        how = "it did not start"
    else:
        how = f"exit code {result.exit_code}"
    return f"{result.status}: {how}"
