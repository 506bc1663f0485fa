"""Azurite, which answers as Azure Blob Storage does; from npm, and used where it is on the PATH."""

from __future__ import annotations

import base64
import hashlib
import hmac
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from tests.services import LONG, Started, background, free_port, listens, need, wait_until

CONTAINER = "runs"
#: What every Azurite has, as its documentation says.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def start(folder: Path) -> Started:
    """Start it. Facts: `url` (with the account), `account`, `key`, `container`."""
    need("azurite-blob", "node")
    port = free_port()
    process = background(
        [
            *("azurite-blob", "--silent", "--disableTelemetry", "--skipApiVersionCheck"),
            *("--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)),
        ],
        folder / "log",
    )
    try:
        wait_until(listens(port), lambda: process.poll() is None)
        _make_container(f"http://127.0.0.1:{port}")
    except BaseException:
        process.kill()
        process.wait()
        raise
    facts = {
        "url": f"http://127.0.0.1:{port}/{ACCOUNT}",
        "account": ACCOUNT,
        "key": KEY,
        "container": CONTAINER,
    }
    return Started(facts, [process.pid])


def _make_container(url: str) -> None:
    """PUT it, signed as Azure has it (Shared Key)."""
    date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    path = f"/{ACCOUNT}/{CONTAINER}"
    headers = {"x-ms-date": date, "x-ms-version": "2021-08-06"}
    listed = "".join(f"{name}:{value}\n" for name, value in headers.items())
    text = "PUT" + "\n" * 12 + f"{listed}/{ACCOUNT}{path}\nrestype:container"
    sign = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)).decode()
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{sign}"
    request = urllib.request.Request(f"{url}{path}?restype=container", method="PUT", headers=headers)
    with urllib.request.urlopen(request, timeout=LONG):
        pass
