"""Stores on disks that are full, have no room for another file, or may not be written.

Real ones, each in a mount namespace of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import SOURCE

APART = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])


@pytest.fixture
def apart(project):
    """Run a script in the project, whose `.xt` is a file system of its own; give what came of it."""

    def run(options: str, script: str) -> subprocess.CompletedProcess[bytes]:
        (project.path / ".xt").mkdir(mode=0o700, exist_ok=True)
        mount = f"mount -t tmpfs -o mode=700,{options} none .xt || exit 99\n"
        done = subprocess.run(
            [*APART, "sh", "-c", mount + script, sys.executable],
            cwd=project.path,
            env={**os.environ, "PYTHONPATH": SOURCE},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=100,
            check=False,
        )
        if done.returncode == 99:
            pytest.skip("no file system can be mounted here")
        return done

    return run


XT = '"$0" -m xt'


def test_on_a_disk_that_gets_full_the_record_still_has_its_place(project, apart):
    """What does not fit is said of the log and of the output; what was set aside takes the record."""
    project.write("big.py", "# " + os.urandom(300_000).hex())  # code of the run
    script = (
        "head -c 3000000 /dev/urandom | base64; head -c 3000000 /dev/urandom > big.bin; echo made > o; exit 3"
    )
    done = apart(
        "size=1200k",
        f"{XT} run -o big.bin -o o -- sh -c '{script}'; echo status $? >&2; df -k .xt >&2\n"
        f"{XT} show --json > shown.json && {XT} fsck > looked; echo fsck $? >&2; {XT} ls > listed",
    )
    err = done.stderr.decode()
    assert "status 3\n" in err
    assert len(done.stdout) > 4_000_000, "the command's output went on"
    assert "bug" not in err
    assert "not recorded" not in err
    record = json.loads((project.path / "shown.json").read_bytes())
    assert record["result"]["exit_code"] == 3
    big, _ = record["result"]["outputs"]
    assert (big["status"], "No space left" in big["reason"]) == ("skipped", True)
    stream = record["result"]["logs"]["streams"][0]
    assert stream["reason"] == "No space left on device"
    assert 0 < stream["stored"] == stream["cut_at"] < stream["size"]
    assert "fsck 0\n" in err, (project.path / "looked").read_text()


def test_code_that_does_not_fit_is_said_and_the_command_runs(project, apart):
    project.write("big.py", "# " + os.urandom(1_000_000).hex())
    done = apart(
        "size=700k",
        f"{XT} run -- sh -c 'echo out; exit 3'; echo status $? >&2; {XT} show --json > shown.json",
    )
    assert (done.stdout, b"status 3\n" in done.stderr) == (b"out\n", True), done.stderr
    assert b"bug" not in done.stderr
    record = json.loads((project.path / "shown.json").read_bytes())
    (left,) = record["snapshot"]["code"]["left_out"]
    assert (left["path"], "No space left" in left["reason"]) == ("big.py", True)
    assert [line for line in done.stderr.splitlines() if b"warning" in line] == [
        b"xt: warning: code: `big.py` is not in the snapshot: " + left["reason"].encode()
    ]


@pytest.mark.parametrize(("inodes", "recorded"), [(4, False), (17, False), (60, True)])
def test_without_room_for_another_file(project, apart, inodes, recorded):
    done = apart(
        f"size=4m,nr_inodes={inodes}",
        f"{XT} run -o plots -- sh -c 'mkdir plots; for n in $(seq 60); do echo $n > plots/$n; done; exit 3'\n"
        f"echo status $? >&2; {XT} ls >&2",
    )
    assert b"status 3\n" in done.stderr, done.stderr
    assert b"bug" not in done.stderr
    assert (b"this run is not recorded: No space left on device" in done.stderr) != recorded
    assert (b"exit 3 in" in done.stderr) == recorded


def test_a_store_that_may_only_be_read(project, apart):
    """From the start, and from the middle of a run on: commands run, and what there is can be read."""
    # Made before, because a place that is written to right now cannot be.
    protected = "mkdir ../ro && mount --bind .xt ../ro && mount -o remount,bind,ro ../ro || exit 99\n"
    done = apart(
        "size=4m",
        f"{protected}"
        f"{XT} run -q -o o -- sh -c 'echo first > o'\n"
        f"{XT} run -o o -- sh -c 'echo out; mount --bind ../ro .xt; echo more; exit 3'; echo status $? >&2\n"
        f"{XT} run -- sh -c 'echo again; exit 4'; echo status $? >&2\n"
        f"{XT} run --strict -- touch started; echo status $? >&2\n"
        f"for words in ls show 'diff @ @' logs fsck; do {XT} $words > said || echo $words $? >&2; done\n"
        f"{XT} tag @ good; echo status $? >&2",
    )
    assert done.stdout == b"out\nmore\nagain\n", done.stderr
    said = done.stderr.decode().splitlines()
    statuses = [line for line in said if not line.startswith("xt: ")]
    assert statuses == ["status 3", "status 4", "status 125", "status 1"]
    unrecorded = [line for line in said if "not recorded" in line]
    assert len(unrecorded) == 2, said
    assert all("Read-only file system" in line for line in unrecorded)
    assert not (project.path / "started").exists()
    assert len([line for line in said if line.startswith("xt: error")]) == 2, "one of --strict, one of tag"


def test_a_store_behind_a_link(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (folder.path / ".xt").symlink_to("../elsewhere")
    assert folder.run("-q", "--", "true").code == 0
    assert (tmp_path / "elsewhere" / "format").exists()
    (folder.path / ".xt").unlink()
    (folder.path / ".xt").symlink_to("nowhere")
    done = folder.run("--", "sh", "-c", "exit 3")
    assert (done.code, done.err.count("warning"), "bug" in done.err) == (3, 1, False)
    assert "not recorded" in done.err


def test_what_xt_keeps_leaves_the_command_room(project, apart):
    """Of a log without end and of outputs that are too large: the disk is never filled to the last byte."""
    script = (
        "head -c 50000000 /dev/zero; head -c 1500000 /dev/zero > .xt/theirs || exit 9; rm .xt/theirs; "
        "head -c 32000000 /dev/urandom > big.bin; exit 3"
    )
    run = f"{XT} run -o big.bin -- sh -c '{script}' > all; echo status $? >&2; {XT} show --json"
    done = apart("size=40m", run)
    assert b"status 3\n" in done.stderr, done.stderr
    assert (project.path / "all").stat().st_size == 50_000_000
    result = json.loads(done.stdout)["result"]
    stream = result["logs"]["streams"][0]
    assert "stay free for others" in stream["reason"]
    assert 30_000_000 < stream["stored"] == stream["cut_at"] < 40_000_000
    (big,) = result["outputs"]
    assert (big["status"], "stay free for others" in big["reason"]) == ("skipped", True)
