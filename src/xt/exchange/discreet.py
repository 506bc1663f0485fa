"""What is said of people and places in what may be published: by default no user, host or their paths."""

from __future__ import annotations

import os
import re

from xt import fsio
from xt.model.result import Record
from xt.model.text import Text, from_text, to_shown

#: Home folders, wherever they stand in a text.
_HOME = re.compile(r"(?<![\w.~/-])(?:/home/|/Users/)[^/\s:;,'\"]+|(?<![\w.~/-])/root(?![\w.-])")


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
        self._below = None if plain == "/" else re.compile(rf"(?<![\w.~/-]){re.escape(plain)}(/|(?![\w.-]))")
        self._name = None if not context.user else re.compile(rf"(?<=/){re.escape(context.user)}(?=/|$)")

    def text(self, text: str) -> str:
        """A text without absolute paths of the user: those of the project are relative, homes are `~`."""
        text = to_shown(text)
        if self._all:
            return text
        if self._below is not None:
            text = self._below.sub(lambda found: "" if found.group(1) else ".", text)
        text = _HOME.sub("~", text)
        return text if self._name is None else self._name.sub("user", text)

    def words(self, argv: list[Text]) -> list[str]:
        """A command line."""
        return [self.text(from_text(word)) for word in argv]

    def path(self, path: str) -> str:
        """A recorded path, for reading."""
        return self.text(path)

    def place(self, path: str) -> str:
        """A recorded path as one below a folder of the export: an absolute one is put into `elsewhere/`."""
        path = fsio.relative_to(os.path.normpath(path), self._project)
        shown = self.text(path)
        return "elsewhere/" + shown.lstrip("/") if os.path.isabs(path) else shown
