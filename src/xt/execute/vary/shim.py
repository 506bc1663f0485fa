"""The library loaded into a command for what no variable can do: `shim.c`, compiled when first needed."""

from __future__ import annotations

import os
import subprocess
import sys

from blake3 import blake3

from xt.execute.vary import Around, ImpossibleError
from xt.fsio import find_program

SOURCE = os.path.join(os.path.dirname(__file__), "shim.c")
FLAGS = ("-O2", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden", "-w")
#: Seconds; it takes half of one.
LONGEST = 120


def load(around: Around, name: str, value: str) -> None:
    """Have the command loaded with the shim, and one of its settings made.

    Args:
        around: its `added` variables are extended.
        name: of the setting, see `shim.c`.
        value: of it.

    Raises:
        ImpossibleError: not on Linux, there is no C compiler, or it fails.
    """
    preload(around, library(around))
    around.added[name] = value


def preload(around: Around, path: str) -> None:
    """Add a library to those the command is loaded with.

    Raises:
        ImpossibleError: the path cannot be written in LD_PRELOAD, and no link to it either.
    """
    if not _plain(path):  # ld.so(8): spaces and colons separate, and nothing escapes them
        link = os.path.join(around.scratch, os.path.basename(path))
        if not _plain(link):
            raise ImpossibleError(f"LD_PRELOAD cannot hold the path `{link}`, for its space or colon")
        if not os.path.islink(link):
            os.symlink(path, link)
        path = link
    before = around.added.get("LD_PRELOAD", around.environ.get("LD_PRELOAD", ""))
    if path not in before.split(":"):
        around.added["LD_PRELOAD"] = f"{before}:{path}" if before else path


def library(around: Around) -> str:
    """Path of the compiled shim, from the cache folder if it is there.

    Raises:
        ImpossibleError: not on Linux, there is no C compiler, or it fails.
    """
    if not sys.platform.startswith("linux"):
        raise ImpossibleError("only on Linux")
    compiler = _compiler(around.environ)
    with open(SOURCE, "rb") as file:
        parts = [file.read(), compiler.encode(errors="surrogateescape"), os.uname().machine.encode()]
    name = f"shim-{blake3(bytes([0]).join([*parts, *map(str.encode, FLAGS)])).hexdigest()[:24]}.so"
    path = os.path.join(around.cache, name)
    if not os.path.exists(path):
        _compile(compiler, path, around)
    return path


def _compile(compiler: str, path: str, around: Around) -> None:
    """Compile, see that it can be loaded, and put it in place at once."""
    os.makedirs(around.cache, exist_ok=True)
    draft = f"{path}.{os.getpid()}"
    environ = {"PATH": around.environ.get("PATH", os.defpath), "LC_ALL": "C", "TMPDIR": around.scratch}
    try:
        _call([compiler, *FLAGS, "-o", draft, SOURCE, "-ldl"], environ)
        # By a program of the system, because that is what it will be loaded into: a cross compiler's, or a
        # library for another C library, is refused with a line on standard error and nothing else.
        link = os.path.join(around.scratch, "draft.so")
        os.symlink(draft, link)
        try:
            if _plain(link) and (said := _call(["/bin/sh", "-c", ":"], {"LD_PRELOAD": link})):
                raise ImpossibleError(f"what `{compiler}` makes cannot be loaded: {said}")
        finally:
            os.unlink(link)
        os.rename(draft, path)
    except OSError as error:
        raise ImpossibleError(f"the C compiler could not be used: {error}") from error
    finally:
        if os.path.lexists(draft):
            os.unlink(draft)


def _call(argv: list[str], environ: dict[str, str]) -> str:
    """Run to the end, and return the first line it wrote on standard error."""
    try:
        done = subprocess.run(
            argv, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ImpossibleError(f"`{argv[0]}` did not end within {LONGEST} s") from error
    lines = done.stderr.decode(errors="replace").splitlines()
    if done.returncode != 0:
        reason = next((line for line in lines if "error" in line), f"exit {done.returncode}")
        raise ImpossibleError(f"`{argv[0]}` failed: {reason}")
    return lines[0] if lines else ""


def _compiler(environ: dict[str, str]) -> str:
    path = environ.get("PATH", os.defpath)
    for name in ("cc", "gcc", "clang"):
        found = find_program(name, path)
        if found is not None:
            return found
    raise ImpossibleError("no C compiler is installed (`cc`, `gcc` or `clang`)")


def _plain(path: str) -> bool:
    return not any(char == ":" or char.isspace() for char in path)
