"""At a terminal: full-screen programs, modes, sizes and prompts are as without xt."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.execute.wrapped import Pty, Tmux, Wrapper, child_of, until

PYTHON = sys.executable
LFLAG, OFLAG, IFLAG, CC = 3, 1, 0, 6

CURSES = """
import curses, sys
def main(screen):
    curses.curs_set(0)
    screen.addstr(0, 0, f"size {screen.getmaxyx()}")
    screen.addstr(2, 4, "bold", curses.A_BOLD)
    screen.addstr(4, 4, "reversed", curses.A_REVERSE)
    screen.hline(6, 0, "-", 30)
    screen.addstr(7, 0, "press")
    screen.refresh()
    keys = []
    while True:
        key = screen.getch()
        if key == curses.KEY_RESIZE:
            screen.addstr(0, 0, f"size {screen.getmaxyx()}   ")
        else:
            keys.append(curses.keyname(key).decode())
            screen.addstr(8, 0, f"keys {' '.join(keys)}")
        screen.refresh()
        if key == ord("q"):
            return
curses.wrapper(main)
print("left")
"""


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Tmux]:
    tmux = Tmux(tmp_path)
    yield tmux
    tmux.close()


class Session:
    """The same keys, to a bare and to a wrapped command."""

    def __init__(self, tmux: Tmux, xt: Wrapper, folder: Path) -> None:
        self.tmux, self.xt, self.folder = tmux, xt, folder

    def start(self, *command: str, wrapped: bool) -> None:
        """Begin on an empty screen, under the same short line for both."""
        argv = self.xt.argv(*command) if wrapped else command
        (self.folder / "go").write_text("exec " + shlex.join(map(str, argv)) + "\n")
        self.tmux.line("clear")
        self.tmux.shows(r"^READY>$")
        self.tmux.line("sh ./go")


@pytest.fixture
def session(screen: Tmux, xt: Wrapper, tmp_path: Path) -> Session:
    return Session(screen, xt, tmp_path)


def test_curses(session: Session, tmp_path: Path) -> None:
    tmux = session.tmux
    (tmp_path / "full.py").write_text(CURSES)
    seen: list[list[str]] = []
    for wrapped in (False, True):
        screens = []
        tmux.resize(20, 60)
        session.start(PYTHON, "full.py", wrapped=wrapped)
        screens.append(tmux.shows("press"))
        tmux.key("a")  # arrives without Enter, and is not echoed
        screens.append(tmux.shows("keys a$"))
        tmux.key("Up", "C-m")
        screens.append(tmux.shows(r"keys a KEY_UP \^J$"))
        tmux.resize(15, 50)
        screens.append(tmux.shows(r"size \(15, 50\)"))
        tmux.key("C-z")
        screens.append(tmux.shows(r"Stopped.*\nREADY>$"))
        tmux.line("fg")
        screens.append(tmux.shows("keys a KEY_UP"))
        tmux.key("b", "q")
        screens.append(tmux.shows("left\nREADY>"))
        tmux.line("stty -a | grep -o -e '-*icanon' -e '-*echo ' -e '-*opost' -e '-*onlcr'; echo typed")
        screens.append(tmux.shows("\ntyped\n"))
        seen.append(screens)
    for bare, wrapped_screen in zip(*seen, strict=True):
        assert wrapped_screen == bare
    assert session.xt.stream("stdout")["via"] == "pty"


@pytest.mark.parametrize("pager", ["less", "more"])
def test_pager(session: Session, tmp_path: Path, pager: str) -> None:
    if not shutil.which(pager):
        pytest.skip(f"{pager} is not installed")
    tmux = session.tmux
    (tmp_path / "text").write_text("".join(f"line {number}\n" for number in range(1, 201)))
    seen = []
    for wrapped in (False, True):
        screens = []
        session.start(pager, "text", wrapped=wrapped)
        screens.append(tmux.shows("line 1[5-9]"))
        tmux.key("Space")
        screens.append(tmux.shows("line 3[0-9]"))
        tmux.key("b")
        screens.append(tmux.shows("line 1[5-9]"))
        if pager == "less":
            tmux.key("G")
            screens.append(tmux.shows("line 200"))
            tmux.line("?line 77")
            screens.append(tmux.shows("line 77"))
            tmux.key("C-z")
            tmux.shows("Stopped.*\nREADY>")
            tmux.line("fg")
            tmux.shows("line 77")
        tmux.key("q")
        screens.append(tmux.shows("READY>$"))
        tmux.line("echo typed")
        tmux.shows("\ntyped\n")
        seen.append(screens)
    assert seen[1] == seen[0]


def test_vim(session: Session, tmp_path: Path) -> None:
    if not shutil.which("vim"):
        pytest.skip("vim is not installed")
    tmux = session.tmux
    seen = []
    for wrapped in (False, True):
        (tmp_path / "text").write_text("one\ntwo\nthree\n")
        screens = []
        session.start("vim", "-u", "NONE", "-i", "NONE", "-n", "text", wrapped=wrapped)
        screens.append(tmux.shows("three"))
        tmux.key("j", "i", "x", "Enter", "y", "Escape")
        screens.append(tmux.shows("ytwo"))
        tmux.resize(12, 40)
        screens.append(tmux.shows("ytwo"))
        tmux.key("C-z")
        screens.append(re.sub(r"\S*vim.*", "", tmux.shows("Stopped.*\n+READY>")))
        tmux.line("fg")
        screens.append(tmux.shows("ytwo"))
        tmux.line(":wq")
        tmux.shows("READY>$")
        tmux.line("echo typed")
        tmux.shows("\ntyped\n")
        tmux.resize(20, 60)
        seen.append(screens)
        assert (tmp_path / "text").read_text() == "one\nx\nytwo\nthree\n"
    assert seen[1] == seen[0]


def test_vim_of_a_pipe_reads_keys_from_where_it_writes(session: Session) -> None:
    if not shutil.which("vim"):
        pytest.skip("vim is not installed")
    tmux = session.tmux
    session.start("sh", "-c", "seq 5 | vim -u NONE -i NONE -n -", wrapped=True)
    tmux.shows("\n5\n")
    tmux.key("d", "d", "i", "x", "Escape")
    tmux.shows("^x2\n3\n4\n5\n")
    tmux.line(":q!")
    tmux.shows("READY>$")
    tmux.line("echo typed")
    tmux.shows("\ntyped\n")


def test_keys_are_not_taken_from_a_program_that_reads_its_standard_input(xt: Wrapper) -> None:
    # As a menu does that draws on its standard error, so that its standard output can be captured.
    script = (
        "import os, time, tty; tty.setcbreak(2); os.write(2, b'ready'); time.sleep(1)\n"
        "os.write(2, b'<' + os.read(0, 100) + b'>')"
    )
    with Pty(xt.argv(PYTHON, "-c", script)) as terminal:
        terminal.expect(b"ready")
        terminal.send(b"keys")
        terminal.expect(b"<keys>")
        assert terminal.wait() == 0


def test_top_reads_single_keys(session: Session) -> None:
    if not shutil.which("top"):
        pytest.skip("top is not installed")
    tmux = session.tmux
    session.start("top", "-d", "60", wrapped=True)
    tmux.shows("load average")
    tmux.key("h")
    tmux.shows("Type .q. or <Esc> to continue")
    tmux.key("q")
    tmux.shows("load average")
    tmux.key("q")
    tmux.shows("READY>$")
    tmux.line("echo typed")
    tmux.shows("\ntyped\n")


@pytest.mark.parametrize("shell", ["bash --norc --noprofile", "zsh -f", "dash"])
def test_an_interactive_shell(session: Session, shell: str) -> None:
    if not shutil.which(shell.split(maxsplit=1)[0]):
        pytest.skip(f"{shell} is not installed")
    tmux = session.tmux
    session.start("env", "PS1=INNER> ", *shell.split(), "-i", wrapped=True)
    tmux.shows("INNER> ?$")
    tmux.line("sleep 60")
    tmux.shows("sleep 60$")
    tmux.key("C-c")
    tmux.shows("\nINNER> ?$")
    tmux.line("less -X -e /etc/passwd | cat >/dev/null; exit 3")
    tmux.shows("READY>$")
    tmux.line("echo status $?")
    tmux.shows("status 3")


# --- modes -----------------------------------------------------------------------------------------------

CBREAK = """
import os, sys, termios, tty
before = termios.tcgetattr(1)
tty.{mode}(1)
os.write(1, b"a\\nb\\nready")
while (key := os.read(0, 1)) != b"q":
    os.write(1, b"<" + key + b">")
