"""The one place that starts git: never the user's hooks, filters, monitors, signers or pagers.

Plumbing only, with every setting that could run a program switched off (git-config(1)); the user's
index, refs and working tree are read, not written, and its index lock is never taken.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

#: Seconds after which a git that hangs (a dead network mount) is given up.
TIMEOUT = 60

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


class Git:
    """Git for one working tree (or for one repository of ours)."""

    def __init__(
        self,
        folder: str,
        environ: Mapping[str, str],
        extra: dict[str, str] | None = None,
        settings: tuple[str, ...] = (),
    ) -> None:
        """Prepare git's surroundings.

        Args:
            folder: where it runs.
            environ: variables to start from.
            extra: variables to add, such as GIT_INDEX_FILE.
            settings: further `name=value` settings.
        """
        self.folder = folder
        self._command = ["git", *_OPTIONS, *(word for setting in settings for word in ("-c", setting))]
        self._environ = (
            {
                key: value
                for key, value in environ.items()
                if not key.startswith("GIT_") or key.startswith(_KEPT)
            }
            | _SET
            | (extra or {})
        )

    def with_settings(self, settings: list[str]) -> Git:
        """Git in the same place with further `name=value` settings."""
        other = Git.__new__(Git)
        other.folder, other._environ = self.folder, self._environ
        other._command = [*self._command, *(word for setting in settings for word in ("-c", setting))]
        return other

    def start(self, *words: str, stdin: int = subprocess.DEVNULL) -> Running:
        """Start git without waiting for it.

        Raises:
            GitError: it is not installed, or could not be started.
        """
        try:
            process = subprocess.Popen(
                [*self._command, *words],
                cwd=self.folder,
                env=self._environ,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except FileNotFoundError as error:
            if error.filename == self.folder:
                raise GitError(f"`{self.folder}` is gone") from error
            raise GitError("git not found") from error
        except OSError as error:
            raise GitError(f"git could not be started: {error.strerror}") from error
        return Running(process)

    def run(self, *words: str, data: bytes | None = None) -> bytes:
        """Run git and return what it printed.

        Args:
            words: subcommand and arguments.
            data: its standard input.

        Raises:
            GitError: it failed.
        """
        return self.start(*words, stdin=subprocess.DEVNULL if data is None else subprocess.PIPE).wait(data)


class Running:
    """A git that was started."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def wait(self, data: bytes | None = None, *, may_fail: bool = False) -> bytes:
        """Return what it printed.

        Args:
            data: its standard input.
            may_fail: take what it printed whatever its exit status.

        Raises:
            GitError: it failed, or hangs.
        """
        try:
            out, messages = self._process.communicate(data, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise GitError(f"git did not answer within {TIMEOUT} s") from None
        if self._process.returncode != 0 and not may_fail:
            raise GitError(_first(messages) or f"git ended with {self._process.returncode}")
        return out

    def end(self) -> None:
        """Stop it if nobody waited for it; only for what reads."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.communicate()


def _first(messages: bytes) -> str:
    """Git's first error, else its first line."""
    lines = messages.decode("utf-8", "replace").strip().splitlines()
    for line in lines:
        for mark in ("fatal: ", "error: "):
            if line.startswith(mark):
                return line[len(mark) :]
    return lines[0] if lines else ""
