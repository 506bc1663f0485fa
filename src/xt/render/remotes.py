"""Remotes: which there are, and what was found about one."""

from __future__ import annotations

from xt.model.remotes import Defined, Probed, Remotes
from xt.render.layout import table, wrap
from xt.render.quantities import count
from xt.render.styled import Line, paint, say

NARROWEST = 24
_SOURCES = {"user": "yours", "project": "named by xt.toml"}


def listing(found: Remotes, width: int, colour: bool) -> str:
    """Write the list: names, where they are, whether they are used.

    Args:
        found: what there is.
        width: of the terminal; every line fits, from 24 columns on.
        colour: whether it may have colours.
    """
    width = max(width, NARROWEST)
    if not found.remotes:
        lines = wrap([say("no remotes: "), say("xt remote add NAME URL", "accent")], width, 2)
    else:
        rows: list[list[Line]] = [
            [[say(one.name, "key")], [say(one.url)], _state(one)] for one in found.remotes
        ]
        lines = table(rows, width, 1)
    return "".join(paint(line, colour) + "\n" for line in lines)


def _state(one: Defined) -> Line:
    if one.problem is not None:
        return [say("cannot be used", "bad")]
    if not one.confirmed:
        return [say("not confirmed", "bad"), say(f": xt remote trust {one.name}", "accent")]
    said = {True: "many writers", False: "one writer at a time", None: "not probed"}[one.exclusive]
    return [say(f"{_SOURCES[one.source]}, {said}", "dim")]


def problems(found: Remotes) -> list[str]:
    """What is wrong with those that cannot be used, for standard error."""
    return [f"the remote `{one.name}`: {one.problem}" for one in found.remotes if one.problem is not None]


def defined(one: Defined, verb: str, width: int, colour: bool) -> str:
    """Say what was done with one: `added team  s3://…`."""
    line: Line = [say(f"{verb} "), say(one.name, "key"), say("  "), say(one.url)]
    return "".join(paint(part, colour) + "\n" for part in wrap(line, max(width, NARROWEST), 2))


def question(one: Defined, width: int) -> str:
    """Ask whether a remote may be used, on as many lines as it takes."""
    lines: list[Line] = [
        *wrap([say(f"xt.toml of this project names the remote {one.name}:")], width, 2),
        *([say("  "), *line] for line in wrap([say(one.url, "bold")], width - 2)),
        *wrap([say("Records, code and outputs of this project are sent there, and read from there.")], width),
    ]
    return "".join(paint(line, colour=False) + "\n" for line in lines)


def probed(found: Probed, width: int, colour: bool) -> str:
    """Write what a probe found."""
    width = max(width, NARROWEST)
    name = [] if found.name == found.url else [say(found.name, "key"), say("  ")]
    lines = wrap([*name, say(found.url)], width, 2)
    won = f"{found.won} of {count(found.writers, 'writer')} of one name won"
    if found.exclusive:
        said: Line = [say("many writers", "good"), say(f": {won}, the others were refused")]
    else:
        said = [say("one writer at a time", "bad"), say(f": {won}; this place overwrites what is there")]
    lines += wrap(said, width, 2)
    for note in found.notes:
        lines += wrap([say(note)], width, 2)
    if not found.exclusive:
        more = (
            "xt looks whether a name is taken before it writes; two who push at once may not see each other"
        )
        lines += wrap([say(more, "dim")], width, 2)
    return "".join(paint(line, colour) + "\n" for line in lines)
