"""What a start costs, counted and not timed: modules loaded, files opened, processes started."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import SOURCE, Project

UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))  # read before the variables are cleared
GOLDEN = Path(__file__).parent / "golden"

#: Of the standard library and others: each costs milliseconds, and none of these commands needs it.
NEVER = {
    "git", "docker", "pynvml", "yaml", "tomllib", "tomli_w", "zstandard", "psutil", "importlib.metadata",
    "dataclasses", "typing_extensions", "tempfile", "socket", "logging", "asyncio", "argparse",
    "concurrent.futures", "ctypes", "csv", "glob", "email", "random", "numpy", "pyarrow", "http.client",
    "ssl", "multiprocessing", "secrets",
}  # fmt: skip
#: The parser of options and what it brings.
TYPER = {
    "typer",
    "click",
    "inspect",
    "pathlib",
    "platform",
    "shutil",
    "subprocess",
    "difflib",
    "urllib.parse",
}
#: Name of a golden file → words, and what besides is not loaded.
COMMANDS = {
    "version": (["--version"], {*TYPER, "msgspec", "re", "json", "typing", "enum", "threading"}),
    "complete": (["complete", "run", "k"], {*TYPER, "hashlib", "rich", "json", "termios"}),
    "ls": (["ls"], {*TYPER, "hashlib", "rich.console", "termios"}),
    "query": (["ls", "status:ok", "true"], {*TYPER, "hashlib", "rich.console", "termios"}),
    "show": (["show"], {*TYPER, "hashlib", "rich.console", "termios"}),
    "diff_help": (["diff", "--help"], {"sqlite3", "json", "rich", "hashlib", "blake3"}),
    # The last: after it the index is not up to date.
    "run": (["run", "--", "true"], {*TYPER, "sqlite3", "hashlib", "rich", "json"}),
}
#: Never loaded by anything that starts a command.
HEAVY = NEVER | COMMANDS["run"][1]

PROGRAM = """
import sys, os
opened, started = [], []
def hook(event, args):
    if event in ("open", "os.scandir", "os.listdir", "sqlite3.connect") and isinstance(args[0], str | bytes):
        opened.append(os.path.abspath(os.fsdecode(args[0])))
    elif event in ("subprocess.Popen", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty", "os.system"):
        started.append(event)
    elif event.startswith("socket."):
        started.append(event)
def at_end(status):
    names = sorted(name for name, module in sys.modules.items() if module is not None)
    with open(os.environ["FOUND"], "w") as file:
        file.write(repr((names, opened, started)))
    real(status)
real, os._exit = os._exit, at_end
from xt.cli.main import main
sys.addaudithook(hook)
main()
"""


class Start(NamedTuple):
    modules: set[str]
    opened: list[str]
    """Files and folders below the project, relative to it."""
    started: list[str]


def start(project: Project, *words: str) -> Start:
    target = project.path.parent / "found"
    subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": SOURCE, "FOUND": str(target)},
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    modules, opened, started = ast.literal_eval(target.read_text())
    root = f"{project.path}/"
    below = [path[len(root) :] for path in opened if f"{path}/".startswith(root)]
    return Start(set(modules), sorted({named(path) for path in below if path != ":memory:"}), started)


def loaded(project: Project, *words: str) -> set[str]:
    """Names of all modules that a command loads."""
    return start(project, *words).modules


def named(path: str) -> str:
    """A path below the project, without what is another in each project."""
    path = re.sub(r"\b[k-z]{16}\b", "RUN", path)
    path = re.sub(r"runs/[k-z]{2}\b", "runs/PREFIX", path)
    return re.sub(r"[0-9a-f]{32,}", "DIGEST", re.sub(r"\.\d+\.[0-9a-f]+\.tmp$", ".TMP", path))


@pytest.fixture(scope="module")
def starts(tmp_path_factory):
    """Each command started once, where there is a run and an index."""
    folder = tmp_path_factory.mktemp("starts") / "project"
    folder.mkdir()
    project = Project(folder)
    project.write("train.py", "print('training')\n")
    home = {"HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    with pytest.MonkeyPatch.context() as around:
        # Made before the variables are cleared for the first test: those of a job of CI load more.
        for name in {*os.environ} - {"PATH", "LANG", "TERM", "TMPDIR", "VIRTUAL_ENV"}:
            around.delenv(name)
        for name, value in home.items():
            around.setenv(name, value)
        project.sh("git init -q && git add -A && git -c user.name=T -c user.email=t@e.org commit -qm first")
        project.run("true")
        # What changed just now is looked at again, however fast this machine is.
        for changed in ((folder / ".xt/runs"), *(folder / ".xt/runs").iterdir()):
            os.utime(changed, (changed.stat().st_atime, changed.stat().st_mtime - 3600))
        project.xt("ls")
        return {name: start(project, *words) for name, (words, _) in COMMANDS.items()}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_start_loads_nothing_heavy(name, starts):
    assert not starts[name].modules & (NEVER | COMMANDS[name][1])


@pytest.mark.parametrize("name", COMMANDS)
def test_a_start_loads_and_opens_what_it_is_known_to(name, starts):
    """Every change of the lists shows in review; UPDATE_GOLDEN=1 writes them."""
    ours = sorted(module for module in starts[name].modules if module.partition(".")[0] == "xt")
    for sort, found in (("modules", ours), ("files", starts[name].opened)):
        golden = GOLDEN / f"{sort}_of_{name}.txt"
        if UPDATE:
            golden.write_text("".join(f"{line}\n" for line in found))
        assert found == golden.read_text().splitlines(), golden.name


@pytest.mark.parametrize("name", COMMANDS)
def test_a_start_starts_no_process_but_those_of_run(name, starts):
    if name != "run":
        assert starts[name].started == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts with strace")
def test_run_starts_git_and_the_command_and_nothing_else(project):
    if subprocess.run(["sh", "-c", "command -v strace"], capture_output=True).returncode != 0:
        pytest.skip("strace is not installed")
    project.run("true")
    trace = project.path.parent / "trace"
    subprocess.run(
        [
            "strace",
            "-f",
            "-qq",
            "-e",
            "trace=execve",
            "-o",
            trace,
            *project.command("run", "-q", "--", "true"),
        ],
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        check=True,
        stdin=subprocess.DEVNULL,
    )
    # A line may be cut in two by another process; a name that is not there is not a start.
    started = [line for line in trace.read_text().splitlines() if "execve(" in line and "= -1" not in line]
    assert sum("/git" in line for line in started) == 4
    assert len(started) == 1 + 4 + 1


def test_outside_a_job_nothing_is_loaded_for_one(project):
    project.run("-q", "--", "true")
    ours = loaded(project, "diff", "@", "@", "--explain")
    assert "xt.ops.diff.verb" in ours
    of_jobs = {name for name in ours if name.startswith(("xt.cli.ci", "xt.ops.ci", "xt.render.ci"))}
    assert of_jobs == {"xt.cli.ci_job", "xt.cli.ci_options"}


def test_a_few_numbers_are_compared_without_numpy_and_without_the_parser_of_options(project):
    head = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }".ljust(117) + "\n"
    program = (
        "import struct, sys\n"
        f"head = {head.encode()!r}\n"
        "with open('w.npy', 'wb') as file:\n"
        "    file.write(b'\\x93NUMPY\\1\\0' + struct.pack('<H', len(head)) + head)\n"
        "    file.write(struct.pack('<2d', 1.0, float(sys.argv[1])))\n"
    )
    project.write("write.py", program)
    for value in ("2.0", "2.5"):
        project.run("-q", "-o", "w.npy", "--", sys.executable, "write.py", value)
    assert "max |Δ| 0.5 at [1]" in project.xt("diff", "@~1", "@").out.decode()
    ours = start(project, "diff", "@~1", "@")
    assert "xt.compare.npy" in ours.modules
    heavy = {
        "numpy",
        "typer",
        "subprocess",
        "tempfile",
        "hashlib",
        "csv",
        "concurrent.futures",
        "rich.console",
    }
    assert not ours.modules & heavy
    assert ours.started == []
