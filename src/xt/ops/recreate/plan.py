"""What is to be installed, read from a record."""

from __future__ import annotations

import os
from typing import NamedTuple
from urllib.parse import quote

from xt import codec, fsio
from xt.collect.packages import local_path
from xt.errors import UnverifiableError
from xt.model.environment import Package, Python
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_shown
from xt.ops.recreate import editable, locked
from xt.ops.recreate.editable import Editable

#: Packages that are named in a message.
NAMED = 5
_HINT = "`--env check` repeats it in the environment that is here"


class Plan(NamedTuple):
    """What determines an environment."""

    version: str | None
    """Of the interpreter; without its patch level where that is not known."""
    implementation: str
    base: str | None
    """The recorded interpreter itself, if there is one at its place still."""
    requirements: list[str]
    """Lines for uv, each exactly one package."""
    refresh: list[str]
    """Names of packages that are built from a folder, which uv would else take from its own cache."""
    lock: locked.Locked | None
    """To be installed from instead of `requirements`."""
    editables: list[Editable]
    remarks: list[str]
    """What is not quite as recorded, one sentence each."""
    key: str
    """Digest of all of it and the platform, as the name of a folder."""


def plan(recorded: Snapshot, project: str) -> Plan:
    """Read what is to be built.

    Args:
        recorded: causes of the run that is repeated.
        project: absolute path of the project's root with the recorded code, such as in a workspace.

    Raises:
        UnverifiableError: what was installed is not known, or cannot be had again; all of it is named.
    """
    python = recorded.environment.python
    if python is None or not python.packages:
        lock = locked.find(recorded, project)
        if lock is not None:
            return _from_lock(python, lock, project)
    if python is None:
        why = recorded.environment.python_reason or "none is recorded"
        raise UnverifiableError(f"the run's Python cannot be built again: {why}", _HINT)
    if python.version is None:
        raise UnverifiableError(
            f"the version of the run's Python is not known{f': {python.reason}' if python.reason else ''}",
            _HINT,
        )
    if not python.packages and python.reason:
        raise UnverifiableError(f"the run's packages are not known: {python.reason}", _HINT)
    _refuse_conda(python)
    reading = _Reading(recorded, project)
    if python.reason:
        reading.remarks.append(f"the record has a doubt about what was installed: {python.reason}")
    for package in python.packages:
        reading.add(package)
    if reading.lost:
        named = "; ".join(reading.lost[:NAMED])
        more = f"; and {len(reading.lost) - NAMED} more" if reading.lost[NAMED:] else ""
        raise UnverifiableError(f"the recorded environment cannot be built again: {named}{more}", _HINT)
    parts: list[object] = [reading.known, [item.key for item in reading.editables]]
    return _planned(
        python, reading.requirements, reading.refresh, None, reading.editables, reading.remarks, parts
    )


def _from_lock(python: Python | None, lock: locked.Locked, project: str) -> Plan:
    remarks = [f"the packages are those of `{lock.path}`: what was installed is not recorded", *lock.remarks]
    found = editable.of_project(project, lock.folder) if lock.kind == "uv" else []
    parts: list[object] = [lock.kind, lock.path, lock.digests, [item.key for item in found]]
    return _planned(python, [], [], lock, found, remarks, parts)


def _planned(
    python: Python | None,
    requirements: list[str],
    refresh: list[str],
    lock: locked.Locked | None,
    editables: list[Editable],
    remarks: list[str],
    parts: list[object],
) -> Plan:
    version = python.version if python else None
    implementation = (python.implementation or "cpython").lower() if python else "cpython"
    if version is not None and version.count(".") < 2:
        remarks = [*remarks, f"the patch level of Python {version} is not recorded"]
    key = codec.digest_of(
        {"environment": 1, "python": [version, implementation], "on": _platform(), "of": parts}
    )
    return Plan(
        version,
        implementation,
        _base(python, version) if python and version else None,
        requirements,
        refresh,
        lock,
        editables,
        remarks,
        key.partition(":")[2][:32],
    )


def _platform() -> list[str]:
    """What wheels are chosen by, besides the interpreter."""
    here = os.uname()
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except ValueError:
        libc = ""  # musl, macOS
    return [here.sysname, here.machine, libc]


