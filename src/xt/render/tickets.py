"""Tickets in a text become links, by the pattern of `[tickets]`."""

from __future__ import annotations

import re
from typing import Protocol
from urllib.parse import quote


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


#: Without `[tickets]` a ticket is a word.
NO_TRACKER: Tickets = _None()


def url_of(ticket: str, tickets: Tickets) -> str | None:
    """Address of a ticket; None when it is none, or there is no tracker."""
    if tickets.pattern is None or tickets.url is None or not re.fullmatch(tickets.pattern, ticket):
        return None
    return tickets.url.replace("{}", quote(ticket, safe=""))


def linked(text: str, tickets: Tickets) -> str:
    """Write every ticket of a Markdown text as a link, outside of code and of links that are there.

    Args:
        text: Markdown.
        tickets: pattern and address.
    """
    if tickets.pattern is None or tickets.url is None:
        return text
    # What stays as it is comes first: code, links, addresses.
    kept = r"`[^`]*`|!?\[[^\]]*\]\([^)]*\)|<[^>]*>|https?://\S+"
    whole = rf"(?P<kept>{kept})|(?<!\w)(?P<ticket>{tickets.pattern})(?!\w)"

    def link(found: re.Match[str]) -> str:
        ticket = found["ticket"]
        if not ticket:
            return found[0]
        return f"[{ticket}]({url_of(ticket, tickets)})" if url_of(ticket, tickets) else ticket

    return re.sub(whole, link, text)
