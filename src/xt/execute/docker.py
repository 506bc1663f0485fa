"""Run a command in a container of Docker, so that it behaves as if it were started here.

With the `docker` command and not the SDK: `docker run` already carries terminal, signals and exit status of a
foreground process, and asking the same program whether the image is here asks the engine that will run it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Literal, NamedTuple

from xt import docker_words, fsio
from xt.engine import Engine, how_to_get, identity, is_exact, last_line
from xt.errors import UnsupportedError, UnverifiableError
from xt.model.environment import Container

#: Variables that would change the `docker` command itself; they reach the container by a file.
OF_DOCKER = ("DOCKER_", "LD_", "DYLD_", "GO", "BUILDKIT_")
#: Seconds that the clock of an engine elsewhere may be behind.
_SKEW = 60
_CHECK = "`--env check` repeats it in the environment that is here"


class Image(NamedTuple):
    """An image that the engine has."""

    id: str
    """`sha256:<hex>`: what is run, whatever its name means by then."""
    name: str
    """As recorded."""
    rootless: bool
    """Whether the engine runs without privileges: its user 0 is then the caller."""
    remarks: list[str]
    """What is doubtful about it, one sentence each."""


class Place(NamedTuple):
    """Where and how a command runs in its container. All paths are the same inside and outside."""

    name: str
    """Of the container, unique on this engine; see `remove`."""
    cwd: str
    writable: list[str]
    """Files and folders to write to: the workspace, the folder of the run in flight."""
    readable: list[str]
    """Files and folders to read only, such as inputs outside the workspace."""
    names: list[str]
    """Variables to hand over; all others are the image's own."""
    terminal: bool
    """Whether standard input, output and error are all terminals."""
    stdin: bool
    """Whether there is a standard input."""
    scratch: str
    """A private folder that is removed after the run."""
    network: Literal["host", "none"] = "host"
    gpus: bool = False
    options: list[str] = []  # noqa: RUF012 - a tuple's default, never changed
    """Further ones of `docker run`, which win over what is chosen here."""
    umask: int | None = None
    """To set by the image's shell; None: that of containers, 022."""
    home: str | None = None
    """HOME, for a user the image does not know."""


class Wrapped(NamedTuple):
    """A command that starts the container, and its variables."""

    argv: list[str]
    environ: dict[str, str]
    said: list[str]
    """What is not as outside, one sentence each."""


def find(container: Container, environ: Mapping[str, str], engine: Engine | None = None) -> Image:
    """Find the image a run was made in.

    Args:
        container: as recorded.
        environ: of the caller, which says where the engine is.
        engine: to ask, when it is another than the caller's.

    Raises:
        UnverifiableError: no image is recorded, or it is not here.
        UnsupportedError: docker is not installed, or its engine does not answer.
    """
    if container.image is None or (container.started_by is not None and container.found is None):
        why = container.reason or (
            "it was not made in one" if container.inside is False else "it is not known"
        )
        raise UnverifiableError(f"the run's container image is not known: {why}", _CHECK)
    if container.engine == "apptainer":
        raise UnverifiableError(f"the image `{container.image}` is one of Apptainer, not of Docker", _CHECK)
    engine = engine or Engine(environ)
    security = engine.security() if container.started_by != "command" else ""
    name = container.image
    if container.found is None:
        told = engine.inspect(name)
        if told is None:
            raise UnverifiableError(f"the image `{name}` is not here", how_to_get(name))
        found, exact = identity(told), is_exact(name) or name.removeprefix("docker://") == identity(told)
        remark = f"`{name}` is a name: which image it was is not recorded, now it is {found}"
        return Image(found, name, "name=rootless" in security, [] if exact else [remark])
    # By its id, or by what registries call it: engines do not agree what the id of an image is.
    for word in (container.found.id, *container.found.digests):
        told = engine.inspect(word)
        if told is not None:
            return Image(identity(told), name, "name=rootless" in security, [])
    other = engine.inspect(name)
    now = f"; `{name}` is another one now" if other is not None else ""
    raise UnverifiableError(
        f"the image `{name}` ({container.found.id[:19]}) is not here{now}",
        how_to_get(container.found.id, container.found.digests),
    )


