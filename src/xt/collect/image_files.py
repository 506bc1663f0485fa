"""What is installed in an image, read from its file system as a stream (tar): nothing in it is run.

One pass over the names; content is read of the few files that list packages. Whoever made the image decides
what is in it, so everything is bounded: bytes of a file, packages, characters of a name.
"""

from __future__ import annotations

import posixpath
import re
import tarfile
import time
from typing import IO

import msgspec

from xt.collect.packages import core_metadata, normalised
from xt.model.environment import Installed, Package
from xt.model.text import to_shown

#: Bytes of a database of packages, of one package's metadata, of a small file.
DATABASE, METADATA, SMALL = 64_000_000, 4096, 65_536
#: Packages in all, characters of a name or version.
MOST, LONGEST = 20_000, 200
#: Where managers keep their books, without the leading `/`.
_DPKG, _DPKG_PARTS = "var/lib/dpkg/status", "var/lib/dpkg/status.d/"
_APK = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_RPM = ("var/lib/rpm/", "usr/lib/sysimage/rpm/")
_RELEASE = ("etc/os-release", "usr/lib/os-release")
_SHELLS = ("bin/sh", "usr/bin/sh")


class Seen(msgspec.Struct):
    """What was found in an image."""

    distribution: str | None = None
    users: list[int] | None = None
    shell: bool | None = None
    installed: list[Installed] = []
    notes: list[str] = []
    """What could not be read, one sentence each."""
    broken: bool = False
    """Whether the stream ended before the archive did: another try may give more."""


class _Found:
    """Packages by manager and place, while they are read."""

    def __init__(self) -> None:
        self.packages: dict[tuple[str, str], dict[tuple[str, str], Package]] = {}
        self.versions: dict[str, str] = {}
        """Exact versions of interpreters, by prefix and name: `usr/local python3.11`."""
        self.system: str | None = None
        """What `/usr/bin/python3` of Debian is a link to: `python3.11`."""
        self.count = 0
        self.notes: list[str] = []

    def add(self, kind: str, place: str, name: str, version: str) -> None:
        """Take a package, if it is named like one and there is room."""
        if not name or not version or len(name) > LONGEST or len(version) > LONGEST:
            return
        if self.count >= MOST:
            note = f"more than {MOST} packages: the others are not listed"
            self.notes += [] if note in self.notes else [note]
            return
        here = self.packages.setdefault((kind, "/" + place), {})
        if (name, version) not in here:
            here[name, version] = Package(to_shown(name), to_shown(version))
            self.count += 1


def read(stream: IO[bytes], until: float) -> Seen:
    """Read a file system.

    Args:
        stream: a tar archive, read once from its beginning.
        until: on the monotonic clock; what comes later is not read, and that is said.
    """
    seen, found = Seen(), _Found()
    whole = False
    try:
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=1) as archive:
            while True:
                member = archive.next()
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep every name of a large image
                if member is None:
                    whole = True
                    break
                if time.monotonic() > until:
                    found.notes.append("it is too large to be read to its end")
                    break
                _member(archive, member, seen, found)
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError) as error:
        found.notes.append(f"it could not be read to its end: {error}")
        seen.broken = True
    if whole:
        # Only a whole look can tell that something is not there.
        seen.shell = bool(seen.shell)
        seen.users = seen.users or []
    elif not seen.shell:
        seen.shell = None
    seen.installed = [
        Installed(kind, place, [here[key] for key in sorted(here)], _version(kind, place, found))  # type: ignore[arg-type]
        for (kind, place), here in sorted(found.packages.items())
    ]
    seen.notes = found.notes
    return seen


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo, seen: Seen, found: _Found) -> None:
    name = member.name.removeprefix("./").lstrip("/")
    if name in _SHELLS:
        seen.shell = True
    if name.startswith(_RPM) and name.endswith(("rpmdb.sqlite", "Packages", "Packages.db")):
        found.notes.append("packages of rpm are not read: their database is no text")
    parts = name.split("/")
    if len(parts) > 2 and parts[-2] == "conda-meta" and name.endswith(".json"):
        title, _, rest = parts[-1][:-5].rpartition("-")
        title, _, version = title.rpartition("-")
        found.add("conda", posixpath.dirname(name), title, f"{version}={rest}")
        return
    if name.startswith("var/lib/pacman/local/") and member.isdir() and len(parts) == 5:
        title, _, release = parts[-1].rpartition("-")
        title, _, version = title.rpartition("-")
        found.add("pacman", "var/lib/pacman/local", title, f"{version}-{release}")
        return
    if name == "usr/bin/python3" and member.issym():
        found.system = posixpath.basename(member.linkname)
    if not member.isreg():
        return
    if name == _DPKG or (name.startswith(_DPKG_PARTS) and not name.endswith(".md5sums")):
        _stanzas(archive, member, "deb", _DPKG, found)
    elif name in _APK:
        _stanzas(archive, member, "apk", name, found)
    elif name in _RELEASE and seen.distribution is None:
        match = re.search(r'(?m)^PRETTY_NAME="?([^"\n]{1,200})', _text(archive, member, SMALL))
        seen.distribution = to_shown(match[1].strip()) if match else None
    elif name == "etc/passwd":
        lines = (line.split(":") for line in _text(archive, member, SMALL).splitlines())
        seen.users = [int(line[2]) for line in lines if len(line) > 3 and re.fullmatch(r"\d{1,10}", line[2])]
    elif parts[-1] == "patchlevel.h" and parts[-2:-1] and parts[-2].startswith("python"):
        match = re.search(r'#define\s+PY_VERSION\s+"([^"]{1,40})"', _text(archive, member, SMALL))
        if match:
            prefix = "/".join(parts[:-3])
            found.versions[f"{prefix} {parts[-2].rstrip('mdt')}"] = match[1]
    elif parts[-1] == "pyvenv.cfg":
        told = re.search(
            r"(?m)^version(?:_info)?\s*=\s*((\d{1,3}\.\d{1,3})\.\w{1,20})", _text(archive, member, SMALL)
        )
        if told:
            found.versions[f"{'/'.join(parts[:-1])} python{told[2]}"] = told[1]
    else:
        _python(archive, member, name, parts, found)


