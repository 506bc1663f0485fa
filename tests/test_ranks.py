"""Ranks of a launcher make one run. What starts them here sets the variables that torchrun sets."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from tests.conftest import SOURCE, Ran
from xt.launch import Place, array, place

PROGRAM = """\
import json, os, sys, time
rank = int(os.environ["RANK"])
print("rank", rank, *(os.environ.get(name, "") for name in ("XT_RUN_ID", "TOKEN_X", "SAID")), flush=True)
with open(os.environ["XT_METRICS"], "a") as file:
    file.write(json.dumps({"name": "loss", "value": rank}) + "\\n")
time.sleep(float(sys.argv[2]) if str(rank) == sys.argv[1] else 0)
sys.exit(rank if "fail" in sys.argv and str(rank) == sys.argv[1] else 0)
"""
TORCH = {"TORCHELASTIC_RUN_ID": "none", "MASTER_ADDR": "node1", "MASTER_PORT": "29500"}


class Launch:
    """Four ranks, or some of them, in a folder."""

    def __init__(self, folder, size=4):
        self.folder, self.size = folder, size
        folder.write("go.py", PROGRAM)
        self.wait(20)

    def wait(self, seconds):
        """Set how long ranks wait for each other; short only where one never comes."""
        self.folder.write("xt.toml", f"[run]\nrank_wait = {seconds}\n")

    def start(self, rank, *words, options=(), command=None, **env):
        environ = {
            **os.environ,
            "PYTHONPATH": SOURCE,
            **TORCH,
            "RANK": str(rank),
            "WORLD_SIZE": str(self.size),
        }
        command = command or [sys.executable, "go.py", *(words or ("9", "0"))]
        return subprocess.Popen(
            [sys.executable, "-m", "xt", "run", *options, "--", *command],
            cwd=self.folder.path,
            env={**environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def end(self, process):
        out, err = process.communicate(timeout=60)
        return Ran(process.returncode, out, err.decode())

    def all(self, *words, ranks=(3, 1, 2, 0), **more):
        started = {rank: self.start(rank, *words, **more) for rank in ranks}
        return {rank: self.end(process) for rank, process in sorted(started.items())}

    def runs(self):
        return json.loads(self.folder.xt("ls", "--json").out)

    def ranks(self):
        return self.folder.record()["result"]["ranks"]


@pytest.fixture
def launch(folder):
    return Launch(folder)


def test_they_are_one_run_with_a_log_and_an_end_for_each(launch):
    launch.folder.write("conf.json", '{"db": {"password": "words-of-conf"}}')
    options = ("--strict", "-p", "conf.json")
    ended = launch.all("2", "0", "fail", options=options, TOKEN_X="hunter22-secret", SAID="words-of-conf")
    assert [ran.code for ran in ended.values()] == [0, 0, 2, 0]
    (run,) = launch.runs()
    assert all(run["id"].encode() in ran.out for ran in ended.values())
    assert [rank for rank, ran in ended.items() if "xt: " in ran.err] == [0], "one says it for all"
    assert "a rank failed" in ended[0].err
    record = launch.folder.record()
    context, result = record["snapshot"]["context"], record["result"]
    assert (context["launch"], context["ranks"]) == ("torchrun:none/node1/29500/0", 4)
    assert (result["status"], result["exit_code"]) == ("failed", 0)
    ranks = result["ranks"]
    assert [(one["rank"], one["state"], one["exit_code"]) for one in ranks] == [
        (0, "ended", 0), (1, "ended", 0), (2, "ended", 2), (3, "ended", 0),
    ]  # fmt: skip
    assert "logs" not in ranks[0]
    assert result["usage"]["user_s"] == pytest.approx(sum(one["usage"]["user_s"] for one in ranks))
    losses = {metric.get("labels", {}).get("rank", "0"): metric["value"] for metric in result["metrics"]}
    assert losses == {"0": 0, "1": 1, "2": 2, "3": 3}
    for rank in range(4):
        log = launch.folder.xt("logs", "--rank", str(rank)).out
        assert log.startswith(b"rank %d " % rank)
        assert b"hunter22" not in log
        assert b"words-of-conf" not in log
    assert b"hunter22-secret" not in launch.folder.stored_bytes()
    page = launch.folder.xt("show").out.decode()
    assert "4 of torchrun:none/node1/29500/0" in page
    assert "2 exit 2\n" in page
    missing = launch.folder.xt("logs", "--rank", "4")
    assert (missing.code, "its ranks are 0 to 3" in missing.err) == (1, True)
    assert os.listdir(launch.folder.path / ".xt" / "live") == []


def test_a_later_launch_of_the_same_name_is_another_run_and_a_repeat(launch):
    launch.all()
    ended = launch.all()
    first, second = launch.runs()
    assert first["recipe"] == second["recipe"]
    assert "repeats" in ended[0].err
    launch.size = 2
    launch.all(ranks=(1, 0))
    assert launch.runs()[0]["recipe"] != first["recipe"], "two processes do not do what four do"


def test_a_rank_that_is_killed_is_lost_and_nobody_waits_for_it(launch):
    started = {rank: launch.start(rank, "1", "2") for rank in range(4)}
    started[1].stdout.readline()
    os.kill(started[1].pid, signal.SIGKILL)
    ended = {rank: launch.end(process) for rank, process in started.items() if rank != 1}
    assert [ran.code for ran in ended.values()] == [0, 0, 0]
    assert [one["state"] for one in launch.ranks()] == ["ended", "lost", "ended", "ended"]
    assert "rank 1: its xt died" in ended[0].err
    launch.end(started[1])


def test_a_rank_that_never_begins_is_absent(launch):
    launch.wait(3)
    ended = launch.all(ranks=(0, 2, 3))
    assert [one["state"] for one in launch.ranks()] == ["ended", "absent", "ended", "ended"]
    assert launch.runs()[0]["status"] == "failed"
    assert "rank 1: it did not begin" in ended[0].err


def test_without_rank_0_a_rank_becomes_a_run_of_its_own(launch):
    launch.wait(0.7)
    ended = launch.all(ranks=(2,))
    assert ended[2].code == 0
    assert "rank 2 becomes a run of its own: rank 0 of torchrun:" in ended[2].err
    assert [run["status"] for run in launch.runs()] == ["ok"]


def test_an_earlier_run_does_not_stand_for_some_of_the_ranks(launch):
    ended = launch.all(ranks=(0, 3), options=("--reuse",))
    assert {(ran.code, ran.out) for ran in ended.values()} == {(125, b"")}
    assert "put it in front of the launcher" in ended[3].err


def test_rank_0_may_be_told_to_stop_waiting(launch):
    started = {rank: launch.start(rank, "1", "30") for rank in (0, 1, 2, 3)}
    started[1].stdout.readline()
    launch.end(started[2]), launch.end(started[3])
    started[0].stdout.readline()
    end = time.monotonic() + 100
    while psutil.Process(started[0].pid).children() and time.monotonic() < end:
        time.sleep(0.02)
    # Its own command has ended, and it waits for rank 1 alone.
    time.sleep(0.1)
    os.kill(started[0].pid, signal.SIGTERM)
    ended = launch.end(started[0])
    assert ended.code == 0
    assert [one["state"] for one in launch.ranks()] == ["ended", "unknown", "ended", "ended"]
    os.kill(started[1].pid, signal.SIGTERM)
    late = launch.end(started[1])
    assert "rank 1 ended after run" in late.err


def test_what_a_rank_starts_is_a_run_of_its_own(launch):
    inner = [sys.executable, "-m", "xt", "run", "-q", "--", "true"]
    ended = launch.all(ranks=(0, 1), command=inner, WORLD_SIZE="2")
    assert [ran.code for ran in ended.values()] == [0, 0]
    runs = launch.runs()
    assert len(runs) == 3
    (outer,) = [run for run in runs if run["command"][-1] == "true" and "xt" in run["command"]]
    parents = [
        launch.folder.record(run["id"])["snapshot"]["context"]["parent"] for run in runs if run is not outer
    ]
    assert parents == [outer["id"], outer["id"]]


def test_a_run_for_each_rank_where_that_is_wanted(launch):
    launch.all(options=("-q", "--per-rank"))
    assert len(launch.runs()) == 4
    found = json.loads(launch.folder.xt("ls", "--group", "--json").out)
    assert [(one["value"], one["runs"]) for one in found["groups"]] == [("torchrun:none/node1/29500/0", 4)]
    members = {launch.folder.record(run["id"])["snapshot"]["context"]["member"] for run in launch.runs()}
    assert members == {0, 1, 2, 3}


def test_a_repeat_of_one_process_would_be_another_thing(launch):
    launch.all(ranks=(0, 1), WORLD_SIZE="2")
    for command in ("rerun", "verify"):
        refused = launch.folder.xt(command, "@")
        assert refused.code == 3
        assert "2 processes of torchrun:" in refused.err + refused.out.decode()


def test_what_a_killed_rank_0_left_leads_nobody_astray(launch):
    leader = launch.start(0, "0", "1")
    leader.stdout.readline()
    os.kill(leader.pid, signal.SIGKILL)
    leader.communicate()
    ended = launch.all()
    assert [ran.code for ran in ended.values()] == [0, 0, 0, 0]
    assert [one["state"] for one in launch.ranks()] == ["ended"] * 4
    assert sorted(run["status"] for run in launch.runs()) == ["lost", "ok"]


def test_tasks_of_an_array_are_a_group(folder):
    for task in (1, 2):
        folder.run(
            "-q",
            "-n",
            f"task{task}",
            "true",
            env={"SLURM_ARRAY_JOB_ID": "47", "SLURM_ARRAY_TASK_ID": str(task)},
        )
    folder.run("-q", "true")
    groups = json.loads(folder.xt("ls", "--group", "--json").out)["groups"]
    assert [(one["value"], one["runs"]) for one in groups] == [("slurm:47", 2)]
    named = json.loads(folder.xt("ls", "group:slurm:47", "--json").out)
    assert {run["name"] for run in named} == {"task1", "task2"}
    assert b"1 group of 1 run" in folder.xt("ls", "--group", "name:task1").out
    assert folder.record()["snapshot"]["context"].get("group") is None


# --- which rank ------------------------------------------------------------------------------------

STEP = {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "4"}
BATCH = {"SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_NTASKS": "4"}
MPI = {"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4", "PMIX_NAMESPACE": "prterun-h-1@1"}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (STEP, Place("slurm", "slurm:7.0", 1, 4)),
        ({**STEP, "SLURM_RESTART_COUNT": "2"}, Place("slurm", "slurm:7.0.2", 1, 4)),
        (BATCH, None),
        ({**STEP, "SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"}, None),
        ({**STEP, "SLURM_PTY_PORT": "1234"}, None),
        ({**STEP, "SLURM_PROCID": "4"}, None),
        ({**STEP, "SLURM_PROCID": "x"}, None),
        ({**STEP, "SLURM_PROCID": "9" * 40}, None),
        ({**STEP, "XT_LAUNCH": "slurm:7.0"}, None),
        ({**STEP, "XT_LAUNCH": "slurm:6.0"}, Place("slurm", "slurm:7.0", 1, 4)),
        (MPI, Place("mpi", "mpi:prterun-h-1@1", 2, 4)),
        ({key: value for key, value in MPI.items() if key != "PMIX_NAMESPACE"}, None),
        (
            {**TORCH, "RANK": "1", "WORLD_SIZE": "2"},
            Place("torchrun", "torchrun:none/node1/29500/0", 1, 2),
        ),
        (
            # `srun -N 4 torchrun …`: of the step there is a task for each host, with several ranks in it.
            {**STEP, **TORCH, "RANK": "9", "WORLD_SIZE": "32"},
            Place("torchrun", "torchrun:none/node1/29500/0", 9, 32),
        ),
        # In a job of Slurm `mpirun` starts a daemon on each host as a task of a step.
        ({**STEP, **MPI}, Place("mpi", "mpi:prterun-h-1@1", 2, 4)),
        ({"RANK": "1", "WORLD_SIZE": "2"}, None),
        ({}, None),
    ],
)
def test_which_rank_it_is(environ, expected):
    assert place(environ) == expected


def test_ranks_of_mpich_are_told_by_what_started_them():
    near, far = socket.socketpair()  # as its daemon makes one for each rank
    with near, far:
        environ = {"PMI_RANK": "1", "PMI_SIZE": "2", "MPI_LOCALNRANKS": "2", "PMI_FD": str(far.fileno())}
        expected = Place("mpi", f"mpi:{os.uname().nodename}/{os.getpid()}", 1, 2)
        assert place(environ) == place({**STEP, **environ}) == expected
        # On several hosts there are several daemons; a task of Slurm is then one of them.
        assert place({**STEP, **environ, "MPI_LOCALNRANKS": "1"}) is None
        assert place({**environ, "PMI_FD": "99999"}) is None


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "::1"])
def test_the_same_port_of_two_hosts_is_not_one_launch(address):
    found = place({**TORCH, "MASTER_ADDR": address, "RANK": "1", "WORLD_SIZE": "2"})
    assert found.key == f"torchrun:none/{os.uname().nodename}/29500/0"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_JOB_ID": "47"}, ("slurm:47", 3)),
        ({"PBS_ARRAY_INDEX": "3", "PBS_ARRAY_ID": "47[]"}, ("pbs:47[]", 3)),
        ({"LSB_JOBINDEX": "0", "LSB_JOBID": "47"}, None),
        ({"LSB_JOBINDEX": "2", "LSB_JOBID": "47"}, ("lsf:47", 2)),
        ({"SGE_TASK_ID": "undefined", "JOB_ID": "47"}, None),
        ({"JOB_COMPLETION_INDEX": "0", "JOB_NAME": "sweep"}, ("kubernetes:sweep", 0)),
        ({"JOB_COMPLETION_INDEX": "3", "HOSTNAME": "a-sweep-3"}, ("kubernetes:a-sweep", 3)),
        ({"JOB_COMPLETION_INDEX": "3", "HOSTNAME": "a-host-13"}, None),
        ({"JOB_COMPLETION_INDEX": "0"}, None),
        ({"SLURM_ARRAY_TASK_ID": "3"}, None),
    ],
)
def test_which_array_it_is_of(environ, expected):
    assert array(environ) == expected
