"""Hunks of a unified diff (POSIX `diff -u`), without the two lines of file names."""

from __future__ import annotations

from collections.abc import Sequence

from xt.compare.alignment import Edit, edits

#: Characters of a line that are shown.
WIDTH = 2000


def unified(left_lines: Sequence[str], right_lines: Sequence[str], context: int = 3) -> list[str]:
    """Write the difference of two texts.

    Args:
        left_lines: without line ends.
        right_lines: without line ends.
        context: equal lines shown around a change.

    Returns:
        Lines from the first `@@` on; none when the texts are equal. Bounded in time: very different long
        texts show more lines as replaced than had to be.
    """
    found = edits(left_lines, right_lines)
    return [line for hunk in hunks(left_lines, right_lines, found, context) for line in hunk]


def hunks(
    left: Sequence[str],
    right: Sequence[str],
    changes: Sequence[Edit],
    context: int = 3,
    *,
    first: tuple[int, int] = (1, 1),
) -> list[list[str]]:
    """Write edits as hunks, each a header and its lines.

    Args:
        left: lines without line ends.
        right: lines without line ends.
        changes: in order.
        context: equal lines around a change.
        first: the numbers of the first line on both sides.
    """
    groups: list[list[Edit]] = []
    for change in changes:
        if groups and change.left - groups[-1][-1].left_end <= 2 * context:
            groups[-1].append(change)
        else:
            groups.append([change])
    return [_hunk(left, right, group, context, first) for group in groups]


def _hunk(
    left: Sequence[str], right: Sequence[str], group: list[Edit], context: int, first: tuple[int, int]
) -> list[str]:
    before = min(context, group[0].left, group[0].right)
    after = min(context, len(left) - group[-1].left_end, len(right) - group[-1].right_end)
    start, stop = group[0].left - before, group[-1].left_end + after
    other, other_stop = group[0].right - before, group[-1].right_end + after
    lines = [f"@@ -{_span(start, stop, first[0])} +{_span(other, other_stop, first[1])} @@"]
    at = start
    for change in group:
        lines += [" " + cut(line) for line in left[at : change.left]]
        lines += ["-" + cut(line) for line in left[change.left : change.left_end]]
        lines += ["+" + cut(line) for line in right[change.right : change.right_end]]
        at = change.left_end
    lines += [" " + cut(line) for line in left[at:stop]]
    return lines


def _span(start: int, stop: int, first: int) -> str:
    """Write a range of lines; an empty one is named by the line before it, as POSIX has it."""
    count = stop - start
    number = start + first if count else start + first - 1
    return str(number) if count == 1 else f"{number},{count}"


def cut(line: str) -> str:
    """Shorten a line that nobody could read anyway."""
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
