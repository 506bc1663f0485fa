"""Markdown as lines of a terminal: headings, lists, emphasis, code; links with their address behind them.

Only what a note needs is known; everything else stays as it was typed. No link is hidden behind a text: a
terminal would show one address and open another.
"""

from __future__ import annotations

import re

from xt.render.layout import wrap
from xt.render.styled import Line, Span, say

#: Lengths are bounded: of a text of openings without ends each would be followed to the end of the text.
_INLINE = re.compile(
    r"`([^`\n]{1,500})`|\*\*([^*\n]{1,500})\*\*|__([^_\n]{1,500})__"
    r"|(?<![\w*])\*([^*\s][^*\n]{0,500})\*(?!\w)|(?<![\w_])_([^_\s][^_\n]{0,500})_(?!\w)"
    r"|!?\[([^\]\n]{0,500})\]\(\s{0,9}+(?:<([^>\n]{0,1000}+)>|([^)\s]{0,1000}+))(?:\s[^)]{0,500}+)?\)"
)
_LIST = re.compile(r"(\s*)([-*+]|\d+[.)])\s+(.*)")
_HEADING = re.compile(r"#{1,6}\s+(.*)")
_FENCE = re.compile(r"\s*(```|~~~)")


def markdown(text: str, width: int) -> list[Line]:
    """Lay a Markdown text out.

    Args:
        text: of anybody; control characters become escapes.
        width: of the longest line wanted.
    """
    lines: list[Line] = []
    paragraph: list[str] = []
    fenced = False

    def close() -> None:
        if paragraph:
            lines.extend(wrap(inline(" ".join(paragraph)), width))
            paragraph.clear()

    for row in text.splitlines():
        if _FENCE.match(row):
            close()
            fenced = not fenced
            continue
        heading, item = _HEADING.fullmatch(row), _LIST.fullmatch(row)
        if fenced:
            lines.append([Span("  ", ""), say(row, "accent")])
        elif not row.strip():
            close()
            if lines and lines[-1]:
                lines.append([])
        elif heading:
            close()
            lines += wrap([say(heading[1].rstrip().rstrip("#").rstrip(), "bold")], width)
        elif item:
            close()
            indent = " " * min(len(item[1].expandtabs(4)), max(0, width // 2))
            mark = "•" if item[2] in "-*+" else item[2]
            head = f"{indent}{mark} "
            lines += wrap([Span(head, ""), *inline(item[3])], width, min(len(head), width - 8))
        elif row.lstrip().startswith(">"):
            close()
            quoted = inline(row.lstrip().removeprefix(">").strip())
            lines += wrap([say("│ ", "dim"), *quoted], width, 2)
        else:
            paragraph.append(row.strip())
    close()
    while lines and not lines[-1]:
        lines.pop()
    return lines


def inline(text: str) -> Line:
    """One paragraph with its emphasis, code and links."""
    line: Line = []
    at = 0
    for found in _INLINE.finditer(text):
        line.append(say(text[at : found.start()]))
        code, strong, strong_too, soft, soft_too, label, enclosed, plain = found.groups()
        target = enclosed or plain
        if code is not None:
            line.append(say(code, "accent"))
        elif label is not None or target is not None:
            line.append(say(label or target or ""))
            if target and label and label != target:
                line.append(say(f" ({target})", "dim"))
        else:
            line.append(say(strong or strong_too or soft or soft_too or "", "bold"))
        at = found.end()
    line.append(say(text[at:]))
    return [span for span in line if span.text]
