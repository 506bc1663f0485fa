"""Parts of a content that was compared: their names, their values on both sides, how far these are apart."""

from __future__ import annotations

from typing import Any

from xt.model.delta import Delta, Side
from xt.model.result import Number
from xt.render.diff_words import agreement, distances, shown
from xt.render.styled import Line, join, say

#: Measures of two numbers that stand beside them: what they say is read from the numbers.
_OF_NUMBERS = ("|Δ|", "rel")
#: The measure of a column, whose values are only an example, at the place that the note names.
_OF_COLUMNS = "values differing"


def is_part(child: Delta, whole: Delta) -> bool:
    """Whether a child is a part of its whole's content (`c.json:/n`), no file below it (`configs/c.json`)."""
    return child.path.startswith(f"{whole.path}:")


def part_name(child: Delta, whole: Delta) -> str:
    """The name of a part without the path of what it is a part of: `/n`, `score`, `w`."""
    return child.path.removeprefix(whole.path).removeprefix(":") or child.path


def values(found: Delta) -> Line:
    """Both sides of a part, `0.5 → 1.5`, or the one that there is; nothing for what is no plain value."""
    sides = (found.left, found.right)
    known = [side for side in sides if side is not None]
    # Of lists and objects on both sides the parts or the note say what differs.
    # Two equal texts are kinds and shapes, which the note is about.
    alike = isinstance(found.left, str) and found.left == found.right
    if not known or alike or not (_is_one_sided(found) or all(map(_is_plain, known))):
        return []
    # What comes from a document says whether it is a text; all else has one kind.
    plain = ":/" not in found.path and all(isinstance(side, str) for side in known)
    if _is_one_sided(found):
        return [say(_shown(known[-1], plain), "bold")]
    return [say(_shown(sides[0], plain)), say(" → ", "dim"), say(_shown(sides[1], plain), "bold")]


def contents(found: Delta) -> Line:
    """What is known of a part: its values, then the note, else its measures.

    Of a column the values are those of one row, and so stand behind the note, which says of which row.
    """
    note = [say(found.note, "dim")] if found.note else []
    if any(item.what == _OF_COLUMNS for item in found.measures):
        example = values(found) if note and None not in (found.left, found.right) else []
        return _row(note or distances(found), example)
    sides = values(found)
    return _row(sides, note or distances(found, without=_OF_NUMBERS if sides else ()))


def part_of_output(child: Delta, whole: Delta, sides: tuple[Side, Side]) -> Line:
    """A part of an output: `a  0.5 → 1.5`, `b  only in kwpz  7`; how it agrees where nothing else says so."""
    details = contents(child)
    other = child.relation != whole.relation and not (details and child.relation == "changed")
    word = agreement(child, sides) if other or not details or _is_one_sided(child) else []
    return _row([say(part_name(child, whole).lstrip("/") or child.path, "bold")], word, details)


def part_of_input(child: Delta, whole: Delta) -> Line:
    """A part of an input: `/n  5 → 500000`, `/k  added  1`."""
    details = contents(child)
    tells = _is_one_sided(child) or not details
    word = [say(child.change or child.relation, "dim")] if tells else []
    return _row([say(part_name(child, whole))], word, details)


def _row(*items: Line) -> Line:
    return join([item for item in items if item], "  ")


def _is_one_sided(found: Delta) -> bool:
    return found.change in ("added", "removed")


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool | int | float | str | Number) or _is_special(value)


def _is_special(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"special"} and isinstance(value["special"], str)


def _shown(value: Any, plain: bool) -> str:
    if isinstance(value, Number):
        return value.special
    return value["special"] if _is_special(value) else shown(value, plain)
