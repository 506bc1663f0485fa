"""Small real programs, each with one source of nondeterminism, or none: what `xt verify` must tell apart.

Each file says what it does, where its result comes from besides its inputs, and what is expected. All write
one output in the working directory and take less than 0.2 s.
"""

from __future__ import annotations

import contextlib
import http.server
import itertools
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = sys.executable


@dataclass(frozen=True)
class Program:
    """One program, how it is run, and what is expected of it."""

    name: str
    command: list[str]
    """With its working directory the folder `prepare` made; `{url}` stands for a server's address."""
    output: str
    level: str
    """Of repeats without any variation, on a machine with two processors or more."""
    source: str | None = None
    """What a diagnosis names: a pin where repeats differ by themselves (`PINS`), or what it stands for; else
    the variation that shows it, `environment` or `input`."""
    pin: str | None = None
    """The pin that holds it, where that has another name."""
    vary: tuple[str, ...] = ()
    """All variations that change what repeats by itself; of what does not, those that are known to."""
    file: str = ""
    """Its source in this folder, which says more."""
    setup: list[list[str]] = field(default_factory=list)
    """Commands that make it ready, in the folder."""
    needs: tuple[str, ...] = ()
    """Programs of the system; `locale` a locale with an order of its own, `module:NAME` a Python module,
    `processors:2`, `network`: a server at `{url}` that answers something else each time."""
    environ: dict[str, str] = field(default_factory=dict)
    """Variables it is run with, besides the usual."""
    inputs: tuple[str, ...] = ()
    """To be declared."""
    changes: str | None = None
    """Argument for `change`, to be called between the run and its verification."""

    @property
    def held_by(self) -> str | None:
        """Name of the pin that makes it repeat."""
        return self.pin or self.source


def _c(name: str, *options: str) -> list[list[str]]:
    return [["cc", "-O1", "-w", *options, "-o", name, f"{name}.c", "-lm"]]


def _python(name: str, output: str, level: str, **more: object) -> Program:
    return Program(name, [PYTHON, f"{name}.py"], output, level, file=f"{name}.py", **more)  # type: ignore[arg-type]


def _shell(name: str, output: str, level: str, **more: object) -> Program:
    return Program(name, ["sh", f"{name}.sh"], output, level, file=f"{name}.sh", **more)  # type: ignore[arg-type]


