"""Keys in files: ed25519, as OpenSSH or as PEM (PKCS #8, SubjectPublicKeyInfo) writes them.

The one place that imports `cryptography`, which the extra `sign` brings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from xt import fsio
from xt.errors import KeyFaultError, UnsupportedError
from xt.exchange.signing import wire
from xt.exchange.signing.agent import Agent, agent

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_private_key,
        load_pem_public_key,
        load_ssh_private_key,
    )
except ImportError as error:
    raise UnsupportedError(
        f"signatures need the package `cryptography`: {error}", "pip install 'xt[sign]'"
    ) from error

#: Bytes of a file that holds a key; a larger one is something else.
LARGEST = 65_536
_MAKE = "`ssh-keygen -t ed25519 -f KEY` makes one"
_PASSWORDS = ("encrypted", "password", "passphrase")


class Private:
    """A private key that is in memory."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        """Take a key that was read."""
        self._key = key
        self.public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.keyid = wire.name(self.public)

    def sign(self, data: bytes) -> bytes:
        """Sign bytes."""
        return self._key.sign(data)


class Public:
    """A public key."""

    def __init__(self, public: bytes) -> None:
        """Take the 32 bytes of a key."""
        self.public = public
        self.keyid = wire.name(public)

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether this key made that signature over these bytes."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, data)
        except (InvalidSignature, ValueError):
            return False
        return True


def signer(path: str, shown: str, environ: Mapping[str, str]) -> Private | Agent:
    """Make ready to sign: with a private key, or with what the user's agent holds for a public one.

    Args:
        path: absolute, of a private key, or of a public key whose private one an ssh-agent holds.
        shown: how messages name it.
        environ: variables of the user.

    Raises:
        KeyFaultError: it cannot be used; the message says why.
    """
    data = _read(path, shown)
    public = _public(data, shown)
    if public is not None:
        return agent(public, environ)
    return Private(_private(data, shown))


def public(path: str, shown: str) -> Public:
    """Read a public key.

    Args:
        path: absolute.
        shown: how messages name it.

    Raises:
        KeyFaultError: it cannot be read, or is not one of ed25519.
    """
    found = _public(_read(path, shown), shown)
    if found is None:
        raise KeyFaultError(f"`{shown}` is not a public key", "OpenSSH's is in the file with `.pub`")
    return Public(found)


def _read(path: str, shown: str) -> bytes:
    try:
        # A key may be a link; what it leads to is still checked to be a file.
        return fsio.read_file(os.path.realpath(path), LARGEST)
    except OSError as error:
        raise KeyFaultError(f"the key `{shown}` cannot be read: {error.strerror}") from error


def _public(data: bytes, shown: str) -> bytes | None:
    """The 32 bytes of a public key; None where there is none."""
    if b"-----BEGIN PUBLIC KEY-----" in data:
        try:
            found = load_pem_public_key(data)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyFaultError(f"the key `{shown}` cannot be read: {_first(error)}") from error
        if not isinstance(found, Ed25519PublicKey):
            raise _other(shown, type(found).__name__.lstrip("_"))
        return found.public_bytes(Encoding.Raw, PublicFormat.Raw)
    if b"-----BEGIN" in data:
        return None
    words = data.decode("utf-8", "replace").split()
    if not words:
        raise KeyFaultError(f"`{shown}` is empty, and no key", _MAKE)
    try:
        return wire.public_line(words)
    except wire.WireError as error:
        if words[0].startswith(("ssh-", "ecdsa-", "sk-")):
            raise _other(shown, words[0]) from error
        raise KeyFaultError(f"`{shown}` is no key of OpenSSH, and no PEM", _MAKE) from error


def _private(data: bytes, shown: str) -> Ed25519PrivateKey:
    load = load_ssh_private_key if b"BEGIN OPENSSH PRIVATE KEY" in data else load_pem_private_key
    try:
        found = load(data, password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        # Which of them it is for an encrypted key differs between the formats.
        if b"ENCRYPTED" in data or any(word in str(error).lower() for word in _PASSWORDS):
            raise KeyFaultError(
                f"the key `{shown}` is encrypted, and nobody is asked for passwords here",
                f"`ssh-add {shown}`, and name `{shown}.pub`: the ssh-agent then signs",
            ) from error
        raise KeyFaultError(f"the key `{shown}` cannot be read: {_first(error)}") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise _other(shown, type(found).__name__.lstrip("_"))
    return found


def _other(shown: str, kind: str) -> KeyFaultError:
    return KeyFaultError(f"`{shown}` is a key of another kind than ed25519: {kind}", _MAKE)


def _first(error: Exception) -> str:
    """The first sentence of what a library says."""
    return str(error).partition(".")[0].partition("\n")[0][:200] or type(error).__name__
