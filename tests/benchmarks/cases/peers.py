"""What other tools take for the same: wrap `true` in a clean repository of 50 files, and note that it ran."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import NamedTuple

from tests.benchmarks.clock import paired, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import Project, World

SACRED = """import subprocess
from sacred import Experiment
from sacred.observers import FileStorageObserver

experiment = Experiment("true")
experiment.observers.append(FileStorageObserver("../sacred-runs"))


@experiment.automain
def main():
    subprocess.run(["true"], check=True)
"""


class Peer(NamedTuple):
    """Another tool."""

    name: str
    program: str
    """On PATH."""
    set_up: Callable[[Project], list[str]]
    """Makes a project ready for it; gives the words that are measured, after the program."""
    needs: str | None = None
    """A module that the program, an interpreter, must have."""


def in_toto(project: Project) -> list[str]:
    """Sign with a key made here."""
    project.sh("openssl genpkey -algorithm ed25519 -out ../in-toto.pem")
    return [
        "-n",
        "true",
        "--metadata-directory",
        "..",
        "--signing-key",
        "../in-toto.pem",
        "-m",
        ".",
        "--",
        "true",
    ]


def datalad(project: Project) -> list[str]:
    """Make a dataset of the repository."""
    project.sh("datalad create --force .")
    return ["run", "-m", "x", "true"]


def dvc(project: Project) -> list[str]:
    """Make a stage that always runs."""
    project.write("dvc.yaml", "stages: {noop: {cmd: 'true', always_changed: true}}\n")
    project.sh("dvc init -q")
    project.commit()
    return ["repro", "-q"]


def guild(project: Project) -> list[str]:
    """Make an operation."""
    project.write("guild.yml", "- operations: {noop: {exec: 'true'}}\n")
    project.commit()
    return ["run", "-y", "noop"]


def sacred(project: Project) -> list[str]:
    """Write a script: it has no command."""
    project.program("run_true.py", SACRED)
    project.commit()
    return ["run_true.py"]


def mlflow(project: Project) -> list[str]:
    """Make a project with an entry point."""
    project.write("MLproject", "name: noop\nentry_points: {main: {command: 'true'}}\n")
    project.commit()
    return ["run", ".", "--env-manager", "local"]


PEERS = (
    Peer("in-toto-run", "in-toto-run", in_toto),
    Peer("Sacred", "python3", sacred, "sacred"),
    Peer("Guild AI", "guild", guild),
    Peer("DataLad", "datalad", datalad),
    Peer("DVC", "dvc", dvc),
    Peer("MLflow", "mlflow", mlflow),
)


def measure(world: World) -> list[Row]:
    """Every peer that is installed, in turns with xt."""
    ours = repository(world, "peers-xt")
    steps = [ours.step("true", ["true"]), ours.xt("xt", "run", "--", "true")]
    absent: dict[str, Row] = {}
    for peer in PEERS:
        program = find(peer)
        if program is None:
            absent[peer.name] = Row(peer.name, None, "ms", note="not installed")
            continue
        project = repository(world, f"peers-{peer.program}")
        steps.append(project.step(peer.name, [program, *peer.set_up(project)]))
    found = rounds(steps, world.many(11))
    rows = []
    for name in ("xt", *(peer.name for peer in PEERS)):
        if name in absent:
            rows.append(absent[name])
            continue
        more = paired(lambda one, true: one - true, found[name], found["true"])
        times = paired(
            lambda one, true, xt: (one - true) / (xt - true), found[name], found["true"], found["xt"]
        )
        rows.append(Row(name, more, "ms", None, found[name], f"{times.median:.1f} × xt"))
    return rows


def repository(world: World, name: str) -> Project:
    """Make what each wraps `true` in."""
    project = world.project(name)
    project.files("src", 50, 2000)
    project.commit()
    return project


def find(peer: Peer) -> str | None:
    """Look a peer up; an interpreter only counts when it has the module."""
    for folder in os.environ["PATH"].split(":"):
        program = shutil.which(peer.program, path=folder)
        if program is None:
            continue
        if peer.needs is None:
            return program
        tried = subprocess.run([program, "-c", f"import {peer.needs}"], capture_output=True, check=False)
        if tried.returncode == 0:
            return program
    return None
