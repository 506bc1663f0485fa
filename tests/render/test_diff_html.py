"""A comparison as a page of HTML: well formed, self-contained, and text of others is text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings

from tests.builders import NOW
from tests.comparisons import ALL, busy, causes, comparison, file
from tests.render.hostile import FORBIDDEN
from tests.render.test_diff_markdown import ATTACKS, everywhere
from tests.render.trees import comparisons
from xt.model.delta import Comparison, whole
from xt.render.diff_html import render
from xt.render.diff_view import View


class Reader(HTMLParser):
    """Checks every tag and keeps the text."""

    allowed = frozenset(
        {
            *(
                "html",
                "head",
                "meta",
                "title",
                "style",
                "body",
                "h2",
                "h3",
                "p",
                "ul",
                "li",
                "table",
                "thead",
            ),
            *("tbody", "tr", "th", "td", "span", "details", "summary", "pre", "ins", "del"),
        }
    )
    attributes = frozenset({"class", "lang", "charset", "http-equiv", "content", "name", "open"})
    classes = re.compile("bold|dim|accent|key|good|bad|right")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.allowed
        self.tags.append(tag)
        for name, value in attrs:
            assert name in self.attributes
            assert name != "class" or self.classes.fullmatch(value or "")
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader


@pytest.mark.parametrize("name", ALL)
def test_every_page_is_well_formed_and_has_no_script(name: str) -> None:
    reader = read(render(ALL[name](), View(explain=True), NOW))
    assert "script" not in reader.tags
    assert "Verdict: " in reader.text


def test_the_page_allows_itself_styles_and_nothing_else() -> None:
    page = render(busy(), View(), NOW)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in page
    assert "prefers-color-scheme" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in page


@pytest.mark.parametrize(
    "text", [*ATTACKS, '"><b onclick="x', "'-->", "<!--", "]]>", "</pre></title></style>"]
)
def test_text_of_others_is_text(text: str) -> None:
    reader = read(render(everywhere(text), View(), NOW))
    harmless = read(render(everywhere("word"), View(), NOW))
    assert reader.tags == harmless.tags
    # All but values that are quoted and units that are cut.
    assert reader.text.count(text) >= 20


@given(comparisons())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=12)
def test_whatever_a_tree_holds_it_stays_text(found: Comparison) -> None:
    page = render(found, View(explain=True), NOW)
    read(page)
    assert not FORBIDDEN.search(page)


def test_added_and_removed_lines_are_told_without_colour() -> None:
    found = causes(code=whole("code", [file("a.py", 1, 1, "@@ -1 +1 @@\n-a < b\n+a > b")]))
    page = render(comparison(found), View(), NOW)
    assert "<del>-a &lt; b</del>\n<ins>+a &gt; b</ins>" in page


def test_numbers_stand_in_a_table() -> None:
    reader = read(render(busy(), View(), NOW))
    assert reader.tags.count("table") == 2
    assert "val/acc0.9680.972+0.004" in reader.text
