"""Small packages, written as wheels (PEP 427), and virtual environments with them; no network."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path


def wheel(folder: Path, name: str, version: str, script: bool = False, needs: str | None = None) -> Path:
    """A package with one module that tells its version, and a command of the same name if wanted."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    files = {
        f"{module}.py": f"VERSION = {version!r}\ndef main():\n    print({name!r}, VERSION)\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if needs:
        files[f"{info}/METADATA"] += f"Requires-Dist: {needs}\n"
    if script:
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{name} = {module}:main\n"
    rows = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text.encode())}\n")
    files[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"])
    target = folder / f"{module}-{version}-py3-none-any.whl"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return target


def uv() -> str:
    """The uv of the test environment."""
    beside = os.path.join(os.path.dirname(sys.executable), "uv")
    return beside if os.access(beside, os.X_OK) else "uv"


def venv(folder: Path, *requirements: str) -> Path:
    """A virtual environment, filled from `UV_FIND_LINKS`."""
    subprocess.run(
        [uv(), "venv", "-q", "--no-project", "--python", sys.executable, folder],
        check=True,
        cwd=folder.parent,
    )
    if requirements:
        install(folder, *requirements)
    return folder


def install(folder: Path, *requirements: str) -> None:
    subprocess.run(
        [uv(), "pip", "install", "-q", "--no-deps", "--python", folder / "bin" / "python", *requirements],
        check=True,
        cwd=folder.parent,
    )
