"""Run a command in a container of Docker, so that it behaves as if it were started here.

With the `docker` command and not the SDK: `docker run` already carries terminal, signals and exit status of a
foreground process, it alone knows the user's contexts and configuration, and asking the same program whether
the image is here asks the same engine that will run it.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from typing import Literal, NamedTuple

from xt import fsio, redact
from xt.errors import UnsupportedError, UnverifiableError
from xt.model.environment import Container

#: Seconds the engine may take to answer a question.
_PATIENCE = 60
#: Variables that would change the `docker` command itself; they reach the container by a file.
_OF_DOCKER = ("DOCKER_", "LD_", "DYLD_", "GO", "BUILDKIT_")
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


class Wrapped(NamedTuple):
    """A command that starts the container, and its variables."""

    argv: list[str]
    environ: dict[str, str]
    said: list[str]
    """What is not as outside, one sentence each."""


def find(container: Container, environ: Mapping[str, str]) -> Image:
    """Find the image a run was made in.

    Args:
        container: as recorded.
        environ: of the caller, which says where the engine is.

    Raises:
        UnverifiableError: no image is recorded, or it is not here.
        UnsupportedError: docker is not installed, or its engine does not answer.
    """
    if container.image is None:
        why = container.reason or (
            "it was not made in one" if container.inside is False else "it is not known"
        )
        raise UnverifiableError(f"the run's container image is not known: {why}", _CHECK)
    if container.engine == "apptainer":
        raise UnverifiableError(f"the image `{container.image}` is one of Apptainer, not of Docker", _CHECK)
    program = _program(environ)
    options = _ask(program, environ, "info", "--format", "{{json .SecurityOptions}}")
    if options.returncode or not options.stdout.strip():
        raise UnsupportedError(
            f"the engine of docker does not answer: {_last_line(options.stderr)}",
            "start it, or say where it is: `docker context use`, DOCKER_HOST",
        )
    name = container.image
    identity = _identity(program, environ, name)
    if identity is None:
        raise UnverifiableError(f"the image `{name}` is not here", _how_to_get(name))
    exact = name.removeprefix("docker://") == identity or "sha256:" in name or _is_hex(name)
    remarks = (
        [] if exact else [f"`{name}` is a name: which image it was is not recorded, now it is {identity}"]
    )
    return Image(identity, name, "name=rootless" in options.stdout, remarks)


def _program(environ: Mapping[str, str]) -> str:
    found = fsio.find_program("docker", environ.get("PATH", os.defpath))
    if found is None:
        raise UnsupportedError("`docker` was not found", "install Docker Engine, or use another `--env`")
    return os.path.abspath(found)


def _ask(program: str, environ: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [program, *words],
            env=dict(environ),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnsupportedError(f"`docker {words[0]}` does not answer: {error}") from error


def _last_line(text: str) -> str:
    return redact.clean(
        next((line for line in reversed(text.splitlines()) if line.strip()), "it says nothing")
    )


def _identity(program: str, environ: Mapping[str, str], name: str) -> str | None:
    """The id of an image by name, id, or digest with or without a repository."""
    wanted = name.removeprefix("docker://")
    if not wanted or wanted.startswith("-"):
        return None
    found = _ask(program, environ, "image", "inspect", "--format", "{{.Id}}", wanted)
    if found.returncode == 0:
        return found.stdout.strip() or None
    if not wanted.startswith("sha256:"):
        return None
    # Of a digest without its repository the engine finds images by id only.
    listed = _ask(
        program, environ, "image", "ls", "--digests", "--no-trunc", "--format", "{{.Digest}} {{.ID}}"
    )
    pairs = (line.split() for line in listed.stdout.splitlines())
    return next((pair[1] for pair in pairs if len(pair) == 2 and pair[0] == wanted), None)


def _is_hex(name: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{12,64}", name) is not None


def _how_to_get(name: str) -> str:
    plain = name.removeprefix("docker://")
    if plain.startswith("sha256:") or _is_hex(plain):
        return "an id alone cannot be pulled: load the image (`docker load`), or pull it by the name it has"
    return f"`docker pull {plain}`"


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
    words = [_program(environ)]
    if "HOME" in place.names:
        config = environ.get("DOCKER_CONFIG") or os.path.join(environ.get("HOME", "/"), ".docker")
        words += ["--config", config]
    # `--init`: a process 1 that passes signals on and reaps; as process 1 itself the command would ignore
    # every signal it has no handler for. `--entrypoint ""`: the recorded command ran as it is.
    words += ["run", "--rm", "--init", "--pull", "never", "--entrypoint", "", "--name", place.name]
    # What the command prints is in xt's logs, masked, and must not be in the engine's too.
    words += ["--log-driver", "none"]
    # A sandbox is not the purpose: files keep their labels, shared memory is as large as outside.
    words += ["--security-opt", "label=disable", "--ipc", "host", "--network", place.network]
    words += ["--user", "0:0" if image.rootless else f"{os.getuid()}:{os.getgid()}"]
    if not image.rootless:
        words += [word for group in sorted(set(os.getgroups())) for word in ("--group-add", str(group))]
    if place.terminal:
        words += ["--interactive", "--tty"]
        said.append("standard error comes with standard output: a container has one terminal")
    elif place.stdin:
        words.append("--interactive")
    if place.gpus:
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
        if not name.startswith(_OF_DOCKER):
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
    return Wrapped([*words, image.id, *argv], outer, said)


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
    program = _program(environ)
    there = _ask(program, environ, "container", "inspect", "--format", "{{.Id}}", name).returncode == 0
    if there:
        _ask(program, environ, "container", "rm", "--force", name)
    return there
