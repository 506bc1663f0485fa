"""Read `--on`: where repeats are made."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec

from msgspec.structs import replace

from xt.config import EngineSettings
from xt.context import Outside
from xt.errors import UnsupportedError, UsageError
from xt.execute.engines import ENGINES, Engine, Where
from xt.ops.away.fan import Fan
from xt.ops.away.slots import Slots
from xt.store import Store
from xt.suggest import suggest

#: Repeats at a time at most.
MOST_JOBS = 256
_FORMS = "slurm, dask://HOST:PORT, local:JOBS"


def where(text: str) -> Where:
    """Read where repeats are to be made.

    Raises:
        UsageError: it is no engine, or not as one is written.
    """
    kind, _, address = text.partition(":")
    if kind not in ENGINES.rows:
        raise UsageError(f"--on: no engine `{text}`", suggest(kind, ENGINES.rows, "engines") or _FORMS)
    if kind == "dask" and not re.fullmatch(r"(//|[a-z]+://)[^\s/]+", address):
        raise UsageError(f"--on: `{text}` names no scheduler", "--on dask://HOST:PORT")
    if kind == "slurm" and text != "slurm":
        raise UsageError(f"--on: `{text}`: Slurm has no address", "--on slurm")
    return Where(kind, address, text)


def jobs_here(place: Where) -> int:
    """How many at a time `local:JOBS` means; as many as there are processors without a number.

    Raises:
        UsageError: it is no number, or too large.
    """
    if not place.address:
        return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, MOST_JOBS)
    if not re.fullmatch(r"[0-9]{1,9}", place.address) or not 1 <= int(place.address) <= MOST_JOBS:
        raise UsageError(f"--on: `{place.shown}`: JOBS is a number from 1 to {MOST_JOBS}", "--on local:4")
    return int(place.address)


def fan(
    store: Store,
    place: Where,
    options: Sequence[str],
    settings: EngineSettings,
    outside: Outside,
    jobs: int,
    retries: int | None,
    through: str | None,
) -> Fan:
    """Prepare to make repeats on an engine; it is reached when the first is wanted.

    Args:
        store: that has the runs.
        place: an engine that is not `local`.
        options: for it, besides those of its settings.
        settings: of the project.
        outside: of the caller.
        jobs: how many at a time.
        retries: instead of those of the settings.
        through: a remote, where machines do not see the store; its name or URL.

    Raises:
        UsageError: an option is none of it, or there is no such remote.
        UnsupportedError: a package is missing.
        RemoteError: the remote does not answer, or was not confirmed.
    """
    row = ENGINES.rows[place.kind]
    if row.module is not None and find_spec(row.module) is None:
        raise UnsupportedError(
            f"--on {place.kind}: {row.module} is not installed", f"pip install 'xt[{row.extra}]'"
        )
    all_options = [*(settings.slurm.options if place.kind == "slurm" else []), *options]
    if place.kind == "slurm":
        from xt.execute.engines.slurm import check

        check(all_options)
    elif options:
        raise UsageError(
            "--on-opt: its workers are there already and take no options", "--on slurm takes some"
        )
    if retries is not None:
        settings = replace(settings, retries=retries)

    def reach(name: str) -> Engine:
        made: Engine = ENGINES.get(place.kind)(place.address, name, all_options, outside.environ)
        return made

    slots: Callable[[str], Slots] = Slots
    if through is not None:
        from xt.ops.away.through import waiting

        slots = waiting(store, outside, through)
    return Fan(store, place, reach, settings, outside, jobs, slots)
