"""What is said of people and places in what may be published: by default no user, host or their paths."""

from __future__ import annotations

import os
import re

from xt import fsio
from xt.model.result import Record
from xt.model.text import Text, from_text, to_shown

#: What may stand before a path in a text: nothing of a path, or an option such as `-I`, or a scheme.
_BEFORE = r"(?:(?<![\w.~/-])|(?<=\s-[A-Za-z])|(?<=^-[A-Za-z])|(?<=://))"
#: Home folders, wherever they stand in a text: rather one too many.
_HOME = re.compile(rf"(?:/home/|/Users/)[^/\s:;,'\"]+|{_BEFORE}/root(?![\w.-])")
#: Absolute paths.
_ABSOLUTE = re.compile(rf"{_BEFORE}/[^\s:;,'\"]+")


class Discreet:
    """One run, told without more than is wanted."""

    def __init__(self, record: Record, *, identify: bool) -> None:
        """Take what is to be left out from the record.

        Args:
            record: of the run.
            identify: leave nothing out.
        """
        context = record.snapshot.context
        self._all = identify
        self.user = context.user if identify else None
        """Who ran it, if that may be said."""
        self.host = context.host if identify else None
        """Where, if that may be said."""
        self._project = os.path.normpath(from_text(context.project))
        plain = to_shown(self._project)
        below = rf"{_BEFORE}{re.escape(plain)}(/|(?![\w.-]))"
        self._below = None if plain == "/" else re.compile(below)
        self._name = None if not context.user else re.compile(rf"(?<=/){re.escape(context.user)}(?=/|$)")

    def text(self, text: str) -> str:
        """A text without absolute paths of the user: those of the project are relative, homes are `~`."""
        text = to_shown(text)
        if self._all:
            return text
        if self._below is not None:
            text = self._below.sub(lambda found: "" if found.group(1) else ".", text)
        text = _HOME.sub("~", text)
        name = self._name
        return text if name is None else _ABSOLUTE.sub(lambda found: name.sub("user", found.group()), text)

    def words(self, argv: list[Text]) -> list[str]:
        """A command line."""
        return [self.text(from_text(word)) for word in argv]

    def path(self, path: str) -> str:
        """A recorded path, for reading; one in the project is relative, and stays as it is."""
        return self.text(path) if path.startswith("/") else to_shown(path)

    def place(self, path: str) -> str:
        """A recorded path as one below a folder of the export: an absolute one is put into `elsewhere/`."""
        path = fsio.relative_to(os.path.normpath(path), self._project)
        return f"elsewhere/{self.text(path).lstrip('/')}" if os.path.isabs(path) else to_shown(path)
