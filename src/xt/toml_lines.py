"""Which line each key of a TOML document stands on, for messages. Loaded when something is wrong.

`tomllib` keeps no positions. This scanner follows TOML 1.0's grammar (https://toml.io/en/v1.0.0) on
documents that `tomllib` has accepted, so it need not judge, only walk.
"""

from __future__ import annotations

import re
import tomllib

#: Keys, and indices in arrays, from the top of the document.
Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t]|\r?\n|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL = re.compile(r"'[^'\n]*'")
# Up to two quotes may stand right before the closing three.
_LONG_BASIC = re.compile(r'"""(?:[^\\]|\\.)*?""""{0,2}', re.DOTALL)
_LONG_LITERAL = re.compile(r"'''.*?''''{0,2}", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\n]+")


def key_lines(text: str) -> dict[Path, int]:
    """Find the line of every table, key and array element.

    Args:
        text: a valid TOML document.

    Returns:
        Lines from 1. A table that is mentioned more than once has the line of its first mention; a
        key has the line the key stands on, not that of its value.

    Raises:
        ValueError: the document is not valid TOML.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.found


def nearest_line(lines: dict[Path, int], path: Path) -> int:
    """Line of a path, or of the closest thing around it that has one; 1 when nothing has."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.counted = (0, 1)
        """A place passed before, and its line."""
        self.found: dict[Path, int] = {}
        self.arrays: dict[Path, int] = {}
        """Elements so far of each array of tables."""

    def take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise ValueError(f"unexpected text at line {self.line()}")
        self.at = match.end()
        return match.group()

    def see(self, literal: str) -> bool:
        return self.text.startswith(literal, self.at)

    def expect(self, literal: str) -> None:
        if not self.see(literal):
            raise ValueError(f"expected {literal} at line {self.line()}")
        self.at += len(literal)

    def line(self) -> int:
        before, line = self.counted
        self.counted = (self.at, line + self.text.count("\n", before, self.at))
        return self.counted[1]

    def note(self, path: Path, line: int) -> None:
        self.found.setdefault(path, line)

    def document(self) -> None:
        table: Path = ()
        while True:
            self.take(_BLANK)
            if self.at == len(self.text):
                return
            if self.see("[["):
                table = self.header("[[", "]]")
            elif self.see("["):
                table = self.header("[", "]")
            else:
                self.pair(table)

    def header(self, opening: str, closing: str) -> Path:
        """Read `[a.b]` or `[[a.b]]`, and say where its keys belong."""
        line = self.line()
        self.expect(opening)
        keys = self.key()
        self.expect(closing)
        path: Path = ()
        for number, key in enumerate(keys, 1):
            path = (*path, key)
            self.note(path, line)
            if number == len(keys) and opening == "[[":
                index = self.arrays.get(path, 0)
                self.arrays[path] = index + 1
                path = (*path, index)
                self.note(path, line)
            elif path in self.arrays:
                path = (*path, self.arrays[path] - 1)
        return path

    def key(self) -> list[str]:
        parts = []
        while True:
            self.take(_SPACE)
            if self.see('"'):
                parts.append(str(tomllib.loads("k = " + self.take(_BASIC))["k"]))
            elif self.see("'"):
                parts.append(self.take(_LITERAL)[1:-1])
            else:
                parts.append(self.take(_BARE_KEY))
            self.take(_SPACE)
            if not self.see("."):
                return parts
            self.at += 1

    def pair(self, table: Path) -> None:
        line = self.line()
        path = table
        for key in self.key():
            path = (*path, key)
            self.note(path, line)
        self.expect("=")
        self.take(_SPACE)
        self.value(path)

    def value(self, path: Path) -> None:
        if self.see("["):
            self.at += 1
            index = 0
            while not self.closes("]"):
                self.note((*path, index), self.line())
                self.value((*path, index))
                index += 1
        elif self.see("{"):
            self.at += 1
            while not self.closes("}"):
                self.pair(path)
        else:
            for start, pattern in (
                ('"""', _LONG_BASIC),
                ("'''", _LONG_LITERAL),
                ('"', _BASIC),
                ("'", _LITERAL),
                ("", _SCALAR),
            ):
                if self.see(start):
                    self.take(pattern)
                    return

    def closes(self, bracket: str) -> bool:
        """Pass what may stand between elements; whether the array or inline table ends here."""
        self.take(_BLANK)
        if self.see(","):
            self.at += 1
            self.take(_BLANK)
        if self.see(bracket):
            self.at += 1
            return True
        return False


def syntax(message: str, text: str) -> tuple[str, int]:
    """Take the position out of tomllib's message: `Expected ']' (at line 3, column 5)`."""
    what, _, where = message.rpartition(" (at ")
    what = what or message
    words = where.replace(",", " ").split()
    # Otherwise it says `at end of document`.
    line = int(words[1]) if words[:1] == ["line"] else len(text.rstrip().splitlines()) or 1
    return what[:1].lower() + what[1:], line
