"""Logs: what is stored is what was written, and whatever ends the storing does not touch the command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from tests.execute.wrapped import LONG, Pty, Wrapper, until

PYTHON = sys.executable
MEBIBYTE = 1 << 20


def consistent(xt: Wrapper) -> Any:
    """Check that what is said of the logs is so, and return what was said."""
    ended = xt.ended()
    files = {file["name"]: file for file in ended["files"]}
    for name, file in files.items():
        data = Path(file["path"]).read_bytes()
        assert file["digest"] == "blake3:" + blake3(data).hexdigest(), name
        assert file["size"] == len(data), name
    stored = {"stdout": 0, "stderr": 0}
    for stream in ended["logs"]["streams"]:
        name = stream["name"]
        stored[name] = stream.get("stored", 0)
        assert stream.get("digest") == (files[name]["digest"] if name in files else None)
        assert stored[name] == len(xt.log(name))
        assert stream["size"] >= stored[name] or stream.get("masked")
    assert ended["logs"]["timing"] == (files["timing"]["digest"] if "timing" in files else None)
    if not any("times of output" in problem["message"] for problem in ended["problems"]):
        assert times(xt) == stored
    return ended


def times(xt: Wrapper) -> dict[str, int]:
    """Bytes by stream, as the timing file has them; its moments must ascend."""
    sums = {"stdout": 0, "stderr": 0}
    last = 0.0
    for line in xt.log("timing").splitlines():
        found = re.fullmatch(rb"(\d+\.\d{6}) ([oe]) (\d+)", line)
        assert found, line
        assert float(found[1]) >= last
        last = float(found[1])
        sums["stdout" if found[2] == b"o" else "stderr"] += int(found[3])
    return sums


def test_what_is_said_of_logs_is_so(xt: Wrapper) -> None:
    script = (
        "import os, time\n"
        "for n in range(60):\n"
        "    os.write(1 + n % 2, b'%d\\n' % n * (n * 50)); time.sleep(0.002 * (n % 3))\n"
    )
    got = xt.run(PYTHON, "-c", script)
    ended = consistent(xt)
    assert ended["problems"] == []
    assert xt.log("stdout") == got.stdout
    assert xt.log("stderr") == got.stderr
    assert {file["name"] for file in ended["files"]} == {"stdout", "stderr", "timing"}
    assert len(xt.log("timing").splitlines()) > 20
    assert xt.stream("stdout") == {
        "name": "stdout",
        "via": "pipe",
        "size": len(got.stdout),
        "stored": len(got.stdout),
        "digest": "blake3:" + blake3(got.stdout).hexdigest(),
    }


def test_times_are_those_of_the_output(xt: Wrapper) -> None:
    # Half a second after each is in its log, so that no delay of a busy machine is taken off it.
    seen = 'until [ -s "$0/{}" ]; do sleep 0.01; done; sleep 0.5; '
    script = f"echo a; {seen.format('stdout')}echo bb >&2; {seen.format('stderr')}echo ccc"
    xt.run("sh", "-c", script, str(xt.logs))
    lines = [line.split() for line in xt.log("timing").splitlines()]
    assert [(line[1], line[2]) for line in lines] == [(b"o", b"2"), (b"e", b"3"), (b"o", b"4")]
    first, second, third = (float(line[0]) for line in lines)
    assert second - first >= 0.4
    assert third - second >= 0.4


def test_a_log_can_be_followed_while_it_is_written(xt: Wrapper) -> None:
    process = subprocess.Popen(
        xt.argv("sh", "-c", "echo first; read line; echo second"), stdin=subprocess.PIPE
    )
    until(lambda: xt.log("stdout") == b"first\n")
    process.communicate(b"\n", timeout=LONG)
    assert xt.log("stdout") == b"first\nsecond\n"
    assert times(xt)["stdout"] == 13


def test_without_output_there_are_no_files(xt: Wrapper) -> None:
    xt.run("true")
    assert consistent(xt)["files"] == []
    assert [path.name for path in xt.logs.iterdir()] == ["exit.json"]


def test_logs_are_their_owners_alone(xt: Wrapper) -> None:
    subprocess.run(["sh", "-c", 'umask 000; exec "$@"', "sh", *xt.argv("echo", "x")], check=True)
    assert {path.stat().st_mode & 0o777 for path in xt.logs.iterdir()} == {0o600}


@pytest.mark.parametrize("limit", [0, 1, 5000, 299_999, 300_000])
def test_a_log_that_is_too_long_is_cut(xt: Wrapper, limit: int) -> None:
    data = os.urandom(300_000)
    got = xt.run("cat", stdin=None, input=data, job={"max_log": limit})
    assert (got.stdout, got.returncode) == (data, 0)
    consistent(xt)
    assert xt.log("stdout") == data[:limit]
    stream = xt.stream("stdout")
    assert stream["size"] == 300_000
    if limit < 300_000:
        assert stream["cut_at"] == limit
        assert stream["reason"] == f"longer than max_log = {limit}"
    else:
        assert "cut_at" not in stream


def test_secrets_are_masked_in_the_log_alone(xt: Wrapper) -> None:
    secret = "hunter2-hunter2"
    script = (
        "import os, time\n"
        f"for part in ({secret[:5]!r}, {secret[5:]!r}, '\\nand {secret}', ' end {secret[:9]}'):\n"
        "    os.write(1, part.encode()); time.sleep(0.05)\n"
    )
    got = xt.run(PYTHON, "-c", script, job={"secrets": {"TOKEN": secret}})
    assert got.stdout == f"{secret}\nand {secret} end {secret[:9]}".encode()
    consistent(xt)
    assert xt.log("stdout") == b"***\nand *** end hunter2-h"
    assert xt.stream("stdout")["masked"] == 2


@pytest.mark.parametrize("terminal", [False, True])
def test_what_looks_like_a_secret_is_masked_in_the_log_alone(xt: Wrapper, terminal: bool) -> None:
    token = "glpat" + "-" + "4bC9xYz0Qw7LmN2pRt5V"
    script = (
        "import os, time\n"
        f"for part in ({token[:3]!r}, {token[3:9]!r}, '{token[9:]}\\nof hunter2\\n', 'gh', 'p_ is none'):\n"
        "    os.write(1, part.encode()); time.sleep(0.02)\n"
        f"os.write(2, b'\\x1b[31mhttps://me:{token}@h/\\x1b[0m')\n"
    )
    job = {"mask_tokens": True, "secrets": {"TOKEN": "hunter2"}}
    if terminal:
        with Pty(xt.argv(PYTHON, "-c", script, **job)) as pty:
            assert pty.wait() == 0
            assert f"{token}\r\nof hunter2\r\n".encode() in pty.seen
    else:
        assert xt.run(PYTHON, "-c", script, job=job).stdout == f"{token}\nof hunter2\nghp_ is none".encode()
    consistent(xt)
    assert xt.log("stdout").replace(b"\r", b"") == b"***\nof ***\nghp_ is none"
    assert xt.log("stderr") == b"\x1b[31mhttps://me:***@h/\x1b[0m"
    assert (xt.stream("stdout")["masked"], xt.stream("stderr")["masked"]) == (2, 1)
    assert xt.stream("stdout")["recognised"] == {"GitLab token": 1}
    assert xt.stream("stderr")["recognised"] == {"password in a URL": 1}


@pytest.mark.parametrize("text", ["epoch 1\n", "Go on? "])
def test_a_short_log_without_anything_of_the_sort_loads_nothing_that_looks_for_it(
    xt: Wrapper, text: str
) -> None:
    check = "import os, sys; real = os._exit\ndef end(code):\n"
    check += "    print(*(name for name in sys.modules if 'tokens' in name), file=open('loaded', 'w'))\n"
    check += "    real(code)\n"
    job = {"mask_tokens": True, "before": check + "os._exit = end"}
    assert xt.run("printf", text, job=job, cwd=xt.folder).stdout == text.encode()
    assert xt.log("stdout") == text.encode()
    assert ("tokens" in (xt.folder / "loaded").read_text()) is not text.endswith("\n")


@pytest.mark.parametrize(("gone", "left"), [("tokens", "a"), ("key_blocks", "b")])
def test_a_log_is_whole_where_what_looks_for_secrets_is_gone_meanwhile(
    xt: Wrapper, gone: str, left: str
) -> None:
    key = "-----BEGIN PRIVATE " + "KEY-----"
    job = {"mask_tokens": True, "before": f"import sys; sys.modules['xt.execute.{gone}'] = None"}
    script = f"printf 'a ghp_'; sleep 0.1; echo; echo '{key} {left}'; echo more"
    assert xt.run("sh", "-c", script, job=job).stdout == xt.log("stdout")
    consistent(xt)
    assert "more" in xt.log("stdout").decode()
    assert xt.stream("stdout")["unsearched"] > 0
    assert not xt.ended()["problems"]


def test_a_prompt_is_in_the_log_before_it_is_answered_though_a_secret_may_follow(xt: Wrapper) -> None:
    argv = xt.argv("sh", "-c", "printf 'Go on? '; read line", secrets={"TOKEN": "hunter2-hunter2"})
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    until(lambda: xt.log("stdout") == b"Go on? ")
    process.communicate(b"\n", timeout=LONG)


# --- what ends the storing -------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> list[str]:
    """The words that run something where `tmp_path/disk` is a file system of 1 MiB."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "xt").mkdir()
    unshare = ["unshare", "--mount", "--map-root-user"]
    if os.geteuid() == 0:
        unshare = ["unshare", "--mount"]
    mount = f"mount -t tmpfs -o size=1m none {tmp_path}/disk"
    if subprocess.run([*unshare, "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    return [
        *unshare,
        "sh",
        "-c",
        f'{mount}; "$@"; status=$?; cp {tmp_path}/disk/* {tmp_path}; exit $status',
        "sh",
    ]


def test_a_full_disk(xt: Wrapper, tmp_path: Path, small: list[str]) -> None:
    xt.logs = tmp_path / "disk"
    data = os.urandom(3 * MEBIBYTE)
    script = (
        "import sys, os\nwhile part := os.read(0, 70_000): os.write(1, part); os.write(2, b'e')\nos._exit(5)"
    )
    argv = xt.argv(PYTHON, "-c", script)
    got = subprocess.run([*small, *argv], input=data, capture_output=True, timeout=LONG, check=False)
    assert (got.stdout, got.returncode) == (data, 5)
    ended = xt.ended()
    log = (tmp_path / "stdout").read_bytes()
    stream = xt.stream("stdout")
    assert stream["size"] == len(data)
    assert 0 < stream["stored"] == stream["cut_at"] == len(log) < MEBIBYTE
    assert data.startswith(log)
    assert stream["digest"] == "blake3:" + blake3(log).hexdigest()
    assert stream["reason"].startswith("No space left"), stream
    for file in ended["files"]:  # the torn ends are cut off
        stored = (tmp_path / file["name"]).read_bytes()
        assert (file["size"], file["digest"]) == (len(stored), "blake3:" + blake3(stored).hexdigest())


def test_a_disk_that_is_full_from_the_start(xt: Wrapper, tmp_path: Path, small: list[str]) -> None:
    xt.logs = tmp_path / "disk"
    fill = f"head -c 2000000 /dev/zero > {tmp_path}/disk/full 2>/dev/null; "
    small[-2] = small[-2].replace('"$@"', fill + '"$@"')
    got = subprocess.run(
        [*small, *xt.argv("sh", "-c", "seq 10000; exit 6")], capture_output=True, timeout=LONG, check=False
    )
    assert got.stdout == b"".join(b"%d\n" % n for n in range(1, 10001))
    assert got.returncode == 6
    assert xt.stream("stdout")["reason"] == "No space left on device"
    assert xt.ended()["exit_code"] == 6


def test_a_folder_that_is_removed_meanwhile(xt: Wrapper) -> None:
    script = f"echo first; sleep 0.3; rm -r '{xt.logs}'; echo second; echo err >&2; exit 4"
    got = xt.run("sh", "-c", script)
    assert (got.stdout, got.stderr, got.returncode) == (b"first\nsecond\n", b"err\n", 4)
    assert xt.stream("stderr")["cut_at"] == 0
    assert xt.stream("stderr")["reason"] == "No such file or directory"
    assert xt.ended()["exit_code"] == 4


def test_a_folder_that_never_was(xt: Wrapper) -> None:
    argv = xt.argv("sh", "-c", "echo out; exit 4")
    xt.logs.rmdir()
    got = subprocess.run(argv, capture_output=True, timeout=LONG, check=False)
    assert (got.stdout, got.stderr, got.returncode) == (b"out\n", b"", 4)
    assert xt.ended()["files"] == []


def test_an_error_while_closing(xt: Wrapper) -> None:
    # Network file systems tell only then that the disk was full.
    before = (
        "import os\nreal = os.close\n"
        "def close(fd):\n"
        "    path = os.readlink(f'/proc/self/fd/{fd}')\n"
        "    real(fd)\n"
        "    if path.endswith(('logs/stdout', 'logs/timing')): raise OSError(122, 'Disk quota exceeded')\n"
        "os.close = close"
    )
    got = xt.run("sh", "-c", "echo out; exit 4", job={"before": before})
    assert (got.stdout, got.stderr, got.returncode) == (b"out\n", b"", 4)
    messages = [problem["message"] for problem in xt.ended()["problems"]]
    assert len([message for message in messages if "Disk quota exceeded" in message]) == 2


def test_an_error_while_finishing(xt: Wrapper) -> None:
    before = (
        "import xt.execute.mask as mask\ndef fails(self, data, final=False): raise ValueError('injected')\n"
    )
    for condition in ("", "mask.Mask.feed = fails"):
        got = xt.run("echo", "out", job={"before": before + condition, "secrets": {"A": "hunter2-hunter2"}})
        assert (got.stdout, got.stderr, got.returncode) == (b"out\n", b"", 0)
    assert "injected" in xt.stream("stdout")["reason"]
    assert xt.log("stdout") == b""
