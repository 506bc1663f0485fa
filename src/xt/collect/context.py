"""Who started a run, where, and why."""

from __future__ import annotations

import os

from xt import __version__, redact
from xt.collect import Capture
from xt.context import in_ci, sort_of
from xt.model.snapshot import Context
from xt.model.text import to_shown, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

#: What tells that it may be a task of an array (`xt.launch.ARRAYS`).
_ARRAYS = (
    *("SLURM_ARRAY_TASK_ID", "PBS_ARRAY_INDEX", "LSB_JOBINDEX", "SGE_TASK_ID"),
    "JOB_COMPLETION_INDEX",
)
_SLURM = {
    "job": "SLURM_JOB_ID",
    "array_job": "SLURM_ARRAY_JOB_ID",
    "array_task": "SLURM_ARRAY_TASK_ID",
    "name": "SLURM_JOB_NAME",
    "partition": "SLURM_JOB_PARTITION",
    "cluster": "SLURM_CLUSTER_NAME",
    "nodes": "SLURM_JOB_NODELIST",
    "tasks": "SLURM_NTASKS",
    "rank": "SLURM_PROCID",
    "cpus": "SLURM_CPUS_PER_TASK",
    "gpus": "SLURM_GPUS",
    "account": "SLURM_JOB_ACCOUNT",
    "restarts": "SLURM_RESTART_COUNT",
}


def collect(capture: Capture) -> Context:
    """Describe the circumstances of a run."""
    environ = capture.outside.environ
    request = capture.request
    parent = environ.get("XT_RUN_ID")
    if parent is not None and not (len(parent) == 16 and all("k" <= char <= "z" for char in parent)):
        capture.problem(
            "context", "`XT_RUN_ID` is set and is no run id: the run that started this one is not recorded"
        )
        parent = None
    provider = {}
    if in_ci(environ):
        from xt.collect import ci

        provider = ci.describe(environ)
    job = (
        {key: _safe(environ[name]) for key, name in _SLURM.items() if environ.get(name)}
        if environ.get("SLURM_JOB_ID")
        else {}
    )
    group, member = _group(environ, per_rank=request.per_rank)
    return Context(
        user=user(environ),
        host=os.uname().nodename,
        trigger=_trigger(parent, provider, job),
        ci=provider,
        slurm=job,
        parent=parent,
        purpose=_said(request.purpose),
        ticket=_said(request.ticket),
        name=_said(request.name),
        tags=[_safe(tag) for tag in request.tags],
        task=_said(request.task),
        xt=__version__,
        project=to_text(capture.root),
        group=group,
        member=member,
        launch=_safe(request.launch[0]) if request.launch is not None else None,
        ranks=request.launch[1] if request.launch is not None else None,
    )


def _group(environ: Mapping[str, str], *, per_rank: bool) -> tuple[str | None, int | None]:
    """What the run is one of several of."""
    if not per_rank and not any(name in environ for name in _ARRAYS):
        return None, None
    from xt import launch

    here = launch.place(environ) if per_rank else None
    found = (here.key, here.rank) if here is not None else launch.array(environ)
    return (_safe(found[0]), found[1]) if found is not None else (None, None)


def _trigger(
    parent: str | None, provider: dict[str, str], job: dict[str, str]
) -> Literal["terminal", "ci", "slurm", "cron", "xt", "other"]:
    if parent:
        return "xt"
    if provider:
        return "ci"
    if job:
        return "slurm"
    if any(sort_of(fd) == "terminal" for fd in (0, 1, 2)):
        return "terminal"
    return "cron" if _below_cron() else "other"


def _safe(value: str) -> str:
    return to_shown(redact.clean(value))


def _said(value: str | None) -> str | None:
    return None if value is None else _safe(value)


def user(environ: Mapping[str, str]) -> str | None:
    """Name who runs this: the account of the process, not what a variable claims."""
    import pwd

    try:
        return to_shown(pwd.getpwuid(os.getuid()).pw_name)
    except KeyError:
        name = environ.get("LOGNAME") or environ.get("USER")
        return to_shown(name) if name else f"uid {os.getuid()}"


def _below_cron() -> bool:
    """Whether a parent process is a cron daemon; only told where there is `/proc`."""
    process = os.getppid()
    for _ in range(10):
        try:
            with open(f"/proc/{process}/stat", "rb") as file:
                stat = file.read(512)
        except OSError:
            return False
        # The name is in parentheses and may hold any byte (proc(5)): look for the last one.
        name, _, rest = stat.rpartition(b")")
        if name.partition(b"(")[2].lower() in (b"cron", b"crond", b"fcron", b"anacron", b"atd"):
            return True
        process = int(rest.split()[1])
        if process <= 1:
            return False
    return False
