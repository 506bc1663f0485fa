"""An image: what its engine says of it, and what is installed in it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from typing import Any

import msgspec

from xt import fsio, redact
from xt.collect.image_files import Seen, read
from xt.engine import Engine, identity, last_line
from xt.errors import UnsupportedError
from xt.model.environment import Image
from xt.model.text import to_shown

#: Seconds for reading an image; once, as what is found is remembered by its id.
PATIENCE = 90.0
#: Names, layers or words of each kind that are kept.
MOST = 200
#: Part of the name of what is remembered; another one when more is read.
_VERSION = 2


def describe(told: dict[str, Any]) -> Image:
    """Take what a record keeps from what `image inspect` gives.

    Args:
        told: by `Engine.inspect`.
    """
    config = told.get("Config") or {}
    system = [str(told[name]) for name in ("Os", "Architecture", "Variant") if told.get(name)]
    return Image(
        id=identity(told),
        tags=_words(told.get("RepoTags")),
        digests=_words(told.get("RepoDigests")),
        entrypoint=redact.clean_argv(_words(config.get("Entrypoint")))[0],
        command=redact.clean_argv(_words(config.get("Cmd")))[0],
        layers=_words((told.get("RootFS") or {}).get("Layers")),
        system="/".join(system) or None,
        created=str(told["Created"])[:40] if told.get("Created") else None,
    )


def _words(found: Any) -> list[str]:
    if isinstance(found, str):
        return [to_shown(redact.clean(found))]
    if not isinstance(found, list):
        return []
    return [to_shown(redact.clean(word)) for word in found[:MOST] if isinstance(word, str) and word]


def with_packages(image: Image, engine: Engine, cache: str) -> Image:
    """Add what is installed in an image, which is remembered by its id.

    Args:
        image: see `describe`.
        engine: that has it.
        cache: folder for what is slow to find again; need not exist.
    """
    path = os.path.join(cache, "images", f"{image.id.rpartition(':')[2]}-{_VERSION}.json")
    seen: Seen | None = None
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        seen = msgspec.json.decode(fsio.read_file(path, 1 << 26), type=Seen)
    if seen is None:
        try:
            seen = _look(image.id, engine)
        except UnsupportedError as error:
            return msgspec.structs.replace(image, reason=f"its packages were not read: {error.message}")
        if not seen.broken:
            with contextlib.suppress(OSError):  # a store that cannot be written is told by who must write
                os.makedirs(os.path.dirname(path), mode=fsio.PRIVATE_DIR, exist_ok=True)
                fsio.write_atomic(path, msgspec.json.encode(seen), durable=False)
    return msgspec.structs.replace(
        image,
        distribution=seen.distribution,
        installed=seen.installed,
        users=seen.users,
        shell=seen.shell,
        reason="; ".join(seen.notes) or None,
    )


def _look(name: str, engine: Engine) -> Seen:
    """Read the files of a container that is made for it and never started.

    Raises:
        UnsupportedError: the engine makes none, or does not answer.
    """
    holder = f"xt-look-{os.getpid()}-{os.urandom(4).hex()}"
    words = ["--pull", "never", "--name", holder, "--network", "none", "--entrypoint", ""]
    try:
        made = engine.ask("create", *words, name, "/never-started", whole=True)
        if made.returncode:
            raise UnsupportedError(
                f"`docker create`: {last_line(made.stderr)}",
                "`docker info` says whether its engine runs, and whether you may use it",
            )
        with subprocess.Popen(
            [*engine.words, "export", holder],
            env=engine.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as export:
            assert export.stdout is not None
            try:
                return read(export.stdout, time.monotonic() + PATIENCE)
            finally:
                export.kill()
    except OSError as error:
        raise UnsupportedError(
            f"`docker export`: {error.strerror}",
            "`docker info` says whether its engine runs, and whether you may use it",
        ) from error
    finally:
        engine.ask("rm", "--force", "--volumes", holder)
