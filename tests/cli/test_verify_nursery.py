"""Where trials come from: what each of them has for itself, and what becomes of them when that is killed."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.cli.verifying import clean, started, trials, verified, wait_for
from tests.conftest import SOURCE

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found in /proc")


def test_a_trial_has_what_the_command_had_and_shares_nothing(turn, tmp_path):
    """Repeats print what they find around them, as the run did, and tell who their processes are."""
    seen = tmp_path / "seen"
    state = """
status = open('/proc/self/status').read().splitlines()
for line in status:
    if line.startswith(('SigBlk', 'SigIgn', 'SigCgt', 'Umask', 'Cpus_allowed:', 'Seccomp:')): print(line)
print(sorted(os.listdir('/proc/self/fd')), open('/proc/self/limits').read(), os.environ['PATH'])
trial = int(open(f'/proc/{os.getppid()}/stat').read().rpartition(')')[2].split()[1])
"""
    tell = (
        f"open({str(seen)!r}, 'a').write(f'{{os.getsid(0)}} {{os.getpgid(0)}} {{os.getppid()}} {{trial}}\\n')"
    )
    folder = turn(f"{state}{tell}")
    found = verified(folder, "--repeat", "3", "-j", "2", code=0)
    assert found["level"] == "identical"
    _, *of_trials = [[int(word) for word in row.split()] for row in seen.read_text().splitlines()]
    assert all(row[0] == row[1] == row[2] for row in of_trials)
    assert len({row[0] for row in of_trials}) == 3
    assert len({row[3] for row in of_trials}) == 1, "all have the same parent"
    clean(folder)


def test_what_one_trial_changes_does_not_reach_the_next(turn):
    """Each variation alone, and after all of them the run as it is, which is to be the same."""
    code = "print(os.umask(0), len(os.sched_getaffinity(0)), os.uname().nodename, os.environ.get('LC_ALL'))"
    folder = turn(code)
    varied = verified(folder, "--repeat", "1", "--vary", "umask,hostname,locale,cpus", "--no-diagnose")
    assert {column["level"] for column in varied["columns"]} > {"identical"}, "they have an effect"
    both = json.loads(folder.xt("verify", "@", "@", "--repeat", "2", "--json").out)
    assert both["level"] == "identical"


def hooked(tmp_path, code):
    """Variables under which Python begins with a piece of code; it is a trial if `trial` says so."""
    hook = tmp_path / "hook"
    hook.mkdir()
    head = "import os, sys\nnursery = 'xt.cli.trial' in sys.orig_argv\n"
    (hook / "sitecustomize.py").write_text(head + code)
    return {"PYTHONPATH": f"{hook}:{SOURCE}"}


def test_nothing_is_loaded_by_each_trial_that_all_of_them_take(turn, tmp_path):
    loaded = tmp_path / "loaded"
    environ = hooked(
        tmp_path,
        "fork, leave, before = os.fork, os._exit, set()\n"
        "def forked():\n"
        "    before.update(sys.modules)\n"
        "    return fork()\n"
        "def left(status):\n"
        "    if before:\n"
        f"        with open({str(loaded)!r}, 'a') as file:\n"
        "            print(*sorted(set(sys.modules) - before), file=file)\n"
        "    leave(status)\n"
        "if nursery: os.fork, os._exit = forked, left\n",
    )
    folder = turn("metric(loss=1)", "-o", "metrics:metrics.json")
    verified(folder, "--repeat", "1", env=environ, code=0)
    of_trial, of_nursery = (row.split() for row in loaded.read_text().splitlines())
    assert [name for name in of_trial if name.startswith("xt.")] == []
    assert of_nursery == []


def test_when_it_is_killed_its_trials_are_ended_and_the_rest_goes_on(turn, tmp_path):
    mark = tmp_path / "going"
    folder = turn(f"n == 1 and (open({str(mark)!r}, 'w'), time.sleep(60))")
    process = started(folder, "verify", "@", "--repeat", "3", "--json")
    wait_for(mark.exists)
    (nursery,) = (pid for pid in trials(folder) if _parent(pid) == process.pid)
    os.kill(nursery, signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    found = json.loads(out)["verifications"][0]
    assert (process.returncode, err) == (3, b"")
    assert found["missing"] == ["its process was ended by SIGKILL"]
    assert len(found["columns"][0]["runs"]) == 2, "another one made the rest"
    clean(folder)


def _parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_signal_that_comes_for_it_alone_does_not_end_it(turn, tmp_path):
    mark = tmp_path / "going"
    folder = turn(f"n and (open({str(mark)!r}, 'w'), time.sleep(0.3))")
    process = started(folder, "verify", "@", "--repeat", "1")
    wait_for(mark.exists)
    (nursery,) = (pid for pid in trials(folder) if _parent(pid) == process.pid)
    os.kill(nursery, signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    clean(folder)


def test_a_trial_that_does_not_end_is_killed_with_what_it_started(turn, tmp_path):
    mark = tmp_path / "going"
    environ = hooked(tmp_path, "if nursery:\n    import xt.ops.verify.nursery as it\n    it.GRACE = 0.2\n")
    folder = turn(f"n and (open({str(mark)!r}, 'w').write(str(os.getppid())), time.sleep(60))")
    process = started(folder, "verify", "@", "--repeat", "2", env=environ)
    wait_for(lambda: mark.exists() and mark.read_text())
    os.kill(int(mark.read_text()), signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    clean(folder)


def test_a_folder_that_is_gone_is_told(turn, tmp_path):
    folder = turn("pass")
    gone = tmp_path / "gone"
    gone.mkdir()
    inner = f'cd {gone} && rmdir {gone} && exec "$@"'
    words = ["sh", "-c", inner, "-", *folder.command("verify", "@", "--repeat", "1")]
    folder.command = lambda *_: words
    done = folder.xt("verify", env={"XT_STORE": str(folder.path / ".xt")})
    assert done.code not in (0, 70)
    assert "Traceback" not in done.err
