"""`xt verify` when something goes wrong, or somebody ends it: what is said, and what is left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.cli.verifying import OUT, clean, events, lose_an_input, started, verified, wait_for
from tests.conftest import SOURCE

# --- what goes wrong ------------------------------------------------------------------------------


def test_a_missing_input_is_named(folder):
    lose_an_input(folder)
    done = folder.xt("verify", "@")
    assert done.code == 3
    text = " ".join(done.out.decode().split())
    assert "cannot be verified: " in text
    assert "/data.csv`" in text
    assert ".." not in text
    assert "hint: " in text
    clean(folder)


def test_a_drift_is_shown_and_refused_when_strict(folder, tmp_path):
    site = tmp_path / "site"

    def installed(version):
        shutil.rmtree(site, ignore_errors=True)
        (site / f"thing-{version}.dist-info").mkdir(parents=True)
        (site / f"thing-{version}.dist-info/METADATA").write_text(
            f"Metadata-Version: 2.1\nName: thing\nVersion: {version}\n"
        )

    folder.write("use.py", "from importlib.metadata import version; print(version('thing'))\n")
    environ = {"PYTHONPATH": f"{SOURCE}:{site}"}
    installed("1.0")
    folder.run("-q", "--", sys.executable, "use.py", env=environ)
    assert "drift" not in verified(folder, "--repeat", "1", env=environ, code=0)
    installed("2.0")
    found = verified(folder, "--repeat", "1", "--no-diagnose", env=environ, code=1)
    assert any("thing 1.0 → 2.0" in clause for clause in found["drift"]), found["drift"]
    found = verified(folder, "--repeat", "2", "--env", "strict", env=environ, code=3)
    assert "the environment is not as recorded: " in found["sentence"]
    assert "thing 1.0 → 2.0" in found["sentence"]
    assert "--env recreate" in found["hint"]


def read_only(folder, path, *words):
    """Run xt where a path is mounted read-only, in a namespace that is gone afterwards."""
    inner = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", inner, "-", str(path), *folder.command(*words)]
    if subprocess.run(["unshare", "-m", "mount", "--bind", "/tmp", "/tmp"], capture_output=True).returncode:
        pytest.skip("mounting takes rights that this user has not")
    environ = {**os.environ, "PYTHONPATH": SOURCE}
    return subprocess.run(command, cwd=folder.path, env=environ, capture_output=True, text=True)


def test_a_verification_that_cannot_be_recorded_is_still_told(turn):
    folder = turn(f'{OUT}("same")', "-o", "out.txt")
    done = read_only(folder, folder.path / ".xt/events", "verify", "@", "--repeat", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "this verification is not recorded: Read-only file system: " in " ".join(done.stdout.split())
    assert "is repeatable: identical in 1 repeat." in done.stdout
    assert events(folder) == []


def test_a_store_that_cannot_be_written(turn):
    folder = turn(f'{OUT}("same")', "-o", "out.txt")
    turn(f'{OUT}("same")', "-o", "out.txt")
    done = read_only(folder, folder.path / ".xt", "verify", "@", "--against", "@~1")
    assert done.returncode == 0, done.stderr
    assert "identical" in done.stdout
    done = read_only(folder, folder.path / ".xt", "verify", "@", "--repeat", "2")
    assert done.returncode == 3
    assert "cannot be verified: Read-only file system: " in " ".join(done.stdout.split())


def test_a_repeat_in_a_store_that_cannot_be_written(turn):
    folder = turn(f'{OUT}("same")', "-o", "out.txt")
    done = read_only(folder, folder.path / ".xt", "rerun", "@")
    assert done.returncode != 0
    assert "error: Read-only file system: " in done.stderr
    assert "hint: the store must be writable" in done.stderr


def test_repeats_that_can_no_longer_be_recorded(turn, tmp_path):
    """The disk is full in the middle: what was found is told, and does not pass."""
    code = "n == 2 and open('o', 'wb').write(os.urandom(40_000_000)) or open('o', 'w').write('same')"
    folder = turn(code, "-o", "o")
    store = tmp_path / "store"
    inner = 'mount -t tmpfs -o size=24m none "$1" && cp -a .xt/. "$1" && shift && exec "$@"'
    (folder.path / ".xt/cache").is_dir() and shutil.rmtree(folder.path / ".xt/cache")
    store.mkdir()
    words = folder.command("verify", "@", "--repeat", "3", "--no-diagnose")
    environ = {**os.environ, "PYTHONPATH": SOURCE, "XT_STORE": str(store)}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", inner, "-", str(store), *words],
        cwd=folder.path,
        env=environ,
        capture_output=True,
        text=True,
    )
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("mounting takes rights that this user has not")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "No space left on device" in " ".join(done.stdout.split())


def test_a_store_without_events(turn):
    folder = turn(f'{OUT}("same")', "-o", "out.txt")
    assert not events(folder)
    assert verified(folder, "--repeat", "1", code=0)["event"]
    assert len(events(folder)) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("group", [True, False])
def test_ended_in_the_middle_it_leaves_nothing(turn, tmp_path, number, group):
    mark = tmp_path / "going"
    folder = turn(f"n and (open({str(mark)!r}, 'w'), time.sleep(60))")
    process = started(folder, "verify", "@", "--repeat", "4", "-j", "2")
    wait_for(lambda: mark.exists())
    (os.killpg if group else os.kill)(process.pid, number)
    out, _ = process.communicate(timeout=100)
    assert process.returncode == 128 + number
    assert out == b""
    assert events(folder) == []
    clean(folder)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="takes prctl(2)")
def test_killed_it_takes_its_trial_with_it(turn, tmp_path):
    mark = tmp_path / "going"
    folder = turn(f"n and (open({str(mark)!r}, 'w'), time.sleep(60))")
    process = started(folder, "verify", "@", "--repeat", "4")
    wait_for(lambda: mark.exists())
    process.kill()
    process.communicate(timeout=100)
    wait_for(lambda: not list((folder.path / ".xt/work").glob("0")))
    clean(folder)


def test_ended_while_a_workspace_is_made(turn):
    folder = turn("pass")
    process = started(folder, "verify", "@", "--repeat", "50")
    wait_for(lambda: list((folder.path / ".xt/work").glob("0")))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=100)
    assert process.returncode == 128 + signal.SIGTERM
    clean(folder)


def test_a_trial_that_is_killed(turn, tmp_path):
    mark = tmp_path / "pid"
    code = f"n == 2 and (open({str(mark)!r}, 'w').write(str(os.getppid())), time.sleep(60))"
    folder = turn(code)
    process = started(folder, "verify", "@", "--repeat", "3", "--json")
    wait_for(lambda: mark.exists() and mark.read_text())
    os.kill(int(mark.read_text()), signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    found = json.loads(out)["verifications"][0]
    assert (process.returncode, err) == (3, b"")
    assert found["missing"] == ["its process was ended by SIGKILL"]
    assert found["level"] == "unverifiable"
    assert len(found["columns"][0]["runs"]) == 2, "the rest went on"
    assert "only 2 of 3 repeats could be made: its process was ended by SIGKILL." in found["sentence"]
    clean(folder)


# --- what a repeat leaves running -----------------------------------------------------------------


@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="processes are found in /proc")
def test_what_a_repeat_leaves_running_is_ended(folder, tmp_path):
    pids = tmp_path / "pids"
    folder.write(
        "leave.sh", f"setsid sh -c 'echo $$ >> {pids}; exec sleep 300 <&- >&- 2>&-' &\nsleep 0.2; echo same\n"
    )
    assert folder.run("-q", "--", "sh", "leave.sh").code == 0
    wait_for(pids.exists)
    try:
        assert verified(folder, "--repeat", "2", code=0)["level"] == "identical"
        first, *of_repeats = [int(line) for line in pids.read_text().split()]
        assert len(of_repeats) == 2
        wait_for(lambda: not any(_goes_on(pid) for pid in of_repeats))
        assert _goes_on(first)  # the user's own run is none of its business
    finally:
        for pid in pids.read_text().split():
            if _goes_on(int(pid)):
                os.kill(int(pid), signal.SIGKILL)


@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="processes are found in /proc")
def test_nor_when_it_is_interrupted(folder, tmp_path):
    pids, wait = tmp_path / "pids", tmp_path / "wait"
    folder.write(
        "leave.sh",
        f"setsid sh -c 'echo $$ >> {pids}; exec sleep 300 <&- >&- 2>&-' &\n"
        f"test -e {wait} && exec sleep 100\nsleep 0.2\n",
    )
    assert folder.run("-q", "--", "sh", "leave.sh").code == 0
    wait_for(pids.exists)
    wait.touch()
    try:
        process = started(folder, "verify", "@")
        wait_for(lambda: len(pids.read_text().split()) == 2)
        process.send_signal(signal.SIGTERM)
        process.communicate()
        assert process.returncode == 128 + signal.SIGTERM
        wait_for(lambda: not _goes_on(int(pids.read_text().split()[1])))
    finally:
        for pid in pids.read_text().split():
            if _goes_on(int(pid)):
                os.kill(int(pid), signal.SIGKILL)


def _goes_on(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
