"""What a command that did not start was probably meant to be; never repeating what was typed."""

from __future__ import annotations

import os
import re
from collections.abc import Container

from xt import errors

#: Of the shell, and no programs.
_OF_SHELLS = {"alias", "cd", "eval", "exec", "export", "set", "source", "ulimit", "unset", "."}
#: Ending of a file → what runs it.
_RUNS = {".py": "python", ".sh": "sh", ".bash": "bash", ".r": "Rscript", ".jl": "julia", ".js": "node"}
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
#: Programs on PATH that are looked at for one of a like name.
_MOST = 20_000


def hint(argv: list[str], status: int, path: str, folder: str, tasks: Container[str] = ()) -> str | None:
    """Say what helps.

    Args:
        argv: the command.
        status: 127 for not found, 126 for not executable.
        path: the PATH it was looked up on.
        folder: it was to run in.
        tasks: that are declared.
    """
    name = argv[0]
    if status not in (errors.EXIT_NOT_FOUND, errors.EXIT_NOT_EXECUTABLE) or not name:
        return None
    if name in tasks and len(argv) == 1 and status == errors.EXIT_NOT_FOUND:
        return f"`xt run --as {name}` runs the task"
    if name.startswith("-"):
        return "behind `--` stands the whole command, a task's too: `xt run -- PROGRAM --OPTION`"
    file = os.path.join(folder, name)
    if os.path.isfile(file):
        return _of_file(name, file, status)
    variable = _VARIABLE.match(name)
    if variable and len(argv) > 1:
        return f"variables stand in front: `{variable[1]}=… xt run -- COMMAND`"
    if name in _OF_SHELLS or (len(argv) == 1 and re.search(r"[\s|&;<>$]", name)):
        return "a line of the shell is run by `xt run -- sh -c 'LINE'`"
    near = _near(name, path) if "/" not in name else None
    return f"did you mean `{near}`?" if near else None


def _of_file(name: str, file: str, status: int) -> str | None:
    runs = _RUNS.get(os.path.splitext(name)[1].lower())
    if runs:
        return f"`{runs} {name}` runs it"
    if status == errors.EXIT_NOT_FOUND and "/" not in name and os.access(file, os.X_OK):
        return f"`./{name}` is the file here"
    return f"`chmod +x {name}` makes it a program" if not os.access(file, os.X_OK) else None


def _near(name: str, path: str) -> str | None:
    from difflib import get_close_matches

    found: set[str] = set()
    for folder in path.split(os.pathsep):
        try:
            found.update(os.listdir(folder))
        except OSError:
            continue
        if len(found) > _MOST:
            break
    # A word of another length is not what was meant, and to look at it takes time.
    likely = sorted(word for word in found if abs(len(word) - len(name)) < 3 and word[:1] == name[:1])
    close = get_close_matches(name, likely, n=1, cutoff=0.75)
    return close[0] if close else None
