"""An engine of Docker for tests, started for them alone, with one image made from a static busybox."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NAME = "xt-test:1"
APPLETS = (
    "sh",
    "cat",
    "echo",
    "env",
    "id",
    "kill",
    "ls",
    "pwd",
    "sleep",
    "stty",
    "touch",
    "true",
    "tty",
    "umask",
)
#: Seconds after which an engine that should have started has not.
LONG = 60.0


def lacking() -> str | None:
    """Why no engine can be started here."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "only root on Linux can start an engine of Docker"
    for program in ("dockerd", "docker", "docker-init", "busybox"):
        if not shutil.which(program, path=_path()):
            return f"{program} is not installed"
    if subprocess.run(["ldd", shutil.which("busybox") or ""], capture_output=True).returncode == 0:
        return "busybox is not the static one (Debian: busybox-static)"
    return None


def _path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


@contextmanager
def engine(folder: Path) -> Iterator[str]:
    """Start one; give its address. It has no network of its own, so it needs no right to make one."""
    if reason := lacking():
        pytest.skip(reason)
    address = f"unix://{folder}/s"
    words = ["dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"]
    words += [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
    environ = {"PATH": _path(), "HOME": str(folder), "DOCKER_HOST": address}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([*words, f"--host={address}"], stdout=log, stderr=log, env=environ)
    try:
        end = time.monotonic() + LONG
        while subprocess.run(["docker", "info"], env=environ, capture_output=True).returncode:
            if process.poll() is not None or time.monotonic() > end:
                # Such as in a container without the right to mount.
                last = (folder / "log").read_text().splitlines()[-1:]
                pytest.skip(f"an engine of Docker does not start here: {last}")
            time.sleep(0.1)
        image(folder / "image.tar")
        subprocess.run(
            ["docker", "import", folder / "image.tar", NAME], env=environ, check=True, capture_output=True
        )
        yield address
    finally:
        process.terminate()
        process.wait(LONG)
        # It leaves the network namespace of the host mounted, and that keeps the folder from being removed.
        for line in Path("/proc/self/mounts").read_text().splitlines():
            if line.split()[1].startswith(f"{folder}/"):
                subprocess.run(["umount", line.split()[1]], check=True)


def image(target: Path) -> None:
    """A root file system: busybox under its names, and folders to write to."""
    with tarfile.open(target, "w") as archive:
        archive.add(shutil.which("busybox") or "", "bin/busybox", filter=_plain)
        for name in APPLETS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        for name in ("etc", "tmp"):
            made = tarfile.TarInfo(name)
            made.type, made.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(made)


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.mode, info.uid, info.gid = 0o755, 0, 0
    return info
