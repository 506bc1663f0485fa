"""An engine of Docker, shared by all workers, with images of a static busybox. See `tests.services`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest

from tests.services import CannotStartError, Started, need, shared, wait_until

#: The plain image.
NAME = "xt-test:1"
APPLETS = """
sh cat echo env id kill ls pwd sleep stty touch true tty umask
""".split()  # noqa: SIM905
#: Longest path of a socket, with room for its name.
_LONGEST = 100


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory):
    """Where the engine listens: a value for DOCKER_HOST."""
    with shared(tmp_path_factory, "docker", start) as facts:
        yield facts["address"]


def start(folder: Path) -> Started:
    """Start one. It has no network of its own, so it needs no right to make one."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        raise CannotStartError("only root on Linux can start an engine of Docker")
    need("dockerd", "docker", "docker-init", "busybox", "unshare")
    if subprocess.run(["ldd", shutil.which("busybox") or ""], capture_output=True).returncode == 0:
        raise CannotStartError("busybox is not the static one (Debian: busybox-static)")
    if len(str(folder)) > _LONGEST:
        folder = Path(tempfile.mkdtemp(prefix="xt-"))
    at = f"unix://{folder}/s"
    environ = {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "HOME": str(folder), "DOCKER_HOST": at}
    # In a mount namespace of its own: what it leaves mounted goes away with it.
    words = ["unshare", "--mount", "--propagation", "private"]
    words += ["dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"]
    words += [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([*words, f"--host={at}"], stdout=log, stderr=log, env=environ)

    def answers() -> bool:
        return subprocess.run(["docker", "info"], env=environ, capture_output=True).returncode == 0

    try:
        wait_until(answers, lambda: process.poll() is None)
        make(at, NAME)
    except CannotStartError as error:
        process.kill()
        # Such as in a container without the right to mount.
        last = (folder / "log").read_text().splitlines()[-1:]
        raise CannotStartError(f"an engine of Docker does not start here: {last or error}") from error
    process.returncode = 0  # whoever stops it waits for it, and not this object
    return Started({"address": at}, [process.pid])


def make(at: str, name: str, files: Mapping[str, str] | None = None, *changes: str) -> str:
    """Make an image of busybox and other files; give its id.

    Args:
        at: where the engine listens.
        name: of the image.
        files: content by path without the first `/`.
        changes: lines of a Dockerfile, such as `ENTRYPOINT ["sh"]`.
    """
    with tempfile.NamedTemporaryFile() as archive:
        pack(Path(archive.name), files or {})
        words = ["docker", "--host", at, "import", *(f"--change={change}" for change in changes), "-", name]
        done = subprocess.run(words, stdin=archive, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def docker(at: str, *words: str) -> str:
    """What the `docker` command says."""
    done = subprocess.run(["docker", "--host", at, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def left(at: str, run_id: str) -> str:
    """Containers of a run that are still there; others may be at work."""
    return docker(at, "ps", "-aq", "--filter", f"name=xt-{run_id}")


def pack(target: Path, files: Mapping[str, str]) -> None:
    """A root file system: busybox under its names, folders to write to, and other files."""
    with tarfile.open(target, "w") as archive:
        for name in ("bin", "etc", "tmp"):
            made = tarfile.TarInfo(name)
            made.type, made.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(made)
        archive.add(shutil.which("busybox") or "", "bin/busybox", filter=_plain)
        for name in APPLETS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        for path, text in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(text.encode())
            archive.addfile(_plain(info), BytesIO(text.encode()))


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.mode, info.uid, info.gid = 0o755, 0, 0
    return info
