"""Tickets become links by a pattern of any shape, and what is a link or code already stays."""

from __future__ import annotations

import pytest

from xt.config import TicketSettings
from xt.render.tickets import linked, url_of


@pytest.mark.parametrize(
    "pattern",
    [
        "LAB-[0-9]+",
        "(?i)lab-[0-9]+",
        "(?P<ticket>LAB)-(?P<kept>[0-9]+)",
        r"(L)AB-\d\d?(?:\1)?",
        "LAB-[0-9]+|OPS-[0-9]+",
    ],
)
def test_a_pattern_may_have_flags_and_groups(pattern):
    tickets = TicketSettings(pattern, "https://t.example/{}?a=1")
    text = "LAB-1: see `LAB-2`, [LAB-3](x), https://h/LAB-4, xLAB-5, LAB-6x and LAB-77."
    assert linked(text, tickets) == (
        "[LAB-1](https://t.example/LAB-1?a=1): see `LAB-2`, [LAB-3](x), https://h/LAB-4, xLAB-5, LAB-6x and"
        " [LAB-77](https://t.example/LAB-77?a=1)."
    )


def test_a_pattern_that_runs_away_makes_no_links(monkeypatch):
    monkeypatch.setattr("xt.render.tickets._SECONDS", 0.05)
    tickets = TicketSettings("(a+)+$", "https://t.example/{}")
    text = "a" * 60 + "b"
    assert linked(text, tickets) == text
    assert url_of(text, tickets) is None
