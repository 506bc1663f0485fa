"""What was read on both sides: sizes, contents, the files of a tree, and text line by line."""

from __future__ import annotations

from xt.model.delta import Delta
from xt.render.diff_blocks import indent
from xt.render.diff_parts import is_part, part_of_input
from xt.render.diff_text import FOLDED, patch, stat
from xt.render.diff_view import View
from xt.render.diff_words import last, named_input, weights
from xt.render.layout import table, wrap
from xt.render.quantities import count
from xt.render.styled import Line, join, say

#: Inputs, and files of one tree, that are listed; a section that is asked for is shown in full.
LISTED, FILES, MOST = 12, 6, 2_000


def inputs(section: Delta, options: View, width: int) -> list[Line]:
    """Every input that differs, with its files or the lines of its text below.

    Args:
        section: children `inputs/<role>/<declared>`, of those children `<declared>/<path>`.
        options: what is wanted.
        width: of the longest line wanted.
    """
    everything = options.asks("inputs")
    differing = [child for child in section.children if child.relation != "same"]
    listed = differing[: MOST if everything else LISTED]
    heads = [
        [
            _role(child),
            join([named_input(child), _lines(child)], "  "),
            weights(child, digests=everything),
        ]
        for child in listed
    ]
    lines: list[Line] = []
    # One table for all, so that columns agree; each row then gets its own details.
    for child, head in zip(listed, _aligned(heads, width), strict=True):
        lines += head
        lines += indent(differing_files(child, options, max(width - 2, 8)))
    left = len(differing) - len(listed) + section.more
    if left:
        how = "" if everything else ": --only inputs"
        lines.append([say(f"and {count(left, 'more input')}{how}", "dim")])
    return lines


def _role(child: Delta) -> Line:
    return [say(last(child.path, 1).partition("/")[0], "dim")]


def _aligned(rows: list[list[Line]], width: int) -> list[list[Line]]:
    """The lines of a table, kept by row."""
    if not rows:
        return []
    lines = table(rows, width, 2)
    if len(lines) == len(rows):
        return [[line] for line in lines]
    return [wrap(join([cell for cell in row if cell], "  "), width, 2) for row in rows]


def differing_files(found: Delta, options: View, width: int) -> list[Line]:
    """What is known of an input that differs: its note, the lines of its text, its files with theirs.

    Args:
        found: an input, or a file of one.
        options: what is wanted.
        width: of the longest line wanted.
    """
    lines: list[Line] = []
    if found.note:
        unknown = found.relation == "unknown"
        lines += wrap([*([say("unknown: ", "bold")] if unknown else []), say(found.note, "dim")], width, 2)
    if found.hint:
        lines += wrap([say(found.hint, "dim")], width, 2)
    lines += _patch(found, options, width)
    differing = [child for child in found.children if child.relation != "same"]
    listed = differing[: MOST if options.asks("inputs") else FILES]
    if options.stat and not options.asks("inputs"):
        listed = []
    for child in listed:
        if is_part(child, found):
            lines += wrap(part_of_input(child, found), width, 2)
            lines += indent(_patch(child, options, max(width - 2, 8)))
        else:
            lines += _file(child, found, options, width)
    left = len(differing) - len(listed) + found.more
    if left:
        how = "" if options.asks("inputs") else ": --only inputs"
        thing = "part" if any(is_part(child, found) for child in differing) else "file"
        lines.append([say(f"and {count(left, f'more {thing}')}{how}", "dim")])
    return lines


def _file(child: Delta, tree: Delta, options: View, width: int) -> list[Line]:
    """A file of a tree: its size, its note and, where its content was compared, its parts or lines."""
    name = [say(child.path.removeprefix(tree.path + "/"))]
    what = weights(child) or [say(child.change or child.relation, "dim")]
    lines = wrap(join([name, what, _lines(child)], "  "), width, 2)
    return lines + indent(differing_files(child, options, max(width - 2, 8)))


def _lines(found: Delta) -> Line:
    one = stat(found)
    return [say(f"+{one.added} −{one.removed} lines", "dim")] if one else []


def _patch(found: Delta, options: View, width: int) -> list[Line]:
    """The lines of a text, or how many there are."""
    if not found.text or options.no_patches():
        return []
    whole = options.whole_patches("inputs")
    if whole or len(found.text) <= FOLDED:
        return patch(found.text, width, whole=True, words=options.word_diff)
    return [[say(f"{count(len(found.text), 'line')} of diff: xt diff --code", "dim")]]
