"""A comparison in GitHub-flavoured Markdown, for the summary of a CI job or a comment.

What others wrote passes `escape` and nothing else, so it makes no link, no HTML, no mention and no table
(https://github.github.com/gfm/: character references 6.2, tables 4.10, autolinks 6.9; mentions, references,
emoji and mathematics are GitHub's own).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from xt.model.delta import Comparison
from xt.render.diff_document import LONG, MOST, Block, Bullets, Fold, Grid, Paragraph, Patch, Title, document
from xt.render.diff_view import View
from xt.render.quantities import count, size
from xt.render.styled import Line, Span, say

#: Bytes of the whole: a step summary holds 1 MiB.
MOST_BYTES = 900_000
#: Share of all patches: what they explain must fit as well.
PATCH_SHARE = 2 / 3
#: Bytes kept for saying what was cut.
_RESERVE = 2_000
_MARKUP = re.compile(
    r"[\\`*_\[\]|~&<>$]|@(?=\w)|#(?=\d)|:(?=/)|:(?=[\w+-]+:)|(?<=www)\.|(?<=\bGH)-(?=\d)", re.IGNORECASE
)
#: What would begin a heading, a list, a quotation or an underline.
_BLOCK = re.compile(r"[-+=#]|\d+[.)](?:\s|$)")
_START = re.compile(r"[-+=#]|(?<=\d)[.)]")
#: What GitHub looks for in the text after all references are resolved needs an invisible space.
_APART = ("@", "#", ":", "-")
_STRONG = frozenset(("bold", "key", "good", "bad"))


def render(found: Comparison, options: View, now: datetime, most: int = MOST_BYTES) -> str:
    """Write the document.

    Args:
        found: the comparison.
        options: what of it is wanted.
        now: to say how long ago the runs were.
        most: bytes.

    Returns:
        Markdown; what was cut is said at its end.
    """
    return write(document(found, options, now), most)


def write(blocks: Iterable[Block], most: int = MOST_BYTES) -> str:
    """Write the blocks of any report, in so many bytes; what was cut is said at the end."""
    texts: list[str] = []
    used = patches = left_out = 0
    for block in blocks:
        text = _patch(block) if isinstance(block, Patch) else _block(block)
        weight = len(text.encode())
        if used + weight > most - _RESERVE or (
            isinstance(block, Patch) and patches + weight > most * PATCH_SHARE
        ):
            left_out += 1
            continue
        used += weight + 1
        patches += weight if isinstance(block, Patch) else 0
        texts.append(text)
    if left_out:
        texts.append(
            f"*{count(left_out, 'part')} of this report left out: it would be longer than {size(most)}.*\n"
        )
    return "\n".join(texts)


def escape(text: str) -> str:
    """Make text of others plain text, in a line of Markdown and in HTML alike: by character references."""
    return _MARKUP.sub(_harmless, text)


def _harmless(match: re.Match[str]) -> str:
    character = match.group()
    return f"&#{ord(character)};{'&#8203;' if character in _APART else ''}"


def _inline(line: Line) -> str:
    """A line in Markdown, where something stands before it."""
    return "".join(_marked(_cut(span)) for span in line).strip()


def _begin(line: Line) -> str:
    """A line in Markdown with nothing before it, where its first characters could begin a block."""
    text = _inline(line)
    if _BLOCK.match("".join(span.text for span in line).lstrip()):
        text = _START.sub(_harmless, text, count=1)
    return text


def _cut(span: Span) -> Span:
    over = len(span.text) - 4 * LONG
    return (
        Span(f"{span.text[: 4 * LONG]}… ({count(over, 'character')} more)", span.style) if over > 0 else span
    )


def _marked(span: Span) -> str:
    text = escape(span.text)
    core = text.strip(" ")
    return text.replace(core, f"<strong>{core}</strong>") if span.style in _STRONG and core else text


def _block(block: Block) -> str:
    if isinstance(block, Title):
        return f"{'#' * block.level} {_inline(block.line)}\n"
    if isinstance(block, Paragraph):
        return f"{_begin(block.line)}\n"
    if isinstance(block, Bullets):
        return _list(block.lines)
    if isinstance(block, Fold):
        return f"<details><summary>{_inline(block.summary)}</summary>\n\n{_list(block.lines)}\n</details>\n"
    if isinstance(block, Grid):
        rule = "|".join(" ---: " if number in block.right else " --- " for number in range(len(block.head)))
        rows = [_row(block.head), f"|{rule}|", *(_row(row) for row in block.rows)]
        return "\n".join(rows) + "\n"
    return _patch(block)


def _list(lines: list[Line]) -> str:
    return "".join(f"- {_begin(line)}\n" for line in lines)


def _row(cells: list[Line]) -> str:
    return "| " + " | ".join(_inline(cell) for cell in cells) + " |"


def _patch(block: Patch) -> str:
    """A fenced block; its fence is longer than any in it."""
    lines = [say(text.expandtabs(4)).text for text in block.lines[:MOST]]
    if len(block.lines) > MOST:
        lines.append(f"and {count(len(block.lines) - MOST, 'more line')}")
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    body = "\n".join([f"{fence}{'' if block.words else 'diff'}", *lines, fence])
    summary = f"<summary>{_inline(block.summary)}</summary>"
    return f"<details{' open' if block.open else ''}>{summary}\n\n{body}\n\n</details>\n"
