"""A folder on a host: what `ssh` says when it fails is said in one line, and nothing half is left."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from xt.errors import RemoteError, UnsupportedError

pytest.importorskip("paramiko")


def told(place, act=None) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        (act or (lambda: place.size("runs/x")))()
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("stranger", "the key of host `stranger` is not known here"),
        ("changed", "the key of host `changed` is another than the one that is known"),
        ("nobody", "host `nobody` does not let this user in without a question"),
    ],
)
def test_a_host_that_cannot_be_entered(on_host, host, message):
    error = told(on_host(host=host))
    assert error.message == message
    assert error.hint is not None


def stand_in(tmp_path, script: str) -> str:
    """A folder with an `ssh` of ours, for what a real host does not do at will."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "ssh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'subsystem request failed on channel 0' >&2; exit 1", "has no SFTP"),
        ("echo 'ssh: Could not resolve hostname here: Name or service not known' >&2; exit 255", "no host"),
        ("echo 'ssh: connect to host here port 22: Connection refused' >&2; exit 255", "Connection refused"),
        ("exit 3", "`ssh` ended with 3"),
        ("kill -9 $$", "ended by signal 9"),
        ("echo 'welcome to this machine, today is a fine day'", "no connection to host"),
        ("sleep 60", "does not answer any more"),
    ],
)
def test_an_ssh_that_does_not_get_there(opened, tmp_path, script, message):
    place = opened("ssh://here/data", PATH=stand_in(tmp_path, script), XT_REMOTE_TIMEOUT="0.5")
    assert message in told(place).message


def test_there_is_no_ssh(opened, tmp_path):
    with pytest.raises(UnsupportedError, match="`ssh` was not found"):
        opened("ssh://here/data", PATH=str(tmp_path)).size("x")


def test_arguments_cannot_become_options(opened, tmp_path):
    path = stand_in(tmp_path, f'printf "%s\\n" "$@" > {tmp_path}/said; exit 1')
    told(opened("ssh://me@here:2222/data", PATH=path))
    words = (tmp_path / "said").read_text().split("\n")
    assert words[-4:] == ["--", "here", "sftp", ""]
    assert {"-oBatchMode=yes", "-lme", "-p2222", "-s"} <= set(words)


def test_a_connection_that_is_killed_is_said_and_the_next_one_works(on_host):
    place = on_host()
    assert place.create("runs/a", b"1")
    found = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-x", "ssh"], capture_output=True, text=True, check=True
    )
    for pid in found.stdout.split():
        os.kill(int(pid), signal.SIGKILL)
    assert "signal 9" in told(place, lambda: place.create("runs/b", b"2")).message
    assert place.create("runs/b", b"2")
    assert place.read("runs/a", 10) == b"1"


def test_nothing_half_and_nothing_temporary_is_left(on_host, sshd, tmp_path):
    place = on_host(f"{sshd['root']}/whole")
    os.mkdir(f"{sshd['root']}/whole")
    os.chmod(f"{sshd['root']}/whole", 0o2775)
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    assert place.create("objects/aa/1", str(tmp_path / "file"))
    assert not place.create("objects/aa/1", str(tmp_path / "file"))
    assert not place.create("objects/aa/1", b"")
    assert os.listdir(f"{sshd['root']}/whole/tmp") == []
    mode = os.stat(f"{sshd['root']}/whole/objects/aa/1").st_mode
    assert stat.S_ISREG(mode)
    folders = [os.stat(folder).st_mode & 0o7777 for folder, _, _ in os.walk(f"{sshd['root']}/whole")]
    assert folders == [0o2775] * 4


def test_links_on_the_host_are_not_listed(on_host, sshd):
    place = on_host(f"{sshd['root']}/links")
    place.create("runs/kn/a.json", b"1")
    top = Path(sshd["root"]) / "links" / "runs"
    (top / "kn" / "link.json").symlink_to("/etc/passwd")
    (top / "loop").symlink_to(top)
    assert [entry.name for entry in place.entries("runs/")] == ["runs/kn/a.json"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(on_host, sshd):
    folder = Path(sshd["root"]) / "closed"
    folder.mkdir(mode=0o500)
    place = on_host(str(folder))
    assert "permission denied" in told(place, lambda: place.create("runs/a", b"1")).message


def test_what_is_no_folder_or_cannot_be_written_is_said(on_host, sshd):
    (Path(sshd["root"]) / "file").write_text("x")
    place = on_host(f"{sshd['root']}/file")
    assert "no folder" in told(place, lambda: place.create("runs/a", b"1")).message
    place = on_host("/proc/nothing")
    told(place, lambda: place.create("runs/a", b"1"))


def test_a_disk_that_is_full(on_host, sshd, tmp_path):
    """On a small file system of its own, where one can be had."""
    small = Path(sshd["root"]) / "small"
    small.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "xt-test", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        (tmp_path / "large").write_bytes(os.urandom(300_000))
        place = on_host(str(small))
        error = told(place, lambda: place.create("objects/aa/1", str(tmp_path / "large")))
        assert "no space left" in error.message
        assert place.size("objects/aa/1") is None
        assert os.listdir(small / "tmp") == []
        assert place.create("objects/aa/2", b"small")
        place.close()
    finally:
        subprocess.run(["umount", str(small)], check=True)
