"""Which Python a command will run, found without running anything.

The command is followed as the kernel and the launchers would: `PATH`, shebangs, `env`, wrappers such as
`timeout`, project runners such as `uv run`, and, as a guess that is marked as one, shell text.
"""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Programs that run the rest of their arguments: their options that take a word, and other words before it.
WRAPPERS: dict[str, tuple[tuple[str, ...], int]] = {
    "nice": (("-n",), 0),
    "ionice": (("-c", "-n"), 0),
    "time": (("-o", "-f"), 0),
    "timeout": (("-s", "-k", "--signal", "--kill-after"), 1),
    "nohup": ((), 0),
    "setsid": ((), 0),
    "stdbuf": (("-i", "-o", "-e"), 0),
    "taskset": (("-c",), 1),
    "numactl": (("-N", "-m", "-C", "-i", "-p"), 0),
    "chrt": ((), 1),
    "caffeinate": (("-t", "-w"), 0),
    "strace": (("-o", "-e", "-s", "-p", "-E"), 0),
    "xvfb-run": (("-n", "-s", "-e", "-f"), 0),
    "catchsegv": ((), 0),
    "srun": (("-n", "-N", "-c", "-p", "-t", "-J", "-o", "-e", "-A", "-w", "-G", "-D"), 0),
    "mpirun": (("-n", "-np", "-c", "-x", "-H", "--host", "--hostfile", "-hostfile", "-machinefile"), 0),
    "mpiexec": (("-n", "-np", "-c", "-x", "-H", "--host", "--hostfile", "-hosts", "-f"), 0),
}
SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "ash"))
#: Followed by `xt.collect.runners`, which is imported when one is met.
RUNNERS = frozenset(
    (
        *("uv", "poetry", "pdm", "pipenv", "rye", "pixi", "conda", "mamba", "micromamba"),
        *("uvx", "pipx", "hatch", "tox", "nox"),
    )
)
#: Bytes of a script that are looked at.
_HEAD = 65536
_DEEPEST = 8


class NoPython(Exception):  # noqa: N818
    """No interpreter was found; the message says why."""


class Found:
    """An interpreter, and how the command leads there."""

    def __init__(self, executable: str, how: str, arguments: list[str], environ: Mapping[str, str]) -> None:
        """Describe it.

        Args:
            executable: absolute path, symbolic links not followed.
            how: see `xt.model.environment.Python.found_by`.
            arguments: of the interpreter, as it will get them.
            environ: as it will get it.
        """
        self.executable = executable
        self.how = how
        self.arguments = arguments
        self.environ = environ
        self.notes: list[str] = []


def is_python(path: str) -> bool:
    """Whether a file is named like an interpreter."""
    name = os.path.basename(path)
    for prefix in ("python", "pypy", "graalpy"):
        if name.startswith(prefix):
            # No pattern: compiling one takes longer than all else here.
            rest = name[len(prefix) :].removesuffix("t").replace(".", "", 1)
            return not rest or rest.isdigit()
    return False


def which(word: str, cwd: str, environ: Mapping[str, str]) -> str | None:
    """Find the file that `execvp` would start, or None."""
    folders = [""] if "/" in word else environ.get("PATH", os.defpath).split(":")
    for folder in folders:
        path = os.path.normpath(os.path.join(cwd, folder, word))
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return None


def upward(folder: str) -> Iterator[str]:
    """Go from a folder to the root."""
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def find(command: list[str], cwd: str, environ: Mapping[str, str]) -> Found:
    """Find the interpreter that runs a command.

    Args:
        command: argv.
        cwd: absolute path of the folder it starts in.
        environ: its variables.

    Raises:
        NoPython: there is none, or it cannot be told before it runs.
    """
    return follow(command, cwd, environ, [])


def follow(words: list[str], cwd: str, environ: Mapping[str, str], way: list[str]) -> Found:
    """Go one step from a command towards its interpreter; `way` names the steps so far."""
    if not words or not words[0]:
        raise NoPython("the command is empty")
    if len(way) > _DEEPEST:
        raise NoPython(f"the command goes through more than {_DEEPEST} launchers")
    name = os.path.basename(words[0])
    path = which(words[0], cwd, environ)
    if name in WRAPPERS:
        return follow(_unwrap(words, *WRAPPERS[name]), cwd, environ, [*way, name])
    if name == "env":
        return _env(words, cwd, environ, way)
    if path is None:
        raise NoPython(f"`{words[0]}` was not found")
    if name in RUNNERS:
        from xt.collect.runners import RULES

        return RULES[name](words, cwd, environ, way)
    if name in SHELLS:
        return _shell(words, cwd, environ, way)
    return _file(path, words, cwd, environ, way)


