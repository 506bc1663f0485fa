"""What the tests of collectors share: a capture of a made-up world, and hand-made installations."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xt.collect import Capture
from xt.config import EnvSettings, Settings
from xt.context import Outside
from xt.model.request import RunRequest

KEY = bytes(range(32))


class NoKeeper:
    """These collectors keep nothing; if one did, the test would fail."""

    def put_bytes(self, data: bytes) -> str:
        raise AssertionError("nothing is to be kept")

    def put_file(self, path: str) -> tuple[str, int, bool]:
        raise AssertionError("nothing is to be kept")

    def hold(self, digest: str) -> bool:
        raise AssertionError("nothing is to be kept")


def capture(
    root: Path,
    command: list[str] | None = None,
    environ: Mapping[str, str] | None = None,
    env: EnvSettings | None = None,
    key: bytes = KEY,
    umask: int = 0o022,
    **request: Any,
) -> Capture:
    """Make what a collector gets."""
    cwd = request.pop("cwd", str(root))
    return Capture(
        RunRequest(command or ["true"], cwd, **request),
        Outside(cwd, environ if environ is not None else {"PATH": os.defpath}, umask),
        str(root),
        str(root / ".xt"),
        Settings(env=env or EnvSettings()),
        NoKeeper(),
        key,
    )


def venv(path: Path, *options: str, python: str = sys.executable) -> Path:
    """Make a real virtual environment without pip."""
    subprocess.run(
        [python, "-m", "venv", "--without-pip", *options, str(path)], check=True, capture_output=True
    )
    return path


def site(prefix: Path) -> Path:
    """The folder of installed packages."""
    return next((prefix / "lib").glob("python*")) / "site-packages"


def install(folder: Path, name: str, version: str, direct: dict[str, Any] | None = None) -> Path:
    """Install a distribution as an installer leaves it."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nText\n")
    (info / "RECORD").write_text("")
    if direct is not None:
        (info / "direct_url.json").write_text(json.dumps(direct))
    return info


def executable(path: Path, text: str) -> Path:
    """Write a script that may be executed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path
