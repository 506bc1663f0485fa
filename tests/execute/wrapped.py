"""For the tests here: the wrapper as a process, and terminals to run it in."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pytest

DRIVER = str(Path(__file__).with_name("driver.py"))
#: Seconds after which something that should have happened has not.
LONG = 75.0


class Wrapper:
    """One place for logs and results; each `argv` is for one command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.result = folder / "ended.json"

    def argv(self, *command: str | bytes, **options: Any) -> list[str | bytes]:
        """The words that run a command wrapped. Options: those of `Job`, and `before`, code to inject."""
        self.logs.mkdir(exist_ok=True, parents=True)
        for old in (*self.logs.iterdir(), self.result):
            old.unlink(missing_ok=True)
        settings = {
            "path": [os.path.abspath(place) for place in sys.path],
            "folder": str(self.logs),
            "result": str(self.result),
            "secrets": {},
            "grace": 2.0,
            "idle_grace": 0.25,
            "max_log": 10**10,
            "mask_tokens": False,
            "before": "",
        }
        assert options.keys() <= settings.keys()
        path = self.folder / "options.json"
        path.write_text(json.dumps(settings | options))
        return [sys.executable, "-I", "-S", DRIVER, str(path), *command]

    def run(self, *command: str | bytes, job: dict[str, Any] | None = None, **how: Any) -> Any:
        """Run a command wrapped, to its end, with both streams captured unless told otherwise."""
        how.setdefault("stdout", subprocess.PIPE)
        how.setdefault("stderr", subprocess.PIPE)
        how.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(self.argv(*command, **job or {}), timeout=LONG * 3, check=False, **how)

    def ended(self) -> Any:
        """What the wrapper said of its last command; waits for that."""
        until(self.result.exists)
        return json.loads(self.result.read_bytes())

    def log(self, name: str) -> bytes:
        """The stored bytes of a stream; none when there is no file."""
        path = self.logs / name
        return path.read_bytes() if path.exists() else b""

    def stream(self, name: str) -> Any:
        """What the wrapper said of one stream."""
        return next(stream for stream in self.ended()["logs"]["streams"] if stream["name"] == name)


class Pty:
    """A process with a terminal of its own as its controlling one; by default all three streams are it."""

    def __init__(
        self,
        argv: list[str | bytes],
        streams: str = "0<>{} 1>&0 2>&0",
        size: tuple[int, int] = (24, 80),
        **how: Any,
    ) -> None:
        """Start. `streams` are the redirections, as a shell writes them, {} being the terminal."""
        self.master, slave = os.openpty()
        self.name = os.ttyname(slave)
        self.seen = b""
        self.resize(*size)
        self.initial = termios.tcgetattr(slave)
        # The leader of a session gets the first terminal it opens as its controlling one.
        line = f'0<>{self.name} exec "$@" {streams.replace("{}", self.name)}'
        self.process = subprocess.Popen(["/bin/sh", "-c", line, "sh", *argv], start_new_session=True, **how)
        self.slave = slave  # kept, so that the terminal outlives its processes and can be asked for its modes

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def modes(self) -> list[Any]:
        return termios.tcgetattr(self.slave)

    def send(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def read(self, seconds: float) -> bool:
        """Take what comes; False when nothing did."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        self.seen += os.read(self.master, 1 << 16)
        return True

    def expect(self, pattern: bytes) -> re.Match[bytes]:
        """Wait for something to be shown; what was before it is done with."""
        end = time.monotonic() + LONG
        while time.monotonic() < end:
            if found := re.search(pattern, self.seen, re.DOTALL):
                self.seen = self.seen[found.end() :]
                return found
            self.read(0.1)
        raise AssertionError(f"{pattern!r} was not shown, but {self.seen!r}")

    def wait(self) -> int:
        """Take all output until the process ends; give its status."""
        end = time.monotonic() + LONG
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end; shown was {self.seen!r}"
            self.read(0.05)
        while self.read(0):
            pass
        return self.process.returncode

    def hang_up(self) -> None:
        """Take the terminal away."""
        os.close(self.slave)
        os.close(self.master)
        self.master = -1

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.master >= 0:
            self.hang_up()

    def __enter__(self) -> Pty:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Tmux:
    """A terminal emulator whose screen can be looked at."""

    def __init__(self, folder: Path, size: tuple[int, int] = (20, 60)) -> None:
        if not shutil.which("tmux"):
            pytest.skip("tmux is not installed")
        self.socket = str(folder / "tmux")
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TERM": "screen",
            "LANG": "C.UTF-8",
        }
        (folder / "rc").write_text("PS1='READY> '\n")
        rows, columns = size
        self._tmux(
            *("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(folder)),
            f"exec bash --noprofile --rcfile '{folder}/rc'",
            env=environ,
        )
        self.shows(r"READY>$")

    def _tmux(self, *words: str, **how: Any) -> str:
        return subprocess.run(
            ["tmux", "-S", self.socket, *words],
            check=True,
            capture_output=True,
            text=True,
            timeout=LONG,
            **how,
        ).stdout

    def line(self, text: str) -> None:
        """Type a line."""
        self._tmux("send-keys", "-l", text)
        self.key("Enter")

    def key(self, *names: str) -> None:
        """Press keys, by tmux's names for them."""
        self._tmux("send-keys", *names)

    def screen(self) -> str:
        """What is seen, with colours."""
        return self._tmux("capture-pane", "-p", "-e")

    def shows(self, pattern: str) -> str:
        """Wait until the screen shows something, and then stands still."""
        last = ""
        end = time.monotonic() + LONG
        while time.monotonic() < end:
            seen = self._tmux("capture-pane", "-p").rstrip()
            if seen == last and re.search(pattern, seen):
                return self.screen()
            last = seen
            time.sleep(0.15)
        raise AssertionError(f"{pattern!r} is not on the screen:\n{last}")

    def resize(self, rows: int, columns: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def close(self) -> None:
        self._tmux("kill-server")


def until(true: Any) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def state(pid: int) -> str:
    """The letter of a process's state: R, S, D, T, Z (proc(5), stat)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def child_of(pid: int) -> int:
    """The only child of a process, once it has one."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    until(lambda: path.read_text().split())
    return int(path.read_text().split()[0])
