"""A server that speaks JSON over HTTP, asked with the standard library alone.

Nothing is followed: a redirect is an error that names where it leads, so that credentials and content reach
the host that was named and no other. Answers are bounded, every wait has an end, no error says a credential.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import json
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from xt.errors import DamagedError, RemoteError, UsageError
from xt.exchange.web import checked, without_credentials

#: Seconds for one step: to connect, to take a piece, to answer.
PATIENCE = 60.0
#: Bytes of an answer.
LARGEST = 20_000_000
#: Further tries of a request that may be made twice, and seconds before the first of them.
TRIES, PAUSE = 3, 0.5
#: Statuses of a server that is busy or starting.
BUSY = frozenset({429, 502, 503, 504})
_GONE = (OSError, http.client.HTTPException)
#: Of these, what a further try does not help.
_HOPELESS = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)


class RefusedError(RemoteError):
    """A server answered, and did not do what was asked; what was done before stands."""

    code = "refused"
    advice = "what it said is above; the same command goes on from there"

    def __init__(self, message: str, status: int, code: str | None) -> None:
        """Keep what it said.

        Args:
            message: one line.
            status: of HTTP.
            code: the server's own word for it, if it has one.
        """
        super().__init__(message)
        self.status = status
        self.said = code


class Body(NamedTuple):
    """Content that is sent as it is read."""

    size: int
    open: Callable[[], Iterable[bytes]]
    """Gives it from the beginning; what it raises ends the request before the last piece is sent."""


class Server:
    """One host, with one connection that is opened again when it was closed."""

    def __init__(self, url: str, headers: dict[str, str], context: ssl.SSLContext | None = None) -> None:
        """Connect to nothing yet.

        Args:
            url: `http://` or `https://`, a host, perhaps a path.
            headers: sent with each request.
            context: for TLS; by default certificates are checked against those of the system.

        Raises:
            UsageError: it is no such address.
        """
        parts = urlsplit(checked(url))
        if parts.query or parts.fragment or any(sign <= " " or sign == "\x7f" for sign in url):
            raise UsageError("that is not the address of a server alone", "`https://HOST[:PORT][/PATH]`")
        self.shown = url.rstrip("/")
        self._path = parts.path.rstrip("/")
        self._headers = {"Accept": "application/json", "User-Agent": "xt", **headers}
        host = parts.hostname or ""
        if parts.scheme == "https":
            self._line: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, parts.port, timeout=PATIENCE, context=context or ssl.create_default_context()
            )
        else:
            self._line = http.client.HTTPConnection(host, parts.port, timeout=PATIENCE)

    def close(self) -> None:
        """End the connection."""
        self._line.close()

    def ask(self, method: str, path: str, said: Any = None, *, twice: bool = True) -> Any:
        """Send JSON, give the JSON that is answered.

        Args:
            method: of HTTP.
            path: below the address of the server, with its query, quoted.
            said: what is sent; None: nothing.
            twice: whether it may be sent again where it is not known what came of it.

        Raises:
            RefusedError: the server says no.
            RemoteError: it does not answer, or not in JSON.
        """
        body = None if said is None else json.dumps(said, allow_nan=False).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        return self._understood(*self._tried(method, path, lambda: body, headers, twice=twice))

    def send(self, path: str, body: Body) -> None:
        """Put content at a place.

        Raises:
            RefusedError, RemoteError: as `ask`.
            XtError: as the content does; nothing is then at that place.
        """
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(body.size)}
        status, answer = self._tried("PUT", path, lambda: held_back(body), headers, twice=True)
        self._refuse(status, answer)

    def _tried(
        self,
        method: str,
        path: str,
        body: Callable[[], bytes | Iterator[bytes] | None],
        headers: dict[str, str],
        *,
        twice: bool,
    ) -> tuple[int, bytes]:
        """Send a request, again where that helps; give status and answer."""
        for tried in itertools.count():
            last = tried == TRIES
            try:
                status, answer = self._once(method, path, body(), headers)
            except _GONE as error:
                self._line.close()
                if last or not twice or isinstance(error, _HOPELESS):
                    raise self._lost(error) from error
            except BaseException:
                self._line.close()  # it may be in the middle of a request
                raise
            else:
                if status not in BUSY or last:
                    return status, answer
            time.sleep(PAUSE * 2**tried * (0.5 + random.random() / 2))  # noqa: S311 - no secret
        raise AssertionError

    def _once(
        self, method: str, path: str, body: bytes | Iterator[bytes] | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        self._line.request(method, self._path + path, body, {**self._headers, **headers})
        answer = self._line.getresponse()
        try:
            return answer.status, self._read(answer)
        except BaseException:
            self._line.close()
            raise
        finally:
            answer.close()

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        if 300 <= answer.status < 400:
            where = _origin(answer.headers.get("Location") or "")
            raise RefusedError(
                f"{self.shown} sends elsewhere, which is not followed: {where}", answer.status, None
            )
        data = answer.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise RemoteError(
                f"{self.shown} answers with more than {LARGEST // 1_000_000} MB",
                "is the address that of such a server?",
            )
        return data

    def _understood(self, status: int, data: bytes) -> Any:
        self._refuse(status, data)
        try:
            return json.loads(data or b"{}")
        except (ValueError, RecursionError) as error:
            raise RemoteError(
                f"{self.shown} answers with something else than JSON",
                "is it the address of the server itself?",
            ) from error

    def _refuse(self, status: int, data: bytes) -> None:
        if status < 400:
            return
        code = message = None
        with contextlib.suppress(ValueError, AttributeError, RecursionError):
            said = json.loads(data)
            code, message = said.get("error_code"), said.get("message")
        words = f": {message}" if isinstance(message, str) and message else ""
        words = without_credentials(words, self._headers)
        if status in (401, 403):
            words = ": it does not let you in" + words
        said_code = code if isinstance(code, str) else None
        raise RefusedError(f"{self.shown} refuses ({status}){words[:500]}", status, said_code)

    def _lost(self, error: Exception) -> RemoteError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if isinstance(error, TimeoutError):
            reason = f"nothing came for {PATIENCE:.0f} s"
        if isinstance(error, http.client.RemoteDisconnected):
            reason = "it ended the connection"
        return RemoteError(
            f"{self.shown} does not answer: {reason}",
            "is the address right, and is the server up? the same command goes on from there",
        )


def basic(user: str, password: str) -> str:
    """Write a user and password as basic authorisation does."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def held_back(body: Body) -> Iterator[bytes]:
    """Hand on pieces one behind: where the last step finds that content is damaged, its end is not sent."""
    held, total = b"", 0
    for piece in body.open():
        if held:
            yield held
        held, total = piece, total + len(piece)
        if total > body.size:
            break
    if total != body.size:
        raise DamagedError(f"it has another size than was recorded: {body.size} bytes")
    if held:
        yield held


def _origin(url: str) -> str:
    """Scheme and host of an address, without what may be secret in it."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname}" if parts.hostname else "another path"
    except ValueError:
        return "somewhere"
