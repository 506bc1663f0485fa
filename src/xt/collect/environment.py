"""What a command runs in, put together from its parts."""

from __future__ import annotations

import os

from xt import fsio
from xt.collect import Capture, container, fingerprint, gpus, locks, machine, python, variables
from xt.collect.gitdir import find_top
from xt.model.environment import Environment, Package
from xt.model.text import from_text


def collect(capture: Capture) -> Environment:
    """Describe interpreter, packages, machine, accelerators and variables."""
    environ = capture.outside.environ
    known = gpus.none_or_unknown()
    asking = gpus.Asking() if known is None else None  # answers while the rest is read
    interpreter, reason = python.collect(
        capture.request.command, capture.request.cwd, environ, os.path.join(capture.store, "cache")
    )
    for package in interpreter.packages if interpreter else ():
        _outside_project(capture, package)
    named = variables.collect(capture)
    determinism = variables.determinism(named.values)
    locale = variables.locale(named.values)
    timezone = variables.timezone(environ.get("TZ"))
    here = machine.collect()
    inside = container.collect(environ)
    present = locks.collect(capture)
    accelerators = known if known is not None else asking.answer() if asking else gpus.ask()
    return Environment(
        fingerprint=fingerprint.of(
            python=interpreter,
            machine=here,
            gpus=accelerators,
            container=inside,
            locale=locale,
            timezone=timezone,
            determinism=determinism,
            variables=named.values,
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
