"""Ranks of a launcher and tasks of an array, by the variables that launchers document.

Slurm (`srun`, sbatch(1)), Open MPI (`OMPI_COMM_WORLD_*`), PMIx, MPICH and Intel MPI (`PMI_RANK`), and
torchrun (`RANK`, `WORLD_SIZE`).
"""

from __future__ import annotations

import os
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: Set for what a rank starts: an `xt run` in there is a run of its own.
INSIDE = "XT_LAUNCH"
#: Variable with the task of an array → its job's.
ARRAYS = {
    "SLURM_ARRAY_TASK_ID": ("slurm", "SLURM_ARRAY_JOB_ID"),
    "PBS_ARRAY_INDEX": ("pbs", "PBS_ARRAY_ID"),
    "LSB_JOBINDEX": ("lsf", "LSB_JOBID"),
    "SGE_TASK_ID": ("sge", "JOB_ID"),
    "JOB_COMPLETION_INDEX": ("kubernetes", "JOB_NAME"),
}


#: Of MPICH's `mpirun`: how many ranks are on this host.
_HYDRA = "MPI_LOCALNRANKS"


class Place(NamedTuple):
    """Which rank of which launch a process is."""

    launcher: str
    key: str
    """The same for all ranks of one launch, and for no others: `slurm:4711.0`."""
    rank: int
    size: int


def place(environ: Mapping[str, str]) -> Place | None:
    """Find out which rank this is; None for a process that is none, or cannot be told from others.

    Args:
        environ: the variables.
    """
    # The innermost first: where `srun` starts a `torchrun` or a daemon of `mpirun` on each host, what those
    # start has the variables of both, and Slurm's tell only which host it is.
    found = _torch(environ) or _mpi(environ)
    if found is None:
        found = _hydra(environ) if _HYDRA in environ else _slurm(environ)
    if found is None or found.size < 2 or not 0 <= found.rank < found.size:
        return None
    return None if environ.get(INSIDE) == found.key else found


def _slurm(environ: Mapping[str, str]) -> Place | None:
    # A batch script has SLURM_NTASKS and SLURM_PROCID too; only a step of `srun` has a number of tasks.
    numbers = [
        _number(environ, f"SLURM_{name}") for name in ("PROCID", "STEP_NUM_TASKS", "STEP_ID", "JOB_ID")
    ]
    rank, size, step, job = numbers
    if rank is None or size is None or step is None or job is None or "SLURM_PTY_PORT" in environ:
        return None
    again = environ.get("SLURM_RESTART_COUNT", "0")
    return Place("slurm", f"slurm:{job}.{step}" + (f".{again}" if again != "0" else ""), rank, size)


def _mpi(environ: Mapping[str, str]) -> Place | None:
    rank, size = (_number(environ, f"OMPI_COMM_WORLD_{name}") for name in ("RANK", "SIZE"))
    # The name of the launch: Open MPI 5 has PMIx's, older ones tell where their `mpirun` listens.
    name = (
        environ.get("PMIX_NAMESPACE")
        or environ.get("OMPI_MCA_orte_hnp_uri")
        or environ.get("PRTE_MCA_ess_base_jobid")
    )
    if rank is None or size is None or not name:
        return None
    return Place("mpi", f"mpi:{name}", rank, size)


def _hydra(environ: Mapping[str, str]) -> Place | None:
    """Tell it below the `mpirun` of MPICH or Intel MPI.

    That gives a launch no name. Where all ranks are on one host, the process that started them is a name,
    which each has a socket to.
    """
    import socket
    import struct

    rank, size, here, fd = (_number(environ, name) for name in ("PMI_RANK", "PMI_SIZE", _HYDRA, "PMI_FD"))
    if rank is None or size is None or here != size or fd is None or not hasattr(socket, "SO_PEERCRED"):
        return None
    try:
        with socket.socket(fileno=os.dup(fd)) as line:
            pid: int = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    except OSError:
        return None
    return Place("mpi", f"mpi:{os.uname().nodename}/{pid}", rank, size) if pid > 0 else None


def _torch(environ: Mapping[str, str]) -> Place | None:
    rank, size = _number(environ, "RANK"), _number(environ, "WORLD_SIZE")
    where = [environ.get(name, "") for name in ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT")]
    if rank is None or size is None or not all(where):
        return None
    if where[1] == "localhost" or where[1].startswith("127.") or where[1] == "::1":
        where[1] = os.uname().nodename  # other hosts that share the store have one of this name and port, too
    again = environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    return Place("torchrun", f"torchrun:{'/'.join(where)}/{again}", rank, size)


def array(environ: Mapping[str, str]) -> tuple[str, int] | None:
    """The array that this process is a task of: its name such as `slurm:4711`, and which task."""
    for task, (kind, job) in ARRAYS.items():
        number = _number(environ, task)
        # LSF and SGE set it outside of arrays too: to 0 and `undefined`.
        name = environ.get(job)
        if kind == "kubernetes" and not name:
            # A pod's host is called as the job is, `-` and its index behind it; no variable must name it.
            name, _, index = environ.get("HOSTNAME", "").rpartition("-")
            name = name if index == str(number) else None
        if number is not None and name and not (kind == "lsf" and number == 0):
            return f"{kind}:{name}", number
    return None


def _number(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None
