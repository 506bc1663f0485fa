"""How repeats end, of which runs there are repeats, and that nothing is left behind."""

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
from tests.rerun.conftest import Repeating


def started(project: Repeating, *words: str, **options) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        project.command(*words),
        cwd=project.path,
        env=options.pop("env", None) or {**os.environ, "PYTHONPATH": SOURCE},
        # Who starts tests in parallel may ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def wait_for(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, f"{path} does not come"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("script", "status"), [("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137), ("true", 0)]
)
def test_the_status_is_the_commands(repeated, script, status):
    assert repeated.run("--", "sh", "-c", script).code == status
    again = repeated.rerun(code=status)
    assert "repeats" in again.err
    repeated.clean()


def test_runs_that_did_not_start(repeated, tmp_path):
    program = tmp_path / "tool"
    repeated.run("--", str(program))
    assert repeated.record()["result"]["status"] == "not-started"
    repeated.rerun(code=127)
    program.write_text("#!/bin/sh\necho here now\n")
    repeated.rerun(code=126)
    program.chmod(0o755)
    assert repeated.rerun().out == b"here now\n"


def test_an_interrupted_run(repeated, tmp_path):
    mark = tmp_path / "mark"
    process = started(
        repeated, "run", "--", "sh", "-c", f"touch '{mark}'; [ -e '{mark}.done' ] || {{ sleep 60 & wait; }}"
    )
    wait_for(mark)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert repeated.record()["result"]["status"] == "interrupted"
    Path(f"{mark}.done").touch()
    repeated.rerun()
    assert repeated.record()["result"]["status"] == "ok"


def test_a_lost_run(repeated, tmp_path):
    mark = tmp_path / "mark"
    script = f"touch '{mark}'; [ -e '{mark}.done' ] || {{ sleep 60 & wait; }}"
    process = started(repeated, "run", "-o", "out.txt", "--", "sh", "-c", script, start_new_session=True)
    wait_for(mark)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    lost = json.loads(repeated.xt("ls", "--json").out)
    run = lost["runs"][0] if isinstance(lost, dict) else lost[0]
    Path(f"{mark}.done").touch()
    again = repeated.rerun(run["id"], code=0)
    assert repeated.record()["snapshot"]["repeat"]["of"] == run["id"]
    assert again.out == b""


def test_a_rerun_of_a_rerun(repeated):
    repeated.write("a.py", "1\n")
    repeated.witness()
    first = repeated.record()["id"]
    repeated.same()
    repeated.git("add", "-A")
    repeated.git("commit", "-qm", "since")
    repeated.same()
    assert repeated.record()["snapshot"]["repeat"]["of"] == repeated.record("@~1")["id"]
    assert first == repeated.record("@~2")["id"]


def test_outputs_and_metrics(repeated):
    repeated.write(
        "job.py",
        "import json, os\nos.makedirs('out/deep', exist_ok=True)\n"
        "open('out/deep/a.txt', 'w').write('a')\nopen('b.csv', 'w').write('b')\n"
        "json.dump({'loss': 0.5}, open('m.json', 'w'))\nprint('acc=0.75')\n",
    )
    repeated.write(
        "xt.toml",
        "[task.job]\ncommand = 'python job.py'\noutputs = ['out', '*.csv', 'metrics:m.json']\n"
        "metrics = ['acc=log:acc=([0-9.]+)', 'loss=m.json:loss']\nparams = ['depth=3']\npurpose = 'why'\n",
    )
    done = repeated.run("--", "python", "job.py")
    assert done.code == 0, done.err
    first = repeated.record()
    before = repeated.everything()
    repeated.rerun()
    again = repeated.record()
    assert repeated.everything() == before
    assert [item["digest"] for item in again["result"]["outputs"]] == [
        item["digest"] for item in first["result"]["outputs"]
    ]
    assert [(item["role"], item["path"]) for item in again["result"]["outputs"]] == [
        (item["role"], item["path"]) for item in first["result"]["outputs"]
    ]
    assert [(item["name"], item["value"]) for item in again["result"]["metrics"]] == [
        (item["name"], item["value"]) for item in first["result"]["metrics"]
    ]
    assert again["result"]["status"] == first["result"]["status"] == "ok"
    assert again["snapshot"]["recipe"] == first["snapshot"]["recipe"]
    assert again["snapshot"]["context"]["purpose"] == "why"
    assert repeated.rerun("-m", "other", "-n", "named").code == 0
    assert repeated.record("named")["snapshot"]["context"]["purpose"] == "other"


