"""Start uv, which makes virtual environments and fills them, and ask interpreters who they are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping

from xt import fsio, redact
from xt.errors import UnsupportedError

#: Variables that would contradict what uv is told by options, or lead it to another environment.
_CONTRADICT = frozenset(
    (
        *("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH", "UV_PYTHON", "UV_SYSTEM_PYTHON"),
        *("UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "UV_NO_SYNC", "UV_WORKING_DIR", "UV_WORKING_DIRECTORY"),
        *("UV_FROZEN", "UV_LOCKED", "UV_BREAK_SYSTEM_PACKAGES", "UV_VENV_CLEAR", "UV_VENV_SEED"),
    )
)
#: Beginnings of uv's lines that are worth showing while it works.
_TELLING = ("Using ", "Resolved ", "Prepared ", "Installed ", "Building ", "Downloading ", "Built ")
#: Seconds an interpreter may take to say who it is.
_PATIENCE = 30
_WHO = (
    "import sys; v = sys.version_info; sys.stdout.write("
    "'.'.join(map(str, v[:3])) + {'final': '', 'alpha': 'a%d', 'beta': 'b%d', 'candidate': 'rc%d'}[v[3]]"
    ".replace('%d', str(v[4])) + ' ' + sys.implementation.name"
    " + ('-freethreaded' if 't' in getattr(sys, 'abiflags', '') else ''))"
)


class UvError(Exception):
    """uv did not do it; the message is one line of its own words."""


def find(environ: Mapping[str, str]) -> str:
    """Find uv along the caller's PATH, or beside the interpreter that runs xt.

    Raises:
        UnsupportedError: it is in neither place.
    """
    beside = os.path.dirname(sys.executable)
    found = fsio.find_program("uv", f"{environ.get('PATH', os.defpath)}:{beside}")
    if found is None:
        raise UnsupportedError(
            "`uv` was not found, which builds the recorded environment", "install it: `pip install uv`"
        )
    return os.path.abspath(found)


def call(
    words: list[str],
    cwd: str,
    environ: Mapping[str, str],
    say: Callable[[str], object],
    environment: str,
    held: int,
) -> None:
    """Run uv to its end.

    Args:
        words: of the command, the program first.
        cwd: the folder it starts in, whose `uv.toml` and `pyproject.toml` it heeds.
        environ: of the caller. uv's own variables (`UV_FIND_LINKS`, `UV_OFFLINE`, …) are passed on, those
            that would contradict `words` are not.
        say: called with each line of progress.
        environment: folder of the environment that commands for a project (`uv sync`) use.
        held: a descriptor that uv inherits, of the lock it works under.

    Raises:
        UvError: it failed.
    """
    given = {name: value for name, value in environ.items() if name and name not in _CONTRADICT}
    given["NO_COLOR"] = "1"
    given["UV_PROJECT_ENVIRONMENT"] = environment
    try:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(held,),
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise UvError(f"`{words[0]}` cannot be started: {error.strerror}") from error
    lines = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(redact.clean(line.rstrip("\n")))
            if line.startswith(_TELLING):
                say(lines[-1])
        status = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        if process.stderr is not None:
            process.stderr.close()
    if status:
        raise UvError(_last_words(lines) or f"uv ended with {status}")


def _last_words(lines: list[str]) -> str:
    """Join the last message: it begins with `error:` or `×` and goes on in indented or drawn lines."""
    start = next(
        (at for at in range(len(lines) - 1, -1, -1) if lines[at].lstrip().startswith(("error:", "×"))),
        max(len(lines) - 1, 0),
    )
    parts = [line.strip().lstrip("×╰├─▶│ ").strip() for line in lines[start:]]
    return " ".join(part for part in parts if part).removeprefix("error: ")


def identity(python: str) -> tuple[str, str] | None:
    """Ask an interpreter for version and implementation, spelled as records spell them.

    Args:
        python: absolute path.

    Returns:
        Such as `("3.11.7", "cpython")`; None when it cannot be started or does not answer.
    """
    try:
        done = subprocess.run(
            [python, "-I", "-S", "-c", _WHO],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    answer = done.stdout.split()
    return (answer[0], answer[1]) if done.returncode == 0 and len(answer) == 2 else None
