"""What is said of a deployment and of measurements when they were recorded."""

from __future__ import annotations

from xt.model.production import Observing, Went
from xt.render.layout import flow, wrap
from xt.render.production_words import artefact, fitting, reason, run, warnings, why
from xt.render.quantities import count
from xt.render.styled import Line, Span, paint, say
from xt.render.visible import visible

#: Other runs and names that are listed.
LISTED = 5


def render(
    one: Went,
    before: str | None,
    others: list[str],
    notes: list[str],
    width: int,
    colour: bool,
    *,
    is_live: bool,
) -> str:
    """Write what went live.

    Args:
        one: the deployment.
        before: short id of the run that was live until then.
        others: short ids of further runs that made the same content.
        notes: what else is to be said.
        width: of the terminal.
        colour: whether it may have colours.
        is_live: False for one that was recorded later and is not the newest.
    """
    width = fitting(width)
    inner = width - 2
    head = [say(one.to, "bold"), say(" is " if is_live else " was "), *run(one), say("  ")]
    lines = wrap([*head, *artefact(one), say("  "), *why(one)], width, 2)
    items: list[Line] = [[say(version)] for version in (one.prompts, one.policy) if version]
    if one.takes_back is not None:
        items.append([say("a rollback", "bold")])
    if before is not None:
        items.append([say("in place of "), say(before, "key")])
    elif is_live:
        items.append([say("the first there", "dim")])
    if others:
        more = f" and {len(others) - LISTED} more" if len(others) > LISTED else ""
        items.append([say(f"the same content: {', '.join(others[:LISTED])}{more}", "dim")])
    below = [*flow(items, inner), *reason(one, inner), *warnings(one, inner)]
    for note in notes:
        below += wrap([say(note, "dim")], inner, 2)
    lines += [[Span("  ", ""), *line] for line in below]
    return "".join(paint(line, colour) + "\n" for line in lines)


def observed(done: Observing) -> str:
    """Say what was recorded, in one line."""
    names = ", ".join(done.names[:LISTED]) + (", …" if len(done.names) > LISTED else "")
    parts = [
        f"{done.to}: {count(done.new, 'measurement')} recorded" if done.new else f"{done.to}: nothing new"
    ]
    if names:
        parts.append(names)
    if done.known:
        parts.append(f"{done.known} known already")
    if done.replaced:
        parts.append(f"{done.replaced} in place of another value")
    parts += done.notes
    return visible(" · ".join(parts)) + "\n"
