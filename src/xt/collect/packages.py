"""Installed packages, from the names of their metadata folders (PEP 376) and `direct_url.json` (PEP 610).

Read afresh each time: one listing, and one open for each package, which fails unless it came from elsewhere
than an index. That is 1 to 2 ms for 160 packages; a cache would save half of it and could be wrong.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import msgspec

from xt import redact
from xt.model.environment import Package
from xt.model.text import to_text


class Folder(NamedTuple):
    """A folder of `sys.path`."""

    path: str
    site: bool
    """Whether its `.pth` files count."""


class Installed:
    """What was found."""

    def __init__(self, packages: list[Package]) -> None:
        """Start with some packages."""
        self.packages = packages
        self.notes: list[str] = []


def installed(folders: list[Folder]) -> Installed:
    """List the packages of folders; of one name, those of the first folder that has it count.

    Args:
        folders: in the order of `sys.path`.
    """
    found: dict[str, list[Package]] = {}
    result = Installed([])
    seen: set[str] = set()
    queue = list(folders)
    while queue:
        folder = queue.pop(0)
        if folder.path in seen:
            continue
        seen.add(folder.path)
        if folder.path.endswith("conda-meta"):
            here = _conda(folder.path)
        else:
            here, more = _listed(folder, result.notes)
            queue[:0] = [Folder(path, site=False) for path in more]
        for name, packages in here.items():
            if len(packages) > 1:
                versions = ", ".join(sorted(package.version for package in packages))
                result.notes.append(f"`{name}` is installed more than once in `{folder.path}`: {versions}")
            found.setdefault(name, packages)
    result.packages = [package for name in sorted(found) for package in sorted(found[name], key=_version)]
    return result


def _version(package: Package) -> str:
    return package.version


def _listed(folder: Folder, notes: list[str]) -> tuple[dict[str, list[Package]], list[str]]:
    """Read one folder: its packages by name, and the folders its `.pth` files add."""
    found: dict[str, list[Package]] = {}
    more: list[str] = []
    try:
        names = os.listdir(folder.path)
    except (FileNotFoundError, NotADirectoryError):
        return found, more
    except OSError as error:
        notes.append(f"`{folder.path}` could not be read: {error.strerror}")
        return found, more
    for name in sorted(names):
        if name.endswith((".dist-info", ".egg-info")) and name[0] != "~":  # `~` marks what pip was removing
            package = _package(folder, name, notes)
            if package and package not in found.get(package.name, ()):
                found.setdefault(package.name, []).append(package)
        elif folder.site and name.endswith(".pth"):
            more += _pth(folder.path, name, notes)
    return found, more


def _package(folder: Folder, name: str, notes: list[str]) -> Package | None:
    path = os.path.join(folder.path, name)
    stem = name[:-10] if name.endswith(".dist-info") else name[:-9].partition("-py")[0]
    title, dash, version = stem.partition("-")
    if not dash or "-" in version or not version[:1].isdigit():
        told = _metadata(path)
        if told is None:
            notes.append(f"`{path}` names no package")
            return None
        title, version = told
    normal = normalised(title)
    editable = None
    if name.endswith(".egg-info"):
        # Beside its source: a development installation of setuptools, reached through a `.pth` file.
        if not dash and not folder.site:
            editable = to_text(folder.path)
        return Package(normal, version, editable)
    direct = _direct(path, notes)
    if direct is None:
        return Package(normal, version)
    url, editable_install, revision = direct
    local = local_path(url)
    if editable_install and local:
        return Package(normal, version, to_text(local))
    return Package(normal, version, None, redact.clean(url), revision)


def normalised(title: str) -> str:
    """Write a package's name as PEP 503 says."""
    normal = title.lower().replace("_", "-").replace(".", "-")
    while "--" in normal:
        normal = normal.replace("--", "-")
    return normal


def _direct(path: str, notes: list[str]) -> tuple[str, bool, str | None] | None:
    """Read `direct_url.json`: URL, whether editable, and commit; None for a package from an index."""
    try:
        fd = os.open(path + "/direct_url.json", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None  # nearly always: it came from an index
    try:
        told = msgspec.json.decode(os.read(fd, 65536))
        commit = told.get("vcs_info", {}).get("commit_id")
        editable = told.get("dir_info", {}).get("editable") is True
        return str(told["url"]), editable, None if commit is None else str(commit)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, AttributeError, KeyError) as error:
        notes.append(f"`{path}/direct_url.json` could not be read: {error}")
        return None
    finally:
        os.close(fd)


def local_path(url: str) -> str | None:
    """Path of a `file:` URL (RFC 8089)."""
    if not url.startswith("file://"):
        return None
    path = url[7:]
    if "%" not in path:
        return path
    head, *rest = path.encode().split(b"%")
    parts = [head]
    for part in rest:
        try:
            parts += [bytes.fromhex(part[:2].decode()), part[2:]]
        except ValueError:
            parts += [b"%", part]
    return os.fsdecode(b"".join(parts))


def _metadata(path: str) -> tuple[str, str] | None:
    """Read name and version from the first lines of METADATA or PKG-INFO (core metadata)."""
    for name in ("/METADATA", "/PKG-INFO", ""):
        try:
            with open(path + name, encoding="utf-8", errors="replace") as file:
                head = file.read(4096)
        except OSError:
            continue
        told = core_metadata(head)
        if told is not None:
            return told
    return None


def core_metadata(head: str) -> tuple[str, str] | None:
    """Read name and version from the beginning of a METADATA or PKG-INFO file."""
    fields: dict[str, str] = {}
    for line in head.splitlines():
        if not line:
            break
        key, _, value = line.partition(":")
        fields.setdefault(key.lower(), value.strip())
    if fields.get("name") and fields.get("version"):
        return fields["name"], fields["version"]
    return None


def _pth(folder: str, name: str, notes: list[str]) -> list[str]:
    """List the folders a `.pth` file adds; lines that are code are not run (Lib/site.py, addpackage)."""
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read(65536).splitlines()
    except OSError as error:
        notes.append(f"`{folder}/{name}` could not be read: {error.strerror}")
        return []
    paths = [
        line.rstrip() for line in lines if line.strip() and not line.startswith(("#", "import ", "import\t"))
    ]
    return [
        path
        for path in (os.path.normpath(os.path.join(folder, path)) for path in paths)
        if os.path.isdir(path)
    ]


def _conda(folder: str) -> dict[str, list[Package]]:
    """List all that conda installed: `conda:NAME`, versions `VERSION=BUILD`."""
    try:
        names = os.listdir(folder)
    except OSError:
        return {}
    found: dict[str, list[Package]] = {}
    for name in names:
        if name.endswith(".json") and name.count("-") >= 2:
            title, version, build = name[:-5].rsplit("-", 2)
            found.setdefault(f"conda:{title}", []).append(Package(f"conda:{title}", f"{version}={build}"))
    return found
