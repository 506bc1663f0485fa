"""Wait for a command, and pass on the signals it would have received without xt."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

#: Taken from the process while the command runs: it decides what they mean, not xt.
HANDLED = {
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGWINCH,
    signal.SIGTSTP,
    signal.SIGCONT,
    signal.SIGCHLD,
}
#: Those that end a command unless it cares.
ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
#: The terminal's own: it sends them to the whole process group.
FROM_KEYBOARD = {signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP}
#: `si_code` of a signal the kernel sent, as a terminal's driver does (sigaction(2)).
SI_KERNEL = 128


class Watch:
    """Blocks signals from its making to `release`; between them `wait` handles them.

    On a stop or a new window size it calls `stopping` and `resized`, which the owner may set.
    """

    def __init__(self) -> None:
        """Block; do this before any thread is started, so that threads inherit it."""
        self.received: list[int] = []
        self.stopped_s = 0.0
        self.stopping: Callable[[], None] = _nothing
        self.resized: Callable[[], None] = _nothing
        self.inherited_mask = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)

    def release(self) -> None:
        """Put the mask back as it was; signals that came too late for the command are noted and dropped."""
        while signal.sigpending() & HANDLED:
            self._note(signal.sigwait(HANDLED))
        signal.pthread_sigmask(signal.SIG_SETMASK, self.inherited_mask)

    def wait(self, pid: int) -> None:
        """Return when our child has ended. It is not reaped: until then its pid cannot be reused."""
        while not self._ended(pid):
            number, from_terminal = _next_signal()
            if number == signal.SIGCHLD:
                continue
            if number == signal.SIGWINCH:
                self.resized()
                continue
            self._note(number)
            if not from_terminal:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def _note(self, number: int) -> None:
        if number in ENDING | {signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM}:
            self.received.append(int(number))

    def _ended(self, pid: int) -> bool:
        flags = os.WEXITED | os.WSTOPPED | os.WNOHANG
        while True:
            status = os.waitid(os.P_PID, pid, flags | os.WNOWAIT)
            if status is None:
                if os.getpid() == 1:
                    _reap_orphans(pid)
                return False
            if status.si_code != os.CLD_STOPPED:
                return True
            os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG)
            self._stop(status.si_status)

    def _stop(self, number: int) -> None:
        """Stop as the command stopped, so that the shell gets its terminal back; return when continued."""
        before = time.monotonic()
        self.stopping()
        if number == signal.SIGSTOP:
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            # The one that came with Ctrl-Z is pending already; ours makes sure.
            os.kill(os.getpid(), number)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
            signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        self.stopped_s += time.monotonic() - before


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Within it, SIGTERM and SIGHUP raise KeyboardInterrupt as Ctrl-C does; after it, all three are ignored.

    Used once the command has ended: what is left to do can be cut short, and then only sealing is left.
    """

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ignored = [number for number in numbers if signal.getsignal(number) == signal.SIG_IGN]
    try:
        for number in numbers:
            if number not in ignored:
                signal.signal(number, interrupt)
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)


def _nothing() -> None:
    """Stand in for a callback that is not set."""


def _next_signal() -> tuple[signal.Signals, bool]:
    """Wait for a signal; tell whether a terminal sent it, which then reached the command too."""
    if hasattr(signal, "sigwaitinfo"):
        info = signal.sigwaitinfo(HANDLED)
        number = signal.Signals(info.si_signo)
        return number, number in FROM_KEYBOARD | {signal.SIGHUP} and info.si_code == SI_KERNEL
    number = signal.Signals(signal.sigwait(HANDLED))
    # macOS does not say who sent it: with a terminal at hand, assume the keyboard.
    return number, number in FROM_KEYBOARD and os.isatty(0)


def _reap_orphans(ours: int) -> None:
    """As process 1 of a container, collect what others left behind."""
    with contextlib.suppress(ChildProcessError):
        while (status := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if status.si_pid == ours:
                return
            os.waitpid(status.si_pid, os.WNOHANG)
