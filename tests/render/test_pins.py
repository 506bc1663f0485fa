"""Pins as lines."""

from __future__ import annotations

import pytest

from xt.model.event import Pin
from xt.render.pins import line


@pytest.mark.parametrize("width", [40, 80])
def test_a_pin_fits_the_page_and_says_all(width):
    fields = {"id": "1", "at": "2026-11-25T03:37:00.000000Z", "by": "you", "name": "baseline"}
    pin = Pin(**fields, run="pvtuklmnopqrstuv", reason="what we have in production\x1b[31m")
    text = line(pin, 4, width, False)
    assert max(map(len, text.splitlines())) <= width
    assert " ".join(text.split()).startswith("baseline pvtu · 2026-11-25 03:37 UTC")
    assert "production" in text
    assert "\x1b" not in text
