"""The interpreter a command will run and everything installed for it, read from files alone.

Follows what CPython does at start (`Modules/getpath.py`, `Lib/site.py`): `pyvenv.cfg` beside the executable,
the standard library above it, then the folders of installed packages in the order of `sys.path`.
"""

from __future__ import annotations

import os
import sys

from xt.collect import interpreter, packages
from xt.collect.interpreter import Found, NoPython
from xt.model.environment import Python
from xt.model.text import to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Layout:
    """Where an interpreter keeps its things."""

    def __init__(self, executable: str, environ: Mapping[str, str]) -> None:
        """Find prefixes and version as `Modules/getpath.py` does.

        Args:
            executable: absolute path, links not followed: a virtual environment is beside the link.
            environ: of the command (`PYTHONHOME`).
        """
        self.executable = executable
        self.real = os.path.realpath(executable)
        self.config = _pyvenv(executable)
        self.name: str | None = None
        """Name of the library's folder, such as `python3.11`."""
        self.library: str | None = None
        home = environ.get("PYTHONHOME", "").partition(":")[0]
        start = os.path.dirname(self.real)
        if self.config and not home:
            start = self.config[1].get("home", start)
        self.base = home or self._search(start)
        if home:
            self._look(home)
        self.prefix = home or (self.config[0] if self.config else self.base)

    def _search(self, folder: str) -> str | None:
        beside = os.path.dirname(folder)
        return next(
            (prefix for prefix in interpreter.upward(folder) if self._look(prefix, prefix == beside)), None
        )

    def _look(self, prefix: str, only: bool = True) -> bool:
        """Whether the standard library is below a prefix: the one the names say, else the only one."""
        wanted = os.path.basename(self.real)
        for lib in ("lib", "lib64"):
            folder = os.path.join(prefix, lib)
            try:
                names = [
                    name for name in os.listdir(folder) if interpreter.is_python(name) and not name.isalpha()
                ]
            except OSError:
                continue
            names = [name for name in names if os.path.exists(os.path.join(folder, name, "os.py"))]
            version = (
                self.config[1].get("version_info", self.config[1].get("version", "")) if self.config else ""
            )
            guess = "python" + ".".join(version.split(".")[:2])
            for name in (wanted, guess, *(names if only and len(names) == 1 else ())):
                if name in names:
                    self.name = name
                    self.library = os.path.join(folder, name)
                    return True
        return False


def _pyvenv(executable: str) -> tuple[str, dict[str, str]] | None:
    """Read `pyvenv.cfg` (PEP 405): the environment's prefix and its settings, None outside one."""
    folder = os.path.dirname(executable)
    for prefix in (os.path.dirname(folder), folder):
        try:
            with open(os.path.join(prefix, "pyvenv.cfg"), encoding="utf-8", errors="surrogateescape") as file:
                lines = file.read(65536).splitlines()
        except OSError:
            continue
        pairs = (line.partition("=") for line in lines)
        settings = {key.strip().lower(): value.strip() for key, equals, value in pairs if equals}
        return (prefix, settings) if "home" in settings else None
    return None


def collect(
    command: list[str], cwd: str, environ: Mapping[str, str], cache: str
) -> tuple[Python | None, str | None]:
    """Describe the interpreter that will run a command.

    Args:
        command: argv.
        cwd: absolute path of the folder it starts in.
        environ: its variables.
        cache: folder for what is slow to find again; need not exist.

    Returns:
        The interpreter, or None and the reason.
    """
    try:
        found = interpreter.find(command, cwd, environ)
        return _describe(found, cwd, cache), None
    except NoPython as none:
        return None, str(none)
    except OSError as error:
        return None, f"could not be read: {error}"


def _describe(found: Found, cwd: str, cache: str) -> Python:
    layout = Layout(found.executable, found.environ)
    notes = list(found.notes)
    version, implementation, doubt = _version(layout, cache)
    if doubt:
        notes.append(doubt)
    listed = packages.Installed([])
    if layout.name is None or layout.prefix is None or layout.base is None:
        notes.append("its standard library was not found, so neither were its packages")
    else:
        listed = packages.installed(_folders(layout, found, cwd))
        notes += listed.notes
    return Python(
        executable=to_text(found.executable),
        found_by=found.how,
        version=version,
        implementation=implementation,
        prefix=to_text(layout.prefix) if layout.prefix else None,
        base_prefix=to_text(layout.base) if layout.base else None,
        packages=listed.packages,
        reason="; ".join(notes) or None,
    )


