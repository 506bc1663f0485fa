"""The same command bare and wrapped: what it is given, what it gives, and how it ends."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.execute.wrapped import LONG, Pty, Wrapper, child_of, until

PYTHON = sys.executable
#: Shows what a process is given, as JSON; to descriptor 1.
LOOK = """
import json, os, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
mask = os.umask(0)
print(json.dumps({
    "pending": status["ShdPnd"], "threads": status["Threads"], "groups": status["Groups"],
    "limits": open("/proc/self/limits").read(),
    "descriptors": sorted(fd for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")),
    "cwd": os.getcwd(), "umask": mask, "nice": os.nice(0), "affinity": sorted(os.sched_getaffinity(0)),
    "oom": open("/proc/self/oom_score_adj").read(), "cgroup": open("/proc/self/cgroup").read(),
    "traced": status["TracerPid"], "no new privileges": status["NoNewPrivs"],
}))
"""


#: Signals 32 and 33 belong to the C library: its `posix_spawn` leaves them ignored (glibc before 2.38), and
#: no program can tell.
OF_THE_LIBRARY = 0x180000000


def dispositions(status: bytes | str) -> dict[str, int]:
    """The signal masks of /proc/PID/status."""
    text = status.decode() if isinstance(status, bytes) else status
    masks = {
        name: int(mask, 16) for name, mask in re.findall(r"^(Sig[IBC]\w+):\s*(\w+)$", text, re.MULTILINE)
    }
    assert len(masks) == 3
    return {name: mask & ~OF_THE_LIBRARY for name, mask in masks.items()}


def bare(*command: str | bytes, **how: Any) -> Any:
    how.setdefault("stdout", subprocess.PIPE)
    how.setdefault("stderr", subprocess.PIPE)
    how.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(command, timeout=LONG, check=False, **how)


@pytest.mark.parametrize(
    "command",
    [
        ["true"],
        ["sh", "-c", "echo out; echo err >&2; exit 3"],
        ["printf", "no newline"],
        ["printf", r"\000\377\303(\r\n\033[2J"],
        ["cat", "/bin/sh"],
        ["sh", "-c", "cat; exit 7"],
        ["ls", "/no/such/place"],
        ["sh", "-c", "yes | head -n 3"],
        ["bash", "-c", "set -o pipefail; yes | head -n 3 >/dev/null"],
        ["sh", "-c", "exec >&-; echo lost; echo also lost || exit 9"],
        [PYTHON, "-c", "import sys; print(sys.stdout.encoding, flush=True); sys.exit('message')"],
    ],
    ids=lambda command: " ".join(command)[:40],
)
def test_output_and_status_are_those_of_the_bare_command(xt: Wrapper, command: list[str]) -> None:
    stdin = b"some\0 input\n" * 1000
    expected = bare(*command, stdin=None, input=stdin)
    got = xt.run(*command, stdin=None, input=stdin)
    assert (got.stdout, got.stderr, got.returncode) == (expected.stdout, expected.stderr, expected.returncode)
    assert xt.log("stdout") == expected.stdout
    assert xt.log("stderr") == expected.stderr


def test_a_process_is_given_the_same(xt: Wrapper, tmp_path: Path) -> None:
    inside = tmp_path / "a\nfolder"
    inside.mkdir()
    # An extra descriptor, a mask, limits and a niceness that are not the usual ones.
    prepare = 'umask 027; ulimit -c 0; ulimit -n 300; ulimit -s 4096; exec 3</dev/null; exec nice -n 3 "$@"'
    expected, got = (
        bare("bash", "-c", prepare, "bash", *argv, cwd=inside)
        for argv in ([PYTHON, "-c", LOOK], xt.argv(PYTHON, "-c", LOOK))
    )
    assert json.loads(got.stdout) == json.loads(expected.stdout)
    assert json.loads(got.stdout)["descriptors"] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    "prepare",
    [
        "trap '' INT",
        "trap '' HUP TERM USR1",
        "trap '' TSTP QUIT WINCH CONT",
        "trap 'echo' INT TERM",
    ],
)
def test_ignored_signals_stay_ignored(xt: Wrapper, prepare: str) -> None:
    show = ["grep", "^Sig[IBC]", "/proc/self/status"]
    line = prepare + '; exec "$@"'
    expected, got = (bare("bash", "-c", line, "bash", *argv) for argv in (show, xt.argv(*show)))
    assert dispositions(got.stdout) == dispositions(expected.stdout)


def test_blocked_signals_stay_blocked(xt: Wrapper) -> None:
    show = ["grep", "^Sig[IBC]", "/proc/self/status"]
    block = (
        "import os, signal, sys; signal.pthread_sigmask(0, {10, 15, 40})\n"
        "os.execvp(sys.argv[1], sys.argv[1:])"
    )
    expected, got = (bare(PYTHON, "-c", block, *argv) for argv in (show, xt.argv(*show)))
    assert dispositions(got.stdout)["SigBlk"] == 1 << 9 | 1 << 14 | 1 << 39
    # What the caller, here a Python, ignored of what Python itself ignores at its start, xt cannot tell.
    python = {"SigIgn": 1 << 12 | 1 << 24}
    assert dispositions(got.stdout) | python == dispositions(expected.stdout)


def test_under_nohup(xt: Wrapper) -> None:
    show = ["grep", "^Sig[IBC]", "/proc/self/status"]
    expected, got = (bare("nohup", *argv) for argv in (show, xt.argv(*show)))
    assert dispositions(got.stdout) == dispositions(expected.stdout)
    assert dispositions(got.stdout)["SigIgn"] == 1


def test_a_caller_that_does_not_care_for_its_children(xt: Wrapper) -> None:
    # With SIGCHLD ignored the kernel throws exit codes away.
    ignore = "import os, signal, sys; signal.signal(17, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])"
    assert bare(PYTHON, "-c", ignore, *xt.argv("sh", "-c", "exit 5")).returncode == 5
    assert xt.ended()["exit_code"] == 5


def test_process_group_session_and_terminal(xt: Wrapper) -> None:
    show = [PYTHON, "-c", "import os; print(os.getpgrp(), os.getsid(0), os.tcgetpgrp(0), os.getppid())"]
    with Pty(xt.argv(*show)) as terminal:
        group, session, foreground, parent = map(
            int, terminal.expect(rb"(\d+) (\d+) (\d+) (\d+)\r\n").groups()
        )
        assert group == session == foreground == parent == terminal.process.pid
        assert terminal.wait() == 0


def test_the_environment_is_byte_exact(xt: Wrapper) -> None:
    environ = {
        b"PATH": os.environb[b"PATH"],
        b"EMPTY": b"",
        b"NOT_UTF8": b"\xff\xfe\x80",
        b"\xffNAME": b"value",
        b"LINES": b"a\nb=c\n",
        b"with space": b"=",
        b"LARGE": b"x" * 131_000,
        b"PYTHONPATH": b"/no/such",
        b"PYTHONSTARTUP": b"/no/such.py",
    }
    show = ["cat", "/proc/self/environ"]
    expected, got = bare(*show, env=environ), xt.run(*show, env=environ)
    assert sorted(got.stdout.split(b"\0")) == sorted(expected.stdout.split(b"\0"))


def test_ten_thousand_variables(xt: Wrapper) -> None:
    environ = {f"V{number}": str(number) for number in range(10_000)} | {"PATH": os.environ["PATH"]}
    got = xt.run("cat", "/proc/self/environ", env=environ)
    assert len(got.stdout.split(b"\0")) == 10_002


@pytest.mark.parametrize("given", [{}, {"LC_CTYPE": "C.UTF-8"}, {"LC_ALL": "C"}, {"LANG": "C"}])
def test_python_adds_no_locale(xt: Wrapper, given: dict[str, str]) -> None:
    got = xt.run("/usr/bin/env", env=given)
    assert got.stdout == "".join(f"{name}={value}\n" for name, value in given.items()).encode()


def test_a_variable_without_a_name_does_not_hinder(xt: Wrapper) -> None:
    # Python cannot hand it on; `env` can make it.
    line = ["env", "-i", "=nameless", f"PATH={os.environ['PATH']}", *xt.argv("echo", "ran")]
    start = "import os, sys; os.execve(sys.argv[1], sys.argv[1:], {})"
    got = bare(PYTHON, "-c", start, "/usr/bin/env", *line[1:])
    if b"cannot set" in got.stderr:
        pytest.skip("this `env` cannot make one either")
    assert got.stdout == b"ran\n"


def test_arguments_are_byte_exact(xt: Wrapper) -> None:
    words = [b"", b"\xff\xfe", b"a\nb", b"-x", b"--", b"'\"$`\\*?[", b" ", b"x" * 120_000, "é☃".encode()]
    show = [PYTHON, "-c", "import os, sys; os.write(1, b'\\0'.join(map(os.fsencode, sys.argv[1:])))"]
    got = xt.run(*show, *words)
    assert got.stdout == b"\0".join(words) == bare(*show, *words).stdout


@pytest.mark.parametrize("code", [0, 1, 2, 127, 128, 130, 255])
def test_exit_codes(xt: Wrapper, code: int) -> None:
    assert xt.run("sh", "-c", f"exit {code}").returncode == code
    ended = xt.ended()
    assert (ended["exit_code"], ended["xt_exit"], ended["signal"]) == (code, code, None)


def test_all_exit_codes_in_one_process_which_keeps_nothing_open(xt: Wrapper) -> None:
    before = (
        "import os\n"
        "from xt.execute import Job\n"
        "from xt.execute.local import run\n"
        "def codes(numbers):\n"
        "    for number in numbers:\n"
        "        job = Job(['sh', '-c', f'exit {number}'], dict(os.environ), '.', {}, 2.0, 0.25, 100)\n"
        "        ended = run(job)\n"
        "        yield ended.exit_code == ended.xt_exit == number and ended.signal is None\n"
        "assert all(codes(range(2)))\n"
        "before = os.listdir('/proc/self/fd')\n"
        "assert all(codes(range(256)))\n"
        "for _ in range(5): assert not run(Job(['/no/such'], {}, '.', {}, 2.0, 0.25, 100)).started\n"
        "assert len(os.listdir('/proc/self/fd')) == len(before)\n"
        "os.write(1, b'all')\n"
    )
    got = xt.run("true", job={"before": before}, cwd=xt.folder.parent)
    assert (got.stdout, got.stderr) == (b"all", b"")


FATAL = [
    number
    for number in signal.valid_signals()
    if number
    not in {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}
    | {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
]


@pytest.mark.parametrize("number", sorted(map(int, FATAL)))
def test_a_command_that_a_signal_ends(xt: Wrapper, number: int, tmp_path: Path) -> None:
    got = xt.run("sh", "-c", f"ulimit -c 0; kill -{number} $$; sleep 10", cwd=tmp_path)
    ended = xt.ended()
    assert got.returncode == ended["xt_exit"] == 128 + number
    assert (ended["signal"], ended["exit_code"]) == (number, None)
    # The command's signal is not one that xt received.
    assert ended["received"] == []


def test_a_dump_of_core_is_told(xt: Wrapper, tmp_path: Path) -> None:
    pattern = Path("/proc/sys/kernel/core_pattern").read_text()
    dies = ["bash", "-c", "ulimit -c unlimited && kill -SEGV $$"]
    process = subprocess.Popen(dies, cwd=tmp_path, stderr=subprocess.DEVNULL)
    dumped = os.WCOREDUMP(os.waitpid(process.pid, 0)[1])
    process.returncode = 0
    xt.run(*dies, cwd=tmp_path)
    assert xt.ended()["core_dumped"] is dumped, pattern
    xt.run("bash", "-c", "kill -TERM $$")
    assert xt.ended()["core_dumped"] is False


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A folder of things that cannot be started."""
    for name, content, mode in (
        ("plain", "x", 0o644),
        ("badinterpreter", "#!/no/such/interpreter\n", 0o755),
        ("plaininterpreter", f"#!{tmp_path}/plain\n", 0o755),
        ("noline", "echo hi\n", 0o755),
        ("empty", "", 0o755),
    ):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(mode)
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("nosuchcommand", "command not found"),
        ("./nosuchcommand", "command not found"),
        ("./dangling", "names an interpreter that is not there"),
        ("./plain", "cannot be executed: Permission denied"),
        ("./folder", "is a folder"),
        ("./badinterpreter", "names an interpreter that is not there"),
        ("./plaininterpreter", "cannot be executed: Permission denied"),
        ("./plain/below", "cannot be executed: Not a directory"),
        ("./loop", "cannot be executed: Too many levels of symbolic links"),
        ("", "command not found"),
        ("x" * 300, "command not found"),
        ("plain", "cannot be executed: Permission denied"),
        ("folder", "is a folder"),
        ("badinterpreter", "names an interpreter that is not there"),
    ],
    ids=lambda text: text[:20],
)
def test_what_cannot_be_started_ends_as_in_bash(xt: Wrapper, wrong: Path, command: str, reason: str) -> None:
    environ = os.environ | {"PATH": f"{wrong}:{os.environ['PATH']}"}
    expected = bare("bash", "-c", '"$0"', command, cwd=wrong, env=environ).returncode
    got = xt.run(command, cwd=wrong, env=environ)
    ended = xt.ended()
    assert (got.stdout, got.stderr) == (b"", b"")
    # bash looks for a folder's name along PATH only as a file.
    assert got.returncode == ended["xt_exit"] == (126 if command == "folder" else expected)
    assert not ended["started"]
    assert ended["reason"].endswith(reason)


