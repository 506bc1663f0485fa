"""The user's own file of remotes: `$XDG_CONFIG_HOME/xt/remotes.toml`, by the project's folder.

It lies outside every project, so that nothing that comes with a clone, not even a `.xt` somebody committed,
can name a place that data is sent to.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from xt import fsio, toml_text
from xt.errors import ConfigError

FILE = "xt/remotes.toml"
#: Bytes; a longer one is a mistake.
LIMIT = 10_000_000
_HEAD = "# The remotes of this user, by the project's folder: xt remote add, trust, probe, rm.\n\n"


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of one remote."""

    url: str
    """The very URL that was named or confirmed."""
    trusted: bool = False
    """It is named in `xt.toml` and was confirmed; it means nothing when another URL stands there."""
    exclusive: bool | None = None
    """What the last probe found."""


class Own:
    """The file."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Find it.

        Raises:
            ConfigError: there is no folder for configuration.
        """
        place = environ.get("XDG_CONFIG_HOME") or ""
        if not os.path.isabs(place):  # as the specification of it has it
            home = environ.get("HOME") or ""
            if not os.path.isabs(home):
                raise ConfigError("there is no place for configuration", "set `HOME` or `XDG_CONFIG_HOME`")
            place = f"{home}/.config"
        self.path = f"{place}/{FILE}"

    def of(self, project: str) -> dict[str, Kept]:
        """What is kept of the remotes of a project.

        Args:
            project: absolute path of its root.

        Raises:
            ConfigError: the file cannot be read, or others could have written it.
        """
        return self._read().get(_key(project), {})

    def change(self, project: str, change: Callable[[dict[str, Kept]], None]) -> None:
        """Change what is kept of a project's remotes; safe for several at once.

        Args:
            project: absolute path of its root.
            change: gets what is kept now, and changes it; what it raises is passed on and nothing is written.

        Raises:
            ConfigError: the file cannot be read or written.
        """
        try:
            os.makedirs(os.path.dirname(self.path), fsio.PRIVATE_DIR, exist_ok=True)
            with self._locked():
                every = self._read()
                ours = every.setdefault(_key(project), {})
                change(ours)
                if not ours:
                    del every[_key(project)]
                self._write(every)
        except OSError as error:
            raise ConfigError(f"`{self.path}` cannot be written: {error.strerror}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fd = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _write(self, every: dict[str, dict[str, Kept]]) -> None:
        import tomli_w

        # A link, as those have who keep their configuration in a repository, stays one.
        path = os.path.realpath(self.path)
        text = _HEAD + tomli_w.dumps({"project": msgspec.to_builtins(every)})
        fsio.write_atomic(path, text.encode())

    def _read(self) -> dict[str, dict[str, Kept]]:
        try:
            path = os.path.realpath(self.path)
            data = fsio.read_file(path, LIMIT)
            info = os.stat(path)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigError(f"`{self.path}` cannot be read: {error.strerror}") from error
        if info.st_uid != os.geteuid() or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ConfigError(
                f"`{self.path}` can be written by others: no remote of it is used",
                f"look at it, then `chmod 600 {self.path}`",
            )
        try:
            value: Any = toml_text.loads(data.decode())
            if not isinstance(value, dict):
                return {}
            return msgspec.convert(value.get("project", {}), dict[str, dict[str, Kept]])
        except (ValueError, RecursionError) as error:
            raise ConfigError(
                f"`{self.path}` cannot be read: {error}", "mend it, or move it away and add the remotes again"
            ) from error


def _key(project: str) -> str:
    """A path as a key of TOML, which is text: one with other bytes is written so that no text is the same."""
    try:
        project.encode()
    except UnicodeEncodeError:
        escaped = project.replace("\\", "\\\\").encode("utf-8", "surrogateescape")
        return "bytes:" + escaped.decode("utf-8", "backslashreplace")
    return project