def test_what_a_command_leaves_stays_in_the_workspace(repeated):
    script = (
        "echo x > made; echo y >> train.py; mkdir -p a/b; chmod 0 a/b; chmod 500 a; git commit -qam inside"
    )
    repeated.run("--", "sh", "-c", f'[ -n "$GO" ] || exit 0; {script}')
    repeated.git("checkout", "-q", ".")
    before = repeated.everything()
    repeated.rerun(env={"GO": "1"})
    assert repeated.everything() == before
    assert repeated.git("log", "--oneline").count("\n") == 0
    repeated.clean()


def test_runs_inside_of_a_repeat(repeated):
    words = [sys.executable, "-m", "xt", "run", "--", "sh", "-c", "echo inner; pwd"]
    done = repeated.run("--", *words)
    assert b"inner" in done.out
    again = repeated.rerun("@~1" if repeated.record()["snapshot"]["context"]["parent"] else "@")
    assert b"inner" in again.out
    assert b"/.xt/work/0/code/project" in again.out
    newest = [repeated.record(name) for name in ("@", "@~1")]
    outer = next(run for run in newest if run["snapshot"].get("repeat"))
    inner = next(run for run in newest if not run["snapshot"].get("repeat"))
    assert inner["snapshot"]["context"]["parent"] == outer["id"]
    repeated.clean()


def test_two_at_once(repeated, tmp_path):
    repeated.write("new.py", "1\n")
    # Each waits until there are three: itself, one that is there, and the other.
    script = (
        f"touch '{tmp_path}/'$XT_RUN_ID; n=0; until [ $(ls '{tmp_path}' | grep -c '^[k-z]*$') -ge 3 ]; "
        "do sleep 0.05; n=$((n+1)); [ $n -lt 400 ] || exit 9; done; pwd"
    )
    for name in ("kkk", "lll"):
        (tmp_path / name).touch()
    assert repeated.run("--", "sh", "-c", script).code == 0
    for path in tmp_path.iterdir():
        if path.is_file():
            path.unlink()
    (tmp_path / "kkk").touch()
    both = [started(repeated, "rerun", "@") for _ in range(2)]
    answers = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    assert len({out for out, _ in answers}) == 2
    repeated.clean()


def test_a_killed_repeat_is_swept_by_the_next(repeated, tmp_path):
    mark = tmp_path / "mark"
    repeated.write(".gitignore", "big\n")
    with open(repeated.path / "big", "wb") as file:
        file.truncate(70_000_000)
    script = f"[ ! -e '{mark}' ] || {{ touch '{mark}.there'; sleep 60; }}"
    assert repeated.run("-i", "big", "--", "sh", "-c", script).code == 0
    mark.touch()
    process = started(repeated, "rerun", "@", start_new_session=True)
    wait_for(Path(f"{mark}.there"))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert os.listdir(repeated.path / ".xt/work/0")
    mark.unlink()
    before = repeated.everything()
    repeated.rerun("@~1")
    assert repeated.everything() == before
    assert [name for name in os.listdir(repeated.path / ".xt/work") if not name.endswith(".lock")] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_the_command_runs(repeated, tmp_path, number):
    mark = tmp_path / "mark"
    script = f"[ ! -e '{mark}' ] || {{ touch '{mark}.there'; sleep 60 & wait; }}"
    assert repeated.run("--", "sh", "-c", script).code == 0
    mark.touch()
    process = started(repeated, "rerun", "@")
    wait_for(Path(f"{mark}.there"))
    process.send_signal(number)
    process.communicate()
    assert process.returncode in (-number, 128 + number)
    assert repeated.record()["result"]["status"] == "interrupted"
    repeated.clean()