@pytest.mark.parametrize("command", ["./noline", "./empty"])
def test_no_shell_is_tried(xt: Wrapper, wrong: Path, command: str) -> None:
    assert xt.run(command, cwd=wrong).returncode == 126
    assert "neither a program nor a script" in xt.ended()["reason"]


def test_a_folder_of_path_that_may_not_be_searched(xt: Wrapper, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o000)
    # Root may search it all the same, but not without root's capabilities.
    weak = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] if os.geteuid() == 0 else []
    environ = os.environ | {"PATH": f"{tmp_path / 'closed'}:{os.environ['PATH']}"}
    assert bare(*weak, "bash", "-c", "nosuchcommand", env=environ).returncode == 127
    assert bare(*weak, *xt.argv("nosuchcommand"), env=environ).returncode == 127
    assert xt.ended()["reason"] == "`nosuchcommand`: command not found"


def test_no_room_for_a_process_is_not_the_commands_fault(xt: Wrapper) -> None:
    got = xt.run("true", job={"before": "import resource; resource.setrlimit(7, (12, 12))"})
    # With twelve descriptors there is enough for it, with less capture goes first; with none nothing starts.
    assert got.returncode == 0
    limit = "import os, errno\ndef no(*a, **k): raise OSError(errno.EAGAIN, 'no')\nos.posix_spawnp = no"
    assert xt.run("true", job={"before": limit}).returncode == 125
    assert xt.ended()["reason"].startswith("no process could be made")


