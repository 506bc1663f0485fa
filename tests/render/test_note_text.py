"""Markdown of a note as lines: nothing of it is lost, and no length of it is too much."""

from __future__ import annotations

import pytest

from xt.render.markdown import markdown


def text(source: str, width: int = 200) -> list[str]:
    return ["".join(span.text for span in line) for line in markdown(source, width)]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ('[x](https://h/?a="><b>) **b** _i_ `c`', 'x (https://h/?a="><b>) b i c'),
        ("[x](<https://h/a b> 'title')", "x (https://h/a b)"),
        ("[](u) ![alt](img.png)", "u alt (img.png)"),
        ("## Heading ##", "Heading"),
        ("# C#-like", "C#-like"),
        ("2*3*4 and snake_case_name", "2*3*4 and snake_case_name"),
    ],
)
def test_every_word_and_address_is_shown(source, shown):
    assert text(source) == [shown]


@pytest.mark.parametrize("part", ["[", "(*", "_a", "**a", "a`", "[x](", "# " + " " * 100, "<", "> "])
def test_openings_without_ends_take_no_time(part):
    """Each was followed to the end of the text, and a note of them took minutes."""
    source = part * (60_000 // len(part)) + "."
    assert sum(map(len, text(source, 10**6))) > 50
