"""Wait for a command, and pass on the signals it would have received without xt."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

from xt.execute.kin import descends

#: Not taken: those that cannot be, those that tell of a fault in xt itself, those that Python turned into
#: errors of `write`, and SIGTTOU, which stops whoever writes to the terminal, as xt does for the command.
LEFT_ALONE = {
    getattr(signal, name)
    for name in (
        *("SIGKILL", "SIGSTOP", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS"),
        *("SIGPIPE", "SIGXFSZ", "SIGTTOU"),
    )
}
#: Taken from the process while the command runs: it decides what they mean, not xt.
HANDLED = signal.valid_signals() - LEFT_ALONE
#: Those that end a command unless it cares.
ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
#: The terminal's own: it sends them to the whole process group.
FROM_TERMINAL = {signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGHUP}
#: Those that stop a process that does not care.
STOPPING = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
#: Of no meaning for a record.
UNNOTED = {*STOPPING, signal.SIGCHLD, signal.SIGCONT, signal.SIGWINCH, signal.SIGURG}
#: `si_code` of a signal the kernel sent, as a terminal's driver does (sigaction(2)).
SI_KERNEL = 128


#: Those of `ENDING` that the end of a command left blocked.
_held: set[signal.Signals] = set()


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
        self._stopped_at: float | None = None
        self._asked_to_stop = False
        self._over = False
        if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
            # The kernel would throw away how the command ended.
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.inherited_mask = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)

    def release(self) -> None:
        """Put the mask back as it was; signals that came too late for the command are noted and dropped.

        After the command nothing that was meant for it ends us; what is to end us waits for `interruptible`.
        """
        global _held
        self._take_pending()
        _held = ENDING - self.inherited_mask if self._over else set()
        if self._over:
            for number in HANDLED - ENDING - UNNOTED:
                if signal.getsignal(number) == signal.SIG_DFL:
                    # Not SIG_IGN, which what we start would inherit.
                    signal.signal(number, _unheard)
        signal.pthread_sigmask(signal.SIG_SETMASK, self.inherited_mask | _held)

    def wait(self, pid: int) -> None:
        """Return when our child has ended. It is not reaped: until then its pid cannot be reused."""
        while not self._ended(pid):
            number, kernel, sender = _next_signal()
            if number == signal.SIGCHLD:
                continue
            if number == signal.SIGWINCH:
                self.resized()
            elif number == signal.SIGCONT:
                self._continued(pid)
            else:
                self._note(number)
                self._asked_to_stop |= number in STOPPING
                if not _has_it(pid, number, kernel, sender):
                    _send(pid, number)
        self._over = True
        self._take_pending()  # came with the end

    def _take_pending(self) -> None:
        while signal.sigpending() & HANDLED:
            self._note(int(signal.sigwait(HANDLED)))

    def _note(self, number: int) -> None:
        if number not in UNNOTED:
            self.received.append(number)

    def _ended(self, pid: int) -> bool:
        """Take in what became of the child."""
        while True:
            news = os.waitid(
                os.P_PID, pid, os.WEXITED | os.WSTOPPED | os.WCONTINUED | os.WNOHANG | os.WNOWAIT
            )
            if news is None:
                if os.getpid() == 1:
                    _reap_orphans(pid)
                return False
            if news.si_code == os.CLD_STOPPED:
                os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG)
                self._stop(news.si_status)
            elif news.si_code == os.CLD_CONTINUED:
                os.waitid(os.P_PID, pid, os.WCONTINUED | os.WNOHANG)
                self._goes_on()
            else:
                self._goes_on()
                return True

    def _stop(self, number: int) -> None:
        """Stop as the command stopped, so that the shell gets its terminal back; return when continued."""
        self._stopped_at = self._stopped_at or time.monotonic()
        pending = signal.sigpending()
        asked = self._asked_to_stop or not STOPPING.isdisjoint(pending)
        self._asked_to_stop = False
        # A command that somebody stopped alone is of interest to a shell that watches us as its job. To
        # another parent it is not; and should the command alone be continued, nobody would continue us.
        if not (asked or _is_job()) or signal.SIGCONT in pending:
            return
        self.stopping()
        if number in STOPPING:
            os.kill(os.getpid(), number)  # one that came with Ctrl-Z is pending already; ours makes sure
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
            signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        else:
            os.kill(os.getpid(), signal.SIGSTOP)

    def _continued(self, pid: int) -> None:
        """We were continued: so is the command, even if only we were meant."""
        self.resized()
        if self._stopped_at is not None and not os.waitid(os.P_PID, pid, os.WCONTINUED | os.WNOHANG):
            _send(pid, signal.SIGCONT)
        self._goes_on()

    def _goes_on(self) -> None:
        if self._stopped_at is not None:
            self.stopped_s += time.monotonic() - self._stopped_at
            self._stopped_at = None


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Within it, what is to end us raises KeyboardInterrupt as Ctrl-C does; after it, it is ignored.

    Used once the command has ended: what is left to do can be cut short, and then only sealing is left.
    """

    def interrupt(number: int, frame: object) -> None:
        for other in numbers:
            signal.signal(other, _unheard)  # a second one must not come while the first is dealt with
        raise KeyboardInterrupt

    numbers = sorted(ENDING)
    ignored = [number for number in numbers if signal.getsignal(number) == signal.SIG_IGN]
    try:
        for number in numbers:
            if number not in ignored:
                signal.signal(number, interrupt)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _held)
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)