def test_a_null_byte_in_a_word(xt: Wrapper) -> None:
    before = "import sys; sys.argv[2:] = ['echo', 'a\\0b']"
    assert xt.run("true", job={"before": before}).returncode == 125
    assert "null" in xt.ended()["reason"]


# --- what each stream is ---------------------------------------------------------------------------------

ISATTY = "import os, sys; open(sys.argv[1], 'w').write(' '.join(str(os.isatty(fd)) for fd in range(3)))"


@pytest.mark.parametrize("kinds", list(itertools.product(["tty", "file"], repeat=3)), ids="-".join)
def test_each_stream_is_a_terminal_when_it_was(xt: Wrapper, tmp_path: Path, kinds: tuple[str, ...]) -> None:
    seen = []
    for argv in ([PYTHON, "-c", ISATTY], xt.argv(PYTHON, "-c", ISATTY)):
        other = {0: "0</dev/zero", 1: f"1>{tmp_path}/1", 2: f"2>{tmp_path}/2"}
        streams = " ".join(f"{fd}<>{{}}" if kind == "tty" else other[fd] for fd, kind in enumerate(kinds))
        with Pty([*argv, str(tmp_path / "seen")], streams) as terminal:
            assert terminal.wait() == 0
        seen.append((tmp_path / "seen").read_text())
    assert seen[0] == seen[1] == " ".join(str(kind == "tty") for kind in kinds)
    for name, kind in zip(("stdout", "stderr"), kinds[1:], strict=True):
        assert xt.stream(name)["via"] == ("pty" if kind == "tty" else "pipe")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_descriptors_stay_closed_and_hold_nothing_of_ours(
    xt: Wrapper, tmp_path: Path, closed: str
) -> None:
    show = [
        *("bash", "-c"),
        f"cd /proc/self/fd; ls -l > {tmp_path}/seen 3>&-; echo out; echo err >&2; exit 4",
    ]
    # What is open in the command itself, without what this look needs.
    look = f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(str([fd for fd in range(20) if _is(fd)]))"
    is_open = (
        "import fcntl\ndef _is(fd):\n    try: fcntl.fcntl(fd, 1)\n"
        "    except OSError: return False\n    return True\n"
    )
    seen = []
    for argv in ([PYTHON, "-c", is_open + look], xt.argv(PYTHON, "-c", is_open + look)):
        bare("sh", "-c", f'exec "$@" {closed}', "sh", *argv, stdout=subprocess.DEVNULL)
        seen.append((tmp_path / "seen").read_text())
    assert seen[0] == seen[1]
    got = bare("sh", "-c", f'exec "$@" {closed}', "sh", *xt.argv(*show))
    assert got.returncode == 4
    for name, sign, text in (("stdout", " >&-", b"out\n"), ("stderr", "2>&-", b"err\n")):
        stream = xt.stream(name)
        if sign in f" {closed}":
            assert (stream["via"], stream["reason"]) == ("inherited", "closed by the caller")
            assert xt.log(name) == b""
        elif name == "stdout":
            assert xt.log(name) == text == got.stdout


