"""What a command runs in, put together from its parts."""

from __future__ import annotations

import os

from xt import fsio
from xt.collect import Capture, container, fingerprint, gpus, locks, machine, python, variables
from xt.collect.gitdir import find_top
from xt.collect.interpreter import WRAPPERS
from xt.model.environment import Environment, Package
from xt.model.text import from_text

#: Programs that start containers, and those in front of which they may stand.
ENGINES = frozenset(("docker", "podman", "docker-compose", "podman-compose"))
_IN_FRONT = {name: values for name, (values, _) in WRAPPERS.items()}
_IN_FRONT |= {"sudo": ("-u", "-g", "-C", "-D", "-h", "-p", "-R", "-T", "-U"), "doas": ("-u",), "env": ("-u",)}


def collect(capture: Capture) -> Environment:
    """Describe interpreter, packages, machine, accelerators and variables."""
    environ = capture.outside.environ
    command = capture.request.command
    # Nearly no command starts a container, and then nothing of an engine is loaded.
    concerned = capture.request.docker is not None or _concerned(command)
    known = gpus.none_or_unknown()
    asking = gpus.Asking() if known is None else None  # answers while the rest is read
    interpreter, reason = python.collect(
        command, capture.request.cwd, environ, os.path.join(capture.store, "cache")
    )
    named = variables.collect(capture)
    here = machine.collect()
    present = locks.collect(capture)
    accelerators = known if known is not None else asking.answer() if asking else gpus.ask()
    started = None
    if concerned:
        from xt.collect import contained

        started = contained.collect(capture, accelerators)
    inside = started if started is not None else container.collect(environ)
    reaching, zone = named.values, environ.get("TZ")
    if started is not None:
        # What is installed here, and variables that stay here, say nothing about what runs in the container.
        interpreter, reason = None, contained.REASON
        reaching = {name: value for name, value in reaching.items() if name in started.handed}
        zone = zone if "TZ" in started.handed else None
    for package in interpreter.packages if interpreter else ():
        _outside_project(capture, package)
    determinism = variables.determinism(reaching)
    locale = variables.locale(reaching)
    timezone = variables.timezone(zone) if started is None or zone is not None else None
    return Environment(
        fingerprint=fingerprint.of(
            python=interpreter,
            machine=here,
            gpus=accelerators,
            container=inside,
            locale=locale,
            timezone=timezone,
            determinism=determinism,
            variables=reaching,
            root=capture.root,
        ),
        python=interpreter,
        python_reason=reason,
        locks=present,
        machine=here,
        gpus=accelerators,
        container=inside,
        locale=locale,
        timezone=timezone,
        umask=f"{capture.outside.umask:03o}",
        limits=variables.limits(),
        determinism=determinism,
        variables=named.values,
        hidden=named.hidden,
    )


def _concerned(command: list[str]) -> bool:
    """Whether `xt.collect.contained` has to look at a command: an engine, or something in front of one."""
    name = command[0].rpartition("/")[2]
    at = 1
    values = _IN_FRONT.get(name)
    while values is not None and at < len(command):
        word = command[at]
        if word.startswith("-"):
            at += 2 if word in values else 1
        elif "=" in word or word[:1].isdigit():
            at += 1
        else:
            return word.rpartition("/")[2] in ENGINES
    return name in ENGINES


def _outside_project(capture: Capture, package: Package) -> None:
    """Say when code that runs is neither in the snapshot nor fixed by a version."""
    if package.editable is None:
        return
    # In an environment that xt recreated it is relative to the project (`ops/recreate/editable.py`).
    folder = os.path.normpath(os.path.join(capture.root, from_text(package.editable)))
    if not fsio.is_inside(folder, find_top(capture.root) or capture.root):
        capture.problem(
            "environment",
            f"`{package.name}` is editable from `{folder}`, outside the project: its code is not recorded",
            f"declare it with `--input {folder}`",
        )