GIT = """#!/bin/sh
[ -e '{here}/on' ] || exec '{git}' "$@"
echo "$*" >> '{here}/calls'
if [ "$(wc -l < '{here}/calls')" = "$(cat '{here}/on')" ]; then
    touch '{here}/there'
    sleep 2
fi
exec '{git}' "$@"
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_any_time(repeated, tmp_path, number):
    """At each start of git, of which there are some in every part of the work."""
    here = tmp_path / "bin"
    here.mkdir()
    (here / "git").write_text(GIT.format(here=here, git=shutil.which("git")))
    (here / "git").chmod(0o755)
    env = {**os.environ, "PATH": f"{here}:{os.environ['PATH']}", "PYTHONPATH": SOURCE}
    repeated.write(".gitignore", "data\n")
    repeated.write("data/a", "1\n")
    with open(repeated.path / "data/large", "wb") as file:
        file.truncate(70_000_000)
    assert repeated.run("-i", "data", "--", "true", env=env).code == 0
    count = 0
    while True:
        count += 1
        (here / "on").write_text(str(count))
        (here / "calls").unlink(missing_ok=True)
        (here / "there").unlink(missing_ok=True)
        process = started(repeated, "rerun", "@", "-q", env=env)
        while process.poll() is None and not (here / "there").exists():
            time.sleep(0.01)
        if process.poll() is not None:
            break
        calls = (here / "calls").read_text().splitlines()
        process.send_signal(number)
        out, err = process.communicate(timeout=100)
        assert process.returncode in (-number, 128 + number), (calls, out, err)
        assert b"Traceback" not in err, err
        assert b"bug" not in err, err
        repeated.clean()
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert count > 4
    repeated.clean()


def test_in_place(repeated):
    repeated.write("a.py", "then\n")
    script = "cat a.py; pwd; echo $XT_STORE"
    done = repeated.run("--", "sh", "-c", script)
    same = repeated.rerun("--in-place")
    assert same.out.split(b"\n")[:2] == done.out.split(b"\n")[:2]
    assert "repeats" in same.err
    assert "differs" not in same.err
    repeated.write("a.py", "now\n")
    repeated.write("b.py", "now\n")
    before = repeated.everything()
    other = repeated.rerun("@~1", "--in-place")
    assert other.out.startswith(b"now\n")
    assert "the code differs from the recorded one in 2 files: `a.py`, `b.py`" in other.err
    assert repeated.everything() == before
    assert not (repeated.path / ".xt/work").exists() or os.listdir(repeated.path / ".xt/work") == []
    assert repeated.record()["snapshot"]["repeat"]["in_place"] is True
    page = " ".join(repeated.xt("show", "@").out.decode().split())
    assert "in the project as it was when the repeat was made" in page


def test_in_place_with_other_inputs(repeated):
    repeated.write(".gitignore", "data\n")
    repeated.write("data", "then\n")
    repeated.run("-i", "data", "--", "cat", "data")
    repeated.write("data", "now\n")
    other = repeated.rerun("--in-place")
    assert other.out == b"now\n"
    assert "inputs that differ" in other.err


def test_the_repeat_says_what_it_is(repeated):
    repeated.run("--", "true")
    first = repeated.record()["id"]
    repeated.rerun("-q")
    repeat = repeated.record()["snapshot"]["repeat"]
    assert repeat["of"] == first
    shown = repeated.xt("show", "@").out.decode()
    assert first[:4] in shown
    quiet = repeated.rerun("-q")
    assert quiet.err == ""


def test_code_that_was_not_recorded(folder):
    project = Repeating(folder.path)
    for number in range(20_001):
        (project.path / str(number)).touch()
    project.run("--", "true")
    assert project.record()["snapshot"]["code"]["status"] == "none"
    refused = project.rerun(code=3)
    assert "the code cannot be brought back: the code was not recorded" in refused.err
    project.clean()