def test_dev_null_and_full(xt: Wrapper) -> None:
    with open(os.devnull, "wb") as null:
        xt.run("echo", "seen", stdout=null)
    assert xt.log("stdout") == b"seen\n"
    with open("/dev/full", "wb") as full:
        got = xt.run("sh", "-c", "yes; exit 1", stdout=full)
    # Its reader cannot take more: the command finds the stream closed, as it would have found it full.
    assert got.returncode == 1
    assert any("No space left" in problem["message"] for problem in xt.ended()["problems"])


# --- a stream is read by nobody but the command ----------------------------------------------------------


def test_the_rest_of_standard_input_is_the_callers(tmp_path: Path, xt: Wrapper) -> None:
    (tmp_path / "input").write_text("".join(f"line {number}\n" for number in range(100_000)))
    argv = xt.argv("head", "-c", "7")
    line = ["sh", "-c", '"$@"; head -c 7', "sh", *argv]
    with open(tmp_path / "input", "rb") as file:
        assert bare(*line, stdin=file).stdout == b"line 0\nline 1\n"
    reads = xt.argv(PYTHON, "-c", "import os; os.write(1, os.read(0, 7))")
    with subprocess.Popen(["cat", tmp_path / "input"], stdout=subprocess.PIPE) as source:
        assert (
            bare("sh", "-c", '"$@"; head -c 7', "sh", *reads, stdin=source.stdout).stdout
            == b"line 0\nline 1\n"
        )
        assert source.stdout is not None
        source.stdout.close()


