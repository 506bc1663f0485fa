"""Ranks that real launchers start: `srun` in a Slurm of one node, and two kinds of `mpirun`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import SOURCE
from tests.services import shared


@pytest.fixture(scope="session")
def a_slurm(tmp_path_factory):
    slurm = pytest.importorskip("tests.services.slurm", reason="there is no service to start a Slurm")
    with shared(tmp_path_factory, "slurm", slurm.start) as facts:
        yield facts


def test_ranks_of_srun(folder, a_slurm):
    environ = {**os.environ, "PYTHONPATH": SOURCE, **a_slurm["environ"]}
    xt = f"{sys.executable} -m xt run -q"
    body = "sh -c 'echo rank $SLURM_PROCID; [ $SLURM_PROCID != 2 ] || exit 3'"
    # As in a batch script: what it runs itself is no rank, and what a step of it runs is.
    script = f"{xt} -n batch true; srun {xt} -n together {body}; echo $?; srun {xt} -n each --per-rank {body}"
    done = subprocess.run(
        ["salloc", "-Q", "-n", "3", "sh", "-c", script],
        cwd=folder.path, env=environ, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert sorted(done.stdout.split("\n")[:4]) == ["3", "rank 0", "rank 1", "rank 2"], done.stderr
    runs = json.loads(folder.xt("ls", "-n", "0", "--json").out)
    assert sorted((run["name"], run["status"]) for run in runs) == [
        ("batch", "ok"), ("each", "failed"), ("each", "ok"), ("each", "ok"), ("together", "failed"),
    ]  # fmt: skip
    (one,) = [run["id"] for run in runs if run["name"] == "together"]
    ranks = folder.record(one)["result"]["ranks"]
    assert [(rank["state"], rank.get("exit_code")) for rank in ranks] == [
        ("ended", 0),
        ("ended", 0),
        ("ended", 3),
    ]
    assert folder.xt("logs", one, "--rank", "2").out == b"rank 2\n"
    groups = json.loads(folder.xt("ls", "--group", "--json").out)["groups"]
    assert [group["runs"] for group in groups] == [3]


@pytest.mark.parametrize(
    ("program", "options", "rank"),
    [
        ("mpirun.openmpi", ["--oversubscribe"], "OMPI_COMM_WORLD_RANK"),
        ("mpiexec.hydra", [], "PMI_RANK"),  # MPICH's, which Intel MPI has too
    ],
)
def test_ranks_of_mpirun(folder, program, options, rank):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: its ranks are not tried")
    words = [
        program,
        *options,
        "-n",
        "3",
        "bash",
        "-c",
        f"'{sys.executable}' -m xt run -q printenv {rank}; true",
    ]
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    environ = {**os.environ, "PYTHONPATH": SOURCE, **root}
    done = subprocess.run(
        words, cwd=folder.path, env=environ, capture_output=True, text=True, timeout=90, check=False
    )
    assert sorted(done.stdout.split()) == ["0", "1", "2"], done.stderr
    assert len(json.loads(folder.xt("ls", "--json").out)) == 1
    assert [one["exit_code"] for one in folder.record()["result"]["ranks"]] == [0, 0, 0]
