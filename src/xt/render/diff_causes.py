"""The terminal page of a comparison, first half: which causes differ, the most powerful first."""

from __future__ import annotations

from xt.model.delta import Comparison, Delta
from xt.render.diff_blocks import block, indent, room
from xt.render.diff_command import command
from xt.render.diff_inputs import inputs
from xt.render.diff_text import FOLDED, length, patch, renamed, stat, stats
from xt.render.diff_view import View
from xt.render.diff_words import arrow, is_told_elsewhere, last
from xt.render.layout import flow, table, wrap
from xt.render.quantities import count
from xt.render.styled import Line, measure, say

#: Shown of each list; a section that is asked for is shown in full.
LISTED = 12
#: A section asked for has no more rows than anybody reads.
MOST = 2_000
LABELS = {"environment": "env"}
#: Of the context: it stands beside the purposes.
WHEN = "started"
#: Groups of the environment, said of one of their kind.
GROUPS = {"python": "Python", "settings": "setting", "variables": "variable", "locks": "lock", "gpu": "GPU"}


def causes(found: Comparison, options: View, width: int) -> list[Line]:
    """Write the sections that differ, one line for those that do not, and the context below.

    Args:
        found: the comparison.
        options: what is wanted.
        width: of the longest line wanted.
    """
    lines = sections(found.causes, options, width)
    if options.shows("context"):
        content = context(found.context, room(width))
        lines += block([say("context", "dim")], content, width) if content else []
    return [[say("Causes", "bold")], *lines] if lines else []


def sections(found: Delta, options: View, width: int) -> list[Line]:
    """Write the sections that differ, and one line for those that do not.

    Args:
        found: the causes.
        options: what is wanted.
        width: of the longest line wanted.
    """
    lines: list[Line] = []
    same: list[str] = []
    inner = room(width)
    for section in found.children:
        if not options.shows(section.path) or is_told_elsewhere(section, options):
            continue
        if section.relation == "same" and not (options.asks(section.path) and section.children):
            same.append(section.path)
            continue
        label = LABELS.get(section.path, section.path)
        lines += block([say(label, "accent")], _content(section, options, inner), width)
    if same:
        lines += block([say("same", "dim")], wrap([say(", ".join(same), "dim")], inner), width)
    return lines


def _content(section: Delta, options: View, width: int) -> list[Line]:
    """What differs in a section, or why that is not known, and what would help."""
    writers = {"code": code, "inputs": inputs, "environment": environment, "params": params}
    if section.path == "command":
        lines = command(section, width)
    elif section.path == "seed":
        lines = wrap(arrow(section), width, 2) if (section.left, section.right) != (None, None) else []
    elif section.path in writers:
        lines = writers[section.path](section, options, width)
    else:
        lines = params(section, options, width)
    said = []
    if section.note:
        unknown = [say("unknown: ", "bold")] if section.relation == "unknown" else []
        said = wrap([*unknown, say(section.note, "" if unknown else "dim")], width, 2)
    elif not lines:
        said = [[say("unknown" if section.relation == "unknown" else "differs", "bold")]]
    if section.hint:
        said += wrap([say(section.hint, "dim")], width, 2)
    return [*lines, *said]


def remaining(section: Delta, listed: int) -> int:
    """Differing parts that are not on the page."""
    return section.more + sum(child.relation != "same" for child in section.children[listed:])


def more(number: int, thing: str, section: str, options: View) -> list[Line]:
    """Say how much is left out, and what shows it."""
    if number <= 0:
        return []
    how = "" if options.asks(section) else f": --only {section}"
    return [[say(f"and {count(number, f'more {thing}')}{how}", "dim")]]


def code(section: Delta, options: View, width: int) -> list[Line]:
    """A line for every file, with its hunks below while all of them are short."""
    listed = section.children[: MOST if options.asks("code") or options.code else LISTED]
    names = [renamed(file, "code", "") for file in listed]
    lines_of_diff = length(section.children)
    whole = options.whole_patches("code")
    shows = not options.no_patches() and (whole or lines_of_diff <= FOLDED)
    lines: list[Line] = []
    for file, head in zip(listed, stats(listed, names, width), strict=True):
        lines += _noted(file, head, width)
        if shows:
            lines += patch(file.text, width, whole=whole, words=options.word_diff)
    lines += more(remaining(section, len(listed)), "file", "code", options)
    if lines_of_diff and not shows and options.code is not False and not options.stat:
        lines.append([say(f"{count(lines_of_diff, 'line')} of diff: xt diff --code", "dim")])
    return lines


def _noted(file: Delta, head: Line, width: int) -> list[Line]:
    """A file's line with its note behind it, or below where there is no room."""
    one = stat(file)
    note = [say(file.note, "dim")] if file.note else []
    if one is not None and any(one) and note and measure([*head, *note]) + 2 <= width:
        return [[*head, say("  "), *note]]
    # Without lines of text the note is in the line already, perhaps cut.
    below = bool(note) and (file.relation == "unknown" or (one is not None and any(one)))
    return [head, *(indent(wrap(note, max(width - 2, 8), 2)) if below else [])]


def params(section: Delta, options: View, width: int) -> list[Line]:
    """Settings, aligned."""
    differing = [child for child in section.children if child.relation != "same"]
    listed = differing[: MOST if options.asks(section.path) else LISTED]
    rows = [[[say(last(child.path, 1))], _setting(child)] for child in listed]
    lines = table(rows, width, 1) if rows else []
    left = len(differing) - len(listed) + section.more
    return lines + more(
        left, {"params": "param", "facts": "fact"}.get(section.path, "part"), section.path, options
    )


def _setting(child: Delta, plain: bool = False) -> Line:
    line = arrow(child, plain)
    if child.note:
        line += [*([say("  ")] if line else []), say(child.note, "dim")]
    if child.hint:
        line += [*([say("  ")] if line else []), say(child.hint, "dim")]
    return line or [say("unknown" if child.relation == "unknown" else "differs")]


def environment(section: Delta, options: View, width: int) -> list[Line]:
    """Names with both versions; the group is named where it is not packages."""
    differing = [child for child in section.children if child.relation != "same"]
    listed = differing[: MOST if options.asks("environment") else LISTED]
    rows = []
    for child in listed:
        group, _, name = last(child.path, 1).partition("/")
        first = [say(name or group)]
        if name and group != "packages":
            first.insert(0, say(f"{GROUPS.get(group, group)} ", "dim"))
        rows.append([first, _setting(child, plain=True)])
    lines = table(rows, width, 1) if rows else []
    left = len(differing) - len(listed) + section.more
    return lines + more(left, "difference", "environment", options)


def context(found: Delta, width: int) -> list[Line]:
    """What cannot change results, in a line."""
    items = []
    for child in found.children[: 2 * LISTED]:
        name = last(child.path, 1)
        if child.relation == "same" or name == WHEN:
            continue
        content = [say(child.note)] if child.note else arrow(child, plain=True)
        items.append([say(f"{name} ", "dim"), *(say(span.text, "dim") for span in content)])
    return flow(items, width) if items else []