def _file(path: str, words: list[str], cwd: str, environ: Mapping[str, str], way: list[str]) -> Found:
    head = _head(path)
    if not head.startswith(b"#!") and (is_python(path) or is_python(os.path.realpath(path))):
        return Found(path, ", ".join([*way, _how(path, words[0], environ)]), words[1:], environ)
    if not head.startswith(b"#!"):
        if head.startswith(b"\x7fELF") or head[:4] in (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"):
            raise NoPython(f"`{words[0]}` is a program of its own, not a Python script")
        raise NoPython(f"`{words[0]}` has no `#!` line")
    # Linux hands everything after the interpreter over as one argument (execve(2)).
    line = os.fsdecode(head[2:].split(b"\n", 1)[0].strip())
    interpreter, _, argument = line.partition(" ")
    argument = argument.strip()
    rest = [path, *words[1:]]
    name = os.path.basename(interpreter)
    if is_python(name):
        _must_exist(interpreter, words[0])
        arguments = [argument, *rest] if argument else rest
        return Found(os.path.normpath(interpreter), ", ".join([*way, "shebang"]), arguments, environ)
    if name == "env":
        step = ["env", *argument.split(), *rest] if argument.startswith("-") else ["env", argument, *rest]
        return _env(step, cwd, environ, [*way, "shebang"])
    if name in SHELLS:
        return _script(path, head, words, cwd, environ, way)
    raise NoPython(f"`{words[0]}` is run by `{name}`, which is not Python")


def _must_exist(interpreter: str, script: str) -> None:
    if not os.access(interpreter, os.X_OK):
        raise NoPython(f"`{script}` names the interpreter `{interpreter}`, which is not there")


def _head(path: str, text: bool = False) -> bytes:
    """First bytes of a file that is about to be executed, more of a script; '' when it may not be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (1, 13):  # EPERM, EACCES: it may be executed all the same
            return b""
        raise NoPython(f"`{path}` cannot be read: {error.strerror}") from error
    try:
        head = os.read(fd, 4)
        return head + os.read(fd, _HEAD) if text or head.startswith(b"#!") else head
    finally:
        os.close(fd)


def _how(path: str, word: str, environ: Mapping[str, str]) -> str:
    if "/" in word:
        return "argv"
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = environ.get(variable)
        if prefix and os.path.dirname(path) == os.path.join(os.path.normpath(prefix), "bin"):
            return variable
    return "PATH"


def _unwrap(words: list[str], with_value: tuple[str, ...], others: int) -> list[str]:
    """Drop a wrapper, its options and its own words from a command."""
    at = 1
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        at += 2 if words[at] in with_value else 1
        if words[at - 1] == "--":
            break
    return words[at + others :]


def _env(words: list[str], cwd: str, environ: Mapping[str, str], way: list[str]) -> Found:
    changed = dict(environ)
    at = 1
    while at < len(words):
        word = words[at]
        at += 1
        if word in ("-S", "--split-string") or word.startswith(("-S", "--split-string=")):
            text = word.partition("=")[2] if word.startswith("--") else word[2:]
            words = [*words[:at], *text.split(), *words[at:]]
        elif word in ("-i", "-", "--ignore-environment"):
            changed.clear()
        elif word in ("-u", "--unset", "-C", "--chdir"):
            value = words[at] if at < len(words) else ""
            at += 1
            if word in ("-C", "--chdir"):
                cwd = os.path.join(cwd, value)
            else:
                changed.pop(value, None)
        elif re.match(r"[A-Za-z_]\w*=", word):
            variable, _, changed[variable] = word.partition("=")
        elif word == "--" or not word.startswith("-"):
            rest = words[at:] if word == "--" else words[at - 1 :]
            return follow(rest, cwd, changed, way if way and way[-1] == "shebang" else [*way, "env"])
    raise NoPython("`env` is given no command")


def _script(
    path: str, head: bytes, words: list[str], cwd: str, environ: Mapping[str, str], way: list[str]
) -> Found:
    """Follow a script for a shell: a trampoline of an installer, a shim, or a guess from its text."""
    # Installers write this when the path of the interpreter is too long for `#!` or relative.
    match = re.match(
        rb"""[^\n]*\n'''exec' (?:"([^"$]+)"|"[^\n]*realpath[^\n]*"/'([^'\n]+)'|([^\s"$]+)) "\$0\"""", head
    )
    if match:
        relative = os.fsdecode(match[2]) if match[2] else ""
        here = os.path.dirname(os.path.realpath(path))
        target = os.path.join(here, relative) if relative else os.fsdecode(match[1] or match[3])
        _must_exist(target, words[0])
        return Found(os.path.normpath(target), ", ".join([*way, "shebang"]), [path, *words[1:]], environ)
    if os.path.basename(os.path.dirname(path)) == "shims":
        from xt.collect.shims import shim

        return shim(path, head, words, cwd, environ, way)
    from xt.collect.shell_text import guess

    return guess(os.fsdecode(head), cwd, environ, [*way, f"{os.path.basename(path)} (guess)"])


def _shell(words: list[str], cwd: str, environ: Mapping[str, str], way: list[str]) -> Found:
    at = 1
    text = False
    while at < len(words) and words[at][:1] in ("-", "+") and len(words[at]) > 1:
        text = text or (not words[at].startswith("--") and "c" in words[at])
        at += 2 if words[at] in ("-o", "+o", "-O", "--rcfile", "--init-file") else 1
    if at >= len(words):
        raise NoPython(f"`{words[0]}` takes its commands from its input")
    from xt.collect.shell_text import guess

    name = os.path.basename(words[0])
    if text:
        return guess(words[at], cwd, environ, [*way, f"{name} -c (guess)"])
    path = os.path.join(cwd, words[at])
    if not os.path.isfile(path):
        raise NoPython(f"`{words[at]}` was not found")
    return _script(path, _head(path, text=True), [path, *words[at + 1 :]], cwd, environ, way)
