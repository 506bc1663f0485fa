"""A real Slurm of one node: slurmctld, slurmd and munged, with a configuration of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.services import LONG, CannotStartError, Started, free_port, need, wait_until

#: More processors than the machine has, so that several jobs go on at once.
CPUS = 4
#: So small that tests reach it.
MAX_ARRAY = 6
CONF = """\
ClusterName=xt
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.sock
CryptoType=crypto/munge
StateSaveLocation={folder}/ctld
SlurmdSpoolDir={folder}/d
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,bf_interval=1,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MinJobAge=300
KillWait=15
MessageTimeout=2
TCPTimeout=1
InactiveLimit=0
MaxArraySize={array}
MaxJobCount={jobs}
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=1024 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def start(folder: Path, jobs: int = 10_000) -> Started:
    """Start one; `environ` of the facts are the variables under which Slurm's commands find it.

    Args:
        folder: of its own.
        jobs: that it knows at most, ended ones among them.
    """
    need("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
    if os.geteuid() != 0:
        raise CannotStartError("Slurm's daemons start jobs of other users: it takes root")
    for name in ("ctld", "d", "log", "run"):
        (folder / name).mkdir()
    host = os.uname().nodename.partition(".")[0]
    conf = folder / "slurm.conf"
    conf.write_text(
        CONF.format(
            host=host,
            folder=folder,
            controller=free_port(),
            daemon=free_port(),
            array=MAX_ARRAY,
            jobs=jobs,
            cpus=CPUS,
        )
    )
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    facts: dict[str, Any] = {"environ": {"SLURM_CONF": str(conf)}, "folder": str(folder), "host": host}
    try:
        _daemon(
            facts,
            "munged",
            "--force",
            f"--key-file={key}",
            f"--socket={folder}/run/munge.sock",
            f"--pid-file={folder}/run/munged.pid",
            f"--log-file={folder}/log/munged.log",
            f"--seed-file={folder}/run/munged.seed",
        )
        controller(facts)
        _daemon(facts, "slurmd", "-f", str(conf))
        wait_until(lambda: "idle" in slurm(facts, "sinfo", "-h", "-o", "%T"))
    except CannotStartError:
        for pid in pids(folder):
            os.kill(pid, 15)
        raise
    return Started(facts, [_keeper(pids(folder))])


def controller(facts: dict[str, Any]) -> None:
    """Start the controller, which a test may have stopped."""
    _daemon(facts, "slurmctld", "-f", facts["environ"]["SLURM_CONF"])


def pids(folder: Path) -> list[int]:
    """Its processes, in the order in which they are to end."""
    found = []
    for name in ("slurmd", "slurmctld", "munged"):
        path = folder / "run" / f"{name}.pid"
        if path.exists() and path.read_text().strip():
            found.append(int(path.read_text()))
    return found


def slurm(facts: dict[str, Any], *words: str) -> str:
    """Run one of Slurm's commands and give what it prints."""
    environ = {**os.environ, **facts["environ"]}
    return subprocess.run(words, env=environ, capture_output=True, text=True, check=True, timeout=LONG).stdout


def _keeper(others: list[int]) -> int:
    """Start what kills them when it is told to end: by themselves they take seconds, one after the other."""
    kill = f"kill -9 {' '.join(map(str, others))}"
    words = ["sh", "-c", f"trap '{kill}' TERM; sleep 86400 & wait; kill $!"]
    process = subprocess.Popen(words, start_new_session=True, stdin=subprocess.DEVNULL)
    process.returncode = 0  # whoever ends it waits for its pid
    return process.pid


def end(started: Started) -> None:
    """End one that a test has for itself."""
    for pid in started.pids:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
    # One that could not tell its controller of the end goes on trying.
    mark = f"SLURM_CONF={started.facts['environ']['SLURM_CONF']}".encode()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            ours = entry.name.isdecimal() and mark in (entry / "environ").read_bytes().split(b"\0")
            if ours and (entry / "comm").read_text().startswith("slurmstepd"):
                os.kill(int(entry.name), signal.SIGKILL)


def _daemon(facts: dict[str, Any], *words: str) -> None:
    environ = {**os.environ, **facts["environ"], "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    done = subprocess.run(
        words,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    if done.returncode:
        raise CannotStartError(f"{words[0]} does not start: {done.stderr.strip()}")
