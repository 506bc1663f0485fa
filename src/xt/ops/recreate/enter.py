"""Turn a command and its variables towards an environment that was recreated."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from xt import fsio
from xt.collect.interpreter import is_python
from xt.errors import UnverifiableError
from xt.model.environment import Python
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_shown
from xt.ops.recreate.build import Recreated

#: Variables of an active conda environment begin so.
_CONDA = ("CONDA_", "_CE_")
#: Runners that choose an environment by their own rules, whatever is active.
_OWN_RULES = ("pdm run", "rye run", "pixi run", "conda run", "mamba run", "micromamba run")
#: Bytes of a script's first line.
_LINE = 4096


class Entered(NamedTuple):
    """A command in its environment."""

    argv: list[str]
    environ: dict[str, str]
    said: list[str]
    """What was replaced, one sentence each."""


def enter(
    made: Recreated, recorded: Snapshot, argv: list[str], environ: Mapping[str, str], cwd: str, project: str
) -> Entered:
    """Make a command use an environment.

    Args:
        made: the environment.
        recorded: causes of the run that is repeated.
        argv: the command, as recorded or with paths mapped to where the project is now.
        environ: its variables; the recorded environment may be active in them.
        cwd: absolute path of the folder it starts in.
        project: absolute path of the project's root now.

    Raises:
        UnverifiableError: the command is a program of the recorded environment, and the new one lacks it.
    """
    python = recorded.environment.python
    old = _Old(python, recorded, project)
    words, said = _argv(made, old, argv, cwd)
    words, told = _shebang(made, old, words, cwd)
    changed = dict(environ)
    path, where = _path(made, old, environ.get("PATH", os.defpath))
    changed["PATH"] = path
    said += [*told, where]
    changed["VIRTUAL_ENV"] = made.folder
    gone = sorted(name for name in environ if name == "PYTHONHOME" or name.startswith(_CONDA))
    for name in gone:
        del changed[name]
    if gone:
        said.append(f"not set: {', '.join(gone)}")
    if made.paths:
        folders = [os.path.normpath(os.path.join(project, folder)) for folder in made.paths]
        before = environ.get("PYTHONPATH")
        changed["PYTHONPATH"] = ":".join([*folders, *([before] if before else [])])
        said.append(f"PYTHONPATH begins with {', '.join(made.paths)} of the project, which is installed so")
    way = python.found_by if python else ""
    if "uv run" in way or _is_uv_run(argv):
        changed["UV_PROJECT_ENVIRONMENT"] = made.folder
        changed["UV_NO_SYNC"] = "1"
        said.append("`uv run` is told to use the recreated environment as it is")
    said += [f"`{runner}` may choose another environment" for runner in _OWN_RULES if runner in way]
    return Entered(words, changed, said)


class _Old:
    """Where the recorded environment was."""

    def __init__(self, python: Python | None, recorded: Snapshot, project: str) -> None:
        self.project = project
        self.root = os.path.normpath(from_text(recorded.context.project))
        self.cwd = os.path.normpath(os.path.join(self.root, from_text(recorded.command.cwd)))
        self.executable = os.path.normpath(from_text(python.executable)) if python else None
        self.by_shebang = python is not None and python.found_by.endswith("shebang")
        prefix, base = (python.prefix, python.base_prefix) if python else (None, None)
        #: Its commands, if it was a virtual environment: those of `/usr/bin` are not of the environment.
        self.bin = (
            os.path.normpath(os.path.join(from_text(prefix), "bin")) if prefix and prefix != base else None
        )

    def meant(self, word: str) -> str | None:
        """Which command of the recorded environment a word stands for: its name, None when for none."""
        if "/" not in word:
            return None
        path = os.path.normpath(os.path.join(self.cwd, word))
        if fsio.is_inside(path, self.project):
            # It was mapped to where the project is now.
            path = os.path.normpath(os.path.join(self.root, os.path.relpath(path, self.project)))
        if path == self.executable or os.path.dirname(path) == self.bin:
            return os.path.basename(path)
        return None


def _argv(made: Recreated, old: _Old, argv: list[str], cwd: str) -> tuple[list[str], list[str]]:
    """Replace what names a command of the recorded environment, also behind `nice` or `env`."""
    words, said = [], []
    for at, word in enumerate(argv):
        name = old.meant(word)
        if name is None:
            words.append(word)
            continue
        new = _command(made, name)
        if new is None:
            if at == 0:
                raise UnverifiableError(
                    f"`{to_shown(word)}` is of the recorded environment, and no recorded package brings it",
                    "`--env check` repeats it in the environment that is here",
                )
            words.append(word)
            continue
        words.append(new)
        said.append(f"`{to_shown(word)}` is `{new}` of the recreated environment")
    return words, said


def _command(made: Recreated, name: str) -> str | None:
    path = os.path.join(made.bin, name)
    if os.path.lexists(path):
        return path
    return made.python if is_python(name) else None


def _shebang(made: Recreated, old: _Old, argv: list[str], cwd: str) -> tuple[list[str], list[str]]:
    """Start a script of the project, whose `#!` line names the recorded interpreter, with the new one."""
    if not old.by_shebang or not argv or "/" not in argv[0]:
        return argv, []
    try:
        with open(os.path.join(cwd, argv[0]), "rb") as file:
            line = os.fsdecode(file.readline(_LINE))
    except OSError:
        return argv, []  # the start will say why
    interpreter, _, argument = line.removeprefix("#!").strip().partition(" ")
    if not line.startswith("#!") or os.path.normpath(interpreter) != old.executable:
        return argv, []
    new = _command(made, os.path.basename(interpreter)) or made.python
    between = [argument.strip()] if argument.strip() else []
    return [new, *between, *argv], [
        f"`{to_shown(argv[0])}` is started with `{new}` instead of `{to_shown(interpreter)}` of its `#!` line"
    ]


def _path(made: Recreated, old: _Old, path: str) -> tuple[str, str]:
    rest = [folder for folder in path.split(":") if not folder or os.path.normpath(folder) != old.bin]
    mapped = None
    if old.bin is not None and fsio.is_inside(old.bin, old.root):
        mapped = os.path.normpath(os.path.join(old.project, os.path.relpath(old.bin, old.root)))
    kept = [folder for folder in rest if not folder or os.path.normpath(folder) != mapped]
    instead = f", and not with `{to_shown(old.bin)}`" if old.bin and len(kept) < len(path.split(":")) else ""
    return ":".join([made.bin, *kept]), f"PATH begins with `{made.bin}`{instead}"


def _is_uv_run(argv: list[str]) -> bool:
    return bool(argv) and os.path.basename(argv[0]) == "uv" and "run" in argv[1:]
