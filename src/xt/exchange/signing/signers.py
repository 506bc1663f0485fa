"""Whom to trust: `allowed_signers` files of OpenSSH (ssh-keygen(1), ALLOWED SIGNERS).

A line is `PRINCIPALS [OPTIONS] KIND BASE64 [COMMENT]`. Of its options `namespaces`, `valid-after` and
`valid-before` are heeded; a line that has any other trusts nobody here, since what it restricts is not known.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import NamedTuple

from xt import fsio
from xt.errors import KeyFaultError
from xt.exchange.signing import wire
from xt.exchange.signing.keys import Public, public

#: What `namespaces` of a line has to allow.
NAMESPACE = "xt"
LARGEST = 10_000_000
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z?)")
#: An option: a name, and perhaps a value in quotes; commas are between them.
_OPTION = re.compile(r'([A-Za-z-]+)(?:="((?:[^"\\]|\\.)*)")?(?:,|$)')


class Trusted(NamedTuple):
    """One key that is trusted, and whose it is."""

    key: Public
    who: str | None
    """Principals, as the file has them; None for a key that was named by itself."""
    after: datetime | None = None
    before: datetime | None = None

    @property
    def keyid(self) -> str:
        """Fingerprint of its key."""
        return self.key.keyid

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether the key made that signature."""
        return self.key.verifies(signature, data)

    def holds_at(self, moment: datetime) -> bool:
        """Whether the key was trusted then."""
        return (self.after is None or self.after <= moment) and (self.before is None or moment < self.before)


class Signers(NamedTuple):
    """What a file says."""

    trusted: list[Trusted]
    passed_over: list[str]
    """Lines that trust nobody here, and why: `line 3: …`."""


def one(path: str, shown: str) -> Trusted:
    """Trust a key that is named by itself.

    Raises:
        KeyFaultError: it cannot be read, or is not one of ed25519.
    """
    return Trusted(public(path, shown), None)


def read(path: str, shown: str) -> Signers:
    """Read a file of allowed signers.

    Args:
        path: absolute.
        shown: how messages name it.

    Raises:
        KeyFaultError: it cannot be read.
    """
    try:
        text = fsio.read_file(os.path.realpath(path), LARGEST).decode("utf-8", "replace")
    except OSError as error:
        raise KeyFaultError(f"the allowed signers `{shown}` cannot be read: {error.strerror}") from error
    return parse(text)


def parse(text: str) -> Signers:
    """Read lines of allowed signers; what is not understood trusts nobody."""
    found = Signers([], [])
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            found.trusted.append(_line(stripped))
        except (wire.WireError, ValueError) as error:
            found.passed_over.append(f"line {number}: {error}")
    return found


def _line(line: str) -> Trusted:
    words = list(_words(line))
    if len(words) < 3:
        raise ValueError("it is not `PRINCIPAL KIND KEY`")
    who = words[0].strip('"')
    after = before = None
    if not words[1].startswith(("ssh-", "ecdsa-", "sk-")):
        after, before = _options(words.pop(1))
    return Trusted(Public(wire.public_line(words[1:])), who, after, before)


def _words(line: str) -> Iterator[str]:
    """Words; a space in quotes parts none, and a quote without its partner takes all that follows."""
    return (match[0] for match in re.finditer(r'(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|[^\s"])+', line))


def _options(text: str) -> tuple[datetime | None, datetime | None]:
    after = before = None
    position = 0
    while position < len(text):
        found = _OPTION.match(text, position)
        if found is None:
            raise ValueError("its options are not understood")
        name, value = found[1].lower(), found[2]
        if name == "namespaces" and value is not None:
            if not _allowed(NAMESPACE, value.split(",")):
                raise ValueError(f"it is for other things than `{NAMESPACE}`: namespaces {value}")
        elif name == "valid-after" and value is not None:
            after = _moment(value)
        elif name == "valid-before" and value is not None:
            before = _moment(value)
        else:
            raise ValueError(f"its option `{name}` is not heeded here")
        position = found.end()
    return after, before


def _allowed(name: str, patterns: list[str]) -> bool:
    """Whether patterns allow a name; one with `!` in front forbids it, whatever the others say."""
    if any(fnmatchcase(name, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(fnmatchcase(name, pattern) for pattern in patterns if not pattern.startswith("!"))


def _moment(text: str) -> datetime:
    """Read `YYYYMMDD[HHMM[SS]][Z]`, in local time without the `Z`."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"`{text}` is not a time: YYYYMMDD[HHMM[SS]][Z]")
    parts = [int(part) for part in found.groups()[:6] if part is not None]
    moment = datetime(*parts)  # type: ignore[arg-type]
    return moment.replace(tzinfo=UTC) if found[7] else moment.astimezone()
