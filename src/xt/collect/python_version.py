"""The exact version of a CPython that is not our own: from its header, else from the binary."""

from __future__ import annotations

import os
import re

import msgspec

from xt import fsio


def exact(base: str, name: str, short: str, executable: str, cache: str) -> str | None:
    """Find the full version.

    Args:
        base: prefix of the installation.
        name: of its library's folder, such as `python3.11`.
        short: `3.11`.
        executable: absolute path, links followed.
        cache: folder to remember in what took a scan of a binary.

    Returns:
        Such as `3.11.7`, or None when neither the header nor the binary says.
    """
    for folder in (name, name + "m"):
        try:
            with open(os.path.join(base, "include", folder, "patchlevel.h"), "rb") as file:
                match = re.search(rb'#define\s+PY_VERSION\s+"([^"]+)"', file.read(16384))
        except OSError:
            continue
        if match and match[1].startswith(short.encode()):
            return match[1].decode("ascii", "replace")
    library = os.path.join(base, "lib", f"lib{name}.so.1.0")
    return _scanned(library if os.path.exists(library) else executable, short, cache)


def _scanned(path: str, short: str, cache: str) -> str | None:
    """Find the version string that is compiled into a binary; the answer is kept with the file's stat."""
    info = os.stat(path)
    key = f"{path}:{info.st_ino}:{info.st_size}:{info.st_mtime_ns}:{info.st_ctime_ns}"
    remembered = os.path.join(cache, "python-version.json")
    known: dict[str, str | None] = {}
    try:
        known = msgspec.json.decode(fsio.read_file(remembered, limit=1 << 20), type=dict[str, str | None])
    except (OSError, msgspec.MsgspecError):
        known = {}  # not there, or not readable: disposable, made afresh
    if key not in known:
        with open(path, "rb") as file:
            found = set(
                re.findall(rb"\0(%b\.\d+(?:(?:a|b|rc)\d+)?\+?)\0" % re.escape(short.encode()), file.read())
            )
        known = dict(list(known.items())[-20:])
        known[key] = found.pop().decode() if len(found) == 1 else None
        try:
            os.makedirs(cache, mode=fsio.PRIVATE_DIR, exist_ok=True)
            fsio.write_atomic(remembered, msgspec.json.encode(known), durable=False)
        except OSError:
            return known[key]  # a store that cannot be written is reported by who must write to it
    return known[key]