@pytest.mark.parametrize("kind", ["file", "null", "pipe"])
def test_standard_input_is_passed_through(tmp_path: Path, xt: Wrapper, kind: str) -> None:
    data = os.urandom(300_000)
    (tmp_path / "input").write_bytes(data)
    if kind == "pipe":
        assert xt.run("cat", stdin=None, input=data).stdout == data
    else:
        with open(tmp_path / "input" if kind == "file" else os.devnull, "rb") as file:
            assert xt.run("cat", stdin=file).stdout == (data if kind == "file" else b"")


def test_nothing_but_the_commands_words_is_shown(xt: Wrapper) -> None:
    for command in ("true", "false", "nosuchcommand"):
        got = xt.run(command)
        assert (got.stdout, got.stderr) == (b"", b"")


def test_many_short_commands(xt: Wrapper) -> None:
    for number in range(30):
        got = xt.run("sh", "-c", f"printf %s {number}; printf e >&2")
        assert (got.stdout, got.stderr, got.returncode) == (str(number).encode(), b"e", 0)


def test_as_process_1_it_reaps_what_others_left(xt: Wrapper, tmp_path: Path) -> None:
    unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    if bare(*unshare, "true").returncode:
        pytest.skip("no new namespaces may be made here")
    script = (
        "for i in $(seq 50); do (true & exec true) & done; wait; sleep 0.5; "
        "ps -e -o stat= | grep -c Z; exit 6"
        if bare("which", "ps").returncode == 0
        else "for i in $(seq 50); do (true & exec true) & done; wait; sleep 0.5; "
        "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z'; exit 6"
    )
    got = bare(*unshare, *xt.argv("sh", "-c", script))
    assert (got.stdout, got.returncode) == (b"0\n", 6), got.stderr


