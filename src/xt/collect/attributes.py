"""Attribute files that can make git store other bytes than those on disk (gitattributes(5))."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from xt import fsio

#: Attributes that hand a file to a converter, besides line ends.
CONVERTING = ("ident", "filter", "working-tree-encoding")
_WORDS = (b"text", b"eol", b"crlf", *(name.encode() for name in CONVERTING))
#: Of a distribution's git; one built elsewhere keeps it under its own prefix.
_SYSTEM = "/etc/gitattributes"


def rules(
    top: str,
    inside: Iterable[str],
    common: str | None = None,
    settings: Mapping[str, str] = {},
    environ: Mapping[str, str] = {},
) -> list[bytes]:
    """Read the attribute files that can convert anything.

    Args:
        top: working tree.
        inside: `.gitattributes` files in it, relative to the top.
        common: the repository's common folder; None for only those inside.
        settings: of the repository.
        environ: to find the user's own file.
    """
    found = []
    for path in inside:
        try:
            data = fsio.read_file(os.path.join(top, path), limit=10_000_000)
        except OSError:
            data = b"text unreadable " + os.fsencode(path)  # git falls back on the one in its index
        if any(word in data for word in _WORDS):
            found.append(data)
    if common is None:
        return found
    for path in (f"{common}/info/attributes", _users(settings, environ), _SYSTEM):
        try:
            data = fsio.read_file(os.path.realpath(path), limit=10_000_000)
        except OSError:
            continue  # not there; git itself reads none either
        if any(word in data for word in _WORDS):
            found.append(data)
    return found


def _users(settings: Mapping[str, str], environ: Mapping[str, str]) -> str:
    home = environ.get("HOME", "")
    path = settings.get("core.attributesfile")
    if path is None:
        return os.path.join(environ.get("XDG_CONFIG_HOME") or f"{home}/.config", "git/attributes")
    return home + path[1:] if path.startswith("~/") else path
