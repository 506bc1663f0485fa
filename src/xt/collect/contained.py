"""The container that is started for a command: by xt (`--docker`), or by the command (`docker run`)."""

from __future__ import annotations

import os
import re

from msgspec.structs import replace

from xt import docker_words, redact
from xt.collect import Capture
from xt.collect.container import telling
from xt.collect.gitdir import find_top
from xt.collect.image import describe, with_packages
from xt.collect.variables import by_value
from xt.context import sort_of
from xt.engine import Engine, how_to_get, last_line
from xt.errors import NotStartedError, UnsupportedError
from xt.fsio import find_program, is_inside
from xt.model.environment import Container, Gpus
from xt.model.request import Docker
from xt.model.text import to_shown, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xt.config import Settings

#: Seconds an engine may take to say something about the image of a command that starts a container itself.
BRIEFLY = 5.0
#: Variables that say how this machine is set up, and nothing about an image.
_MACHINE_WORDS = "PATH LANG LANGUAGE SHELL CC CXX FC CFLAGS CXXFLAGS LDFLAGS RUSTFLAGS GOFLAGS VIRTUAL_ENV"
_OF_MACHINE = frozenset(_MACHINE_WORDS.split())
_OF_MACHINE_BEGIN = ("LC_", "CONDA_", "LD_", "DYLD_", "XT_")
#: A path in the value of a variable.
_PATH = re.compile(r"(?:^|[:=,;\s])(/[^:,;\s]*)")
#: Why nothing is said of an interpreter.
REASON = "the command runs in a container"


def collect(capture: Capture, gpus: Gpus) -> Container | None:
    """Describe the container that is going to be started.

    Args:
        capture: of the run.
        gpus: of the machine.

    Returns:
        The container; None when the command starts none.

    Raises:
        NotStartedError: xt is to start it, and the engine or the image is not here.
    """
    if capture.request.docker is not None:
        return _ours(capture, capture.request.docker, gpus)
    return _theirs(capture)


def _ours(capture: Capture, asked: Docker, gpus: Gpus) -> Container:
    environ = capture.outside.environ
    name = asked.id or asked.image
    try:
        engine = Engine(asked.environ if asked.environ is not None else environ)
        told = engine.inspect(name)
    except UnsupportedError as error:
        raise NotStartedError(error.message, error.hint) from error
    if told is None:
        raise NotStartedError(
            f"the image `{to_shown(asked.image)}` is not here",
            f"{to_shown(how_to_get(asked.image))}; xt pulls none by itself",
        )
    image = with_packages(describe(told), engine, os.path.join(capture.store, "cache"))
    top = find_top(capture.root) or capture.root
    wanted = asked.handed
    handed = [
        name
        for name in environ
        if (name in wanted if wanted is not None else is_handed(name, environ, capture.settings, top))
    ]
    options = redact.clean_argv(asked.options)[0]
    given = docker_words.options(asked.options).options
    return Container(
        inside=True,
        engine="docker",
        id=None,
        image=to_shown(redact.clean(asked.image)),
        reason=None,
        started_by="xt",
        found=image,
        labels=telling((told.get("Config") or {}).get("Labels")),
        options=[to_text(word) for word in options],
        declared=asked.declared,
        handed=sorted({*map(to_shown, handed), *map(to_shown, docker_words.handed(given))}),
        adjusted=_adjusted(capture, engine.environ, image.shell, gpus, {option.name for option in given}),
    )


def is_handed(name: str, environ: Mapping[str, str], settings: Settings, root: str) -> bool:
    """Whether a variable means the same in an image: a setting, and no place or property of this machine.

    Args:
        name: of the variable.
        environ: that has it.
        settings: of the project.
        root: of the project, or of the repository around it: paths in it are the same inside.
    """
    if redact.secret_name(name) or name in settings.env.secrets or "=" in name or not name:
        return False
    if name in settings.env.record:
        return True
    if not by_value(name) or name in _OF_MACHINE or name.startswith(_OF_MACHINE_BEGIN):
        return False
    return all(is_inside(path, root) for path in _PATH.findall(environ[name]))


def asks_another(command: list[str]) -> str | None:
    """Say why asking the engine of a command that is only read, and not run, would run something unknown.

    Args:
        command: argv, as a record has it.

    Returns:
        Of a program by its path, or options that choose an engine or its configuration; None when it is the
        user's own `docker` or `podman`.
    """
    first = command[0].rpartition("/")[2]
    if first not in docker_words.ENGINES:
        return None
    if "/" in command[0]:
        return f"`{to_shown(command[0])}` is not asked: it is a program of the record"
    if len(command) > 1 and command[1].startswith("-"):
        return f"`{first} {to_shown(command[1])}` is not asked: the record chooses the engine"
    return None


def _adjusted(
    capture: Capture, environ: Mapping[str, str], shell: bool | None, gpus: Gpus, given: set[str]
) -> list[str]:
    """Say what cannot be in a container as it is outside."""
    said = []
    if all(sort_of(number) == "terminal" for number in range(3)):
        said.append("standard error comes with standard output: a container has one terminal")
    if capture.outside.umask != 0o022 and not shell:
        said.append(f"the umask in the container is 022, outside it is {capture.outside.umask:03o}")
    if gpus.devices and "gpus" not in given and not passes_gpus(environ):
        said.append("the GPUs are not passed: no NVIDIA Container Toolkit was found")
    return said


def passes_gpus(environ: Mapping[str, str]) -> bool:
    """Whether a program is here through which an engine passes GPUs to its containers."""
    path = f"{environ.get('PATH', os.defpath)}:/usr/bin:/usr/local/bin"
    tools = ("nvidia-container-runtime-hook", "nvidia-container-cli", "nvidia-ctk")
    return any(find_program(tool, path) for tool in tools)


def _theirs(capture: Capture) -> Container | None:
    command = capture.request.command
    first = command[0].rpartition("/")[2]
    unknown = Container(True, None, None, None, None, started_by="command")
    if first not in docker_words.ENGINES:
        reason = f"which container is started behind `{to_shown(first)}` is not followed"
        return replace(unknown, inside=None, reason=reason)
    try:
        found = docker_words.running(command)
    except docker_words.DoubtError as doubt:
        return replace(unknown, inside=None, engine=first, reason=to_shown(redact.clean(str(doubt))))
    if found is None:
        return None
    name = to_shown(redact.clean(found.image))
    known = replace(
        unknown,
        engine=found.engine,
        image=name,
        handed=sorted(map(to_shown, docker_words.handed(found.options))),
    )
    pull = next((option.value for option in found.options if option.name == "pull"), None)
    if pull in ("always", "newer"):
        return replace(known, reason=f"`--pull={pull}` may fetch another image than the one that is here")
    try:
        engine = Engine(capture.outside.environ, command[0], found.before)
        told = engine.inspect(capture.request.image_id or found.image, BRIEFLY)
    except UnsupportedError as error:
        return replace(known, reason=to_shown(last_line(error.message)))
    if told is None:
        return replace(known, reason="the image was not here before the start")
    image = replace(
        describe(told),
        reason="packages are read for `--docker` only, not where the command starts the container",
    )
    return replace(known, found=image, labels=telling((told.get("Config") or {}).get("Labels")))