def test_as_process_1_it_passes_signals_on(xt: Wrapper) -> None:
    unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]
    if bare(*unshare, "true").returncode:
        pytest.skip("no new namespaces may be made here")
    argv = xt.argv("sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done")
    with subprocess.Popen([*unshare, *argv], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.kill(child_of(process.pid), signal.SIGTERM)
        assert process.wait(LONG) == 9


@pytest.mark.parametrize("where", ["pipe", "pty"])
def test_when_xt_is_killed_the_command_finds_its_streams_closed(
    xt: Wrapper, tmp_path: Path, where: str
) -> None:
    script = f"echo ready; while sleep 0.05; do echo more || {{ touch {tmp_path}/failed; exit 1; }}; done"
    argv = xt.argv("sh", "-c", f"trap 'touch {tmp_path}/failed; exit 1' PIPE HUP; {script}")
    if where == "pty":
        with Pty(argv) as terminal:
            terminal.expect(b"ready\r\nmore\r\n")
            os.kill(terminal.process.pid, signal.SIGKILL)
            until((tmp_path / "failed").exists)
    else:
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() + process.stdout.readline() == b"ready\nmore\n"
            process.kill()
            until((tmp_path / "failed").exists)
    assert xt.log("stdout").startswith(b"ready\n")


def test_to_become_the_command_leaves_nothing_of_python_behind(wrong: Path) -> None:
    become = (
        "import sys; from xt.execute.spawn import replace\n"
        "reason, status = replace(sys.argv[1:])\n"
        "print(reason); sys.exit(status)"
    )
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    show = ["grep", "^Sig[IBC]", "/proc/self/status"]
    got = bare(PYTHON, "-c", become, *show, env=environ)
    assert dispositions(got.stdout) == dispositions(bare(*show).stdout)
    got = bare(PYTHON, "-c", become, "./plain", cwd=wrong, env=environ)
    assert (got.stdout, got.returncode) == (b"`./plain` cannot be executed: Permission denied\n", 126)


def test_inside_other_wrappers(xt: Wrapper, tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("all: ; @$(COMMAND)\n")
    words = " ".join(map(str, xt.argv("echo", "made")))
    if bare("which", "make").returncode == 0:
        got = bare("make", "-s", "-j2", f"COMMAND={words}", cwd=tmp_path)
        assert got.stdout == b"made\n"
    got = bare("sh", "-c", f"echo a b | xargs -n 1 {words}")
    assert got.stdout == b"made a\nmade b\n"
    if bare("which", "script").returncode == 0:
        got = bare("script", "-qec", words, "/dev/null", cwd=tmp_path)
        assert got.stdout == b"made\r\n"
    with contextlib.suppress(FileNotFoundError):
        assert re.fullmatch(rb"made\n", bare("timeout", "20", *xt.argv("echo", "made")).stdout)
