"""A server that answers as no store should."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: What a page to log in looks like.
PAGE = b"<html><body><form>log in</form></body></html>"


class _Handler(BaseHTTPRequestHandler):
    server: Faulty
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        self.rfile.read(length)
        self.server.asked.append((self.command, self.path))
        with contextlib.suppress(OSError):
            self.server.act(self)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer whole, or with another length than it says."""
        self.send_response(status)
        length = headers.pop("length", str(len(body)))
        self.send_header("Content-Length", length)
        self.send_header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.wfile.flush()
        self.close_connection = length != str(len(body))

    def log_message(self, *_: Any) -> None:
        pass


class Faulty(ThreadingHTTPServer):
    """What it does is set as `act`; `asked` is what it was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, act: Any) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.act = act
        self.asked: list[tuple[str, str]] = []

    scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def serving(act: Any, context: ssl.SSLContext | None = None) -> Iterator[Faulty]:
    """Serve for as long as the block takes; with a context by TLS."""
    server = Faulty(act)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def slowly(handler: _Handler, body: bytes) -> None:
    """A byte a tenth of a second."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.send_header("ETag", '"1"')
    handler.send_header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
    handler.end_headers()
    for byte in body:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.1)
