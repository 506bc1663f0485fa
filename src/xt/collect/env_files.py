"""Files of variables: what a program, or a container, is given that is in no variable of ours.

`.env` where the command runs, as many libraries read it by themselves, and the files that options name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import pairwise

from xt import fsio
from xt.redact import PLACES, secret_values, worth_masking

#: In the folder where the command runs.
NAME = ".env"
#: Options of docker, podman, uv, node and others, and the same without `=`.
OPTION = "--env-file"
#: Bytes; a longer one is none.
_LARGEST = 1 << 16


def named(command: list[str]) -> list[str]:
    """List the files that a command line names."""
    found = [word.partition("=")[2] for word in command if word.startswith(OPTION + "=")]
    return found + [value for word, value in pairwise(command) if word == OPTION]


def secrets(files: list[str], folder: str, environ: Mapping[str, str], extra: list[str]) -> dict[str, str]:
    """Find the secrets in files of variables; one that cannot be read has none.

    Args:
        files: relative to the folder.
        folder: where the command runs.
        environ: of the command; says where it is, and folders are no secrets.
        extra: names of further variables that are secret.

    Returns:
        Values by file and name. They have to look more like one than those of a variable: they may be of
        another day, and of no use to this command.
    """
    places = {name: environ[name] for name in PLACES if name in environ}
    found = {}
    for file in files:
        try:
            path = os.path.realpath(os.path.join(folder, file))
            if not os.path.isfile(path):
                continue
            data = fsio.read_file(path, _LARGEST)
        except (OSError, ValueError):
            continue
        read = _variables(data.decode("utf-8", "surrogateescape"))
        for name, value in secret_values({**read, **places}, extra).items():
            if worth_masking(name.partition(" ")[0], value) or "(" in name or name in extra:
                found[f"{file} {name}"] = value
    return found


def _variables(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not name or name.startswith("#"):
            continue
        if value[:1] in "'\"" and value[:1]:
            value = value[1:].partition(value[0])[0]
        else:
            value = value.partition(" #")[0].rstrip()
        found[name] = value
    return found