termios.tcsetattr(1, termios.TCSANOW, before)
os.write(1, b"\\nleft\\n")
os.read(0, 10)
"""


@pytest.mark.parametrize("mode", ["setcbreak", "setraw"])
def test_modes_set_on_the_output_hold_for_the_input(xt: Wrapper, mode: str) -> None:
    shown = []
    for argv in ([PYTHON, "-c", CBREAK.format(mode=mode)], xt.argv(PYTHON, "-c", CBREAK.format(mode=mode))):
        with Pty(argv) as terminal:
            seen = terminal.expect(b"(.*ready)").group()
            during = terminal.modes()
            for key in (b"x", b"\r", b"\xff"):
                terminal.send(key)
                seen += terminal.expect(b"<.+?>").group()  # without Enter, and without an echo
            terminal.send(b"q")
            seen += terminal.expect(b".*left\r\n").group()
            until(lambda terminal=terminal: terminal.modes() == terminal.initial)
            terminal.send(b"\n")
            assert terminal.wait() == 0
            shown.append((seen, during))
    assert shown[1] == shown[0]


def test_modes_set_at_the_input_are_not_undone_by_those_of_the_output(xt: Wrapper) -> None:
    script = (
        "import os, termios, sys\n"
        "modes = termios.tcgetattr(0); modes[3] &= ~termios.ECHO; termios.tcsetattr(0, 0, modes)\n"
        "modes = termios.tcgetattr(1); modes[0] &= ~termios.IXON; termios.tcsetattr(1, 0, modes)\n"
        "os.write(1, b'ready'); os.read(0, 9)"
    )
    with Pty(xt.argv(PYTHON, "-c", script)) as terminal:
        terminal.expect(b"ready")
        until(lambda: not terminal.modes()[IFLAG] & termios.IXON)
        assert not terminal.modes()[LFLAG] & termios.ECHO
        terminal.send(b"\n")
        assert terminal.wait() == 0


def test_modes_the_command_leaves_are_left(xt: Wrapper) -> None:
    script = "import tty; tty.setcbreak(1)"
    with Pty(xt.argv(PYTHON, "-c", script)) as terminal:
        assert terminal.wait() == 0
        assert terminal.initial[LFLAG] & ~terminal.modes()[LFLAG] == termios.ICANON | termios.ECHO


def test_a_terminal_that_is_not_the_controlling_one(xt: Wrapper) -> None:
    # As with `> /dev/pts/7`: asking who has it fails, setting it does not.
    other, theirs = os.openpty()
    script = "import os, tty; tty.setcbreak(1); os.write(1, b'written\\n' * 3)"
    with Pty(xt.argv(PYTHON, "-c", script), f"0<>{{}} 1<>{os.ttyname(theirs)} 2>&0") as terminal:
        assert terminal.wait() == 0
    assert os.read(other, 1000) == b"written\r\n" * 3
    assert not termios.tcgetattr(theirs)[LFLAG] & termios.ECHO
    assert xt.ended()["problems"] == []
    os.close(other)
    os.close(theirs)


def test_output_processing_is_the_users_own(xt: Wrapper) -> None:
    for setting in ("onlcr", "-onlcr"):
        script = f'stty {setting} <&0; exec "$@"'
        with Pty(["sh", "-c", script, "sh", *xt.argv("printf", r"a\nb\tc\r\nend")]) as terminal:
            seen = terminal.expect(b".*end").group()
            terminal.wait()
        assert seen == (b"a\r\nb\tc\r\r\nend" if setting == "onlcr" else b"a\nb\tc\r\nend")
        assert xt.log("stdout") == b"a\nb\tc\r\nend"


# --- size ------------------------------------------------------------------------------------------------

SIZE = """
import os, signal
def say(*_):
    sizes = " ".join(str(os.get_terminal_size(fd)) for fd in range(3))
    os.write(1, f"size {sizes}\\n".encode())
