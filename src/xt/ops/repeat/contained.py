"""A repeat whose command runs in a container of the recorded image, while xt records it from outside."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from xt.context import sort_of
from xt.errors import XtError
from xt.execute import docker
from xt.execute.vary import Around, ImpossibleError
from xt.model.snapshot import Snapshot
from xt.ops.repeat.workspace import Workspace

#: Variables of xt's own that mean something in a container; the store is not there.
_OURS = ("XT_RUN_ID", "XT_METRICS", "XT_SEED")
#: The umask a container begins with.
_UMASK = 0o022


class Contained:
    """The container of one repeat."""

    def __init__(self, snapshot: Snapshot, place: Workspace, environ: Mapping[str, str]) -> None:
        """Find the image.

        Args:
            snapshot: causes of the run.
            place: where the repeat runs.
            environ: of the caller, which says where the engine is.

        Raises:
            UnverifiableError: no image is recorded, or it is not here.
            UnsupportedError: docker is not installed, or its engine does not answer.
        """
        self._snapshot, self._place, self._environ = snapshot, place, environ
        self._image = docker.find(snapshot.environment.container, environ)
        self._name: str | None = None
        self._around: Around | None = None
        self._readable: list[str] = []
        self._cwd = ""
        self.said = list(self._image.remarks)
        """What is not as it was, in sentences."""
        if int(snapshot.environment.umask, 8) != _UMASK:
            self.said.append(f"the umask in the container is {_UMASK:03o}")

    def prepare(self, around: Around, cwd: str, readable: list[str]) -> None:
        """Take in what surrounds the command.

        Args:
            around: with its variables, in which the image is named from now on.
            cwd: absolute folder it runs in.
            readable: absolute paths outside of the workspace that it reads.

        Raises:
            ImpossibleError: something is varied or pinned that does not reach into a container.
        """
        alone = around.cpus is not None or around.hostname is not None or around.own_pids or around.moved
        if alone or around.personality or "LD_PRELOAD" in around.added:
            raise ImpossibleError("it does not reach into a container")
        around.environ["XT_IMAGE"] = self._image.name
        self._around, self._cwd, self._readable = around, cwd, readable

    def wrap(self, argv: list[str], environ: dict[str, str], live: str) -> tuple[list[str], dict[str, str]]:
        """Give what is started instead of the command; see `ops.run.Hooks`."""
        assert self._around is not None, "prepared first"
        self._name = f"xt-{environ['XT_RUN_ID']}"
        recorded = self._snapshot.environment
        secrets = [name for name, digest in recorded.hidden.items() if digest == "secret"]
        place = docker.Place(
            name=self._name,
            cwd=self._cwd,
            writable=[os.path.dirname(self._place.top), live],
            readable=self._readable,
            names=[*recorded.variables, *secrets, *self._around.added, *_OURS],
            terminal=all(sort_of(number) == "terminal" for number in range(3)),
            stdin=sort_of(0) != "closed",
            scratch=self._place.scratch,
            network="none" if "network" in self._around.namespaces else "host",
            gpus=bool(recorded.gpus.devices),
        )
        wrapped = docker.wrap(self._image, argv, environ, place, self._environ)
        return wrapped.argv, wrapped.environ

    def end(self) -> None:
        """Remove the container if it is left, as when the `docker` command was killed."""
        if self._name is not None:
            with contextlib.suppress(XtError):  # an engine that is gone has no container
                docker.remove(self._name, self._environ)
