"""Metrics drawn in a terminal, as SVG, HTML and PNG."""

from __future__ import annotations

import io
import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plots import ALL, learning, line, plots, scanned
from tests.render.golden import check
from tests.render.hostile import FORBIDDEN, SGR, assert_harmless
from tests.render.test_diff_html import Reader
from xt.model.plot import Panel, Plot
from xt.render import plot_html, plot_svg
from xt.render.plot_text import has_unicode, render

SVG = "{http://www.w3.org/2000/svg}"
ATTRIBUTES = {
    "svg": {"class", "role", "width", "height", "viewBox"},
    "style": set(),
    "path": {"d", "class", "stroke-width", "stroke-dasharray"},
    "circle": {"cx", "cy", "r", "class"},
    "text": {"x", "y", "font-size", "text-anchor", "class"},
    "title": set(),
}
#: All that an attribute of a picture can be: numbers, and words of ours.
VALUE = re.compile(r"[-+.,\w ]*")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("width", [40, 80])
def test_a_terminal(name: str, width: int) -> None:
    check(f"plot-{name}-{width}", render(ALL[name](), width, False))


@pytest.mark.parametrize("name", ["learning", "several"])
def test_a_terminal_with_colours(name: str) -> None:
    check(f"plot-{name}-colour", render(ALL[name](), 100, True))


@pytest.mark.parametrize("name", ALL)
def test_where_there_is_no_unicode(name: str) -> None:
    text = render(ALL[name](), 80, False, unicode=False)
    assert text.isascii()
    check(f"plot-{name}-ascii", text)


@pytest.mark.parametrize("name", ALL)
def test_a_file(name: str) -> None:
    check(f"plot-{name}.svg", plot_svg.render(ALL[name]()))


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, True),
        ({"LANG": "C"}, False),
        ({"LANG": "de_AT.UTF-8"}, True),
        ({"LANG": "C.utf8"}, True),
        ({"LANG": "de_AT.ISO-8859-1@euro"}, False),
        ({"LANG": "C", "LC_ALL": "en_US.UTF-8"}, True),
        ({"LC_CTYPE": "POSIX", "LANG": "en_US.UTF-8"}, False),
    ],
)
def test_the_locale_says_whether_there_is_braille(variables: dict[str, str], expected: bool) -> None:
    assert has_unicode(variables) is expected


def test_colours_change_nothing_but_colours() -> None:
    with_one = Plot([Panel("loss", "step", [line("kwpz", [3.0, 2.0, 1.0])])], [])
    assert SGR.sub("", render(with_one, 80, True)) == render(with_one, 80, False)


def test_lines_can_be_told_apart_without_colour() -> None:
    text = render(learning(), 100, False)
    names = {"a": "kwpz", "b": "ytlm", "c": "nrqs"}
    assert all(f"  {letter} {name}" in text for letter, name in names.items())
    drawn = text.split("└")[0]
    assert all(len(re.findall(rf"[⠀-⣿]{letter}|{letter}[⠀-⣿]", drawn)) >= 2 for letter in "abc")


def test_a_gap_is_not_drawn_over() -> None:
    whole = render(Plot([Panel("loss", "step", [line("k", [1.0] * 40)])], []), 80, False)
    with_gap = [math.nan if 10 <= step < 30 else 1.0 for step in range(40)]
    broken = render(Plot([Panel("loss", "step", [line("k", with_gap)])], []), 80, False)

    def dots(text: str) -> int:
        return sum("⠀" < sign <= "⣿" for sign in text)

    assert dots(broken) == pytest.approx(dots(whole) / 2, rel=0.2)
    assert "20 points are NaN or infinite" in broken


def test_one_point_is_seen() -> None:
    assert "●" in render(Plot([Panel("loss", "step", [line("k", [1.0])])], []), 80, False)


def test_powers_are_set_apart_evenly() -> None:
    text = render(scanned(), 80, False)
    assert re.search(r"0\.0001 +0\.001 +0\.01 +0\.1 +1", text)


@given(plots(), st.integers(24, 200), st.booleans(), st.booleans())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
def test_any_plot_fits_any_terminal(plot: Plot, width: int, colour: bool, unicode: bool) -> None:
    text = render(plot, width, colour, unicode=unicode)
    assert_harmless(SGR.sub("", text) if colour else text, width)


def parsed(text: str) -> list[tuple[str, str]]:
    """Names and text of all elements; that nothing else is in them is checked."""
    found = []
    for element in ElementTree.fromstring(text).iter():
        name = element.tag.removeprefix(SVG)
        assert set(element.attrib) <= ATTRIBUTES[name]
        assert all(VALUE.fullmatch(value) for value in element.attrib.values()), element.attrib
        found.append((name, element.text or ""))
    return found


@given(plots())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
def test_any_plot_is_a_harmless_picture(plot: Plot) -> None:
    text = plot_svg.render(plot)
    assert not FORBIDDEN.search(text)
    assert "inf" not in re.sub(r">[^<]*<", "><", text)
    assert "nan" not in re.sub(r">[^<]*<", "><", text)
    parsed(text)


@pytest.mark.parametrize("text", ["<script>x</script>", '"><b onload="x', "]]>", "</style>", "&lt;"])
def test_names_of_others_are_text(text: str) -> None:
    lines = [line(text, [1.0, 2.0], about=text)]
    hostile = Plot([Panel(text, "param." + text, lines, unit=text, categories=[text, text])], [], [text])
    lines = [line("w", [1.0, 2.0], about="w")]
    plain = Plot([Panel("w", "param.w", lines, unit="w", categories=["w", "w"])], [], ["w"])
    found, harmless = parsed(plot_svg.render(hostile)), parsed(plot_svg.render(plain))
    assert [name for name, _ in found] == [name for name, _ in harmless]
    assert sum(text in said for _, said in found) >= 8


class PlotReader(Reader):
    """Checks a page with pictures."""

    allowed = Reader.allowed | {"svg", "path", "circle", "text", "title"}
    attributes = Reader.attributes | {name.lower() for names in ATTRIBUTES.values() for name in names}
    classes = re.compile(rf"{Reader.classes.pattern}|xt|[pq]-\w+( b)?")


@pytest.mark.parametrize("name", ALL)
def test_a_page_needs_nothing_else(name: str) -> None:
    page = plot_html.render(ALL[name]())
    reader = PlotReader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    assert "default-src 'none'" in page
    assert "http:" not in page
    assert "url(" not in page


def test_pixels() -> None:
    image = pytest.importorskip("PIL.Image")
    from xt.render.plot_png import render as png

    data = png(scanned())
    with image.open(io.BytesIO(data)) as opened:
        opened.load()
        assert opened.format == "PNG"
        assert opened.text == {"Software": "xt"}
        assert opened.width > 1000
        colours = {colour for _, colour in opened.getcolors(1 << 24)}
    assert (255, 255, 255) in colours
    assert (6, 112, 127) in colours, "the accent"


@given(st.lists(st.tuples(st.floats(0, 900), st.floats(0, 300)), min_size=2, max_size=8))
def test_dashes_cover_their_share_of_a_line(places: list[tuple[float, float]]) -> None:
    pytest.importorskip("PIL")
    from xt.render.plot_png import dashed

    length = sum(math.dist(one, other) for one, other in pairwise(places))
    parts = dashed(places, (7, 3))
    assert sum(math.dist(*part) for part in parts) == pytest.approx(length * 0.7, abs=10)
    assert len(parts) <= length / 5 + 2 * len(places)
