"""The container that xt starts for a command, while it records the command from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Mapping

from msgspec.structs import replace

from xt import docker_words, fsio
from xt.collect.contained import is_handed, passes_gpus
from xt.collect.gitdir import find_top
from xt.collect.globs import split
from xt.config import Settings
from xt.context import sort_of
from xt.engine import Engine, how_to_get, identity
from xt.errors import NotStartedError, UnsupportedError, XtError
from xt.execute import Ended, docker
from xt.launch import INSIDE
from xt.model.files import Problem
from xt.model.request import Docker, RunRequest
from xt.model.snapshot import Snapshot
from xt.model.text import from_text
from xt.ops.effects import elsewhere

#: Variables of xt's own that mean something in a container; the store need not be there.
OURS = ("XT_RUN_ID", "XT_METRICS", "XT_SEED", INSIDE)
#: Status of what Ctrl-C ended, which is typed at the container's own terminal.
_TYPED = 128 + signal.SIGINT
#: The umask a container begins with.
_UMASK = 0o022
#: Folders that an image has of its own: mounted over them, a project would hide what makes it work.
_SYSTEM = frozenset(
    ("/", *(f"/{name}" for name in ("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "run")))
) | {"/sbin", "/sys", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/var"}
#: Bytes at the end of a log in which its last line is looked for.
_TAIL = 4096
#: What docker's own exit statuses say of a container that was not started.
_NEVER = {
    125: "docker could not make the container",
    126: "it cannot be executed in the image",
    127: "it was not found in the image",
}


class Contained:
    """The container of one run."""

    def __init__(
        self,
        asked: Docker,
        environ: Mapping[str, str],
        cwd: str,
        writable: list[str],
        readable: list[str] | None = None,
        *,
        umask: int,
        network: bool = True,
        names: list[str] | None = None,
    ) -> None:
        """Take in what surrounds the command.

        Args:
            asked: the image, and options of docker.
            environ: of the caller, which says where the engine is.
            cwd: absolute folder the command runs in.
            writable: absolute paths it may write to.
            readable: absolute paths it reads, besides its declared inputs.
            umask: to have inside.
            network: whether it has the network there is outside.
            names: variables to hand over, besides those of the record.

        Raises:
            NotStartedError: a folder to mount is one that images have of their own.
        """
        self._asked, self._environ = asked, environ
        self._cwd, self._writable, self._readable = cwd, writable, readable or []
        self._umask, self._network, self._names = umask, network, names or []
        self._name: str | None = None
        self._image: docker.Image | None = None
        self._begun = 0.0
        self._snapshot: Snapshot | None = None
        self._gone = False
        self._terminal = all(sort_of(number) == "terminal" for number in range(3))
        for path in writable:
            if path in _SYSTEM:
                raise NotStartedError(
                    f"`{path}` cannot be mounted into a container: images have their own",
                    "work in a folder of the project",
                )

    def begin(self, snapshot: Snapshot, request: RunRequest) -> None:
        """Take in the causes, right before the start.

        Args:
            snapshot: of the run.
            request: what is run.

        Raises:
            UnsupportedError: the engine does not answer.
        """
        self._snapshot = snapshot
        found = snapshot.environment.container.found
        assert found is not None, "it prevents the start that an image is not here"
        rootless = "name=rootless" in Engine(self._environ).security()
        self._image = docker.Image(found.id, self._asked.image, rootless, [])
        root = from_text(snapshot.context.project)
        inputs = [from_text(item.path) for item in snapshot.inputs if item.path is not None]
        self._readable += [
            place
            for path in inputs
            for place in dict.fromkeys((os.path.join(root, path), os.path.realpath(os.path.join(root, path))))
            if os.path.exists(place) and not self._is_mounted(place)
        ]
        self._writable += [place for place in _folders(request) if not self._is_mounted(place)]

    def _is_mounted(self, path: str) -> bool:
        return any(fsio.is_inside(path, folder) for folder in self._writable)

    def wrap(self, argv: list[str], environ: dict[str, str], live: str) -> tuple[list[str], dict[str, str]]:
        """Give what is started instead of the command; see `ops.run.Hooks`."""
        assert self._snapshot is not None, "begun first"
        self._begun = time.time()
        # Of each rank of a launch one: what is in flight is below the folder of the run.
        rank = os.path.basename(live) if os.path.basename(live) != environ["XT_RUN_ID"] else ""
        self._name = f"xt-{environ['XT_RUN_ID']}{rank and '-' + rank}"
        handed = self._snapshot.environment.container.handed
        writable = self._writable if self._is_mounted(live) else [*self._writable, live]
        place = self._place(self._name, writable, [*handed, *self._names, *OURS], live)
        wrapped = docker.wrap(self._the_image(), argv, environ, place, self._environ)
        return wrapped.argv, wrapped.environ

    def _the_image(self) -> docker.Image:
        assert self._image is not None, "begun first"
        return self._image

    def _place(self, name: str, writable: list[str], names: list[str], scratch: str) -> docker.Place:
        container = self._snapshot.environment.container if self._snapshot is not None else None
        found = container.found if container is not None else None
        shell = found is not None and bool(found.shell)
        given = docker_words.options(self._asked.options).options
        known = found is None or found.users is None or os.getuid() in found.users
        known = known or any(option.name == "user" for option in given)
        gpus = self._snapshot is not None and bool(self._snapshot.environment.gpus.devices)
        return docker.Place(
            name=name,
            cwd=self._cwd,
            writable=writable,
            readable=self._readable,
            names=names,
            terminal=self._terminal,
            stdin=sort_of(0) != "closed",
            scratch=scratch,
            network="host" if self._network else "none",
            gpus=gpus and passes_gpus(self._environ),
            options=_without_gpus(self._asked.options, given),
            umask=self._umask if self._umask != _UMASK and shell else None,
            home=None if known or "HOME" in names else "/tmp",
        )

    def judge(self, ended: Ended) -> Ended:
        """Tell exit statuses of docker from those of the command; see `ops.run.Hooks`."""
        # Docker fails too when nobody reads what it writes, and its container goes on.
        self._gone = ended.started and ended.exit_code == 0
        if ended.started:
            ended = replace(ended, usage=elsewhere(ended.usage))
        code = ended.exit_code
        if code == _TYPED and self._terminal:
            # The key never reaches us, as it does outside; but a shell's loop is to stop all the same.
            ended = replace(ended, received=[*ended.received, signal.SIGINT])
        number = code - 128 if code is not None and code > 128 else None
        if number in ended.received:
            # A shell's loop is to stop as it would have outside.
            ended = replace(ended, exit_code=None, signal=number)
        if not ended.started or code not in _NEVER or self._name is None:
            return ended
        try:
            if not _says_init(ended) and docker.started(self._name, self._begun, self._environ):
                return ended
        except UnsupportedError as error:
            said = Problem(
                "command", f"how it ended in its container is not known: {error.message}", error.hint
            )
            return replace(ended, problems=[*ended.problems, said])
        return replace(ended, started=False, exit_code=None, xt_exit=code, reason=_NEVER[code])

    def end(self) -> None:
        """Remove the container if it is left, as when the `docker` command was killed."""
        if self._name is not None and not self._gone:
            with contextlib.suppress(XtError):  # an engine that is gone has no container
                docker.remove(self._name, self._environ)

    def unrecorded(self, argv: list[str], root: str, settings: Settings) -> list[str]:
        """Give what is started instead of a command that cannot be recorded.

        Raises:
            NotStartedError: the engine or the image is not here.
        """
        image = self._asked.image
        try:
            engine = Engine(self._environ)
            told = engine.inspect(image)
            if told is None:
                raise NotStartedError(f"the image `{image}` is not here", how_to_get(image))
            rootless = "name=rootless" in engine.security()
        except UnsupportedError as error:
            raise NotStartedError(error.message, error.hint) from error
        names = [name for name in self._environ if is_handed(name, self._environ, settings, root)]
        # Without a folder of its own no file of variables can be written; so few need one that it may be.
        names = [name for name in names if not name.startswith(docker.OF_DOCKER)]
        place = self._place(f"xt-{os.getpid()}-{os.urandom(4).hex()}", self._writable, names, "")
        found = docker.Image(identity(told), image, rootless, [])
        return docker.wrap(found, argv, self._environ, place, self._environ).argv


def of_run(request: RunRequest, root: str, environ: Mapping[str, str], umask: int) -> Contained:
    """Make the container of an `xt run --docker`: it has the project, at the same path.

    Args:
        request: whose `docker` is set.
        root: absolute path of the project's root.
        environ: of the caller.
        umask: of the caller.

    Raises:
        NotStartedError: see `Contained`.
    """
    assert request.docker is not None
    return Contained(request.docker, environ, request.cwd, [find_top(root) or root], umask=umask)


def _folders(request: RunRequest) -> list[str]:
    """Folders that declared outputs are written to, as far as they are there."""
    found = []
    for item in request.outputs:
        path = split(item.path)[0] if any(sign in item.path for sign in "*?[") else item.path
        place = os.path.normpath(os.path.join(item.base, path))
        folder = place if os.path.isdir(place) else os.path.dirname(place)
        if os.path.isdir(folder) and folder not in _SYSTEM:
            found.append(folder)
    return list(dict.fromkeys(found))


def _says_init(ended: Ended) -> bool:
    """Whether the first process of the container says that it could not start the command."""
    for file in ended.files:
        with contextlib.suppress(OSError):
            fd = fsio.open_regular(file.path)
            try:
                os.lseek(fd, max(file.size - _TAIL, 0), os.SEEK_SET)
                last = os.read(fd, _TAIL).rstrip().rpartition(b"\n")[2]
            finally:
                os.close(fd)
            if last.startswith(b"[FATAL tini (") and b" exec " in last:
                return True
    return False


def _without_gpus(words: list[str], given: list[docker_words.Option]) -> list[str]:
    """Leave out `--gpus=0` and `--gpus=none`, which docker does not take for `none of them`."""
    if not any(option.name == "gpus" and option.value in ("0", "none", "") for option in given):
        return words
    return [
        word
        for option in given
        if not (option.name == "gpus" and option.value in ("0", "none", ""))
        for word in option.words
    ]
