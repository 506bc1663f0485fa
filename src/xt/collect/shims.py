"""Shims: scripts on `PATH` that choose a version when they run. Those of pyenv can be followed."""

from __future__ import annotations

import os
import re

from xt.collect.interpreter import Found, NoPython, follow, upward

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def shim(
    path: str, head: bytes, words: list[str], cwd: str, environ: Mapping[str, str], way: list[str]
) -> Found:
    """Follow a shim of pyenv; other shims are not followed.

    Raises:
        NoPython: the chosen version is not installed, or it is a shim of another tool.
    """
    if b"pyenv" not in head:
        raise NoPython(f"`{path}` is a shim that chooses a version when it runs")
    root = os.path.dirname(os.path.dirname(path))
    for version in _pyenv_versions(root, cwd, environ):
        if version == "system":
            shims = os.path.dirname(path)
            rest = ":".join(part for part in environ.get("PATH", os.defpath).split(":") if part != shims)
            return follow(words, cwd, {**environ, "PATH": rest}, [*way, "pyenv"])
        target = os.path.join(root, "versions", version, "bin", os.path.basename(path))
        if os.access(target, os.X_OK):
            return follow([target, *words[1:]], cwd, environ, [*way, "pyenv"])
    raise NoPython(f"no version that pyenv has chosen here has `{os.path.basename(path)}`")


def _pyenv_versions(root: str, cwd: str, environ: Mapping[str, str]) -> list[str]:
    chosen = environ.get("PYENV_VERSION", "").split(":")
    if chosen == [""]:
        files = [os.path.join(folder, ".python-version") for folder in upward(cwd)] + [
            os.path.join(root, "version")
        ]
        text = next((_read(file) for file in files if os.path.isfile(file)), "system")
        chosen = [word for line in text.splitlines() for word in line.partition("#")[0].split()]
    found = []
    for word in chosen:
        version = word.removeprefix("python-")
        if version != "system" and not os.path.isdir(os.path.join(root, "versions", version)):
            # `3.11` means the newest 3.11.x that is installed.
            patches = [
                name for name in os.listdir(os.path.join(root, "versions")) if name.startswith(version + ".")
            ]
            version = max(
                patches, key=lambda name: [int(n) for n in re.findall(r"\d+", name)], default=version
            )
        found.append(version)
    return found


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read(4096)
