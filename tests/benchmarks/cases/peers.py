"""What other tools take for the same: a command that reads one file and writes one, in a repository of 50."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import NamedTuple

from tests.benchmarks.clock import FailedError, Step, paired, process, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import Project, World

#: Its output is another each time, because some tools keep nothing of a run that changes nothing.
WORK = "cat in.txt > out.txt; date +%s%N >> out.txt\n"
COMMAND = ["sh", "work.sh"]

SACRED = """import subprocess
from sacred import Experiment
from sacred.observers import FileStorageObserver

experiment = Experiment("work")
experiment.observers.append(FileStorageObserver("../sacred-runs"))


@experiment.automain
def main():
    experiment.open_resource("in.txt").close()
    subprocess.run(["sh", "work.sh"], check=True)
    experiment.add_artifact("out.txt")
"""
MLFLOW = """import subprocess
import mlflow

with mlflow.start_run():
    mlflow.log_artifact("in.txt")
    subprocess.run(["sh", "work.sh"], check=True)
    mlflow.log_artifact("out.txt")
"""
#: What they would send elsewhere, or keep outside of the folder of the benchmarks.
QUIET = {
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "GIT_PYTHON_REFRESH": "quiet",
}


class Peer(NamedTuple):
    """Another tool."""

    name: str
    program: str
    """Below a folder of `--peers`, or on PATH."""
    set_up: Callable[[Project], list[str]]
    """Makes a project ready for it; gives the words that are measured, after the program."""
    needs: str | None = None
    """A module that the program, an interpreter, must have."""
    also: str | None = None
    """Another program it cannot do without."""


def in_toto(project: Project) -> list[str]:
    """Sign with a key made here; hash the input and the output."""
    project.sh("openssl genpkey -algorithm ed25519 -out ../in-toto.pem")
    words = ["-n", "work", "--metadata-directory", "..", "--signing-key", "../in-toto.pem"]
    return [*words, "-m", "in.txt", "-p", "out.txt", "--", *COMMAND]


def datalad(project: Project) -> list[str]:
    """Make a dataset of the repository."""
    project.sh("datalad create --force .")
    return ["run", "-m", "x", "-i", "in.txt", "-o", "out.txt", " ".join(COMMAND)]


def dvc(project: Project) -> list[str]:
    """Make a stage that always runs."""
    stage = "{cmd: 'sh work.sh', deps: [in.txt], outs: [out.txt], always_changed: true}"
    project.write("dvc.yaml", f"stages: {{work: {stage}}}\n")
    project.sh("dvc init -q")
    project.commit()
    return ["repro", "-q"]


def guild(project: Project) -> list[str]:
    """Make an operation, which runs in a folder of its own."""
    needs = "[{file: in.txt}, {file: work.sh}]"
    project.write("guild.yml", f"- operations: {{work: {{exec: 'sh work.sh', requires: {needs}}}}}\n")
    project.commit()
    return ["run", "-y", "work"]


def sacred(project: Project) -> list[str]:
    """Write a script: it has no command."""
    project.program("experiment.py", SACRED)
    project.commit()
    return ["experiment.py"]


def mlflow(project: Project) -> list[str]:
    """Make a project with an entry point, which keeps both files itself."""
    project.program("log.py", MLFLOW)
    project.write("MLproject", "name: work\nentry_points: {main: {command: 'python log.py'}}\n")
    project.commit()
    return ["run", ".", "--env-manager", "local"]


PEERS = (
    Peer("in-toto-run", "in-toto-run", in_toto),
    Peer("Sacred", "python3", sacred, needs="sacred"),
    Peer("Guild AI", "guild", guild),
    Peer("DataLad", "datalad", datalad, also="git-annex"),
    Peer("DVC", "dvc", dvc),
    Peer("MLflow", "mlflow", mlflow),
)


def measure(world: World) -> list[Row]:
    """Every peer that is installed, in turns with xt."""
    ours = repository(world, "peers-xt")
    ours.sh("echo out.txt > .gitignore")
    ours.commit()
    steps = [
        ours.step("bare", COMMAND),
        ours.xt("xt", "run", "-i", "in.txt", "-o", "out.txt", "--", *COMMAND),
    ]
    absent: dict[str, str] = {}
    versions: dict[str, str] = {}
    for peer in PEERS:
        program, why = find(peer, world.peers)
        if program is None:
            absent[peer.name] = why
            continue
        project = repository(world, f"peers-{peer.program}")
        project.environ = environment(world, program)
        os.makedirs(project.environ["GUILD_HOME"], exist_ok=True)
        try:
            words = [program, *peer.set_up(project)]
            # Once, and looked at: a tool that is installed and does not work here is no reason to stop.
            process(words, project.environ, project.path, world.stderr)()
        except FailedError as error:
            absent[peer.name] = f"does not run here: {str(error).splitlines()[-1][-120:]}"
            continue
        versions[peer.name] = version(peer, program)
        steps.append(Step(peer.name, process(words, project.environ, project.path, world.stderr)))
    found = rounds(steps, world.many(5))
    rows = []
    for name in ("xt", *(peer.name for peer in PEERS)):
        if name in absent:
            rows.append(Row(name, None, "ms", note=absent[name]))
            continue
        more = paired(lambda one, bare: one - bare, found[name], found["bare"])
        times = paired(
            lambda one, bare, xt: (one - bare) / (xt - bare), found[name], found["bare"], found["xt"]
        )
        what = f"{name} {versions.get(name, '')}".rstrip()
        rows.append(Row(what, more, "ms", None, found[name], f"{times.median:.1f} × xt"))
    return rows


def repository(world: World, name: str) -> Project:
    """Make what each runs the same command in."""
    project = world.project(name)
    project.files("src", 50, 2000)
    project.write("in.txt", "what is read\n" * 100)
    project.write("work.sh", WORK)
    project.commit()
    return project


def environment(world: World, program: str) -> dict[str, str]:
    """Variables of a peer: its own folder first on PATH, nothing sent, homes among the benchmarks."""
    path = f"{os.path.dirname(program)}:{world.environ['PATH']}"
    return {**world.environ, **QUIET, "PATH": path, "GUILD_HOME": f"{world.folder}/guild"}


def find(peer: Peer, folders: list[str]) -> tuple[str | None, str]:
    """Look a peer up; an interpreter only counts when it has the module.

    Returns:
        The program, or None and why not.
    """
    for folder in [*folders, *os.environ["PATH"].split(":")]:
        program = shutil.which(peer.program, path=folder)
        if program is None:
            continue
        if peer.also is not None and not shutil.which(peer.also, path=f"{folder}:{os.environ['PATH']}"):
            return None, f"`{peer.also}` is not installed, which it needs"
        if peer.needs is None:
            return os.path.abspath(program), ""
        tried = subprocess.run([program, "-c", f"import {peer.needs}"], capture_output=True, check=False)
        if tried.returncode == 0:
            return os.path.abspath(program), ""
    return None, "not installed"


def version(peer: Peer, program: str) -> str:
    """What a peer says its version is; empty when it says nothing that looks like one."""
    words = ["--version"] if peer.needs is None else ["-c", f"import {peer.needs} as m; print(m.__version__)"]
    said = subprocess.run([program, *words], capture_output=True, text=True, check=False).stdout
    return next((word for word in said.split() if word[:1].isdigit() and "." in word), "")
