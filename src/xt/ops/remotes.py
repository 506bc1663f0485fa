"""The remotes of a project: name one, confirm one, forget one, try one."""

from __future__ import annotations

import os

from xt import config
from xt.context import Outside
from xt.errors import RemoteError, UsageError
from xt.model.remotes import Defined, Probed, Remotes
from xt.model.text import to_text
from xt.store import find_root
from xt.store.remote import probing
from xt.store.remote.address import masked, parse
from xt.store.remote.defined import NAME, connect, find, remotes
from xt.store.remote.own import Kept, Own
from xt.suggest import suggest

_NONE = "there is none: `xt remote add NAME URL` names one"


def listed(outside: Outside) -> Remotes:
    """All remotes of the project that the working directory is in, their URLs without credentials.

    Raises:
        ConfigError: a file cannot be read.
    """
    root = find_root(outside.cwd)
    return Remotes(project=to_text(root), remotes=[shown(one) for one in remotes(outside, root)])


def shown(one: Defined) -> Defined:
    """A remote as it may be shown: what `xt.toml` says may have credentials in it."""
    return Defined(one.name, masked(one.url), one.source, one.confirmed, one.exclusive, one.problem)


def add(outside: Outside, name: str, url: str) -> tuple[Defined, str | None]:
    """Name a remote, for this user and this project.

    Args:
        outside: for the working directory, which a path is relative to, and the variables.
        name: to use in commands.
        url: or the path of a folder.

    Returns:
        What is defined now, and the URL in `xt.toml` that the name hides.

    Raises:
        UsageError: the name or the URL is none, or the name is taken by another URL.
        ConfigError: it cannot be kept.
    """
    if NAME.fullmatch(name) is None:
        hint = f"`xt remote add NAME {masked(name)}`" if "/" in name or ":" in name else None
        raise UsageError(
            f"`{masked(name)}` is no name of a remote: letters, digits, `.`, `_` and `-`, 64 at most", hint
        )
    address = parse(url, outside.cwd)
    root = os.path.realpath(find_root(outside.cwd))
    wanted = Kept(address.shown)

    def change(kept: dict[str, Kept]) -> None:
        there = kept.get(name)
        if there is None or there.trusted:
            kept[name] = wanted
        elif there.url != wanted.url:
            raise UsageError(
                f"there is a remote `{name}`: {there.url}",
                f"`xt remote rm {name}` forgets it, and deletes nothing",
            )

    Own(outside.environ).change(root, change)
    other = config.load(root, outside.cwd).settings.remote.get(name)
    hidden = None if other is None or other.url in (None, wanted.url) else masked(other.url or "")
    return find(outside, root, name), hidden


def forget(outside: Outside, name: str) -> Defined:
    """Forget a remote of the user's own, or that one of `xt.toml` was confirmed; nothing is deleted there.

    Raises:
        UsageError: there is nothing to forget.
        ConfigError: it cannot be kept.
    """
    root = os.path.realpath(find_root(outside.cwd))
    gone: list[Defined] = []

    def change(kept: dict[str, Kept]) -> None:
        own = kept.pop(name, None)
        if own is None:
            if name in config.load(root, outside.cwd).settings.remote:
                raise UsageError(
                    f"`{name}` is named by `{config.FILE}` alone, and not confirmed: nothing uses it"
                )
            raise UsageError(f"no remote `{name}`", suggest(name, kept, "remotes") or _NONE)
        gone.append(Defined(name, own.url, "project" if own.trusted else "user", True, own.exclusive))

    Own(outside.environ).change(root, change)
    return gone[0]


def to_confirm(outside: Outside, name: str) -> Defined:
    """The remote of `xt.toml` that would be confirmed.

    Raises:
        UsageError: there is none, or it needs no confirmation.
        RemoteError: its URL cannot be used.
    """
    root = find_root(outside.cwd)
    every = remotes(outside, root)
    found = next((one for one in every if one.name == name), None)
    if found is None:
        raise UsageError(
            f"no remote `{name}`", suggest(name, [one.name for one in every], "remotes") or _NONE
        )
    if found.source == "user":
        raise UsageError(f"`{name}` is your own remote: it needs no confirmation")
    if found.problem is not None:
        raise RemoteError(f"the remote `{name}` cannot be used: {found.problem}", f"it is in `{config.FILE}`")
    return found


def confirm(outside: Outside, one: Defined) -> Defined:
    """Keep that this very URL of `xt.toml` may be used.

    Args:
        outside: for the working directory and the variables.
        one: what `to_confirm` gave and the user has seen.

    Raises:
        ConfigError: it cannot be kept.
    """
    root = os.path.realpath(find_root(outside.cwd))

    def change(kept: dict[str, Kept]) -> None:
        there = kept.get(one.name)
        same = there is not None and there.trusted and there.url == one.url
        if not same:
            kept[one.name] = Kept(one.url, trusted=True)

    Own(outside.environ).change(root, change)
    return Defined(one.name, one.url, one.source, True, one.exclusive)


def probe(outside: Outside, name: str | None) -> Probed:
    """Try whether many may write to a remote at once, and keep what was found with its definition.

    Args:
        outside: for the working directory, the variables, chance and time.
        name: as `xt.store.remote.defined.find` takes it.

    Raises:
        UsageError: there is no such remote.
        RemoteError: it cannot be used, or does not answer.
        UnsupportedError: what it needs is not installed.
    """
    root = os.path.realpath(find_root(outside.cwd))
    one = find(outside, root, name)
    begun = outside.monotonic()
    place = connect(one, outside, root)
    try:
        found = probing.probe(place, outside.random_bytes(12).hex())
    finally:
        place.close()

    def change(kept: dict[str, Kept]) -> None:
        own = kept.get(one.name)
        if own is not None and own.url == one.url:
            kept[one.name] = Kept(own.url, own.trusted, found.exclusive)

    if one.source in ("user", "project"):
        Own(outside.environ).change(root, change)
    notes = [] if found.unlisted is None else [f"what is there cannot be listed: {found.unlisted}"]
    if not found.kept:
        notes.append("what a later writer wrote took the place of what was there")
    return Probed(
        name=one.name,
        url=place.url,
        writers=probing.WRITERS,
        won=found.won,
        exclusive=found.exclusive,
        listed=found.unlisted is None,
        seconds=round(outside.monotonic() - begun, 3),
        notes=notes,
    )
