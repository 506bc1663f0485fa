"""URLs of remotes: which are understood, and what is refused before anything acts on it.

A URL may come from a file of somebody else, and parts of it become arguments of `ssh` and names of files:
what is not plainly an address is no remote.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from xt.errors import UsageError
from xt.redact import MASK, clean_url
from xt.store.remote import REMOTES
from xt.suggest import suggest

#: Characters; a longer one is a mistake.
LONGEST = 2000
_HOST = r"\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[A-Za-z0-9](?:[\w.-]*\w)?"
_USER = r"[A-Za-z0-9_](?:[\w.+-]*\w)?"
#: Of S3, Google and Azure alike, and of gateways that follow their rules less closely.
_BUCKET = r"[A-Za-z0-9](?:[\w.-]*\w)?"
_CHAINS = {
    "ssh": "keys and passwords are what `ssh` itself has: its agent, `~/.ssh/config`",
    "s3": "keys are taken from `AWS_ACCESS_KEY_ID`, `~/.aws/credentials` or the machine's own role",
    "gs": "keys are taken from `GOOGLE_APPLICATION_CREDENTIALS` or the machine's own account",
    "az": "keys are taken from `AZURE_STORAGE_ACCOUNT_KEY`, `AZURE_STORAGE_SAS_KEY` or its identity",
}


class Address(NamedTuple):
    """Where a remote is."""

    scheme: str
    """A row of `xt.store.remote.REMOTES`."""
    host: str
    """A host, a bucket or a container; empty for a folder."""
    path: str
    """A folder: absolute for `file`; of `ssh` absolute, or relative to the home there (`~/runs` is `runs`).
    The beginning of names in a bucket, without slashes at its ends."""
    user: str | None = None
    port: int | None = None

    @property
    def shown(self) -> str:
        """The URL as it is said to people and recorded."""
        if self.scheme == "file":
            return self.path
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        path = self.path
        if self.scheme == "ssh" and not path.startswith("/"):
            path = f"/~/{path}" if path else "/~"
        elif path and not path.startswith("/"):
            path = f"/{path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{user}{host}{port}{path}"


def parse(url: str, folder: str) -> Address:
    """Read the URL of a remote, or the path of a folder.

    Args:
        url: `s3://bucket/prefix`, `ssh://[user@]host[:port]/path`, `/path`, `../path`, …
        folder: absolute; what a path without a scheme is relative to.

    Raises:
        UsageError: it is not one, names a program or an option instead of a place, or holds credentials.
    """
    if not url or len(url) > LONGEST:
        raise UsageError("a remote has a URL" if not url else f"a URL of {len(url)} characters is no remote")
    if any("\udc80" <= letter <= "\udcff" for letter in url):
        raise UsageError(f"a remote is named in UTF-8: {masked(url)!a}", "a link to it may have another name")
    if not url.isprintable():
        raise UsageError(f"a remote has no control characters: {masked(url)!a}")
    if url.startswith("-"):
        raise UsageError(f"`{url}` looks like an option", "a folder of that name is `./" + url + "`")
    if (helper := re.match(r"([A-Za-z0-9+.-]+)::", url)) is not None:
        raise UsageError(f"`{helper[1]}::` would run a program: it is no remote", _schemes(""))
    scheme, mark, rest = url.partition("://")
    if not mark and ":" in url.partition("/")[0]:
        # As `scp` and git write it: a folder of that name here would be a surprise.
        raise UsageError(
            f"`{clean_url(url)}` is no URL of a remote",
            "`ssh://USER@HOST/PATH`; a folder of that name is `./…`",
        )
    if not mark:
        return _folder(url, folder)
    if scheme.lower() != scheme or scheme not in REMOTES.rows:
        raise UsageError(f"`{scheme}://` is no remote", _schemes(f"{scheme}://"))
    if scheme == "file":
        if not rest.startswith("/"):
            raise UsageError(f"`{url}` names a host", "a folder is `file:///path`, or its path alone")
        return _folder(unquote(rest), folder)
    return _elsewhere(scheme, url)


def masked(url: str) -> str:
    """A URL that may hold credentials, without them: of a bucket whatever stands before the `@`."""
    scheme, mark, rest = url.partition("://")
    if mark and scheme != "ssh" and "@" in rest:
        return f"{scheme}://{MASK}@{rest.rpartition('@')[2]}"
    return clean_url(url)


def _schemes(scheme: str) -> str | None:
    return suggest(scheme, [f"{row.name}://" for row in REMOTES] + ["/path"], "remotes")


def _folder(path: str, folder: str) -> Address:
    if not path.isprintable():
        raise UsageError("the path of a folder has a control character in it")
    if path.startswith("~"):
        raise UsageError(f"`{path}`: only a shell knows `~`", "write the whole path")
    return Address("file", "", os.path.normpath(os.path.join(folder, path)))


def _elsewhere(scheme: str, url: str) -> Address:
    shown = masked(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError(f"`{shown}` is no URL") from None
    if parts.password is not None or (parts.username is not None and scheme != "ssh"):
        raise UsageError(f"`{shown}` holds credentials, which are never stored", _CHAINS[scheme])
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise UsageError(f"`{shown}`: what begins with `?` or `#` is no part of a remote", _CHAINS[scheme])
    # Not `hostname`, which is brought to lower case: aliases of ssh and old buckets are not.
    place = parts.netloc.rpartition("@")[2]
    host = place[: place.rfind(":")] if port is not None else place.rstrip(":")
    if not re.fullmatch(_HOST if scheme == "ssh" else _BUCKET, host, re.ASCII):
        noun = "host" if scheme == "ssh" else "bucket"
        raise UsageError(
            f"`{clean_url(host)}` is no name of a {noun}" if host else f"`{shown}` names no {noun}",
            f"`{scheme}://{noun.upper()}/PATH`",
        )
    if parts.username is not None and not re.fullmatch(_USER, parts.username, re.ASCII):
        raise UsageError(f"`{parts.username}` is no name of a user", "`ssh://USER@HOST/PATH`")
    if port is not None and scheme != "ssh":
        raise UsageError(f"`{shown}`: a bucket has no port", "an endpoint is named by `AWS_ENDPOINT_URL`")
    path = unquote(parts.path)
    if not path.isprintable() or "\\" in path or ".." in path.split("/"):
        raise UsageError(f"`{shown}`: its path has `..`, a backslash or a control character in it")
    if scheme == "ssh":
        return Address(scheme, host.strip("[]"), _far_folder(path, shown), parts.username, port)
    return Address(scheme, host, "/".join(part for part in path.split("/") if part not in ("", ".")))


def _far_folder(path: str, shown: str) -> str:
    if path in ("", "/"):
        raise UsageError(
            f"`{shown}` names no folder", "`ssh://HOST/PATH`, or `ssh://HOST/~/PATH` of the home"
        )
    normal = "/" + "/".join(part for part in path.split("/") if part not in ("", "."))
    return normal.removeprefix("/~").lstrip("/") if normal.startswith("/~/") or normal == "/~" else normal