signal.signal(signal.SIGWINCH, say)
say()
while os.read(0, 100) not in (b"end\\n", b""):
    pass
"""


def sizes(columns: int, lines: int) -> bytes:
    text = rf"os.terminal_size\(columns={columns}, lines={lines}\)"
    return f"size {text} {text} {text}\r\n".encode()


def test_the_size_is_there_at_the_start_and_followed(xt: Wrapper) -> None:
    with Pty(xt.argv(PYTHON, "-c", SIZE), size=(33, 77)) as terminal:
        terminal.expect(b"^" + sizes(77, 33))
        for rows, columns in ((10, 20), (60, 200)):
            terminal.resize(rows, columns)
            terminal.expect(sizes(columns, rows))
        terminal.send(b"end\n")
        assert terminal.wait() == 0


def test_a_size_changed_while_stopped(xt: Wrapper) -> None:
    environ = {"PATH": os.environ["PATH"], "PS1": "READY> ", "TERM": "dumb", "HISTFILE": "/dev/null"}
    with Pty(["bash", "--norc", "--noprofile", "--noediting", "-i"], env=environ) as shell:
        shell.expect(b"READY> ")
        shell.send(shlex.join(map(str, xt.argv(PYTHON, "-c", SIZE))).encode() + b"\n")
        shell.expect(sizes(80, 24))
        shell.send(b"\x1a")
        shell.expect(b"Stopped.*READY> ")
        shell.resize(11, 22)
        time.sleep(0.3)
        shell.send(b"fg\n")
        shell.expect(sizes(22, 11))
        shell.send(b"end\n")
        shell.expect(b"READY> ")


def test_a_command_with_a_terminal_of_another_size_on_each_stream(xt: Wrapper) -> None:
    other, theirs = os.openpty()
    termios.tcsetwinsize(other, (5, 6))
    script = "import os; print(os.get_terminal_size(1), os.get_terminal_size(2))"
    with Pty(xt.argv(PYTHON, "-c", script), f"0<>{{}} 1>&0 2<>{os.ttyname(theirs)}") as terminal:
        terminal.expect(rb"columns=80, lines=24.*columns=6, lines=5")
        assert terminal.wait() == 0
    os.close(other)
    os.close(theirs)


# --- prompts ---------------------------------------------------------------------------------------------


def test_a_password_is_neither_shown_nor_logged(xt: Wrapper) -> None:
    script = "import getpass; print(len(getpass.getpass('Secret: ')))"
    with Pty(xt.argv(PYTHON, "-c", script)) as terminal:
        terminal.expect(b"Secret: ")
        assert not terminal.modes()[LFLAG] & termios.ECHO
        terminal.send(b"hunter2!\n")
        terminal.expect(b"\r\n8\r\n")
        assert terminal.wait() == 0
        assert terminal.modes()[LFLAG] & termios.ECHO
        assert b"hunter2" not in terminal.seen
    assert b"hunter2" not in xt.log("stdout") + xt.log("stderr")


def test_what_is_typed_is_not_logged(xt: Wrapper) -> None:
    with Pty(xt.argv("sh", "-c", "printf 'name? '; read name; echo hello")) as terminal:
        terminal.expect(rb"name\? ")
        terminal.send(b"my name\n")
        terminal.expect(b"my name\r\nhello\r\n")  # the terminal's own echo, once
        assert terminal.wait() == 0
    assert xt.log("stdout") == b"name? hello\n"


def test_a_prompt_without_a_newline_comes_at_once(xt: Wrapper) -> None:
    with Pty(xt.argv("bash", "-c", "read -p 'sure? ' -n 1 answer; echo; echo got $answer")) as terminal:
        terminal.expect(rb"sure\? ")
        terminal.send(b"y")
        terminal.expect(b"got y\r\n")
        assert terminal.wait() == 0
    assert xt.log("stderr") == b"sure? "


# --- what comes when it goes -----------------------------------------------------------------------------


def test_a_stop_leaves_nothing_of_the_output_behind(xt: Wrapper) -> None:
    environ = {"PATH": os.environ["PATH"], "PS1": "READY> ", "TERM": "dumb", "HISTFILE": "/dev/null"}
    script = (
        "import os; os.write(1, b'x' * 30000 + b'\\nlast\\n'); os.kill(os.getpid(), 20)\n"
        "os.write(1, b'more\\n')"
    )
    with Pty(["bash", "--norc", "--noprofile", "--noediting", "-i"], env=environ) as shell:
        shell.expect(b"READY> ")
        for _ in range(5):
            shell.send(shlex.join(map(str, xt.argv(PYTHON, "-c", script))).encode() + b"\n")
            shell.expect(rb"x\r\nlast\r\n.*Stopped.*READY> ")  # in this order
            shell.send(b"fg\n")
            shell.expect(b"more\r\nREADY> ")


def test_stdout_and_stderr_of_one_terminal_come_in_the_order_they_were_written_in(xt: Wrapper) -> None:
    # Both are there before xt can look: it is stopped while they are written.
    script = (
        "import os, signal, time\n"
        "for n in range(10):\n"
        "    os.kill(os.getppid(), signal.SIGSTOP); time.sleep(0.05)\n"
        "    for fd in ((2, 1) if n % 2 else (1, 2)): os.write(fd, b'%d-%d\\n' % (n, fd))\n"
        "    os.kill(os.getppid(), signal.SIGCONT); time.sleep(0.15)\n"
    )
    with Pty(xt.argv(PYTHON, "-c", script)) as terminal:
        assert terminal.wait() == 0
        shown = terminal.seen.replace(b"\r", b"").split()
    expected = [b"%d-%d" % (n, fd) for n in range(10) for fd in ((2, 1) if n % 2 else (1, 2))]
    assert shown == expected
    assert xt.log("stdout").split() == [word for word in expected if word.endswith(b"-1")]
    assert len(xt.log("timing").splitlines()) == 20


def test_a_reader_that_pauses_the_terminal(xt: Wrapper) -> None:
    with Pty(xt.argv("sh", "-c", "echo ready; read line; seq 20000; echo err >&2; exit 3")) as terminal:
        terminal.expect(b"ready\r\n")
        terminal.send(b"\n")
        terminal.send(b"\x13")  # Ctrl-S
        time.sleep(0.5)
        terminal.send(b"\x11")  # Ctrl-Q
        assert terminal.wait() == 3
        assert b"\r\n20000\r\n" in terminal.seen
    assert xt.log("stdout") == b"ready\n" + b"".join(b"%d\n" % n for n in range(1, 20001))


def test_a_progress_bar(xt: Wrapper) -> None:
    script = (
        "import sys, time\n"
        "for n in range(200):\n"
        "    sys.stderr.write(f'\\r{n:3d}% |' + '#' * (n // 10)); time.sleep(0.001)\n"
        "print(file=sys.stderr); print('done')"
    )
    shown = []
    for argv in ([PYTHON, "-c", script], xt.argv(PYTHON, "-c", script)):
        with Pty(argv) as terminal:
            assert terminal.wait() == 0
            shown.append(terminal.seen)
    assert shown[1] == shown[0]
    assert xt.log("stderr").count(b"\r") == 200


def test_the_terminal_is_lost_while_output_waits(xt: Wrapper) -> None:
    # Nobody reads: xt is blocked in writing to it when it goes.
    with Pty(xt.argv("sh", "-c", "trap '' HUP; seq 30000; exit 6")) as terminal:
        child = child_of(terminal.process.pid)
        time.sleep(0.5)
        terminal.hang_up()
        assert terminal.process.wait(30) == 6
        until(lambda: not Path(f"/proc/{child}").exists())
    assert xt.log("stdout").endswith(b"\n30000\n")
    assert signal.SIGHUP in xt.ended()["received"]
