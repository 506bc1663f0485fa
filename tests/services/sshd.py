"""A real sshd on 127.0.0.1, with keys and a configuration of its own; what it may say is known beforehand."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from tests.services import Started, background, free_port, listens, need, wait_until


def start(folder: Path) -> Started:
    """Start it.

    Facts: `host`, `port`, `path` (a folder whose `ssh` is configured here), `root` (a folder to serve),
    `log`. Aliases of the host are `stranger` (its key is not known), `changed` (another key is known) and
    `nobody` (no key of ours is accepted).
    """
    need("sshd", "ssh", "ssh-keygen")
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or ""
    user = pwd.getpwuid(os.geteuid()).pw_name
    for name in ("host", "mine", "other"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    shutil.copy(folder / "mine.pub", folder / "authorized")
    port = free_port()
    # As root it wants this folder, which a start script of the system would make.
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile {folder}/pid\n"
        f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 100\n"
        "Subsystem sftp internal-sftp\n"
    )
    process = background(
        [sshd, "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "log")], folder / "out"
    )
    wait_until(listens(port), lambda: process.poll() is None)
    key = " ".join((folder / "host.pub").read_text().split()[:2])
    other = " ".join((folder / "other.pub").read_text().split()[:2])
    (folder / "known").write_text(f"here {key}\nnobody {key}\nchanged {other}\n")
    (folder / "config").write_text(
        f"Host *\n  HostName 127.0.0.1\n  Port {port}\n  User {user}\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {folder}/known\n  StrictHostKeyChecking yes\n"
        "Host here\n  HostKeyAlias here\nHost changed\n  HostKeyAlias changed\nHost stranger\n"
        "  HostKeyAlias stranger\nHost nobody\n  HostKeyAlias nobody\n"
        f"Host nobody\n  IdentityFile {folder}/other\nHost * !nobody\n  IdentityFile {folder}/mine\n"
    )
    (folder / "bin").mkdir()
    script = folder / "bin" / "ssh"
    script.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/config "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    (folder / "root").mkdir()
    facts = {
        "port": port,
        "host": "here",
        "path": str(folder / "bin"),
        "root": str(folder / "root"),
        "log": str(folder / "log"),
    }
    return Started(facts, [process.pid])