def _version(layout: Layout, cache: str) -> tuple[str | None, str | None, str | None]:
    """Find version and implementation, and the doubt there is about them."""
    if layout.real == os.path.realpath(sys.executable):
        return (
            ".".join(map(str, sys.version_info[:3])) + _level(),
            _spelled(sys.implementation.name, layout),
            None,
        )
    if layout.name is None or layout.base is None:
        return None, None, "its version is not known"
    implementation = _spelled("pypy" if layout.name.startswith("pypy") else "cpython", layout)
    short = layout.name.lstrip("abcdefghijklmnopqrstuvwxyz").removesuffix("t")
    if implementation != "pypy":
        from xt.collect.python_version import exact

        patch = exact(layout.base, layout.name, short, layout.real, cache)
        if patch:
            return patch, implementation, None
    if layout.config:
        said = layout.config[1].get("version", layout.config[1].get("version_info", ""))
        if said.startswith(short + "."):
            said = ".".join(said.split(".")[:3])
            return said, implementation, f"version {said} is that of `pyvenv.cfg`, written when it was made"
    return short, implementation, "the patch level of its version is not known"


def _level() -> str:
    level, serial = sys.version_info[3:]
    return "" if level == "final" else {"alpha": "a", "beta": "b", "candidate": "rc"}[level] + str(serial)


def _spelled(implementation: str, layout: Layout) -> str:
    return f"{implementation}-freethreaded" if layout.name and layout.name.endswith("t") else implementation


def _folders(layout: Layout, found: Found, cwd: str) -> list[packages.Folder]:
    """List where packages are looked for, in the order of `sys.path`."""
    name, prefix, base = layout.name or "", layout.prefix or "", layout.base or ""
    switches = "".join(_switches(found.arguments))
    isolated = "I" in switches
    folders: list[packages.Folder] = []
    if not isolated and "E" not in switches:
        for place in found.environ.get("PYTHONPATH", "").split(":"):
            if place:
                folders.append(packages.Folder(os.path.join(cwd, place), site=False))
    if "S" in switches:
        return folders
    inside = layout.config is not None and prefix != base
    if inside:
        folders += _sites(prefix, name)
    system = (
        not inside or (layout.config or ("", {}))[1].get("include-system-site-packages", "").lower() == "true"
    )
    if system and not isolated and "s" not in switches and not found.environ.get("PYTHONNOUSERSITE"):
        user = found.environ.get("PYTHONUSERBASE") or os.path.join(found.environ.get("HOME", "/"), ".local")
        folders.append(packages.Folder(os.path.join(user, "lib", name, "site-packages"), site=True))
    if system:
        folders += _sites(base, name)
        # Debian's own folders (its patch to site.py); they are not there elsewhere.
        for place in ("local/lib/" + name, "lib/python3", "lib/" + name):
            folders.append(packages.Folder(os.path.join(base, place, "dist-packages"), site=True))
    return folders


def _sites(prefix: str, name: str) -> list[packages.Folder]:
    found: list[packages.Folder] = []
    for lib in ("lib", "lib64"):
        folder = os.path.join(prefix, lib)
        if lib == "lib64" and os.path.realpath(folder) == os.path.realpath(os.path.join(prefix, "lib")):
            continue
        found.append(packages.Folder(os.path.join(folder, name, "site-packages"), site=True))
    found.append(packages.Folder(os.path.join(prefix, "conda-meta"), site=False))
    return found


def _switches(arguments: list[str]) -> list[str]:
    """Collect the letters of an interpreter's options, up to the script."""
    found: list[str] = []
    at = 0
    while at < len(arguments) and arguments[at].startswith("-") and len(arguments[at]) > 1:
        word = arguments[at]
        if word.startswith("--"):
            at += 2 if word == "--check-hash-based-pycs" else 1
            continue
        for index, letter in enumerate(word[1:], 1):
            if letter in "cm":
                return found
            if letter in "WX":
                at += index == len(word) - 1
                break
            found.append(letter)
        at += 1
    return found