def _compiled(name: str, level: str, *options: str, needs: tuple[str, ...] = (), **more: object) -> Program:
    return Program(  # type: ignore[misc]
        name, [f"./{name}"], "out.txt", level, file=f"{name}.c",
        setup=_c(name, *options), needs=("cc", *needs), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def _surroundings(name: str, needs: tuple[str, ...] = ()) -> Program:
    return Program(
        f"surroundings_{name}", ["sh", "surroundings.sh", name], "out.txt", "identical",
        source=name, vary=(name,), file="surroundings.sh", needs=needs,
    )  # fmt: skip


PROGRAMS = [
    # Repeats differ by themselves.
    _python("unseeded_random", "out.txt", "divergent", source="seed"),
    _python("set_order", "out.json", "divergent", source="hashseed", vary=("hashseed",)),
    _python("wall_clock", "out.md", "divergent", source="clock", vary=("clock",)),
    _python("elapsed", "out.json", "divergent", source="clock"),
    _compiled("thread_race", "divergent", "-fopenmp", source="threads", needs=("processors:2",)),
    _python("temporary_path", "out.json", "divergent", source="temporary path", pin="seed"),
    _compiled("uninitialised", "divergent", source="memory", vary=("memory",)),
    _compiled("addresses", "divergent", source="addresses", vary=("addresses",)),
    Program(
        "network_fetch", [PYTHON, "network_fetch.py", "{url}"], "out.txt", "divergent",
        source="network", vary=("network",), file="network_fetch.py", needs=("network",),
    ),
    _shell("pid_in_file", "out.txt", "divergent", source="pid"),
    _python("absolute_path", "out.json", "divergent", source="path", vary=("path",)),
    _python("file_times", "out.txt", "divergent", source="times", vary=("times",)),
    # Repeats agree; something around them may change it.
    _python("file_order", "out.txt", "identical", source="fileorder", vary=("fileorder",)),
    _shell(
        "locale_sort", "out.txt", "identical", source="locale", vary=("locale",), needs=("locale",),
        environ={"LC_ALL": "C.UTF-8"},
    ),
    _compiled(
        "thread_count", "identical", "-fopenmp", source="threads", vary=("threads", "cpus"),
        needs=("processors:2",),
    ),
    _python(
        "gpu_fallback", "out.txt", "identical", source="nogpu", vary=("nogpu",),
        environ={"CUDA_VISIBLE_DEVICES": "0"},
    ),
    _python("gpu_flags", "out.txt", "identical", source="gpu", vary=("gpu",)),
    _surroundings("cpus", needs=("processors:2",)),
    _surroundings("timezone"),
    _surroundings("umask"),
    _surroundings("home"),
    _surroundings("hostname"),
    # Something is changed between the run and its verification.
    Program(
        "dependency_version", ["venv/bin/python", "dependency_version.py"], "out.txt", "divergent",
        source="environment", file="dependency_version.py",
        setup=[[PYTHON, "-m", "venv", "--without-pip", "venv"], [PYTHON, "install_scorekit.py", "1.1"]],
        changes="scorekit",
    ),
    _python(
        "data_changed", "out.txt", "unverifiable", source="input", inputs=("data.csv",), changes="data.csv",
    ),
    # Deterministic.
    _python("sorted_json", "out.json", "identical"),
    _shell("word_count", "out.txt", "identical"),
    _compiled("checksum", "identical"),
    _python("train", "out.json", "identical"),
    _python("arrays", "out.npy", "identical", needs=("module:numpy",)),
]  # fmt: skip
BY_NAME = {program.name: program for program in PROGRAMS}

NAMES = "Zoe\nädam\nzebra\nTeo\nanna\nzed\nBert\nÖmer\nteo\nanna\n"
#: Installs the package of `dependency_version.py` as pip would leave it.
SCOREKIT = """
import glob, os, shutil, sys
version = sys.argv[1]
site = glob.glob("venv/lib*/python*/site-packages")[0]
for old in glob.glob(site + "/scorekit*"):
    shutil.rmtree(old)
os.makedirs(f"{site}/scorekit")
os.makedirs(f"{site}/scorekit-{version}.dist-info")
digits = 6 if version == "1.1" else 3
open(f"{site}/scorekit/__init__.py", "w").write(f"def score(a, b):\\n    return round(a / b, {digits})\\n")
open(f"{site}/scorekit-{version}.dist-info/METADATA", "w").write(
    f"Metadata-Version: 2.1\\nName: scorekit\\nVersion: {version}\\n")
open(f"{site}/scorekit-{version}.dist-info/RECORD", "w").write("")
open(f"{site}/scorekit-{version}.dist-info/INSTALLER", "w").write("pip\\n")
"""


def prepare(program: Program, folder: Path) -> None:
    """Put a program and what it reads into an existing folder, and make it ready.

    `venv/` and `data.csv` are in `.gitignore`, as they are in real projects.
    """
    shutil.copy(HERE / program.file, folder)
    (folder / "names.txt").write_text(NAMES, encoding="utf-8")
    (folder / "parts").mkdir()
    for number in range(6):
        (folder / "parts" / f"part-{number}.txt").write_text(f"part {number}\n")
    (folder / ".gitignore").write_text("venv/\ndata.csv\n__pycache__/\n")
    if program.inputs:
        (folder / "data.csv").write_text("value\n1\n2\n6\n")
    if program.changes == "scorekit":
        (folder / "install_scorekit.py").write_text(SCOREKIT)
    for command in program.setup:
        subprocess.run(command, cwd=folder, check=True, capture_output=True)


def change(program: Program, folder: Path) -> None:
    """Change what the program depends on: the package is downgraded, the data corrected."""
    if program.changes == "scorekit":
        subprocess.run([PYTHON, "install_scorekit.py", "1.0"], cwd=folder, check=True)
    elif program.changes == "data.csv":
        (folder / "data.csv").write_text("value\n1\n2\n7\n")


def missing(program: Program) -> str | None:
    """Why a program cannot be tried here, or None; `locale` and `network` are the caller's to provide."""
    import importlib.util
    import os

    for need in program.needs:
        kind, _, value = need.partition(":")
        if kind == "processors":
            if len(os.sched_getaffinity(0)) < int(value):
                return f"fewer than {value} processors can be used"
        elif kind == "module":
            if importlib.util.find_spec(value) is None:
                return f"{value} is not installed"
        elif kind not in ("locale", "network") and shutil.which(kind) is None:
            return f"{kind} is not installed"
    return None


@contextlib.contextmanager
def serving():
    """A server on this machine that answers something else each time; its address."""
    numbers = itertools.count()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = f"{next(numbers)}\n".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
