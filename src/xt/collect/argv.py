"""The settings in a command's own words: `--key value`, `--key=value`, `key=value`. A leaf of the collectors.

This is a reading, not knowledge: only the program knows its options. So such params are marked `argv`,
and everything before the script, which is for the interpreter or a launcher, is left alone.
"""

from __future__ import annotations

#: Options of the Python interpreter that take the next word.
_PYTHON_VALUES = ("-W", "-X", "--check-hash-based-pycs")
_SHELLS = ("sh", "bash", "zsh", "dash", "ksh", "fish")
#: Programs that start another one, which is recognised by its name or suffix further on.
_LAUNCHERS = frozenset(
    (
        *("accelerate", "chrt", "conda", "coverage", "deepspeed", "env", "hatch", "horovodrun", "ionice"),
        *("mamba", "micromamba", "mpiexec", "mpirun", "nice", "nohup", "nsys", "numactl", "pdm", "pipenv"),
        *("pixi", "poetry", "rye", "setsid", "srun", "stdbuf", "sudo", "taskset", "time", "timeout"),
        *("torchrun", "uv", "xvfb-run"),
    )
)
_INTERPRETERS = ("node", "deno", "ruby", "perl", "Rscript", "julia", "php", "lua", "java")
_NAME_MARKS = {ord(mark): None for mark in "_.@/-"}
_SCRIPT = (
    ".py",
    ".pyz",
    ".sh",
    ".R",
    ".r",
    ".jl",
    ".js",
    ".mjs",
    ".ts",
    ".rb",
    ".pl",
    ".php",
    ".lua",
    ".jar",
)


def settings(command: list[str]) -> list[tuple[str, str | bool]]:
    """Read the settings out of a command line.

    Args:
        command: argv.

    Returns:
        Name and value in order; True for an option without a value. A name may come more than once.
    """
    found: list[tuple[str, str | bool]] = []
    if command[0].rpartition("/")[2] in ("docker", "podman"):
        command = _in_container(command)
    words = command[first_word(command) :]
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        name, equals, value = word.partition("=")
        if name.startswith("--"):
            name = name[2:]
            if not name or name.startswith("-") or any(character.isspace() for character in name):
                continue
            if equals or at == len(words) or not _is_value(words[at]):
                found.append((name, value if equals else True))
            else:
                found.append((name, words[at]))
                at += 1
        elif (
            equals
            and _is_name(name := name.removeprefix("+").removeprefix("+"))
            and not ("/" in name and "/" in value)
        ):
            # `data/year=2026/x.csv` is a path; `model/encoder=small` is a setting; `+new=1` is Hydra's.
            found.append((name, value))
    return found


def _in_container(command: list[str]) -> list[str]:
    """Give what a container is told to run: the options of the engine are no settings of the program."""
    from xt.docker_words import DoubtError, running

    try:
        found = running(command)
    except DoubtError:
        return []
    return found.command if found is not None else []


def first_word(command: list[str]) -> int:
    """Index of the first word that is for the program itself, behind interpreter, script or launcher."""
    at = 0
    while at < len(command):
        name = command[at].rpartition("/")[2]
        if _is_python(name):
            return _after_python(command, at + 1)
        if name in _SHELLS or name in _INTERPRETERS:
            return _after_interpreter(command, at + 1, code=name in _SHELLS)
        if at and name.endswith(_SCRIPT):
            return at + 1
        if at == 0 and name not in _LAUNCHERS:
            return 1
        at += 1
    return _after_launcher(command)


def _is_value(word: str) -> bool:
    """Whether a word can be the value of the option before it: `-` and negative numbers can."""
    return not word.startswith("-") or word == "-" or word[1:].removeprefix(".")[:1].isdecimal()


def _is_name(name: str) -> bool:
    plain = name.translate(_NAME_MARKS)
    return (name[:1].isalpha() or name[:1] == "_") and (not plain or plain.isalnum())


def _is_python(name: str) -> bool:
    for start in ("python", "pypy", "ipython"):
        if name.startswith(start):
            return not name[len(start) :].removesuffix("-dbg").strip("0123456789.")
    return False


def _after_python(command: list[str], at: int) -> int:
    while at < len(command):
        word = command[at]
        if not word.startswith("-") or word == "-":
            return at + 1
        if word in _PYTHON_VALUES:
            at += 2
        elif not word.startswith("--") and (
            option := next((letter for letter in word if letter in "mcWX"), "")
        ):
            # `-m MOD` and `-c CODE` end the interpreter's options; `-mMOD`, `-Im MOD` and `-Werror` exist.
            step = 2 if word.endswith(option) and word.index(option) == len(word) - 1 else 1
            if option in "mc":
                return at + step
            at += step
        else:
            at += 1
    return at


def _after_interpreter(command: list[str], at: int, *, code: bool) -> int:
    while at < len(command):
        word = command[at]
        if code and word.startswith("-") and not word.startswith("--") and "c" in word:
            return at + 2
        if not word.startswith("-"):
            return at + 1
        at += 1
    return at


def _after_launcher(command: list[str]) -> int:
    """No script in sight: `uv run train --lr 1`, `accelerate launch prog`, `time prog --lr 1`."""
    at = 1
    while at < len(command):
        word = command[at]
        is_word = not word.startswith("-") and "=" not in word
        if is_word and word not in ("run", "launch", "exec"):
            return at + 1
        at += 1
    return at
