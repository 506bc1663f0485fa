"""What `xt run -- true` costs, counted and not timed: modules loaded and processes started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SOURCE

#: Never loaded by `xt run -- true`: each costs milliseconds.
HEAVY = {
    "typer", "rich", "git", "docker", "pynvml", "yaml", "tomllib", "tomli_w", "sqlite3",
    "zstandard", "psutil", "importlib.metadata", "dataclasses", "inspect", "typing_extensions",
    "pathlib", "tempfile", "shutil", "json", "subprocess", "socket", "logging", "asyncio",
    "argparse", "concurrent.futures", "urllib.parse", "ctypes", "difflib", "csv", "glob", "email",
    "hashlib", "random",
}  # fmt: skip
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))  # read before the variables are cleared
GOLDEN = Path(__file__).parent / "golden" / "modules_of_run.txt"


def loaded(project, *words):
    program = (
        "import sys, os\n"
        "def at_end(status):\n"
        "    names = sorted(name for name, module in sys.modules.items() if module is not None)\n"
        "    open(os.environ['LOADED'], 'w').write('\\n'.join(names))\n"
        "    real(status)\n"
        "real, os._exit = os._exit, at_end\n"
        "from xt.cli.main import main\n"
        "main()\n"
    )
    target = project.path.parent / "loaded"
    subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": SOURCE, "LOADED": str(target)},
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    return set(target.read_text().split("\n"))


def test_run_loads_nothing_heavy(project):
    project.run("true")
    assert not loaded(project, "run", "--", "true") & HEAVY


def test_run_loads_the_modules_it_is_known_to_load(project):
    """Every change of the list shows in review; UPDATE_GOLDEN=1 writes it."""
    project.run("true")
    ours = sorted(name for name in loaded(project, "run", "--", "true") if name.partition(".")[0] == "xt")
    if UPDATE:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text("\n".join(ours) + "\n")
    assert ours == GOLDEN.read_text().split()


def test_the_version_loads_nothing_of_ours_but_the_entry(project):
    ours = {name for name in loaded(project, "--version") if name.partition(".")[0] == "xt"}
    assert ours == {"xt", "xt.cli", "xt.cli.main", "xt.errors"}


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
