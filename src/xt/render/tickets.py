"""Tickets in a text become links, by the pattern of `[tickets]`."""

from __future__ import annotations

import re
from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Tickets(Protocol):
    """`xt.config.TicketSettings` is one."""

    @property
    def pattern(self) -> str | None:
        """A regular expression."""

    @property
    def url(self) -> str | None:
        """With `{}` where the ticket goes."""


class _None:
    pattern: str | None = None
    url: str | None = None


#: What stays as it is: code, links, addresses.
_KEPT = re.compile(r"`[^`]{0,500}`|!?\[[^\]]{0,500}\]\([^)]{0,2500}\)|<[^>]{0,2000}>|https?://\S+")
_IN_WORD = re.compile(r"\w")
#: Seconds of processor time for a pattern and one text, of which some microseconds are common.
_SECONDS = 0.5
_RAN_AWAY: set[str] = set()
#: Without `[tickets]` a ticket is a word.
NO_TRACKER: Tickets = _None()


def url_of(ticket: str, tickets: Tickets) -> str | None:
    """Address of a ticket; None when it is none, or there is no tracker."""
    if tickets.pattern is None or tickets.url is None:
        return None
    if not _sought(tickets.pattern, lambda pattern: [pattern.fullmatch(ticket)]):
        return None
    from urllib.parse import quote

    return tickets.url.replace("{}", quote(ticket, safe=""))


def _sought(
    pattern: str, seek: Callable[[re.Pattern[str]], Iterable[re.Match[str] | None]]
) -> list[re.Match[str]]:
    """What a pattern finds; nothing, from then on, once it ran away: without links a text is read, too."""
    from xt.limit import Limit, TooLongError

    if pattern in _RAN_AWAY:
        return []
    try:
        with Limit(_SECONDS):
            return [found for found in seek(re.compile(pattern)) if found is not None]
    except TooLongError:
        _RAN_AWAY.add(pattern)
        return []


def linked(text: str, tickets: Tickets) -> str:
    """Write every ticket of a Markdown text as a link, outside of code and of links that are there.

    Args:
        text: Markdown.
        tickets: pattern and address.
    """
    if tickets.pattern is None or tickets.url is None:
        return text
    parts: list[str] = []
    at = 0
    for found in _KEPT.finditer(text):
        parts += [_linked(text, at, found.start(), tickets), found[0]]
        at = found.end()
    return "".join([*parts, _linked(text, at, len(text), tickets)])


def _linked(text: str, start: int, end: int, tickets: Tickets) -> str:
    """A part of a text in which nothing is kept as it is.

    The pattern stays alone: it may have flags, and groups of any name and number.
    """
    parts: list[str] = []
    at = start
    for found in _sought(tickets.pattern or "", lambda pattern: pattern.finditer(text, start, end)):
        ticket, before, after = (
            found[0],
            text[max(0, found.start() - 1) : found.start()],
            text[found.end() : found.end() + 1],
        )
        url = None if _IN_WORD.match(before) or _IN_WORD.match(after) else url_of(ticket, tickets)
        if url is not None:
            parts += [text[at : found.start()], f"[{ticket}]({url})"]
            at = found.end()
    return "".join([*parts, text[at:end]])
