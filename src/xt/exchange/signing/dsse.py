"""Envelopes of signed statements (DSSE, https://github.com/secure-systems-lab/dsse): make one, check one.

What is signed is not JSON but the pre-authentication encoding of type and payload, so that nobody has to
agree on how JSON is written.
"""

from __future__ import annotations

import base64
import binascii
from typing import Protocol, TypeVar

from xt.model.event import Envelope, Signature

#: Of every payload that is made or read here.
PAYLOAD_TYPE = "application/vnd.in-toto+json"
#: Bytes of an ed25519 signature.
SIGNATURE_BYTES = 64


class Signer(Protocol):
    """Something that signs."""

    @property
    def keyid(self) -> str:
        """Fingerprint of its key: `SHA256:…`."""

    def sign(self, data: bytes) -> bytes:
        """Sign with ed25519.

        Raises:
            KeyFaultError: it does not (any more).
        """


class Verifier(Protocol):
    """Something that knows a public key."""

    @property
    def keyid(self) -> str:
        """Fingerprint of its key."""

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether this key made that signature over these bytes."""


V = TypeVar("V", bound=Verifier)


class MalformedError(Exception):
    """An envelope is none: the text says why."""


def encoding(payload_type: str, payload: bytes) -> bytes:
    """Write type and payload as they are signed (PAE, version 1)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, signer: Signer) -> Envelope:
    """Put a statement into an envelope and sign it.

    Raises:
        KeyFaultError: the key does not sign (any more).
    """
    made = signer.sign(encoding(PAYLOAD_TYPE, payload))
    return Envelope(_text(payload), PAYLOAD_TYPE, [Signature(_text(made), signer.keyid)])


def payload(envelope: Envelope) -> bytes:
    """Take the statement out; nothing is verified.

    Raises:
        MalformedError: the payload is of another type, or not base64.
    """
    if envelope.payload_type != PAYLOAD_TYPE:
        raise MalformedError(f"it holds `{envelope.payload_type}`, which is not a statement of in-toto")
    return _bytes(envelope.payload, "its payload")


def signed_by(envelope: Envelope, known: list[V]) -> list[V]:
    """Say which keys really signed what the envelope holds, whatever its key ids say.

    Raises:
        MalformedError: a payload or signature cannot be read.
    """
    data = encoding(envelope.payload_type, payload(envelope))
    made = [_bytes(signature.sig, "a signature") for signature in envelope.signatures]
    return [
        key for key in known if any(len(one) == SIGNATURE_BYTES and key.verifies(one, data) for one in made)
    ]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedError(f"{what} is not base64") from error
