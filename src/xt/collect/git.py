"""The one place that starts git: never the user's hooks, filters, monitors, signers or pagers.

Plumbing only, with every setting that could run a program switched off (git-config(1)); the user's
index, refs and working tree are read, not written, and its index lock is never taken.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from xt import fsio
from xt.collect.child import Child

Begun = TypeVar("Begun")

#: Seconds after which a git that hangs (a dead network mount) is given up …
TIMEOUT = 60
#: … and any other after that.
IMPATIENCE = 5

_OPTIONS = [
    "--no-pager",
    "--literal-pathspecs",
    "--no-optional-locks",
    *(
        word
        for setting in (
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "core.untrackedCache=false",
            "core.trustctime=true",
            "core.checkStat=default",
            "core.symlinks=true",
            "core.logAllRefUpdates=false",
            "core.quotePath=false",
            "core.safecrlf=false",
            "core.fsync=committed",
            "core.fsyncMethod=batch",
            "gc.auto=0",
            "maintenance.auto=false",
            "advice.addEmbeddedRepo=false",
            "submodule.recurse=false",
            "status.relativePaths=false",
            "status.showUntrackedFiles=all",
            "color.ui=false",
        )
        for word in ("-c", setting)
    ),
]
#: Of git's own variables only those that choose its settings are kept: the others make it look elsewhere than
#: where we point it (as inside a hook), trace into the user's files, or run something.
_KEPT = ("GIT_CONFIG_", "GIT_EXEC_PATH", "GIT_ATTR_NOSYSTEM")
_SET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "false",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}


class GitError(Exception):
    """Git did not do it; the message is git's first line."""


class StoppedError(GitError):
    """Git was stopped, or given up: nothing is said of what it was asked to do."""


class Git:
    """Git for one working tree (or for one repository of ours)."""

    def __init__(self, folder: str, environ: Mapping[str, str], extra: dict[str, str] | None = None) -> None:
        """Prepare git's surroundings.

        Args:
            folder: where it runs.
            environ: variables to start from.
            extra: variables to add, such as GIT_INDEX_FILE.
        """
        self.folder = folder
        self._options = ["-C", folder, *_OPTIONS]
        self._environ = {
            key: value
            for key, value in environ.items()
            if not key.startswith("GIT_") or key.startswith(_KEPT)
        }
        self._environ |= _SET | (extra or {})

    def with_settings(self, settings: list[str]) -> Git:
        """Git in the same place with further `name=value` settings."""
        other = Git.__new__(Git)
        other.folder, other._environ = self.folder, self._environ
        other._options = [*self._options, *(word for setting in settings for word in ("-c", setting))]
        return other

    def start(self, *words: str, data: bytes | None = None) -> Running:
        """Start git without waiting for it.

        Args:
            words: subcommand and arguments.
            data: its standard input.

        Raises:
            GitError: it is not installed, or could not be started.
        """
        return self._begun(lambda git: Running(Child([*git, *words], self._environ, data)))

    def run(self, *words: str, data: bytes | None = None, seconds: float | None = None) -> bytes:
        """Run git and return what it printed.

        Args:
            words: subcommand and arguments.
            data: its standard input.
            seconds: after which it is given up, by default `TIMEOUT`.

        Raises:
            GitError: it failed.
        """
        return self.start(*words, data=data).wait(seconds=seconds)

    def blobs(self) -> Dialogue:
        """Start a git that is asked for one content after the other.

        Raises:
            GitError: it is not installed, or could not be started.
        """
        return self._begun(lambda git: Dialogue([*git, "cat-file", "--batch"], self._environ))

    def _begun(self, begin: Callable[[list[str]], Begun]) -> Begun:
        program = fsio.find_program("git", self._environ.get("PATH", os.defpath))
        if program is None:
            raise GitError("git not found")
        try:
            return begin([program, *self._options])
        except OSError as error:
            raise GitError(f"git could not be started: {error.strerror}") from error


class Dialogue:
    """A `git cat-file --batch` (git-cat-file(1)) that goes on until it is closed."""

    def __init__(self, words: list[str], environ: Mapping[str, str]) -> None:
        import subprocess  # only here: no run waits for its import

        self._child = subprocess.Popen(
            words,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._left = 0

    def blob(self, oid: str) -> tuple[int, Iterator[bytes]]:
        """Ask for the content of a blob; as `object`.

        Returns:
            Its size in bytes, and its content.

        Raises:
            GitError: it is not here, is no blob, or git ended.
        """
        kind, size, content = self.object(oid)
        if kind != "blob":
            raise GitError(f"object {oid[:12]}… is a {kind}")
        return size, content

    def object(self, oid: str) -> tuple[str, int, Iterator[bytes]]:
        """Ask for an object of any kind.

        Args:
            oid: its id, in hexadecimal.

        Returns:
            Its kind, its size in bytes, and its content; what was not read of an earlier one is passed over.

        Raises:
            GitError: it is not here, or git ended.
        """
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        for _ in self._content():
            pass
        try:
            self._child.stdin.write(oid.encode() + b"\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            raise GitError(f"git ended with {self._child.wait()}") from None
        words = self._child.stdout.readline().decode("utf-8", "replace").split()
        if len(words) != 3:
            raise GitError(f"object {oid[:12]}… is missing" if words else "git ended")
        self._left = int(words[2]) + 1
        return words[1], int(words[2]), self._content()

    def _content(self) -> Iterator[bytes]:
        """What is left of the last answer, without the line end behind it."""
        assert self._child.stdout is not None
        while self._left:
            piece = self._child.stdout.read(min(self._left, fsio.CHUNK))
            if not piece:
                self._left = 0
                raise GitError("git ended")
            self._left -= len(piece)
            piece = piece if self._left else piece[:-1]
            if piece:
                yield piece

    def close(self) -> None:
        """End it."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.close()
        self._child.wait()


#: Whether a git did not answer this process.
_gave_up = False


class Running:
    """A git that was started."""

    def __init__(self, child: Child) -> None:
        self._child = child

    def wait(self, *, may_fail: bool = False, seconds: float | None = None) -> bytes:
        """Return what it printed.

        Args:
            may_fail: take what it printed whatever its exit status.
            seconds: after which it is given up, by default `TIMEOUT`.

        Raises:
            GitError: it failed, or hangs.
        """
        global _gave_up
        patience = (IMPATIENCE if _gave_up else TIMEOUT) if seconds is None else seconds
        try:
            status, out, messages = self._child.wait(patience)
        except TimeoutError:
            _gave_up = True
            raise StoppedError(f"git did not answer within {round(patience, 1):g} s") from None
        if status < 0 and not may_fail:
            raise StoppedError(f"git was stopped by signal {-status}")
        if status != 0 and not may_fail:
            raise GitError(_first(messages) or f"git ended with {status}")
        return out

    def end(self) -> None:
        """Stop it if nobody waited for it; only for what reads."""
        self._child.end()


def _first(messages: bytes) -> str:
    """Git's first error, else its first line."""
    lines = messages.decode("utf-8", "replace").strip().splitlines()
    for line in lines:
        for mark in ("fatal: ", "error: "):
            if line.startswith(mark):
                return line[len(mark) :]
    return lines[0] if lines else ""
