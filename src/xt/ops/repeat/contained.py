"""Which image a repeat runs in, and in what container."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from xt import docker_words
from xt.engine import Engine
from xt.errors import UnverifiableError
from xt.execute import docker
from xt.execute.vary import Around, ImpossibleError
from xt.model.request import Docker, RunRequest
from xt.model.snapshot import Snapshot
from xt.model.text import from_text
from xt.ops.contained import Contained
from xt.ops.repeat.places import Moved
from xt.ops.repeat.request import container as container_of
from xt.ops.repeat.wish import Wish
from xt.redact import MASK

#: Makes the container of a request, or None when it runs in none.
Making = Callable[[RunRequest], Contained | None]
#: Variables that a container made from inside knowledge does not get: the store is not there.
_NOT_THERE = ("XT_STORE", "XT_IMAGE")


class Pinned(NamedTuple):
    """The image of a repeat."""

    docker: Docker | None
    """What xt starts; None when the command starts its container itself."""
    image_id: str
    said: list[str]
    """What is not as it was, in sentences."""


def pinned(snapshot: Snapshot, wish: Wish, moved: Moved, environ: Mapping[str, str]) -> Pinned | None:
    """Find the image that a repeat is to run in.

    Args:
        snapshot: causes of the run.
        wish: what is asked.
        moved: from the recorded project to where the repeat runs.
        environ: of the caller, which says where the engine is.

    Returns:
        None when it runs in none, or in whatever its command starts.

    Raises:
        UnverifiableError: no image is recorded, or it is not here.
        UnsupportedError: docker is not installed, or its engine does not answer.
    """
    container = snapshot.environment.container
    if container.started_by != "xt" and wish.environment != "docker":
        return None
    if wish.environment == "recreate":
        raise UnverifiableError(
            "it was made in a container, whose environment is its image", "leave `--env recreate` out"
        )
    if container.started_by == "command":
        argv = [from_text(word) for word in snapshot.command.argv]
        found = docker_words.running(argv) if container.found is not None else None
        engine = Engine(environ, found.engine, found.before) if found is not None else None
        image = docker.find(container, environ, engine)
        return Pinned(None, image.id, image.remarks)
    image = docker.find(container, environ)
    asked = container_of(snapshot, moved)
    if asked is not None:
        if any(MASK in word for word in asked.options):
            raise UnverifiableError(
                "an option of docker holds a secret, which is not recorded",
                "`xt run --docker` once more records a new run",
            )
        return Pinned(replace(asked, id=image.id, environ=dict(environ)), image.id, image.remarks)
    names = [name for name in snapshot.environment.variables if name not in _NOT_THERE]
    names += [name for name, digest in snapshot.environment.hidden.items() if digest == "secret"]
    asked = Docker(container.image or image.id, [], "--docker", image.id, names, dict(environ))
    return Pinned(asked, image.id, image.remarks)


def surroundings(around: Around) -> None:
    """See that what surrounds the command reaches into a container.

    Raises:
        ImpossibleError: something is varied or pinned that does not.
    """
    alone = around.cpus is not None or around.hostname is not None or around.own_pids or around.moved
    if alone or around.personality or "LD_PRELOAD" in around.added:
        raise ImpossibleError("it does not reach into a container")


def in_workspace(
    around: Around, cwd: str, top: str, readable: list[str], environ: Mapping[str, str], umask: int
) -> Making:
    """Prepare the container of a repeat in a workspace.

    Args:
        around: with its variables.
        cwd: absolute folder the command runs in.
        top: of the workspace.
        readable: absolute paths outside of the workspace that it reads.
        environ: of the caller.
        umask: that the run had.
    """

    def make(asked: RunRequest) -> Contained | None:
        if asked.docker is None:
            return None
        return Contained(
            asked.docker,
            environ,
            cwd,
            [os.path.dirname(top)],
            readable,
            umask=umask,
            network="network" not in around.namespaces,
            names=list(around.added),
        )

    return make


def with_image(image_id: str, argv: list[str]) -> list[str]:
    """Write a command that starts a container so that it takes an image by its id."""
    found = docker_words.running(argv)
    if found is None:
        return argv
    return [*argv[: found.at], image_id, *argv[found.at + 1 :]]
