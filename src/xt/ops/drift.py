"""How the environment of a repeat differs from the recorded one, in clauses for a person."""

from __future__ import annotations

import os
from typing import Any

from xt.collect import fingerprint
from xt.model.delta import Delta
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_shown
from xt.ops.diff import environment

#: Of one kind, listed; the others are counted.
MOST = 8
#: Characters of a value that are shown.
LONGEST = 80
#: Parts of the comparison, the most telling first, and what several of them are called.
_ORDER = {
    "python": "properties of the interpreter",
    "packages": "packages",
    "container": "properties of the container",
    "system": "properties of the machine",
    "threads": "counts of processors",
    "gpu": "properties of the accelerators",
    "settings": "settings",
    "locale": "categories of the locale",
    "variables": "variables",
}
#: What a part is called, where its own name is not clear, and what its absence means.
_NAMES = {
    "python/interpreter": ("python", "not known"),
    "python/version": ("python", "not known"),
    "python/implementation": ("python implementation", "not known"),
    "container/image": ("container image", "not known"),
    "container/options": ("options of docker", "none"),
    "system/system": ("system", "not known"),
    "system/architecture": ("architecture", "not known"),
    "system/cpu": ("processor", "not known"),
    "system/libc": ("C library", "not known"),
    "threads/usable CPUs": ("usable CPUs", "not known"),
    "gpu/status": ("GPUs", "not known"),
    "gpu/driver": ("GPU driver", "not known"),
    "gpu/CUDA": ("CUDA", "not known"),
    "gpu/devices": ("GPUs", "none"),
    "settings/timezone": ("time zone", "not known"),
}


def drift(recorded: Snapshot, now: Snapshot) -> list[str]:
    """Say what of the environment is not as recorded.

    Args:
        recorded: causes of the run that is repeated.
        now: causes of the repeat.

    Returns:
        Clauses such as `python 3.11.7 → 3.11.9` or `requests is gone`, the most telling first; empty
        when the fingerprints are the same.
    """
    whole = environment.compare(recorded, now)
    return [*program(recorded, now), *told(whole.children, whole.more)]


def told(parts: list[Delta], more: int = 0) -> list[str]:
    """Say what differs in parts of an environment, in clauses.

    Args:
        parts: of the comparison of two environments.
        more: differing parts that were cut off.
    """
    groups: dict[str, list[Delta]] = {name: [] for name in _ORDER}
    clauses = []
    for part in parts:
        group = part.path.split("/")[1]
        if group in groups:
            groups[group].append(part)
        else:
            clauses.append(f"the environment differs: {part.note or part.path}")
    for group, many in _ORDER.items():
        said = _told(group, groups[group])
        # The comparison lists packages last, so what it cut off are packages.
        left = max(len(said) - MOST, 0) + (more if group == "packages" else 0)
        clauses += said[:MOST]
        if left:
            clauses.append(f"and {left} more {many}")
    return clauses


def program(recorded: Snapshot, now: Snapshot) -> list[str]:
    """Say that the program is another one, where both are known by content."""
    was, found = recorded.command.executable, now.command.executable
    if was.digest is None or found.digest is None or was.digest == found.digest:
        return []
    name = to_shown(os.path.basename(from_text(was.path)) if was.path is not None else "the program")
    return [f"the program `{name}` is not the recorded one"]


def _told(group: str, parts: list[Delta]) -> list[str]:
    if group == "packages":
        # Another version tells more than one that is gone, and that more than one that came in addition.
        order = {"removed": 1, "added": 2}
        return [_package(part) for part in sorted(parts, key=lambda part: order.get(part.change or "", 0))]
    if group == "locale":
        return _locale(parts)
    clauses = {part.path.removeprefix("environment/"): _clause(part) for part in parts}
    if "gpu/devices" in clauses:
        clauses.pop("gpu/status", None)  # which there are says whether there are
    return list(clauses.values())


def _package(part: Delta) -> str:
    name = part.path.removeprefix("environment/packages/")
    if part.change == "removed":
        return f"{name} is gone"
    if part.change == "added":
        return f"{name} {part.right} is new"
    if part.note:
        return f"{name} {part.left} is {part.note}"
    return f"{name} {part.left} → {part.right}"


def _locale(parts: list[Delta]) -> list[str]:
    """Join the categories that changed alike: mostly all of them, by one variable."""
    alike: dict[tuple[Any, Any], list[str]] = {}
    for part in parts:
        alike.setdefault((part.left, part.right), []).append(part.path.rpartition("/")[2])
    every = len(fingerprint.CATEGORIES)
    return [
        f"{'locale' if len(names) == every else ', '.join(names)} {left} → {right}"
        for (left, right), names in alike.items()
    ]


def _clause(part: Delta) -> str:
    path = part.path.removeprefix("environment/")
    if path == "system/cpu flags":
        return (
            "the processor's vector instructions differ"
            if part.left and part.right
            else f"the processor's vector instructions are not known{'' if part.left else ' from the record'}"
        )
    name, absent = _NAMES.get(path, (path.rpartition("/")[2], "not set"))
    left, right = (_value(side, absent) for side in (part.left, part.right))
    word, _, rest = left.partition(" ")
    if path == "system/libc" and rest and right.startswith(word + " "):
        name, left, right = word, rest, right[len(word) + 1 :]
    return f"{name} {left} → {right}"


def _value(value: Any, absent: str) -> str:
    if value is None:
        return absent
    if isinstance(value, list):
        counts = {item: value.count(item) for item in value}
        value = " + ".join(f"{count}× {item}" for item, count in counts.items())
    text = str(value) or "empty"
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
