"""Signing by the user's ssh-agent, so that an encrypted key is typed in once and never read here.

The protocol (https://datatracker.ietf.org/doc/draft-ietf-sshm-ssh-agent/) is two messages: which keys are
there, and sign this.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping

from xt.errors import KeyFaultError
from xt.exchange.signing import wire

#: Seconds to wait for an answer: the agent may ask its user first.
PATIENCE = 60.0
#: Bytes of an answer, as OpenSSH has it.
LARGEST = 256 * 1024
_LIST, _LISTED = 11, 12
_SIGN, _SIGNED = 13, 14


class Agent:
    """One key that an agent holds."""

    def __init__(self, public: bytes, place: str) -> None:
        """Ask nothing yet.

        Args:
            public: the 32 bytes of the key.
            place: of the agent's socket.
        """
        self.keyid = wire.name(public)
        self._public = public
        self._place = place

    def check(self) -> None:
        """See that the agent holds the key.

        Raises:
            KeyFaultError: it does not, or does not answer.
        """
        kind, answer = self._ask(bytes([_LIST]))
        if kind != _LISTED or len(answer) < 4:
            raise KeyFaultError(
                "the ssh-agent does not say which keys it holds",
                "`ssh-add -l` lists what it holds; `--key FILE` takes a key without it",
            )
        held = set()
        with self._understood():
            rest = answer[4:]
            for _ in range(int.from_bytes(answer[:4])):
                (blob, _comment), rest = wire.strings(rest, 2)
                held.add(blob)
        if wire.blob(self._public) not in held:
            raise KeyFaultError(
                f"the ssh-agent does not hold the key {self.keyid}", "`ssh-add KEY` gives it to the agent"
            )

    def sign(self, data: bytes) -> bytes:
        """Have it sign.

        Raises:
            KeyFaultError: it does not.
        """
        asked = bytes([_SIGN]) + wire.string(wire.blob(self._public)) + wire.string(data) + bytes(4)
        kind, answer = self._ask(asked)
        if kind != _SIGNED:
            raise KeyFaultError(
                f"the ssh-agent did not sign with {self.keyid}", "`ssh-add -l` lists what it holds"
            )
        with self._understood():
            (whole,), _ = wire.strings(answer, 1)
            (sort, signature), _ = wire.strings(whole, 2)
            if sort != wire.ED25519:
                raise wire.WireError("it is a signature of another kind")
            return signature

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        try:
            yield
        except wire.WireError as error:
            raise KeyFaultError(
                f"the answer of the ssh-agent makes no sense: {error}",
                "`ssh-add -l` lists what it holds; `--key FILE` takes a key without it",
            ) from error

    def _ask(self, message: bytes) -> tuple[int, bytes]:
        """Send a message; give the kind of the answer and what it says."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                line.settimeout(PATIENCE)
                line.connect(self._place)
                line.sendall(wire.string(message))
                size = int.from_bytes(_exactly(line, 4))
                if not 0 < size <= LARGEST:
                    raise KeyFaultError(
                        "the answer of the ssh-agent makes no sense: its length",
                        "`ssh-add -l` lists what it holds; `--key FILE` takes a key without it",
                    )
                answer = _exactly(line, size)
        except OSError as error:
            raise KeyFaultError(
                f"the ssh-agent does not answer: {error.strerror or error}",
                "`ssh-add -l` says whether one runs, SSH_AUTH_SOCK where",
            ) from error
        return answer[0], answer[1:]


def _exactly(line: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = line.recv(size - len(parts))
        if not part:
            raise OSError("it ended the conversation")
        parts += part
    return bytes(parts)


def agent(public: bytes, environ: Mapping[str, str]) -> Agent:
    """Find a key in the user's agent.

    Raises:
        KeyFaultError: there is no agent, or it does not hold the key.
    """
    place = environ.get("SSH_AUTH_SOCK")
    if not place:
        raise KeyFaultError(
            "a public key does not sign, and no ssh-agent runs that may hold the private one",
            'name the private key, or `eval "$(ssh-agent)"` and `ssh-add KEY`',
        )
    found = Agent(public, os.path.abspath(place))
    found.check()
    return found
