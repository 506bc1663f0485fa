"""A guess at the Python that shell text starts: its first command that leads to one.

No shell is run and no variable expanded: what cannot be read off is passed over, and the caller marks
the answer as a guess.
"""

from __future__ import annotations

import os
import re
import shlex

from xt.collect.interpreter import Found, NoPython, follow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BEFORE = frozenset(
    ("exec", "command", "builtin", "if", "then", "else", "elif", "do", "while", "until", "!", "{", "time")
)
#: Lines of one quotation.
_LONGEST = 50
_LINE_END = frozenset(";&|()")


def guess(text: str, cwd: str, environ: Mapping[str, str], way: list[str]) -> Found:
    """Find the first interpreter that shell text starts.

    Args:
        text: of a script, or what follows `-c`.
        cwd: absolute path of the folder it starts in.
        environ: its variables.
        way: how the command led here.

    Raises:
        NoPython: no command of it could be followed to a Python.
    """
    changed = dict(environ)
    for words in _commands(text):
        while words and (words[0] in _BEFORE or re.match(r"[A-Za-z_]\w*=", words[0])):
            variable, equals, value = words.pop(0).partition("=")
            if equals and not words and "$" not in value:
                changed[variable] = value
        if not words:
            continue
        if words[0] == "export":
            for word in words[1:]:
                variable, equals, value = word.partition("=")
                if equals and "$" not in value:
                    changed[variable] = value
        elif words[0] == "cd" and len(words) == 2 and "$" not in words[1]:
            cwd = os.path.normpath(os.path.join(cwd, words[1]))
        elif words[0] in ("source", ".") and len(words) > 1 and words[1].endswith("bin/activate"):
            bin_folder = os.path.dirname(os.path.normpath(os.path.join(cwd, words[1])))
            changed["VIRTUAL_ENV"] = os.path.dirname(bin_folder)
            changed["PATH"] = f"{bin_folder}:{changed.get('PATH', os.defpath)}"
        elif "$" not in words[0] and "`" not in words[0]:
            try:
                return follow(words, cwd, changed, way)
            except NoPython:
                continue
    raise NoPython("no command of the shell text could be followed to a Python")


def _commands(text: str) -> Iterator[list[str]]:
    pending = ""
    lines = 0
    for line in text.replace("\\\n", " ").splitlines():
        pending = f"{pending}\n{line}" if pending else line
        lines += 1
        try:
            yield from _split(pending)
        except ValueError:  # a quotation goes on in the next line; one that never ends is given up
            if lines < _LONGEST:
                continue
        pending = ""
        lines = 0


def _split(text: str) -> list[list[str]]:
    """Split at the shell's operators.

    Raises:
        ValueError: a quotation is open.
    """
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    for word in lexer:
        if _LINE_END.issuperset(word):
            commands.append([])
        else:
            commands[-1].append(word)
    return commands
