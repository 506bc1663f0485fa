"""A comparison as one page of HTML that needs nothing else: no script, no font, no network.

What others wrote passes `escape` and nothing else; the policy of the page (Content Security Policy Level 3)
would stop what got through.
"""

from __future__ import annotations

import html
from datetime import datetime

from xt.model.delta import Comparison
from xt.render.diff_document import MOST, Block, Bullets, Fold, Grid, Paragraph, Patch, Title, document
from xt.render.diff_view import View
from xt.render.diff_words import short
from xt.render.quantities import count
from xt.render.styled import LONGEST, Line, say

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --paper: #fff; --quiet: #667; --line: #ddd;
  --accent: #06707f; --good: #1a7f37; --bad: #c1121f; --new: #06707f14; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6e8; --paper: #16181b; --quiet: #99a;
  --line: #333940; --accent: #4fc3d0; --good: #4ac26b; --bad: #ff7b72; --new: #4fc3d01f; } }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: var(--ink); background: var(--paper);
  font: 15px/1.5 system-ui, sans-serif; }
h2 { margin: 0 0 .5rem; } h3 { margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; margin: .5rem 0; display: block; overflow-x: auto; }
th, td { padding: .2rem .9rem .2rem 0; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--quiet); font-weight: normal; border-bottom: 1px solid var(--line); }
td { font-variant-numeric: tabular-nums; } .right { text-align: right; white-space: nowrap; }
pre { margin: .3rem 0 1rem; padding: .5rem; overflow-x: auto; border: 1px solid var(--line);
  font-size: 13px; }
pre ins { text-decoration: none; font-weight: bold; background: var(--new); }
pre del { text-decoration: none; }
pre span { color: var(--quiet); }
summary { cursor: pointer; } .dim { color: var(--quiet); } .key, .accent { color: var(--accent); }
.good { color: var(--good); } .bad { color: var(--bad); } .bold, .key, .good, .bad { font-weight: 600; }
"""
#: Of cells whose content belongs to the right.
_RIGHT = ' class="right"'
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
"""


def render(found: Comparison, options: View, now: datetime) -> str:
    """Write the page.

    Args:
        found: the comparison.
        options: what of it is wanted.
        now: to say how long ago the runs were.
    """
    title = escape(f"xt diff {short(found.left)} {short(found.right)}")
    return _page(title, "\n".join(map(block, document(found, options, now))))


def page(title: str, body: str, style: str = "") -> str:
    """Write another page of the same looks, marked as drawn by xt.

    Args:
        title: of anybody.
        body: HTML; what is others' in it has passed `escape`.
        style: CSS beside that of all pages.
    """
    return _page(escape(title), body, '<meta name="generator" content="xt">\n', style)


def _page(title: str, body: str, head: str = "", style: str = "") -> str:
    return (
        f"{_HEAD}{head}<title>{title}</title>\n<style>{_STYLE}{style}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def escape(text: str) -> str:
    """Make text of others plain text, between tags and in attributes."""
    return html.escape(say(text).text, quote=True)


def inline(line: Line) -> str:
    """Write a line of text in its styles."""
    return "".join(
        f'<span class="{span.style}">{escape(span.text)}</span>' if span.style else escape(span.text)
        for span in line
    )


def block(block: Block) -> str:
    """Write one block of a document."""
    if isinstance(block, Title):
        return f"<h{block.level}>{inline(block.line)}</h{block.level}>"
    if isinstance(block, Paragraph):
        return f"<p>{inline(block.line)}</p>"
    if isinstance(block, Bullets):
        return _list(block.lines)
    if isinstance(block, Fold):
        return f"<details><summary>{inline(block.summary)}</summary>{_list(block.lines)}</details>"
    if isinstance(block, Grid):
        head = _row(block.head, "th", block.right)
        return f"<table>\n<thead>{head}</thead>\n<tbody>\n{_rows(block)}\n</tbody>\n</table>"
    return _patch(block)


def _list(lines: list[Line]) -> str:
    return "<ul>\n" + "\n".join(f"<li>{inline(line)}</li>" for line in lines) + "\n</ul>"


def _rows(block: Grid) -> str:
    return "\n".join(_row(row, "td", block.right) for row in block.rows)


def _row(cells: list[Line], tag: str, right: frozenset[int]) -> str:
    written = (
        f"<{tag}{_RIGHT if number in right else ''}>{inline(cell)}</{tag}>"
        for number, cell in enumerate(cells)
    )
    return f"<tr>{''.join(written)}</tr>"


def _patch(block: Patch) -> str:
    """Lines of a diff; what is new is `ins`, what is old `del`, so that it is read without colour too."""
    lines = [_line(text, block.words) for text in block.lines[:MOST]]
    if len(block.lines) > MOST:
        lines.append(f"<span>and {escape(count(len(block.lines) - MOST, 'more line'))}</span>")
    state = " open" if block.open else ""
    body = "\n".join(lines)
    return f"<details{state}><summary>{inline(block.summary)}</summary><pre>{body}</pre></details>"


def _line(text: str, words: bool) -> str:
    said = escape(text[: LONGEST + 1].expandtabs(4))
    if words:
        return said
    tag = {"+": "ins", "-": "del"}.get(text[:1], "span")
    return f"<{tag}>{said}</{tag}>"
