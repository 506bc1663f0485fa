"""Where trials come from: one process that has loaded what they take, and forks for each.

To load it anew would be two thirds of the time of a short trial. That process (`cli/trial.py`) has opened
nothing and has no second thread; it only forks, and tells how each of its children ended. It ends with us:
when our end of the way between is closed, whoever closes it, it ends what still goes on.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import sys

import msgspec

from xt import codec
from xt.context import Outside
from xt.ops.repeat.wish import Wish

#: The module it runs; started by name so that it can have surroundings of its own.
MODULE = "xt.cli.trial"
#: Seconds that a trial gets to end by itself.
GRACE = 10.0
#: And the nursery more than that, to kill those that did not.
_MORE = 5.0
#: What is sent: the size of a `Spec`, with three descriptors; then the `Spec`.
SIZE = struct.Struct("<Q")
#: What comes back: the number of a trial that ended, and how, as `waitstatus_to_exitcode` has it.
ENDED = struct.Struct("<qq")


class Spec(msgspec.Struct, frozen=True):
    """What a trial is told."""

    number: int
    """By which its end is told."""
    store: str
    wish: Wish


class Nursery:
    """Our side of it. Begun when the first trial is; when it was ended, the next trial begins another."""

    def __init__(self, outside: Outside) -> None:
        """Prepare.

        Args:
            outside: of the caller: trials get its variables and folder.
        """
        self._outside = outside
        self._process: subprocess.Popen[bytes] | None = None
        self._way: socket.socket | None = None

    def __enter__(self) -> Nursery:
        """Give itself; it is ended at the end of the block."""
        return self

    def __exit__(self, *reason: object) -> None:
        """End it."""
        self.end()

    def begin(self, spec: Spec, answer: int, out: int, err: int) -> None:
        """Begin a trial. That there is no nursery to do it is seen by who waits for it to end.

        Args:
            spec: what it is told.
            answer: where it answers.
            out: its standard output.
            err: its standard error.

        Raises:
            OSError: no process can be had.
        """
        if self._way is None:
            self._start()
        assert self._way is not None
        data = codec.pack(spec)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self._way, [SIZE.pack(len(data))], [answer, out, err])
            self._way.sendall(data)

    def fileno(self) -> int:
        """Descriptor that is readable when a trial ended; there is one as long as one goes on."""
        assert self._way is not None
        return self._way.fileno()

    def ended(self) -> tuple[int, int] | None:
        """Wait for a trial to end: its number and status; None: there is no nursery any more."""
        assert self._way is not None
        with contextlib.suppress(ConnectionResetError):
            data = self._way.recv(ENDED.size, socket.MSG_WAITALL)
            if len(data) == ENDED.size:
                number, status = ENDED.unpack(data)
                return number, status
        return None

    def end(self) -> int:
        """End it and all trials that go on: by SIGTERM, and after a while by SIGKILL.

        Returns:
            Its status: 0 when each ended by itself, or there was none.
        """
        if self._process is None or self._way is None:
            return 0
        self._way.close()
        try:
            status = self._process.wait(GRACE + _MORE)
        except subprocess.TimeoutExpired:  # somebody stopped it
            self._process.kill()
            status = self._process.wait()
        self._process = self._way = None
        return status

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    # Nothing of the folder that it begins in is meant by our own imports.
                    [sys.executable, "-P", "-m", MODULE, str(theirs.fileno())],
                    cwd=self._outside.cwd,
                    env=dict(self._outside.environ),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    # Nobody answers it on a terminal; Ctrl-C there is for us, who end it.
                    start_new_session=True,
                )
            except BaseException:
                ours.close()
                raise
        self._way = ours
