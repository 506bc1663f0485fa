"""Two commands as one, with what changed in its place: `python train.py --lr [-0.1-] {+0.05+}`."""

from __future__ import annotations

from typing import Any

from xt.model.delta import Delta
from xt.model.text import Raw, from_text
from xt.render.diff_words import arrow, brief
from xt.render.layout import wrap
from xt.render.quantities import count
from xt.render.quoting import quote
from xt.render.styled import Line, say

#: Equal words kept at the start and on either side of a change; cells of a word; words shown of a stretch.
_FIRST, _AROUND, _LONG, _STRETCH = 3, 2, 60, 40
#: So many equal words are folded at least: fewer take as much room as saying how many.
_WORTH = 4


def command(found: Delta, width: int) -> list[Line]:
    """Draw the command once, long equal stretches folded, then what else of it differs.

    Args:
        found: with stretches `command/<n>` in order and perhaps `command/cwd`, `executable`, `stdin`.
        width: of the longest line wanted.
    """
    stretches = [child for child in found.children if child.path.rpartition("/")[2].isdecimal()]
    others = [child for child in found.children if not child.path.rpartition("/")[2].isdecimal()]
    lines = wrap(inline(stretches), width, 2) if stretches else []
    for child in others:
        if child.relation == "same":
            continue
        name = {"cwd": "in", "executable": "program", "stdin": "standard input"}
        label = child.path.rpartition("/")[2]
        said = arrow(child, plain=True)
        note = [say(" " if said else "", ""), say(child.note, "dim")] if child.note else []
        lines += wrap([say(f"{name.get(label, label)}  ", "dim"), *said, *note], width, 2)
    return lines


def inline(stretches: list[Delta]) -> Line:
    """The words of both commands in one line, with signs that are read without colour."""
    line: Line = []
    for number, stretch in enumerate(stretches):
        parts: list[Line] = []
        if stretch.relation == "same":
            parts = [_equal(_words(stretch.right), number == 0, number == len(stretches) - 1)]
        else:
            old, new = _words(stretch.left), _words(stretch.right)
            parts += [[say("[-" + _joined(old) + "-]")]] if old else []
            parts += [[say("{+" + _joined(new) + "+}", "bold")]] if new else []
        for part in parts:
            line += [*([say(" ")] if line else []), *part]
    return line


def _equal(words: list[str], first: bool, last: bool) -> Line:
    """Equal words, of many only those beside a change and the program."""
    before = _FIRST if first else _AROUND
    after = 0 if last else _AROUND
    hidden = len(words) - before - after
    if hidden < _WORTH:
        return [brief(_joined(words), _LONG * _STRETCH, "dim" if not first else "")]
    start = say(_joined(words[:before]), "" if first else "dim")
    end = [say(" "), say(_joined(words[-after:]), "dim")] if after else []
    return [start, say(f" … {count(hidden, 'word')} …", "dim"), *end]


def _joined(words: list[str]) -> str:
    text = " ".join(brief(quote(word), _LONG).text for word in words[:_STRETCH])
    return f"{text} … {count(len(words) - _STRETCH, 'more word')}" if len(words) > _STRETCH else text


def _words(side: Any) -> list[str]:
    """Words of a side; those that are no text are kept as the bytes they are."""
    if not isinstance(side, list):
        return []
    return [_word(word) for word in side]


def _word(word: Any) -> str:
    if isinstance(word, Raw):
        return from_text(word)
    if isinstance(word, dict) and isinstance(word.get("b64"), str):
        try:
            return from_text(Raw(word["b64"]))
        except ValueError:
            return str(word)
    return word if isinstance(word, str) else str(word)
