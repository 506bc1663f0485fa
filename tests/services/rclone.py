"""`rclone serve s3`: a gateway to a folder that takes no notice of a condition on what is put."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.services import CannotStartError, Started, background, free_port, listens, wait_until

BUCKET = "runs"
KEY, SECRET = "testing-key", "testing-secret"


def start(folder: Path) -> Started:
    """Start it. Facts: `url`, `key`, `secret`, `bucket`."""
    program = shutil.which("rclone", path=f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}")
    if program is None:
        raise CannotStartError("rclone is not installed")
    (folder / "served" / BUCKET).mkdir(parents=True)
    port = free_port()
    words = [program, "serve", "s3", "--config", "/dev/null", "--addr", f"127.0.0.1:{port}"]
    process = background([*words, "--auth-key", f"{KEY},{SECRET}", str(folder / "served")], folder / "log")
    try:
        wait_until(listens(port), lambda: process.poll() is None)
    except BaseException:
        process.kill()
        process.wait()
        raise
    facts = {"url": f"http://127.0.0.1:{port}", "key": KEY, "secret": SECRET, "bucket": BUCKET}
    return Started(facts, [process.pid])
