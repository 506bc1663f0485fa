"""A world in which one call of xt is tried: a project, what was recorded in it, a folder that is a remote."""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from typing import NamedTuple

from tests.faults.preload import Faults

#: Seconds after which what does not end hangs.
HANGS = 100
PR_SET_CHILD_SUBREAPER = 36
SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "src")
JOB = """\
echo ran >> ../ran
echo said 1; echo moaned >&2
mkdir -p plots; cat data.csv code.py > model.bin; echo line > plots/loss; echo curve > plots/acc
echo '{"name": "loss", "value": 0.5, "step": 1}' >> "$XT_METRICS"
exit 3
"""


class Ended(NamedTuple):
    """How one call of xt ended."""

    status: int
    """Exit status; negative for a signal."""
    out: str
    err: str
    hung: bool
    calls: list[str]

    @property
    def killed(self) -> bool:
        """Whether the plan killed it."""
        return self.status == -signal.SIGKILL

    def said(self) -> list[str]:
        """The lines of xt itself on standard error."""
        return [line for line in self.err.splitlines() if line.startswith("xt: ")]


class World:
    """One folder, which is put back to how it was prepared before each attempt."""

    def __init__(self, root: str, faults: Faults) -> None:
        """Begin with an empty one."""
        self.root = os.path.realpath(root)
        self.here = f"{self.root}/here"
        self.project = f"{self.here}/project"
        self.store = f"{self.project}/.xt"
        self.remote = f"{self.here}/remote"
        self.faults = faults
        # Commands whose xt was killed become ours, so that their end can be waited for.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": f"{self.here}/home",
            "TZ": "UTC",
            "GIT_CONFIG_NOSYSTEM": "1",
            "XT_REMOTE": self.remote,
        }
        for folder in (self.project, self.remote, f"{self.here}/home"):
            os.makedirs(folder)
        self.write("job.sh", JOB)
        self.write("data.csv", "a,b\n1,2\n")
        self.write("code.py", "print(1)\n")

    def write(self, name: str, content: str) -> None:
        """Write a file of the project."""
        with open(f"{self.project}/{name}", "w", encoding="utf-8") as file:
            file.write(content)

    def sh(self, script: str) -> None:
        """Do something in the project."""
        subprocess.run(
            ["sh", "-ec", script], cwd=self.project, env=self.environ, check=True, capture_output=True
        )

    def git(self) -> None:
        """Make it a repository with a commit, a stash, something staged and something changed."""
        self.sh(
            "git init -q; git config user.name T; git config user.email t@example.org\n"
            "git add code.py job.sh data.csv; git commit -qm first; rm -r .git/hooks\n"
            "echo '# put away' >> code.py; git stash -q\n"
            "echo staged > staged.py; git add staged.py; echo '# changed' >> code.py; echo new > untracked.py"
        )

    def keep(self, name: str = "template") -> None:
        """Remember how it is now."""
        shutil.rmtree(f"{self.root}/{name}", ignore_errors=True)
        _copy(self.here, f"{self.root}/{name}")

    def reset(self, name: str = "template") -> None:
        """Put it back."""
        shutil.rmtree(self.here)
        _copy(f"{self.root}/{name}", self.here)

    def xt(self, words: list[str], *, setting: Callable[[], None] | None = None) -> Ended:
        """Call xt in a process of its own, which does what the faults are planned to be.

        Args:
            words: after `xt`.
            setting: called in that process before.
        """
        names = [f"{self.root}/out", f"{self.root}/err"]
        pid = os.fork()
        if pid == 0:
            self._become(words, names, setting)
        hung = not _ended(pid)
        if hung:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        _reap()
        out, err = (text(name) for name in names)
        return Ended(os.waitstatus_to_exitcode(status), out, err, hung, self.faults.calls())

    def load(self, words: list[str]) -> None:
        """Load what a call loads, without making it here."""
        listed = f"{self.root}/modules"

        def note() -> None:
            import xt.cli.main as program

            real = program.guarded

            def guarded(arguments: list[str]) -> int:
                status = real(arguments)
                with open(listed, "w", encoding="utf-8") as file:
                    file.write("\n".join(sys.modules))
                return status

            program.guarded = guarded

        self.faults.plan(self.store)
        done = self.xt(words, setting=note)
        assert os.path.exists(listed), done
        with open(listed, encoding="utf-8") as file:
            for name in file.read().splitlines():
                if name.partition(".")[0] not in ("__main__", "typing_extensions"):
                    try:
                        importlib.import_module(name)
                    except ImportError:
                        continue

    def traced(self, words: list[str], call: str, number: int) -> tuple[Ended, bool]:
        """Call xt under strace, which kills whichever of its processes makes so many calls of one kind first.

        Args:
            words: after `xt`.
            call: its name.
            number: counted in each process and thread by itself.

        Returns:
            How it ended, and whether anything was killed.
        """
        trace = f"{self.root}/trace"
        kill = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]
        strace = ["strace", "-f", "-qq", "-o", trace, *kill, "--", sys.executable, "-m", "xt", *words]
        environ = {**self.environ, "PYTHONPATH": SOURCE}
        with open(f"{self.root}/out", "wb") as told, open(f"{self.root}/err", "wb") as moaned:
            process = subprocess.Popen(
                strace,
                cwd=self.project,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=moaned,
            )
            hung = not _ended(process.pid)
            if hung:
                process.kill()
            status = process.wait()
        _reap()
        out, err = text(f"{self.root}/out"), text(f"{self.root}/err")
        killed = [line for line in text(trace).splitlines() if "killed by SIGKILL" in line]
        return Ended(status, out, err, hung, killed), bool(killed)

    def _become(self, words: list[str], names: list[str], setting: Callable[[], None] | None) -> None:
        status = 99
        try:
            gc.disable()
            os.chdir(self.project)
            os.environ.clear()
            os.environ.update(self.environ)
            null = os.open(os.devnull, os.O_RDONLY)
            for fd, name in enumerate(names, 1):
                opened = os.open(
                    name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600
                )
                os.dup2(opened, fd)
                os.close(opened)
            os.dup2(null, 0)
            os.close(null)
            sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
            if setting is not None:
                setting()
            from xt.cli.main import guarded

            self.faults.arm()
            status = guarded(words)
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(status)


def _ended(pid: int) -> bool:
    fd = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(HANGS * 1000))
    finally:
        os.close(fd)


def _reap() -> None:
    """Wait for what the process left behind."""
    until = time.monotonic() + HANGS
    while time.monotonic() < until:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.001)
        except ChildProcessError:
            return


def text(name: str) -> str:
    """What is in a file; nothing when it is not there."""
    if not os.path.exists(name):
        return ""
    with open(name, encoding="utf-8", errors="replace") as file:
        return file.read()


def _copy(source: str, target: str) -> None:
    subprocess.run(["cp", "-a", source, target], check=True)
