"""Another place where a store lies: bytes under names, somewhere else.

A remote holds the same names as a store: `format`, `runs/kn/<id>.json`, `objects/3f/<hex>[.zst]`,
`events/2026/11/<id>[.<kind>].json`, and `code/…` for snapshots of code. All of them are immutable, so
one primitive is enough: *create*, which never overwrites. Nothing else is asked of a place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol

from xt.registry import Row, Table


class Entry(NamedTuple):
    """One name in a remote."""

    name: str
    """Relative, with `/`, as the remote says it: not to be trusted."""
    size: int
    """In bytes."""


class Remote(Protocol):
    """A place; safe to be used by several threads at once.

    What goes wrong is raised as `RemoteError`: a place that does not answer, refuses or breaks off, with the
    URL shown without credentials.
    """

    url: str
    """As it is shown: without credentials."""
    exclusive: bool | None
    """Whether `create` refuses a name that is taken, however many write at once. None where only trying
    tells: the place tries it before the first `create`. False: it looks whether the name is taken, which is
    enough for one writer at a time."""

    def entries(self, prefix: str) -> Iterator[Entry]:
        """All names below a folder (`runs/`, `objects/3f/`), in no order; none where it is not there."""
        ...

    def size(self, name: str) -> int | None:
        """Size in bytes of what has this name; None when there is nothing."""
        ...

    def read(self, name: str, limit: int) -> bytes:
        """Read a small thing whole.

        Raises:
            FileNotFoundError: there is none.
            WrongContentError: it is larger than `limit` bytes.
        """
        ...

    def fetch(self, name: str, target: BinaryIO, limit: int) -> int:
        """Stream a thing into an open file, at most `limit` bytes; return how many.

        Raises:
            FileNotFoundError: there is none.
            WrongContentError: it is larger than `limit` bytes.
        """
        ...

    def create(self, name: str, source: bytes | str) -> bool:
        """Write bytes, or the file of that path, under a name that is not taken; visible whole or not at all.

        Returns:
            False when the name is taken: nothing was written.
        """
        ...

    def close(self) -> None:
        """End connections."""
        ...


#: By scheme of the URL; what has none is a folder. Each is called with an `xt.store.remote.address.Address`
#: and the `Outside`, and gives a `Remote` or raises `RemoteError`. `extra` is what has to be installed.
REMOTES = Table(
    "remote",
    [
        Row("file", "xt.store.remote.folder:connect", "a folder, also one that is shared over the network"),
        Row(
            "ssh",
            "xt.store.remote.ssh:connect",
            "a folder on a host, by SFTP",
            extra="ssh",
            module="paramiko",
        ),
        Row("s3", "xt.store.remote.cloud:connect", "a bucket of S3", extra="cloud", module="obstore"),
        Row("gs", "xt.store.remote.cloud:connect", "a bucket of Google", extra="cloud", module="obstore"),
        Row("az", "xt.store.remote.cloud:connect", "a container of Azure", extra="cloud", module="obstore"),
    ],
)
