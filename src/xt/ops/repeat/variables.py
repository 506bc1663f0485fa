"""The variables a repeat gets: recorded values, and of what was not recorded by value the caller's.

What tells the circumstances (a CI job, a Slurm job, the terminal) is the caller's too: a repeat must not look
as if it ran in the job of the run it repeats.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from xt import fsio
from xt.collect.variables import keyed
from xt.model.environment import Environment
from xt.model.text import from_text, to_shown
from xt.ops.repeat.places import Moved
from xt.redact import MASK

#: Circumstances: what they say is true of the caller, and of nobody else.
_OURS = frozenset(("CI", "TERM", "COLUMNS", "LINES", "NO_COLOR", "SHELL"))
_OURS_BEGIN = ("XT_", "GITHUB_", "CI_", "SLURM_", "PBS_", "LSB_")
#: Of no meaning for a program, and never the same twice: nothing is said of them.
_RESTLESS = frozenset(("_", "SHLVL", "PWD", "OLDPWD", "WINDOWID", "COLORTERM"))
_RESTLESS_BEGIN = ("SSH_", "XDG_SESSION", "TERM_", "TMUX", "VSCODE_", "PYTEST_", "GPG_", "DBUS_")
#: Names of others told one by one.
_TOLD = 8


class Variables(NamedTuple):
    """What a repeat gets, and what about it is not as recorded."""

    values: dict[str, str]
    adjusted: list[str]
    """Sentences for the record."""
    lacking: list[str]
    """Names of variables that were set, are not recorded by value, and are not set now."""


def variables(
    recorded: Environment, program: str, environ: Mapping[str, str], moved: Moved, key: bytes | None
) -> Variables:
    """Put the variables together.

    Args:
        recorded: of the run.
        program: argv[0], to see whether the recorded PATH still leads to it.
        environ: of the caller.
        moved: from the recorded project to where the repeat runs.
        key: of the store, to tell whether values that are not recorded changed; None when it is another's.
    """
    adjusted: list[str] = []
    values = {name: value for name, value in environ.items() if _is_ours(name)}
    hidden = dict(recorded.hidden)
    mapped = []
    for name, text in recorded.variables.items():
        value = from_text(text)
        if _is_ours(name):
            continue
        if MASK in value:
            hidden[name] = "secret"
            continue
        values[name] = _moved(name, value, moved)
        if values[name] != value:
            mapped.append(name)
    adjusted += _path(recorded, program, environ, values)
    if recorded.timezone is not None and "TZ" not in values and _other_zone(recorded.timezone):
        values["TZ"] = recorded.timezone
        adjusted.append(f"TZ={recorded.timezone} is set: the time zone of this machine is another")
    lacking, changed = [], []
    for name, digest in sorted(hidden.items()):
        if _is_ours(name):
            continue
        told = name not in _RESTLESS and not name.startswith(_RESTLESS_BEGIN)
        if name not in environ:
            lacking += [name] if told else []
            continue
        values[name] = _moved(name, environ[name], moved)
        if values[name] != environ[name] and name not in _RESTLESS:
            mapped.append(name)
        if told and digest != "secret" and key is not None and keyed(key, name, environ[name]) != digest:
            changed.append(name)
    if mapped:
        adjusted.insert(0, f"paths of the project in {_some(sorted(mapped))} are those of the workspace")
    if changed:
        adjusted.append(f"not as recorded: {_some(changed)}")
    if lacking:
        adjusted.append(f"not set now: {_some(lacking)}")
    return Variables(values, adjusted, lacking)


def _moved(name: str, value: str, moved: Moved) -> str:
    """Map paths of the project; where programs and libraries are sought only what the workspace has.

    A home folder that is the project stays: it is where the user's own tools and settings are.
    """
    if name == "HOME":
        return value
    if not name.endswith("PATH"):
        return moved.text(value)
    parts = [(part, moved.text(part)) for part in value.split(":")]
    return ":".join(new if os.path.lexists(new) else part for part, new in parts)


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith(_OURS_BEGIN)


def _path(
    recorded: Environment, program: str, environ: Mapping[str, str], values: dict[str, str]
) -> list[str]:
    """Take the caller's PATH when the recorded one does not lead to the program any more."""
    own = environ.get("PATH", os.defpath)
    was = values.get("PATH")
    if was is None or "/" in program or fsio.find_program(program, was):
        return []
    if not fsio.find_program(program, own):
        return []
    values["PATH"] = own
    python = recorded.python
    where = f" ({to_shown(from_text(python.executable))})" if python is not None else ""
    return [f"the recorded PATH does not lead to `{to_shown(program)}`{where} here: the caller's is used"]


def _other_zone(recorded: str) -> bool:
    from xt.collect.variables import timezone

    return timezone(None) != recorded


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(names[:_TOLD]) + more
