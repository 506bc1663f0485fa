"""Declared paths: where they lead, how a record writes them, how a message shows them."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping

from xt import fsio
from xt.errors import XtError


def usable(path: str) -> bool:
    """Whether the operating system could take it as a path at all."""
    if not path or "\0" in path:
        return False
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return True


def absolute(path: str, base: str, environ: Mapping[str, str]) -> str:
    """Make a declared path absolute and normalised; a final symbolic link stays as it is.

    `~/` is the home folder here, since no shell expands it in `xt.toml` or behind a role.

    Args:
        path: as declared.
        base: absolute folder that a relative path starts from.
        environ: of the world, for HOME.
    """
    if (path == "~" or path.startswith("~/")) and environ.get("HOME"):
        path = environ["HOME"] + path[1:]
    joined = os.path.join(base, path)
    parts = joined.split("/")
    if ".." not in parts:
        return "/" + os.path.normpath(joined).lstrip("/")
    here = ""
    for part in parts:
        if part == "..":
            # The parent of `link` in `link/..` is that of what the link points to.
            here = os.path.dirname(os.path.realpath(here) if os.path.islink(here) else here).rstrip("/")
        elif part not in ("", "."):
            here = f"{here}/{part}"
    return here or "/"


def recorded(path: str, root: str) -> str:
    """Write an absolute path relative to the project's root when it is inside it, through links too.

    Args:
        path: absolute and normalised.
        root: absolute path of the project's root.
    """
    if fsio.is_inside(path, root):
        return fsio.relative_to(path, root)
    head, tail = os.path.split(path)
    real_head, real_root = os.path.realpath(head), os.path.realpath(root)
    real = os.path.join(real_head, tail) if tail else real_head
    return fsio.relative_to(real, real_root) if fsio.is_inside(real, real_root) else path


def shown(path: str) -> str:
    """Quote a path for a one-line message: backticks, and nothing a terminal would obey."""
    safe = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "`" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in safe) + "`"


def why(error: OSError | XtError) -> str:
    """Name what went wrong in a few words: `EACCES: Permission denied`."""
    if isinstance(error, XtError):
        return error.message
    number = error.errno or 0
    said = error.strerror or (os.strerror(number) if number else error)
    return f"{errno.errorcode.get(number, number)}: {said}"
