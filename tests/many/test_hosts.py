"""Two hosts on one folder, the hard case: each has a mount of its own, with no lock that the other sees,
with inode numbers and a time of day of its own, and files whose times are whole seconds."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import SOURCE
from tests.execute.wrapped import LONG
from tests.test_run_faults import libfaketime
from xt.store import Store
from xt.store.live import state

#: What sshfs remembers for seconds would make the other's runs appear later, which is all it does.
FRESH = "dir_cache=no,attr_timeout=0,entry_timeout=0,negative_timeout=0,ac_attr_timeout=0"


class Host:
    """One of them."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str, **options) -> subprocess.Popen[bytes]:
        script = 'hostname "$1" && shift && exec "$@"'
        process = subprocess.Popen(
            ["unshare", "-u", "sh", "-c", script, "sh", self.name, sys.executable, "-m", "xt", *words],
            cwd=options.pop("cwd", self.path),
            env={**os.environ, "PYTHONPATH": SOURCE, **options.pop("env", {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )
        self.started.append(process)
        return process

    def xt(self, *words: str, **options) -> bytes:
        process = self.start(*words, stdin=subprocess.DEVNULL, **options)
        out, err = process.communicate(timeout=LONG * 3)
        assert process.returncode == 0, err
        return out

    def listed(self, **options) -> dict[str, dict]:
        return {row["id"]: row for row in json.loads(self.xt("ls", "--json", "-n", "0", **options))}


@pytest.fixture
def hosts(tmp_path):
    places = ("/usr/lib/openssh/sftp-server", "/usr/lib/ssh/sftp-server")
    server = next((path for path in places if os.path.exists(path)), None)
    if os.geteuid() != 0 or not shutil.which("sshfs") or server is None or not os.path.exists("/dev/fuse"):
        pytest.skip("needs root, sshfs, /dev/fuse and OpenSSH's sftp-server")
    program = tmp_path / "sftp"
    program.write_text(f"#!/bin/sh\nexec {server}\n")
    program.chmod(0o700)
    (tmp_path / "shared").mkdir()
    made = []
    try:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            words = ["sshfs", "-o", f"ssh_command={program},{FRESH}", f"any:{tmp_path}/shared"]
            done = subprocess.run([*words, tmp_path / name], capture_output=True, timeout=LONG)
            if done.returncode:
                pytest.skip(f"sshfs cannot mount here: {done.stderr.decode()}")
            made.append(Host(tmp_path / name, f"host-{name}"))
        yield made
    finally:
        for host in made:
            for process in host.started:
                with process:
                    process.kill()
            subprocess.run(["umount", "-l", host.path], check=True)


def test_two_hosts_lose_nothing_and_say_nothing_wrong(hosts):
    one, two = hosts
    script = "echo ready; read line; exit 5"
    flying = one.start("run", "-q", "--", "sh", "-c", script, stdin=subprocess.PIPE)
    killed = one.start("run", "-q", "--", "sh", "-c", script, stdin=subprocess.PIPE)
    for process in (flying, killed):
        assert process.stdout.readline() == b"ready\n"
    # A name for each: what one mount replaces while the other reads it is, for a moment, not there on sshfs.
    going = [
        host.start(
            "run", "-q", "-o", f"out{number}", "--", "sh", "-c", f"echo {number}; echo same > out{number}"
        )
        for number, host in enumerate([one, two] * 3)
    ]
    for number, process in enumerate(going):
        out, err = process.communicate(timeout=LONG * 3)
        assert (process.returncode, out, err) == (0, b"%d\n" % number, b"")
    # The other's are not known to live, and not lost; one's own go on, whichever mount one looks through.
    seen = [host.listed() for host in (one, two)]
    assert [sorted(row["status"] for row in rows.values()) for rows in seen] == [
        [*["ok"] * 6, "running", "running"],
        [*["ok"] * 6, "unknown", "unknown"],
    ]
    through = Host(two.path, one.name).listed()
    assert {row["status"] for row in through.values()} == {"ok", "running"}
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    flying.communicate(b"go\n", timeout=LONG)
    assert flying.returncode == 5
    (at,) = (run for run, row in one.listed().items() if row["status"] == "lost")
    assert two.listed()[at]["status"] == "unknown"
    ended = next(run for run, row in two.listed().items() if row["status"] == "ok")
    assert [row["exit_code"] for row in two.listed().values() if row["status"] == "failed"] == [5]
    # What the one says the other hears.
    one.xt("tag", ended, "good")
    two.xt("baseline", "set", ended, "-m", "from the other host")
    assert two.listed()[ended]["tags"] == ["good"]
    assert ended.encode() in one.xt("baseline", "show", "--json")
    stems = [path.name.removesuffix(".zst") for path in (two.path / ".xt/objects").glob("*/*")]
    assert len(stems) == len(set(stems))
    names = {path.name for path in (one.path / ".xt/cache").glob("index*")}
    assert names == {"index.host-one.db", "index.host-two.db"}


def test_a_clock_that_is_ahead_of_the_file_servers_hides_no_change(hosts):
    """Within a second, and with the size it had: on such a file system nothing else tells it."""
    one, two = hosts
    ahead = {"LD_PRELOAD": libfaketime(), "FAKETIME": "+1h", "DONT_FAKE_MONOTONIC": "1"}
    path = two.path / "in.txt"
    digests = []
    now = int(time.time()) + 1
    for text in ("a", "b"):
        path.write_text(text)
        os.utime(path, (now, now))
        two.xt("run", "-q", "-i", "in.txt", "--", "true", env=ahead)
        digests.append(json.loads(two.xt("show", "@", "--json"))["snapshot"]["inputs"][0]["digest"])
    assert digests[0] != digests[1]
    # Runs that the one dates an hour ahead are listed by the other, which goes on as ever.
    one.xt("run", "-q", "--", "true")
    assert len(one.listed()) == len(two.listed(env=ahead)) == 3


def test_a_lock_that_cannot_be_had_is_no_reason_not_to_record(folder):
    """As on a file system that knows no locks."""
    program = (
        "import fcntl, errno, sys\n"
        "def no(*_): raise OSError(errno.ENOLCK, 'No locks available')\n"
        "fcntl.flock = no\n"
        "from xt.cli.main import guarded\n"
        "sys.exit(guarded(['run', '-q', '--', 'sh', '-c', 'exit 4']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder.path, env={**os.environ, "PYTHONPATH": SOURCE}
    )
    assert done.returncode == 4
    assert folder.record()["result"]["exit_code"] == 4


def test_the_lock_file_of_another_host_says_nothing_even_when_it_is_gone(tmp_path, record):
    from tests.builders import start

    store = Store.create(str(tmp_path / ".xt"))
    live = store.begin(record.id)
    assert state(live.folder, start()) == "running"
    os.unlink(live.path("lock"))
    assert state(live.folder, start()) == "unknown"
