"""Repeats on engines: a real Slurm, a real Dask."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.verifying import processes, wait_for
from tests.conftest import SOURCE
from tests.schemas import validator
from tests.services import CannotStartError, dask, shared, slurm

#: Counts its calls, one byte each, and then does what it is told, as `n`: 0 in the run itself.
CALL = """
import os, pathlib, subprocess, sys, time
calls, code = sys.argv[1:]
fd = os.open(calls, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(fd, b".")
n = os.fstat(fd).st_size - 1
open("out.txt", "w").write("same")
def parent(pid):
    return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
def worker():
    return parent(parent(parent(os.getpid())))
exec(code)
"""


@pytest.fixture(scope="session")
def a_slurm(tmp_path_factory):
    with shared(tmp_path_factory, "slurm", slurm.start) as facts:
        yield facts


@pytest.fixture(scope="session")
def a_dask(tmp_path_factory):
    with shared(tmp_path_factory, "dask", dask.start) as facts:
        yield facts


@pytest.fixture
def own(tmp_path):
    """Start a service for one test alone."""
    ends = []

    def begin(service, **how):
        place = tmp_path / service.__name__.rpartition(".")[2]
        place.mkdir()
        try:
            started = service.start(place, **how)
        except CannotStartError as error:
            pytest.skip(str(error))
        ends.append(lambda: service.end(started))
        return started.facts

    yield begin
    for end in ends:
        end()


class Called:
    """A run of a piece of code, in a folder."""

    def __init__(self, folder, calls):
        self.folder, self.calls_path = folder, calls

    def record(self, code, settings=""):
        self.folder.write("call.py", CALL)
        if settings:
            self.folder.write("xt.toml", settings)
        done = self.folder.run(
            "-q", "-o", "out.txt", "--", sys.executable, "call.py", str(self.calls_path), code
        )
        assert done.code == 0, done.err
        return self

    @property
    def calls(self):
        """How often it was called after the run itself."""
        return self.calls_path.stat().st_size - 1

    def verify(self, *words, code=0, err="", env=None):
        done = self.folder.xt("verify", "@", "--json", "--no-diagnose", *words, env=env)
        assert (done.code, done.err) == (code, err), done.out.decode()
        found = json.loads(done.out)
        validator("verify").validate(found)
        return found["verifications"][0]

    def started(self, *words, env=None):
        return subprocess.Popen(
            self.folder.command("verify", "@", *words),
            cwd=self.folder.path,
            env={**os.environ, "PYTHONPATH": SOURCE, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def clean(self):
        """Nothing is left in the store, and nothing goes on."""
        store = self.folder.path / ".xt"
        assert list((store / "jobs").glob("*")) == []
        wait_for(lambda: str(self.calls_path) not in processes())
        wait_for(lambda: not [path for path in (store / "work").glob("*") if path.suffix != ".lock"])
        assert list((store / "live").glob("*")) == []


@pytest.fixture
def called(folder, tmp_path):
    return Called(folder, tmp_path / "calls")


def queue(facts, *words):
    return slurm.slurm(facts, "squeue", "-h", "-r", "-o", "%i %T", *words).split("\n")[:-1]


# --- Slurm ----------------------------------------------------------------------------------------


def test_repeats_on_slurm(called, a_slurm):
    """More than an array may have; jobs of their own are no other environment."""
    called.record("pass")
    repeats = slurm.MAX_ARRAY + 1
    found = called.verify("--on", "slurm", "--repeat", str(repeats), env=a_slurm["environ"])
    assert found["level"] == "identical"
    assert found["on"] == "slurm"
    runs = found["columns"][0]["runs"]
    assert len(set(runs)) == called.calls == repeats
    assert "drift" not in found
    records = [called.folder.record(run) for run in runs[:2]]
    assert records[0]["snapshot"]["context"]["slurm"]["job"]
    assert len({record["snapshot"]["recipe"] for record in [*records, called.folder.record("@")]}) == 1
    (event,) = (called.folder.path / ".xt/events").rglob("*.verified.json")
    assert json.loads(event.read_text())["on"] == "slurm"
    called.clean()


def test_a_worker_that_is_killed_is_replaced(called, a_slurm):
    called.record("n == 1 and (os.kill(worker(), 9), time.sleep(60))")
    found = called.verify("--on", "slurm", "--repeat", "2", env=a_slurm["environ"])
    assert found["level"] == "identical"
    assert len(found["columns"][0]["runs"]) == 2
    assert called.calls == 3
    (note,) = [note for note in found["notes"] if "lost" in note]
    assert note == f"a repeat was lost (its job failed on {a_slurm['host']}) and made again"
    called.clean()


def test_a_job_that_is_requeued_does_not_run_twice(called, a_slurm):
    """Slurm starts it again; the claim is taken, and it is reported as lost."""
    # The number of a job may be that of its whole array.
    job = "'{SLURM_ARRAY_JOB_ID}_{SLURM_ARRAY_TASK_ID}'.format(**os.environ)"
    requeue = f"subprocess.run(['scontrol', 'requeue', {job}], check=True)"
    called.record(f"n == 1 and ({requeue}, time.sleep(60))")
    words = ("--on", "slurm", "--on-opt=--requeue", "--retries", "0", "--repeat", "2")
    found = called.verify(*words, code=3, env={**a_slurm["environ"], "PATH": os.environ["PATH"]})
    assert found["level"] == "unverifiable"
    (missing,) = found["missing"]
    assert missing.startswith("a repeat was lost: ")
    assert len(found["columns"][0]["runs"]) == 1
    assert called.calls == 2
    called.clean()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_in_the_middle_it_leaves_no_job(called, a_slurm, tmp_path, number):
    called.record("n and time.sleep(60)")
    name = f"--on-opt=--comment={tmp_path.name}"
    process = called.started("--on", "slurm", name, "--repeat", "12", env=a_slurm["environ"])
    wait_for(lambda: called.calls)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (128 + number, b"")
    assert err == b"xt: interrupted: 0 repeats are recorded and kept, 12 cancelled\n"
    mine = slurm.slurm(a_slurm, "squeue", "-h", "-r", "-o", "%k", "-t", "PD,R")
    assert tmp_path.name not in mine
    called.clean()


def test_what_a_killed_one_left_is_cleared_away_by_the_next(called, a_slurm):
    called.record("0 < n < 3 and time.sleep(60)")
    process = called.started("--on", "slurm", "--repeat", "2", env=a_slurm["environ"])
    wait_for(lambda: called.calls == 2)
    process.kill()
    process.communicate()
    assert len(list((called.folder.path / ".xt/jobs").iterdir())) == 1
    found = called.verify("--on", "slurm", "--repeat", "1", env=a_slurm["environ"])
    assert found["level"] == "identical"
    called.clean()


def test_nobody_works_for_one_that_was_killed(called, a_slurm):
    called.record("n and time.sleep(60)", settings="[engine]\nlost_after = 1\n")
    process = called.started("--on", "slurm", "--repeat", "1", env=a_slurm["environ"])
    wait_for(lambda: called.calls)
    process.kill()
    process.communicate()
    wait_for(lambda: str(called.calls_path) not in processes())
    wait_for(lambda: list((called.folder.path / ".xt/jobs").rglob("*.answer")))
    (answer,) = (called.folder.path / ".xt/jobs").rglob("*.answer")
    assert json.loads(answer.read_text())["answer"]["error"] == "cancelled"


def test_slurm_has_no_room(called, own):
    """Of more repeats than there is room for, those begin that have some; then none at all."""
    facts = own(slurm, jobs=3)
    called.record("n and time.sleep(60)")
    process = called.started("--on", "slurm", "--repeat", "5", env=facts["environ"])
    wait_for(lambda: called.calls)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert err == b"xt: interrupted: 0 repeats are recorded and kept, 5 cancelled\n"
    assert process.returncode == 130
    called.clean()
    done = called.folder.xt("verify", "@", "--on", "slurm", env=facts["environ"])
    assert done.code == 4
    assert "error: slurm takes no more jobs: " in done.err
    called.clean()


def test_the_controller_goes_away(called, own, tmp_path):
    """What has begun comes to its end all the same; what has not is reported."""
    facts = own(slurm)
    gone = tmp_path / "gone"
    pid = slurm.pids(Path(facts["folder"]))[1]
    called.record(
        f"n == 1 and os.kill({pid}, 9)\nn and open({str(gone)!r}, 'a') and time.sleep(0.5)",
        settings="[engine]\nlost_after = 2\n",
    )
    words = ("--on", "slurm", "--on-opt=--exclusive", "--repeat", "2")
    done = called.folder.xt("verify", "@", "--json", "--no-diagnose", *words, env=facts["environ"])
    assert done.code == 3, done.err
    found = json.loads(done.out)["verifications"][0]
    assert len(found["columns"][0]["runs"]) == 1
    assert "a repeat was lost: " in found["missing"][0]
    assert "contact slurm controller" in found["missing"][0]
    assert "scancel" in done.err
    assert called.calls == 1
    called.clean()
    done = called.folder.xt("verify", "@", *words, env=facts["environ"])
    assert done.code == 4
    assert "error: Slurm does not answer: " in done.err


def test_a_node_that_does_not_see_the_store(called, a_slurm):
    called.record("pass")
    path = called.folder.path
    inner = 'cp -a . "$1" && mount --bind "$1" . && cd "$PWD" && shift && exec "$@"'
    copy = path.parent / "copy"
    copy.mkdir()
    (path / ".xt/jobs").mkdir()
    verify = called.folder.command("verify", "@", "--json", "--on", "slurm")
    words = ["unshare", "-m", "sh", "-c", inner, "-", str(copy), *verify]
    if subprocess.run(["unshare", "-m", "mount", "--bind", "/tmp", "/tmp"], capture_output=True).returncode:
        pytest.skip("mounting takes rights that this user has not")
    environ = {**os.environ, "PYTHONPATH": SOURCE, **a_slurm["environ"]}
    done = subprocess.run(words, cwd=path, env=environ, capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    found = json.loads(done.stdout)["verifications"][0]
    assert found["missing"] == [f"no worker could begin at slurm: its job failed on {a_slurm['host']}"]
    assert found["hint"].startswith(f"all its machines must have `{path}/.xt` and `")
    assert called.calls == 0


def test_no_slurm_here(called):
    called.record("pass")
    done = called.folder.xt("verify", "@", "--on", "slurm", env={"PATH": "/empty"})
    assert done.code == 4
    assert done.err.startswith("xt: error: `sbatch` is not installed here\nxt: hint: ")


def test_rerun_on_slurm(called, a_slurm):
    """Its output, its status and its line are those of a rerun here."""
    called.record("n == 0 or (print('out', n), print('err', file=sys.stderr), sys.exit(7))")
    words = ("rerun", "@", "--on", "slurm", "-m", "once more \udcff")
    done = called.folder.xt(*words, env=a_slurm["environ"])
    assert (done.code, done.out) == (7, b"out 1\n")
    said = done.err.splitlines()
    assert "err" in said
    assert any(" exit 7 " in line for line in said), said
    record = called.folder.record("@")
    assert record["snapshot"]["context"]["purpose"].startswith("once more ")
    assert record["snapshot"]["context"]["slurm"]["job"]
    assert "trial" not in record["snapshot"]["repeat"]
    done = called.folder.xt("rerun", "@", "--on", "slurm", "--env", "docker", env=a_slurm["environ"])
    assert done.code == 3
    assert "error: " in done.err
    called.clean()


def test_a_plan_on_slurm(folder, a_slurm):
    folder.write("in.txt", "one")
    folder.write("xt.toml", '[task.copy]\ncommand = "cp"\ninputs = ["in.txt"]\noutputs = ["out.txt"]\n')
    folder.sh("git init -q && git add -A && git commit -qm one && echo '*.txt' > .git/info/exclude")
    assert folder.run("-q", "--", "cp", "in.txt", "out.txt").code == 0
    folder.write("in.txt", "two")
    done = folder.xt("stale", "--run", "-y", "--on", "slurm", env=a_slurm["environ"])
    assert done.code == 0, done.err
    assert "xt: done: 1 made again" in done.err
    assert (folder.path / "out.txt").read_text() == "two"
    assert folder.record("@")["snapshot"]["context"]["slurm"]["job"]
    assert folder.xt("stale").code == 0


# --- Dask -----------------------------------------------------------------------------------------


def test_repeats_on_dask(called, a_dask):
    called.record("pass")
    found = called.verify("--on", f"dask://{a_dask['address']}", "--repeat", "3")
    assert found["level"] == "identical"
    assert len(set(found["columns"][0]["runs"])) == called.calls == 3
    called.clean()


def test_dask_workers_that_die(called, a_dask):
    """The scheduler gives their tasks to another. What goes on by itself is waited for, and not made twice;
    what died with its worker is made again."""
    alone = "n == 1 and (os.kill(parent(worker()), 9), time.sleep(1.5))"
    both = "n == 2 and (w := worker(), p := parent(w), os.kill(w, 9), os.kill(p, 9), time.sleep(60))"
    called.record(f"{alone}\n{both}", settings="[engine]\nlost_after = 4\n")
    found = called.verify("--on", f"dask://{a_dask['address']}", "--repeat", "2")
    assert found["level"] == "identical"
    assert len(found["columns"][0]["runs"]) == 2
    assert called.calls == 3
    assert len([note for note in found["notes"] if note.startswith("a repeat was lost (")]) == 1
    called.clean()


def test_ended_in_the_middle_nothing_goes_on_at_dask(called, a_dask):
    """Dask does not stop a task that runs: its repeat sees that nobody wants it."""
    called.record("n and time.sleep(60)")
    process = called.started("--on", f"dask://{a_dask['address']}", "--repeat", "4")
    wait_for(lambda: called.calls)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert err == b"xt: interrupted: 0 repeats are recorded and kept, 4 cancelled\n"
    called.clean()


def test_the_scheduler_goes_away(called, own):
    facts = own(dask, workers=1)
    called.record(
        f"n == 1 and (os.killpg({facts['pids'][-1]}, 9), time.sleep(0.5))",
        settings="[engine]\nlost_after = 2\n",
    )
    found = called.verify("--on", f"dask://{facts['address']}", "--repeat", "2", code=3)
    assert found["level"] == "unverifiable"
    assert len(found["columns"][0]["runs"]) == called.calls == 1
    assert "does not answer" in found["missing"][0]
    called.clean()


def test_no_dask_there(called):
    pytest.importorskip("distributed")
    called.record("pass")
    done = called.folder.xt("verify", "@", "--on", "dask://127.0.0.1:1")
    assert done.code == 4
    assert done.err.startswith(
        "xt: error: no Dask scheduler answers at tcp://127.0.0.1:1: Connection refused\n"
    )


# --- what is written ------------------------------------------------------------------------------


#: Words, and what is said of them.
NO_SENSE = [
    (("--on", "slurn"), "no engine `slurn`"),
    (("--on", "slurm:3"), "Slurm has no address"),
    (("--on", "dask"), "names no scheduler"),
    (("--on", "local:two"), "JOBS is a number from 1 to 256"),
    (("--on", "local:2", "-j", "3"), "two numbers"),
    (("--on", "local:2", "--retries", "3"), "--retries is for an engine"),
    (("--on", "slurm", "--on-opt=--wrap=id"), "`--wrap` is not for `--on slurm`"),
    (("--on-opt=--x",), "--on-opt is for repeats on an engine"),
    (("--retries", "1"), "--retries is for repeats on an engine"),
    (("--on", "slurm", "--against", "@"), "--on does not go with it"),
]


def test_what_makes_no_sense(called):
    called.record("pass")
    for words, said in NO_SENSE:
        done = called.folder.xt("verify", "@", *words)
        assert (done.code, done.out) == (2, b""), words
        assert said in done.err


def test_local_is_so_many_here(called):
    """One repeat is as many at a time as that, and words and purpose may be any bytes."""
    called.record("pass")
    assert called.folder.xt("rerun", "@", "-m", "a\udcff", "--on", "local:2").code == 0
    found = called.verify("--on", "local:2", "--repeat", "2")
    assert found["level"] == "identical"
    assert "on" not in found
    assert called.calls == 3


JOBQUEUE = """
import sys
import warnings
warnings.simplefilter("ignore")
from dask_jobqueue import SLURMCluster
with SLURMCluster(
    cores=1, memory="200MB", processes=1, walltime="00:10:00", interface="lo", job_cpu=1,
    job_directives_skip=["--mem"], scheduler_options={"host": "127.0.0.1", "dashboard_address": None},
    log_directory=".", local_directory=".", worker_extra_args=["--no-dashboard"],
) as cluster:
    cluster.scale(jobs=1)
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
"""


def test_dask_on_slurm(called, a_slurm, tmp_path):
    """Workers of Dask in jobs, as dask-jobqueue starts them."""
    pytest.importorskip("dask_jobqueue")
    called.record("pass")
    environ = {**os.environ, **a_slurm["environ"]}
    with subprocess.Popen(
        [sys.executable, "-c", JOBQUEUE],
        cwd=tmp_path,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as cluster:
        try:
            address = cluster.stdout.readline().strip().removeprefix("tcp:")
            assert address.startswith("//127.0.0.1:"), address
            found = called.verify("--on", f"dask:{address}", "--repeat", "2")
            assert found["level"] == "identical"
            job = called.folder.record(found["columns"][0]["runs"][0])["snapshot"]["context"]["slurm"]
            assert job["name"] == "dask-worker"
        finally:
            cluster.stdin.close()
            cluster.wait(timeout=60)
    called.clean()
