"""Where the content of a run is that came from a remote without it."""

from __future__ import annotations

from typing import Literal

from xt.store import Store, pulled

#: Letters of an id that name a run nearly always.
_SHOWN = 8


def not_brought(store: Store, run_id: str, part: Literal["code", "inputs", "outputs"]) -> str | None:
    """Say that a content was not brought with a run, and what brings it.

    Args:
        store: that has the run.
        run_id: whole.
        part: what the content is of.

    Returns:
        None for a run that was made here, whose content should be here.
    """
    found = pulled.of(store, run_id)
    if found is None:
        return None
    if part in found.parts:
        return f"the remote `{found.remote}` did not have it when it was pulled"
    words = f"xt pull {run_id[:_SHOWN]} --{part}"
    if "/" in found.remote:  # it has no name, and a path was relative to where it was typed
        import shlex

        words += f" -r {shlex.quote(found.url)}"
    return f"it was not brought from the remote `{found.remote}`: `{words}`"
