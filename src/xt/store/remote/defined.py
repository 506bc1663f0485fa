"""Which remotes a project has, and which of them may be used.

A remote is used when the user named it: in the own file (`xt.store.remote.own`), by `XT_REMOTE`, or on the
command line. One that `xt.toml` names came with the project, perhaps from somebody else: it is known and not
used until `xt remote trust` confirmed that very URL.
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec

from xt import config
from xt.context import Outside
from xt.errors import RemoteError, UnsupportedError, UsageError
from xt.model.remotes import Defined
from xt.redact import clean_url
from xt.store.layout import FOLDER
from xt.store.remote import REMOTES, Remote
from xt.store.remote.address import Address, parse
from xt.store.remote.own import Kept, Own
from xt.suggest import suggest

#: Names a remote or has its URL, for CI.
VARIABLE = "XT_REMOTE"
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)

__all__ = ["NAME", "VARIABLE", "Defined", "connect", "find", "remotes"]


def remotes(outside: Outside, root: str) -> list[Defined]:
    """All remotes of a project, by name; the user's own definition of a name hides the project's.

    Args:
        outside: for the variables.
        root: absolute path of the project's root.

    Raises:
        ConfigError: a file cannot be read.
    """
    root = os.path.realpath(root)
    kept = Own(outside.environ).of(root)
    named = config.load(root, outside.cwd).settings.remote
    found = {name: _from_project(name, one.url or "", kept.get(name), root) for name, one in named.items()}
    for name, own in kept.items():
        if not own.trusted:
            problem = _problem(own.url, root)
            found[name] = Defined(name, own.url, "user", problem is None, own.exclusive, problem)
    return [found[name] for name in sorted(found)]


def _from_project(name: str, url: str, own: Kept | None, root: str) -> Defined:
    problem = _problem(url, root)
    if NAME.fullmatch(name) is None:
        problem = problem or "its name is not one"
    confirmed = problem is None and own is not None and own.trusted and own.url == url
    exclusive = own.exclusive if confirmed and own is not None else None
    return Defined(name, url, "project", confirmed, exclusive, problem)


def _problem(url: str, root: str) -> str | None:
    try:
        parse(url, root)
    except UsageError as error:
        return error.message
    return None


def find(outside: Outside, root: str, name: str | None = None) -> Defined:
    """Find the remote that is meant, and see that it may be used.

    Args:
        outside: for the variables.
        root: absolute path of the project's root.
        name: a name, a URL or the path of a folder (`/…`, `./…`, `../…`); by default what `XT_REMOTE` says,
            else the only one there is.

    Raises:
        UsageError: there is none of that name, or several and none was named.
        RemoteError: it was not confirmed, or is none.
        ConfigError: a file cannot be read.
    """
    said = outside.environ.get(VARIABLE) or None
    source = "argument" if name is not None else "variable"
    wanted = name if name is not None else said
    if wanted is not None and (
        ":" in wanted or wanted.startswith(("/", "./", "../")) or wanted in (".", "..")
    ):
        address = parse(wanted, outside.cwd)
        return Defined(clean_url(wanted), address.shown, "argument" if name is not None else "variable", True)
    every = remotes(outside, root)
    if wanted is None:
        return _only(every)
    for one in every:
        if one.name == wanted:
            return _usable(one)
    where = "" if source == "argument" else f", which {VARIABLE} names"
    hint = suggest(wanted, [one.name for one in every], "remotes")
    raise UsageError(
        f"no remote `{wanted}`{where}",
        hint or f"`xt remote add {wanted} URL` defines it; a folder is `./{wanted}`",
    )


def _only(every: list[Defined]) -> Defined:
    usable = [one for one in every if one.confirmed]
    if len(usable) == 1:
        return usable[0]
    if usable:
        raise UsageError("which remote?", "one of " + ", ".join(f"`{one.name}`" for one in usable))
    if every:
        return _usable(every[0])
    raise UsageError(
        "no remote is defined",
        "`xt remote add NAME URL`, such as s3://bucket/runs, ssh://host/path or a folder",
    )


def _usable(one: Defined) -> Defined:
    if one.problem is not None:
        raise RemoteError(
            f"the remote `{one.name}` cannot be used: {one.problem}", "`xt remote ls` lists them"
        )
    if not one.confirmed:
        raise RemoteError(
            f"the remote `{one.name}` is named by `{config.FILE}`, and you have not confirmed it: {one.url}",
            f"`xt remote trust {one.name}` does, if that is where data of this project may go",
        )
    return one


def connect(defined: Defined, outside: Outside, root: str) -> Remote:
    """Open a remote that `find` gave.

    Args:
        defined: which.
        outside: for the variables, of which credentials come.
        root: absolute path of the project's root, which a path in `xt.toml` is relative to.

    Raises:
        RemoteError: it does not answer, or was not confirmed.
        UnsupportedError: what it needs is not installed.
    """
    address = parse(_usable(defined).url, os.path.realpath(root))
    if address.scheme == "file" and _is_own(address.path, root):
        raise UsageError(
            f"`{address.path}` is this project's own store, or inside it", "a remote is another place"
        )
    row = REMOTES.rows[address.scheme]
    if row.module is not None and find_spec(row.module) is None:
        raise UnsupportedError(
            f"`{row.name}://` needs `{row.module}`, which is not installed",
            f"`pip install 'xt[{row.extra}]'` installs it",
        )
    place: Remote = REMOTES.get(address.scheme)(address, outside)
    if defined.exclusive is not None:
        place.exclusive = defined.exclusive
    return place


def _is_own(path: str, root: str) -> bool:
    own = os.path.realpath(f"{root}/{FOLDER}")
    return os.path.commonpath([own, os.path.realpath(path)]) == own


def address_of(defined: Defined, root: str) -> Address:
    """Where a remote is.

    Raises:
        UsageError: its URL is none.
    """
    return parse(defined.url, os.path.realpath(root))