def _base(python: Python, version: str) -> str | None:
    if python.base_prefix is None:
        return None
    short = ".".join(version.split(".")[:2])
    name = "pypy" if (python.implementation or "").lower() == "pypy" else "python"
    free = "t" if (python.implementation or "").endswith("freethreaded") else ""
    path = os.path.join(from_text(python.base_prefix), "bin", f"{name}{short}{free}")
    return path if os.access(path, os.X_OK) else None


def _refuse_conda(python: Python) -> None:
    of_conda = [package for package in python.packages if package.name.startswith("conda:")]
    if of_conda:
        first = of_conda[0]
        raise UnverifiableError(
            f"the recorded environment was made by conda, which uv cannot do: {len(of_conda)} packages, "
            f"such as `{first.name.partition(':')[2]} {first.version}`",
            "make it with conda, activate it, and use `--env check` or `--env strict`",
        )


class _Reading:
    """Packages sorted into what can be installed, what is in the project, and what is lost."""

    def __init__(self, recorded: Snapshot, project: str) -> None:
        self.project = project
        self.was = os.path.normpath(from_text(recorded.context.project))
        top = recorded.code.root
        # The snapshot holds all of the repository, of which the project may be a part.
        self.top = os.path.normpath(os.path.join(self.was, from_text(top))) if top is not None else self.was
        self.tree = recorded.code.tree
        self.requirements: list[str] = []
        self.refresh: list[str] = []
        self.known: list[object] = []
        """Of each package what determines it, for the key."""
        self.editables: list[Editable] = []
        self.remarks: list[str] = []
        self.lost: list[str] = []
        self.seen: dict[str, str] = {}

    def add(self, package: Package) -> None:
        name = package.name
        if name in self.seen:
            self.lost.append(f"`{name}` was installed twice, as {self.seen[name]} and {package.version}")
            return
        self.seen[name] = package.version
        local = local_path(package.url) if package.url else None
        if name == "xt" and (package.editable is not None or local is not None):
            # Not a cause: the command neither needs nor sees the xt that watches it.
            self.remarks.append("xt itself, which was not installed from an index, is left out")
        elif package.editable is not None:
            self._editable(package, os.path.normpath(from_text(package.editable)))
        elif local is not None and package.revision is None:
            self._local(name, os.path.normpath(local))
        elif local is not None and not os.path.exists(local):
            self.lost.append(f"`{name}` was installed from the repository `{to_shown(local)}`, which is gone")
        elif package.url is not None:
            self._require(f"{name} @ {_address(package.url, package.revision)}")
        else:
            self._require(f"{name}=={package.version}")

    def _require(self, line: str) -> None:
        self.requirements.append(line)
        self.known.append(line)

    def _here(self, path: str) -> str | None:
        """Where a path of the recorded project is now."""
        if not fsio.is_inside(path, self.top):
            return None
        return os.path.normpath(os.path.join(self.project, os.path.relpath(path, self.was)))

    def _editable(self, package: Package, folder: str) -> None:
        here = self._here(folder)
        if here is None:
            self.lost.append(
                f"`{package.name}` was editable from `{to_shown(folder)}`, outside the project, "
                "and its code is not recorded"
            )
        elif not os.path.isdir(here):
            self.lost.append(
                f"`{package.name}` was editable from `{to_shown(folder)}`, which is not in the code"
            )
        else:
            self.editables.append(editable.read(package, os.path.relpath(here, self.project), self.project))

    def _local(self, name: str, path: str) -> None:
        here = self._here(path)
        place = here if here is not None and os.path.exists(here) else path
        if not os.path.exists(place):
            self.lost.append(f"`{name}` was installed from `{to_shown(path)}`, which is gone")
            return
        info = os.stat(place)
        # Not where the workspace is, but what it holds: that is the code's tree.
        self.known.append(
            [name, self.tree] if place == here else [name, place, info.st_size, info.st_mtime_ns]
        )
        self.requirements.append(f"{name} @ file://{quote(place)}")
        if os.path.isdir(place):
            self.refresh.append(name)
        if place != here:
            self.remarks.append(
                f"`{name}` is installed from `{to_shown(place)}` as that is now: its content is not recorded"
            )


def _address(url: str, revision: str | None) -> str:
    if revision is None:
        return url
    return f"{url if url.startswith('git+') else 'git+' + url}@{revision}"
