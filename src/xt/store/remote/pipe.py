"""The user's own `ssh`, through which SFTP is spoken: his configuration, keys, agent and jumps apply.

What `ssh` says when it fails is read, and said again in one line.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import tempfile
from collections.abc import Mapping

from xt import fsio
from xt.errors import RemoteError, UnsupportedError
from xt.store.remote.address import Address

#: Bytes of what `ssh` says that are looked at.
SAID = 4096
#: Seconds it may take to end after it has closed its side.
LAST_WORDS = 2.0
_OPTIONS = (
    *("-oBatchMode=yes", "-oClearAllForwardings=yes", "-oConnectTimeout=20", "-oLogLevel=ERROR"),
    *("-oServerAliveInterval=15", "-oServerAliveCountMax=3"),
)
#: What stands in its message, what that means, what would help; the host goes for `{}`.
_MEANINGS = (
    (
        "IDENTIFICATION HAS CHANGED",
        "the key of host `{}` is another than the one that is known",
        "ask who runs it; `ssh-keygen -R {}` forgets the old one",
    ),
    (
        "Host key verification failed",
        "the key of host `{}` is not known here",
        "connect once by hand, `ssh {}`, and compare the fingerprint",
    ),
    (
        "Permission denied (",
        "host `{}` does not let this user in without a question",
        "`ssh -oBatchMode=yes {} true` must work: a key in the agent, or `IdentityFile` in `~/.ssh/config`",
    ),
    (
        "Too many authentication failures",
        "host `{}` was offered too many keys",
        "name the one to use: `IdentityFile` and `IdentitiesOnly` in `~/.ssh/config`",
    ),
    (
        "subsystem request failed",
        "host `{}` has no SFTP",
        "`Subsystem sftp internal-sftp` in its `sshd_config` brings it",
    ),
    (
        "Could not resolve hostname",
        "there is no host `{}`",
        "a name of DNS, or a `Host` of `~/.ssh/config`",
    ),
)


class Pipe:
    """One `ssh` with SFTP behind it; what `paramiko.SFTPClient` takes for a channel."""

    def __init__(self, address: Address, environ: Mapping[str, str], seconds: float) -> None:
        """Start it; whether the host answers shows when something is read.

        Args:
            address: of scheme `ssh`.
            environ: the variables `ssh` gets; `PATH` says where it is.
            seconds: how long to wait for bytes.

        Raises:
            UnsupportedError: there is no `ssh`.
        """
        self.host = f"{address.user}@{address.host}" if address.user else address.host
        program = fsio.find_program("ssh", environ.get("PATH") or os.defpath)
        if program is None:
            raise UnsupportedError("`ssh` was not found", "install OpenSSH's client")
        port = [f"-p{address.port}"] if address.port else []
        user = [f"-l{address.user}"] if address.user else []
        words = [program, *_OPTIONS, *port, *user, "-s", "--", address.host, "sftp"]
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        self._near, far = socket.socketpair()
        self._near.settimeout(seconds)
        with far:
            # In a session of its own: Ctrl-C ends xt, which ends it; it has no terminal to ask at.
            self._process = subprocess.Popen(
                words,
                stdin=far.fileno(),
                stdout=far.fileno(),
                stderr=self._said,
                env=dict(environ),
                start_new_session=True,
            )

    def get_name(self) -> str:
        """Name it in logs."""
        return self.host

    def send(self, data: bytes) -> int:
        """Send some of the bytes; as a socket does."""
        return self._near.send(data)

    def recv(self, count: int) -> bytes:
        """Receive some bytes, none at the end; as a socket does."""
        return self._near.recv(count)

    def recv_ready(self) -> bool:
        """Whether there is something to receive."""
        return bool(select.select([self._near], [], [], 0)[0])

    def close(self) -> None:
        """End `ssh`."""
        self._near.close()
        try:
            self._process.wait(LAST_WORDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()

    def failure(self, error: BaseException) -> RemoteError:
        """Say why the connection does not work, from what `ssh` said and how it ended.

        Args:
            error: what was noticed here.
        """
        if isinstance(error, TimeoutError):
            return RemoteError(f"host `{self.host}` does not answer any more", "the same command goes on")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(LAST_WORDS)
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - SAID))
        said = self._said.read().decode("utf-8", "replace")
        for mark, message, hint in _MEANINGS:
            if mark in said:
                return RemoteError(message.format(self.host), hint.format(self.host))
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        code = self._process.poll()
        if code is not None and code < 0:
            why = f"`ssh` was ended by signal {-code}"
        elif lines:
            why = lines[-1].removeprefix("ssh: ")
        elif code is None:
            why = str(error) or type(error).__name__
        else:
            why = f"`ssh` ended with {code}"
        return RemoteError(f"no connection to host `{self.host}`: {why}", f"`ssh {self.host}` may say more")
