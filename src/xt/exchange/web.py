"""Posting to a server by the standard library: no redirects, no endless wait, no credentials in messages."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from xt.errors import RemoteError, UsageError
from xt.redact import clean_url

#: Seconds for each step of a call.
TIMEOUT = 30.0
#: Bytes of an answer that are looked at.
_ANSWER = 2_000


def post(url: str, data: bytes, headers: Mapping[str, str]) -> None:
    """Post bytes.

    Args:
        url: of http or https, without user and password: see `parted`.
        data: the body.
        headers: of the request.

    Raises:
        RemoteError: the server does not answer, or does not take it.
    """
    parts = urlsplit(url)
    shown = clean_url(url)
    try:
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
        try:
            place = urlunsplit(("", "", parts.path or "/", parts.query, ""))
            connection.request("POST", place, body=data, headers=dict(headers))
            answer = connection.getresponse()
            body = answer.read(_ANSWER)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ssl.SSLError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise RemoteError(
            f"{shown} does not answer: {without_credentials(reason, headers)}",
            "is the address right, and is the server up?",
        ) from error
    if not 200 <= answer.status < 300:
        said = " ".join(body.decode("utf-8", "replace").split())
        said = without_credentials(said, headers)[:200]
        more = f": {said}" if said else ""
        raise RemoteError(f"{shown} answers {answer.status} {answer.reason}{more}")


def bearer(token: str, variable: str) -> str:
    """A token as a header has it.

    Raises:
        UsageError: no header holds it.
    """
    if not (token.isascii() and token.isprintable()):
        raise UsageError(f"{variable} holds characters that no token has", "set it anew")
    return f"Bearer {token}"


def without_credentials(text: str, headers: Mapping[str, str]) -> str:
    """What a server says, without what it was told to be let in."""
    for secret in headers.get("Authorization", "").split()[1:]:
        text = text.replace(secret, "***")
    return text


def checked(url: str) -> str:
    """A URL that can be posted to.

    Raises:
        UsageError: it has no host, or holds a user and password.
    """
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits = False
    if not fits:
        raise UsageError(f"`{clean_url(url)}` is not a web address", "`https://HOST[:PORT][/PATH]`")
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            f"`{clean_url(url)}` holds credentials", "they belong in a variable; see the how-to of the format"
        )
    return url