def _python(
    archive: tarfile.TarFile, member: tarfile.TarInfo, name: str, parts: list[str], found: _Found
) -> None:
    """Take a distribution of Python, by its metadata folder (PEP 376) or the older file of setuptools."""
    inner = len(parts) > 2 and parts[-1] in ("METADATA", "PKG-INFO")
    folder = parts[-2] if inner else parts[-1]
    if not folder.endswith(".dist-info" if parts[-1] == "METADATA" else ".egg-info"):
        return
    place = "/".join(parts[: -2 if inner else -1])
    if posixpath.basename(place) not in ("site-packages", "dist-packages"):
        return  # vendored, or not installed
    told = core_metadata(_text(archive, member, METADATA))
    if told is None:
        title, _, version = folder.rpartition(".")[0].partition("-py")[0].partition("-")
        told = title, version
    found.add("python", place, normalised(told[0]), told[1])


def _version(kind: str, place: str, found: _Found) -> str | None:
    """Tell the version of the interpreter that a folder of packages belongs to."""
    if kind != "python":
        return None
    if place == "/usr/lib/python3/dist-packages" and re.fullmatch(r"python\d+\.\d+", found.system or ""):
        # Debian's, for whichever interpreter is the system's; its version is that of the package.
        debs = dict(found.packages.get(("deb", f"/{_DPKG}"), {}))
        version = next((version for name, version in debs if name == f"{found.system}-minimal"), None)
        return re.split(r"[-+~]", version)[0] if version else (found.system or "").removeprefix("python")
    match = re.fullmatch(r"/(?:(.*)/)?lib(?:64)?/(python(\d+\.\d+))t?/(?:site|dist)-packages", place)
    if match is None:
        return None
    return found.versions.get(f"{match[1] or ''} {match[2]}", match[3])


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo, limit: int) -> str:
    file = archive.extractfile(member)
    return file.read(limit).decode("utf-8", "replace") if file is not None else ""


def _stanzas(archive: tarfile.TarFile, member: tarfile.TarInfo, kind: str, place: str, found: _Found) -> None:
    """Read a database of paragraphs: dpkg's `Package: x`, apk's `P:x`."""
    if member.size > DATABASE:
        found.notes.append(f"`/{place}` is not read: {member.size} bytes")
        return
    names = ("P", "V", "") if kind == "apk" else ("Package", "Version", "Status")
    fields: dict[str, str] = {}
    for line in [*_text(archive, member, DATABASE).split("\n"), ""]:
        if line.strip():
            key, colon, value = line.partition(":")
            if colon and key in names:
                fields.setdefault(key, value.strip())
            continue
        # Of those that were removed dpkg keeps the settings: `deinstall ok config-files`.
        if fields.get("Status", " installed").endswith(" installed"):
            found.add(kind, place, fields.get(names[0], ""), fields.get(names[1], ""))
        fields = {}
