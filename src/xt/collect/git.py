"""The one place that starts git: never the user's hooks, filters, monitors, signers or pagers.

Plumbing only, with every setting that could run a program switched off (git-config(1)); the user's
index, refs and working tree are read, not written, and its index lock is never taken.
"""

from __future__ import annotations

import os
import shutil
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
            "core.untrackedCache=keep",
            "core.quotePath=false",
            "core.safecrlf=false",
            "core.fsync=committed",
            "core.fsyncMethod=batch",
            "gc.auto=0",
            "maintenance.auto=false",
            "advice.addEmbeddedRepo=false",
            "protocol.allow=never",
            "submodule.recurse=false",
            "status.relativePaths=false",
            "status.showUntrackedFiles=all",
            "color.ui=false",
        )
        for word in ("-c", setting)
    ),
]
#: Variables that would make git look elsewhere than where we point it, or run something.
_REMOVED = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CEILING_DIRECTORIES",
    "GIT_EXTERNAL_DIFF",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_QUARANTINE_PATH",
)
_SET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "false",
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
        """Find git and prepare its surroundings.

        Args:
            folder: where it runs.
            environ: variables to start from.
            extra: variables to add, such as GIT_INDEX_FILE.
            settings: further `name=value` settings.

        Raises:
            GitError: git is not installed.
        """
        program = shutil.which("git", path=environ.get("PATH", os.defpath))
        if program is None:
            raise GitError("git not found")
        self.folder = folder
        self._command = [program, *_OPTIONS, *(word for setting in settings for word in ("-c", setting))]
        self._environ = (
            {key: value for key, value in environ.items() if key not in _REMOVED} | _SET | (extra or {})
        )

    def start(self, *words: str, stdin: int = subprocess.DEVNULL) -> Running:
        """Start git without waiting for it.

        Raises:
            GitError: it could not be started.
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

    def wait(self, data: bytes | None = None) -> bytes:
        """Return what it printed.

        Raises:
            GitError: it failed, or hangs.
        """
        try:
            out, messages = self._process.communicate(data, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise GitError(f"git did not answer within {TIMEOUT} s") from None
        if self._process.returncode != 0:
            lines = messages.decode("utf-8", "replace").strip().splitlines() or [
                f"git ended with {self._process.returncode}"
            ]
            raise GitError(lines[0].removeprefix("fatal: ").removeprefix("error: "))
        return out
