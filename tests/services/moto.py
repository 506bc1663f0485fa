"""A server that answers as S3 does, from moto: light, and sure to refuse a name that is taken."""

from __future__ import annotations

import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path

from tests.services import CannotStartError, Started, background, free_port, listens, wait_until

BUCKET = "runs"


def start(folder: Path) -> Started:
    """Start it. Facts: `url`, `key`, `secret`, `bucket`."""
    if find_spec("moto") is None or find_spec("flask") is None:
        raise CannotStartError("moto[server] is not installed")
    port = free_port()
    process = background(
        [
            sys.executable,
            "-c",
            "from moto.server import main; main()",
            "-H",
            "127.0.0.1",
            "-p",
            str(port),
        ],
        folder / "log",
    )
    try:
        wait_until(listens(port), lambda: process.poll() is None)
        url = f"http://127.0.0.1:{port}"
        with urllib.request.urlopen(urllib.request.Request(f"{url}/{BUCKET}", method="PUT")):
            pass
    except BaseException:
        process.kill()
        process.wait()
        raise
    facts = {"url": url, "key": "testing-key", "secret": "testing-secret", "bucket": BUCKET}
    return Started(facts, [process.pid])