def wrap(
    image: Image, argv: list[str], given: Mapping[str, str], place: Place, environ: Mapping[str, str]
) -> Wrapped:
    """Make a command run in a container: the same paths, user, terminal, signals and exit status.

    The exit status is the command's own; 125 that docker could not make the container, 126 that the
    command cannot be executed in it, 127 that it is not found there. A command that a signal ended has
    128 + its number.

    Args:
        image: see `find`.
        argv: the command.
        given: its variables, of which those in `place.names` are handed over.
        place: where and how.
        environ: of the caller, which says where the engine is.

    Raises:
        UnsupportedError: docker is not installed.
        OSError: the file for some of the variables cannot be written.
    """
    said = []
    outer = dict(environ)
    words = [Engine(environ).program]
    if "HOME" in place.names:
        config = environ.get("DOCKER_CONFIG") or os.path.join(environ.get("HOME", "/"), ".docker")
        words += ["--config", config]
    # `--init`: a process 1 that passes signals on and reaps; as process 1 itself the command would ignore
    # every signal it has no handler for. `--entrypoint ""`: the recorded command ran as it is.
    words += ["run", "--rm", "--init", "--pull", "never", "--entrypoint", "", "--name", place.name]
    # What the command prints is in xt's logs, masked, and must not be in the engine's too.
    words += ["--log-driver", "none"]
    # A sandbox is not the purpose: files keep their labels, shared memory is as large as outside.
    words += ["--security-opt", "label=disable", "--ipc", "host"]
    asked = {option.name for option in docker_words.options(place.options).options}
    # Of these options docker takes several and not the last one.
    if asked.isdisjoint(("network", "net")):
        words += ["--network", place.network]
    words += ["--user", "0:0" if image.rootless else f"{os.getuid()}:{os.getgid()}"]
    if not image.rootless:
        words += [word for group in sorted(set(os.getgroups())) for word in ("--group-add", str(group))]
    if place.terminal:
        words += ["--interactive", "--tty"]
        said.append("standard error comes with standard output: a container has one terminal")
    elif place.stdin:
        words.append("--interactive")
    if place.gpus and "gpus" not in asked:
        words += ["--gpus", "all"]
    for path in dict.fromkeys(place.writable):
        words += ["--mount", _mount(path)]
    for path in dict.fromkeys(place.readable):
        if not any(fsio.is_inside(path, folder) for folder in place.writable):
            words += ["--mount", _mount(path) + ",readonly"]
    words += ["--workdir", place.cwd]
    filed, unset = {}, []
    for name in dict.fromkeys(place.names):
        if name not in given or not name or "=" in name:
            continue
        if not name.startswith(OF_DOCKER):
            # By name: a value on the command line could be read by every user of the machine.
            outer[name] = given[name]
            words += ["--env", name]
        elif "\n" in given[name] or "\r" in given[name]:
            unset.append(name)
        else:
            filed[name] = given[name]
    if filed:
        words += ["--env-file", _write_variables(place.scratch, filed)]
    if unset:
        said.append(f"not set, because of a line break in it: {', '.join(unset)}")
    if place.home is not None:
        words += ["--env", f"HOME={place.home}"]
    if place.umask is not None:
        # Docker knows no umask of its own. `exec`: the command is the same process.
        argv = ["/bin/sh", "-c", f'umask {place.umask:03o}; exec "$@"', "sh", *argv]
    return Wrapped([*words, *place.options, image.id, *argv], outer, said)


def _mount(path: str) -> str:
    """A bind mount in CSV, as `--mount` reads it: unlike `-v` it takes a colon and creates no folder."""

    def field(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    return f"type=bind,{field('source=' + path)},{field('target=' + path)}"


def _write_variables(folder: str, variables: Mapping[str, str]) -> str:
    path = os.path.join(folder, "container-variables")
    text = "".join(f"{name}={value}\n" for name, value in variables.items())
    fsio.write_atomic(path, text.encode("utf-8", "surrogateescape"), durable=False)
    return path


def remove(name: str, environ: Mapping[str, str]) -> bool:
    """End and remove a container that may be left, as when the `docker` command itself was killed.

    Args:
        name: see `Place`.
        environ: of the caller.

    Returns:
        Whether there was one.

    Raises:
        UnsupportedError: the engine does not answer.
    """
    engine = Engine(environ)
    there = engine.ask("container", "inspect", "--format", "{{.Id}}", name).returncode == 0
    if there:
        engine.ask("container", "rm", "--force", "--volumes", name)
    return there


def started(name: str, since: float, environ: Mapping[str, str]) -> bool:
    """Tell whether a container was started, though it is gone by now: its exit status is then the command's.

    Args:
        name: see `Place`.
        since: seconds of the epoch, before it was asked for.
        environ: of the caller.

    Raises:
        UnsupportedError: the engine does not answer.
    """
    told = Engine(environ).ask(
        *("events", "--since", f"{since - _SKEW:.0f}", "--until", f"{time.time():.9f}"),
        *("--filter", f"container={name}", "--filter", "event=start", "--format", "{{.Action}}"),
    )
    if told.returncode:
        raise UnsupportedError(
            f"the engine of docker does not answer: {last_line(told.stderr)}",
            "`docker info` says whether its engine runs, and whether you may use it",
        )
    return "start" in told.stdout
