"""Lock and requirements files of the project, by digest."""

from __future__ import annotations

import os

from xt import codec, fsio
from xt.collect import Capture
from xt.model.environment import Lock
from xt.model.text import to_text

_WORDS = """
uv.lock poetry.lock pdm.lock Pipfile.lock pylock.toml pixi.lock conda-lock.yml environment.yml
environment.yaml conda.yml conda.yaml package-lock.json npm-shrinkwrap.json pnpm-lock.yaml yarn.lock
bun.lock bun.lockb deno.lock Cargo.lock go.sum Gemfile.lock composer.lock mix.lock renv.lock
Manifest.toml packages.lock.json gradle.lockfile flake.lock Package.resolved stack.yaml.lock
"""
NAMES = frozenset(_WORDS.split())
#: Bytes; a larger file is no lock file.
LIMIT = 50_000_000


def collect(capture: Capture) -> list[Lock]:
    """Find lock files at the project's root and in the working directory."""
    found: dict[str, Lock] = {}
    for folder in dict.fromkeys((capture.root, capture.request.cwd)):
        for name in _names(capture, folder):
            path = os.path.join(folder, name)
            if os.path.isdir(path):
                continue
            relative = fsio.relative_to(path, capture.root)
            try:
                # A link is followed: what counts is what a tool would read.
                data = fsio.read_file(os.path.realpath(path), limit=LIMIT)
            except OSError as error:
                capture.problem("environment", f"`{relative}` could not be read: {error.strerror}")
                continue
            found[relative] = Lock(to_text(relative), codec.digest(data))
    return [found[path] for path in sorted(found)]


def _names(capture: Capture, folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError as error:
        capture.problem("environment", f"`{folder}` could not be listed for lock files: {error.strerror}")
        return []
    chosen = [name for name in names if _is_lock(name)]
    if "requirements" in names:
        inner = os.path.join(folder, "requirements")
        if os.path.isdir(inner) and not os.path.islink(inner):
            chosen += [f"requirements/{name}" for name in os.listdir(inner) if name.endswith((".txt", ".in"))]
    return chosen


def _is_lock(name: str) -> bool:
    if name in NAMES:
        return True
    if name.startswith(("requirements", "constraints")):
        return name.endswith((".txt", ".in"))
    return name.startswith("pylock.") and name.endswith(".toml")
