"""The nursery of trials: loads once what they take, and forks for each, whose surroundings change for good.

Not a command: `ops.verify.nursery` starts it with the descriptor of a socket as its only argument, by which
trials are ordered and their ends are told. A trial has a session, standard streams and a descriptor to answer
on of its own. Nothing is opened here, and nothing remembered, that trials would share.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from importlib import import_module

from xt.cli.main import load_msgspec_lean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.ops.verify.nursery import Spec
    from xt.ops.verify.trials import Answer

#: What ends a verification ends its trials.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: What nearly every trial loads besides, when it gets there.
LATER = (
    *("encodings.ascii", "glob", "json", "pwd", "tomllib"),
    *("xt.collect.code", "xt.collect.container", "xt.collect.environment", "xt.collect.gpus"),
    *("xt.collect.interpreter", "xt.collect.keeping", "xt.collect.locks", "xt.collect.machine"),
    *("xt.collect.metrics", "xt.collect.outputs", "xt.collect.packages", "xt.collect.params"),
    *("xt.collect.python", "xt.collect.secret_lines", "xt.collect.seed", "xt.config_source"),
    *("xt.execute.vary.preloads", "xt.execute.vary.system", "xt.execute.vary.variables"),
    *("xt.ops.imports", "xt.redact_argv", "xt.redact_scan", "xt.shares", "xt.toml_text"),
)


class Nursery:
    """Begins trials until nobody wants any more, and sees to it that each ends."""

    def __init__(self, way: socket.socket) -> None:
        """Prepare.

        Args:
            way: by which trials are ordered.
        """
        self._way = way
        self._going: dict[int, int] = {}
        """Numbers of trials by pid, which stays theirs until they are waited for here."""
        self._woken, wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._before = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._own = (way.fileno(), self._woken, wake)

    def serve(self) -> None:
        """Begin what is ordered and tell what ended, until the other side is gone."""
        from xt.ops.verify.nursery import ENDED

        watched = [self._way.fileno(), self._woken]
        while True:
            ready, _, _ = select.select(watched, [], [])
            if self._woken in ready:
                for number, status in self._ended():
                    with contextlib.suppress(BrokenPipeError):
                        self._way.sendall(ENDED.pack(number, status))
            if self._way.fileno() in ready and not self._take():
                return

    def end(self, grace: float) -> bool:
        """End what still goes on.

        Args:
            grace: seconds in which to end by itself.

        Returns:
            Whether all did.
        """
        for pid in self._going:
            os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + grace
        while self._going and (left := until - time.monotonic()) > 0:
            select.select([self._woken], [], [], left)
            for _ in self._ended():
                pass
        for pid in self._going:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return not self._going

    def _take(self) -> bool:
        """Begin one trial; False if none will be ordered any more."""
        from xt import codec
        from xt.ops.verify.nursery import ENDED, SIZE, Spec
        from xt.ops.verify.trials import Answer

        head, fds, _, _ = socket.recv_fds(self._way, SIZE.size, 3)
        if not head:
            return False
        data = b""
        while len(data) < SIZE.unpack(head)[0]:
            part = self._way.recv(SIZE.unpack(head)[0] - len(data))
            if not part:
                return False
            data += part
        spec = codec.unpack(data, Spec, "the trial")
        ours = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            _answer(fds[0], Answer(error=f"no process can be had: {error.strerror}"))
            self._way.sendall(ENDED.pack(spec.number, 0))
        else:
            if pid == 0:
                try:
                    self._leave(*fds[1:])
                    _trial(spec, fds[0], ours)
                finally:
                    os._exit(1)
            self._going[pid] = spec.number
        for fd in fds:
            os.close(fd)
        return True

    def _leave(self, out: int, err: int) -> None:
        """In a child: let go of what is the nursery's."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, self._before or signal.SIG_DFL)
        for fd in self._own:
            os.close(fd)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.close(out)
        os.close(err)

    def _ended(self) -> Iterator[tuple[int, int]]:
        """Numbers of trials that ended, and how they did."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 1 << 16)
        while self._going:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            if ended is None:
                return
            if ended.si_code != os.CLD_EXITED:
                os.killpg(ended.si_pid, signal.SIGKILL)  # its command goes on without it
            _, status = os.waitpid(ended.si_pid, 0)
            yield self._going.pop(ended.si_pid), os.waitstatus_to_exitcode(status)


def _trial(spec: Spec, answer: int, parent: int) -> None:
    """Make a trial, and answer; never returns."""
    from xt.context import Outside
    from xt.errors import reason
    from xt.ops.verify.trials import Answer, make

    os.set_inheritable(answer, False)
    end_with(parent)
    try:
        for number in ENDING:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, interrupt)
        # They are held back from before this process was begun, so that none came too early.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        found = make(spec, Outside.real())
    except KeyboardInterrupt:
        found = Answer(error="interrupted")
    except Exception as error:  # the folder is not there any more, say
        found = Answer(error=reason(error))
    _answer(answer, found)
    os._exit(0)


def _answer(fd: int, answer: Answer) -> None:
    from xt import codec, fsio

    fsio.write_all(fd, codec.pack(answer))


def interrupt(number: int, frame: object) -> None:
    """End what is being made as Ctrl-C does: the workspace is taken away."""
    raise KeyboardInterrupt


def end_with(parent: int) -> None:
    """Be ended by SIGTERM when the parent is gone without a word (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(1, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def load() -> None:
    """Load what trials take."""
    from xt import codec
    from xt.errors import DamagedError
    from xt.model.result import Record
    from xt.ops.verify.trials import make  # noqa: F401

    for name in LATER:
        import_module(name)
    # With the first of its kind msgspec makes out what a record consists of: 15 ms.
    with contextlib.suppress(DamagedError):
        codec.decode(b"null", Record, "nothing")


def main() -> None:
    """Serve, and end."""
    # Only what orders trials ends it, so that it can end them.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    gc.disable()
    load_msgspec_lean()
    load()
    from xt.ops.verify.nursery import GRACE

    nursery = Nursery(socket.socket(fileno=int(sys.argv[1])))
    nursery.serve()
    os._exit(not nursery.end(GRACE))


if __name__ == "__main__":
    main()