def _unheard(number: int, frame: object) -> None:
    """Take a signal, and go on."""


def _nothing() -> None:
    """Stand in for a callback that is not set."""


def _next_signal() -> tuple[int, bool, int]:
    """Wait for a signal: its number, whether the kernel sent it, and the sender's pid, 0 if unknown.

    Not with a timeout: when that passes while the process is stopped, Python's `sigtimedwait` returns
    what happened to be in memory (seen in 3.11).
    """
    if hasattr(signal, "sigwaitinfo"):
        info = signal.sigwaitinfo(HANDLED)
        return info.si_signo, info.si_code == SI_KERNEL, info.si_pid
    number = int(signal.sigwait(HANDLED))
    # macOS does not say who sent it: with a terminal at hand, assume the keyboard.
    return number, number in FROM_TERMINAL and number != signal.SIGHUP and os.isatty(0), 0


def _has_it(pid: int, number: int, kernel: bool, sender: int) -> bool:
    """Whether a signal that reached us reached the command too."""
    if not kernel:
        # The command, or what it started, means its own group when it signals us (`kill 0`).
        return sender > 0 and descends(sender)
    if number not in FROM_TERMINAL:
        return False  # a timer of ours
    if number == signal.SIGHUP and os.getsid(0) == os.getpid():
        return False  # of a lost terminal only the session's leader is told
    try:
        # `timeout` moves to a group of its own, which the terminal does not know; so does a daemon, to
        # another session, where it is not to be disturbed.
        return os.getpgid(pid) == os.getpgrp() or os.getsid(pid) != os.getsid(0)
    except ProcessLookupError:
        return True


def _send(pid: int, number: int) -> None:
    # PermissionError: a command that runs as somebody else (sudo) could not be reached without xt either.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _is_job() -> bool:
    """Whether our parent is a shell that made us a process group of its own, and so follows our stops."""
    parent = os.getppid()
    try:
        return os.getpgid(parent) != os.getpgrp() and os.getsid(parent) == os.getsid(0)
    except ProcessLookupError:
        return False


def _reap_orphans(ours: int) -> None:
    """As process 1 of a container, collect what others left behind."""
    with contextlib.suppress(ChildProcessError):
        while (status := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if status.si_pid == ours:
                return
            os.waitpid(status.si_pid, os.WNOHANG)
