"""Packages that are installed as links into the project: their code is the workspace's own.

No index has them, and building them would tie the environment to one workspace. So their code is put on
`PYTHONPATH`, and the environment gets what else an installation is known by: metadata and commands.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Any, NamedTuple
from urllib.parse import quote

from xt import fsio, toml_text
from xt.model.environment import Package

#: Bytes of a `pyproject.toml` that is read.
_LIMIT = 5_000_000
#: Where code is in a project, besides its top (the `src` layout, maturin's `python`).
_SOURCES = ("src", "python", "lib")


class Editable(NamedTuple):
    """A package whose code is in the project."""

    name: str
    version: str
    folder: str
    """Relative to the project's root."""
    paths: list[str]
    """Folders its modules are imported from, relative to the project's root."""
    entry_points: dict[str, dict[str, str]]
    """By group, such as `console_scripts`: name → `module:function`."""

    @property
    def key(self) -> list[Any]:
        """What of it is in the environment."""
        return [self.name, self.version, self.folder, self.entry_points]


def read(package: Package, folder: str, project: str) -> Editable:
    """Describe an editable package from its `pyproject.toml` and the names of its folders.

    Args:
        package: as recorded.
        folder: relative to the project's root.
        project: absolute path of the project's root.
    """
    place = os.path.normpath(os.path.join(project, folder))
    return Editable(
        package.name,
        package.version,
        folder,
        [os.path.normpath(os.path.join(folder, path)) for path in _sources(place, package.name)],
        _entry_points(_pyproject(place)),
    )


def of_project(project: str, folder: str) -> list[Editable]:
    """Describe the project itself, where a lock file lists only what it depends on.

    Args:
        project: absolute path of the project's root.
        folder: of the lock file, relative to that.
    """
    told = _pyproject(os.path.join(project, folder)).get("project")
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        return []
    version = told.get("version")
    name = re.sub(r"[-_.]+", "-", told["name"]).lower()  # PEP 503
    return [read(Package(name, version if isinstance(version, str) else "0"), folder, project)]


def _sources(place: str, name: str) -> list[str]:
    """Find the folders that hold the package's modules; where none has its name, all that may."""
    modules = {name.replace("-", "_"), name.replace("-", "/"), name}
    existing = [path for path in _SOURCES if os.path.isdir(os.path.join(place, path))]
    for path in (*existing, "."):
        for module in modules:
            where = os.path.join(place, path, module)
            if os.path.isdir(where) or os.path.isfile(where + ".py"):
                return [path]
    return [path for path in existing if path == "src"] + ["."]


def _pyproject(place: str) -> dict[str, Any]:
    """Read `pyproject.toml`; empty when it is not there or not TOML, which is the package's own affair."""
    try:
        data = fsio.read_file(os.path.join(place, "pyproject.toml"), limit=_LIMIT)
        return toml_text.loads(data.decode())
    except (OSError, ValueError, RecursionError):
        return {}


def _entry_points(told: dict[str, Any]) -> dict[str, dict[str, str]]:
    project = _table(told.get("project"))
    found = {
        "console_scripts": {**_table(_table(_table(told.get("tool")).get("poetry")).get("scripts"))},
        "gui_scripts": _table(project.get("gui-scripts")),
    }
    found["console_scripts"].update(_table(project.get("scripts")))
    for group, entries in _table(project.get("entry-points")).items():
        found[group] = _table(entries)
    strings = {
        group: {name: target for name, target in sorted(entries.items()) if isinstance(target, str)}
        for group, entries in sorted(found.items())
    }
    return {group: entries for group, entries in strings.items() if entries}


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def install(item: Editable, site: str, python: str) -> None:
    """Write metadata and commands of an editable package into an environment.

    Args:
        item: the package.
        site: the environment's `site-packages`.
        python: the environment's interpreter.

    Raises:
        OSError: it cannot be written.
    """
    folder = os.path.join(site, f"{item.name.replace('-', '_')}-{item.version}.dist-info")
    os.makedirs(folder, exist_ok=True)
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {item.name}\nVersion: {item.version}\n",
        "INSTALLER": "xt\n",
        # Relative to the project it is used with, which is another workspace each time.
        "direct_url.json": f'{{"url": "file://./{quote(item.folder)}", "dir_info": {{"editable": true}}}}\n',
    }
    if item.entry_points:
        files["entry_points.txt"] = "".join(
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items()) + "\n"
            for group, entries in item.entry_points.items()
        )
    for name, text in files.items():
        _write(os.path.join(folder, name), text, 0o644)
    for group in ("console_scripts", "gui_scripts"):
        for name, target in item.entry_points.get(group, {}).items():
            module, _, function = target.partition("[")[0].strip().partition(":")
            if os.sep not in name and module and function:
                _write(os.path.join(os.path.dirname(python), name), _script(python, module, function), 0o755)


def _script(python: str, module: str, function: str) -> str:
    """The command that installers write for an entry point."""
    first = function.partition(".")[0]
    return f"#!{python}\nimport sys\nfrom {module} import {first}\nsys.exit({function}())\n"


def _write(path: str, text: str, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        fsio.write_all(fd, text.encode())
        os.fchmod(fd, stat.S_IMODE(mode))
    finally:
        os.close(fd)
