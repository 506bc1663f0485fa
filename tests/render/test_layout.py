"""Lines brought to a width: nothing is lost, nothing is wider."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.render.hostile import FORBIDDEN, words
from xt.render.cells import cells, clip, clip_front, clusters, split
from xt.render.layout import beside, flow, grid, table, wrap
from xt.render.quoting import quote, value
from xt.render.styled import LONGEST, Line, paint, say
from xt.render.visible import visible, visible_json, visible_lines

lines = st.lists(words.map(say), max_size=4)


def plain(line: Line) -> str:
    return paint(line, False)


def letters(found: list[Line]) -> str:
    return "".join("".join(span.text for line in found for span in line).split(" "))


@given(lines, st.integers(8, 60), st.integers(0, 4))
def test_wrapping_keeps_every_letter(line: Line, width: int, hang: int) -> None:
    wrapped = wrap(line, width, hang)
    assert letters(wrapped) == letters([line])
    assert all(cell_len(plain(part)) <= width for part in wrapped)
    assert all(plain(part).startswith(" " * hang) for part in wrapped[1:] if plain(part))


@given(st.lists(lines, max_size=6), st.integers(8, 60))
def test_flowing_keeps_every_letter(items: list[Line], width: int) -> None:
    flowed = flow(items, width, " | ")
    assert letters(flowed).replace("|", "") == letters(items).replace("|", "")
    assert all(cell_len(plain(part)) <= width for part in flowed)


def test_items_of_a_flow_stay_whole() -> None:
    items = [[say("one two")], [say("three four")], [say("five six seven")]]
    assert [plain(line) for line in flow(items, 20)] == ["one two · three four", "five six seven"]
    assert [plain(line) for line in flow(items, 12)] == ["one two", "three four", "five six", "  seven"]


@given(st.lists(st.tuples(lines, lines, lines).map(list), min_size=1, max_size=4), st.integers(8, 100))
def test_a_table_fits(rows: list[list[Line]], width: int) -> None:
    found = table(rows, width, 1, frozenset((2,)))
    assert all(cell_len(plain(part)) <= width for part in found)
    assert sorted(letters(found)) == sorted(letters([cell for row in rows for cell in row]))


@given(st.lists(st.tuples(lines, lines), min_size=1, max_size=9), st.integers(8, 100))
def test_a_grid_fits(pairs: list[tuple[Line, Line]], width: int) -> None:
    found = grid(pairs, width)
    assert all(cell_len(plain(part)) <= width for part in found)
    assert sorted(letters(found)) == sorted(letters([cell for pair in pairs for cell in pair]))


def test_a_remark_stands_at_the_right_or_below() -> None:
    assert [plain(line) for line in beside([[say("left")]], [say("right")], 14)] == ["left     right"]
    assert [plain(line) for line in beside([[say("left")]], [say("right")], 11)] == ["left", "right"]


@given(words, st.integers(0, 30))
def test_clipping_fits_and_shows(text: str, width: int) -> None:
    shown = visible(text)
    for clipped in (clip(shown, width), clip_front(shown, width)):
        assert cells(clipped) <= width
        assert clipped == shown if cells(shown) <= width else width == 0 or "…" in clipped


@given(words)
def test_clusters_are_the_text(text: str) -> None:
    found = list(clusters(visible(text)))
    assert "".join(cluster for cluster, _ in found) == visible(text)
    assert sum(width for _, width in found) == cells(visible(text))


def test_a_long_path_breaks_after_a_slash() -> None:
    assert split("/home/somebody/projects/digits", 20) == ("/home/somebody/", "projects/digits")


def test_text_too_long_to_read_is_cut_and_says_so() -> None:
    assert say("x" * (LONGEST + 5)).text.endswith("x… (5 characters more)")


def test_colour_is_dropped_and_trailing_space_with_it() -> None:
    line = [say("a", "key"), say("  ", "dim"), say("b  ", "bad"), say("   ")]
    assert paint(line, False) == "a  b"
    assert paint(line, True) == "\x1b[1;36ma\x1b[0m  \x1b[31mb\x1b[0m"
    assert paint([say("  ")], True) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", "a\\e[31mb"),
        ("\r\n\t", "\\r\\n\\t"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202eabc", "\\u202eabc"),
        ("\u061cabc\u180e", "\\u061cabc\\u180e"),
        ("\U000e0041", "\\U000e0041"),
        ("\udcff", "\\xff"),
        ("é漢👍", "é漢👍"),
    ],
)
def test_what_would_move_a_cursor_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.lists(words))
def test_json_on_a_terminal_says_the_same_and_is_harmless(texts: list[str]) -> None:
    data = msgspec.json.encode(texts) + b"\n"
    shown = visible_json(data)
    assert msgspec.json.decode(shown) == texts
    assert not FORBIDDEN.search(shown.decode())


def test_a_file_keeps_its_lines_and_tabs() -> None:
    assert visible_lines("a\tb\n\x1b[2Jc\r\n") == "a\tb\n\\e[2Jc\\r\n"


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("a", "a"),
        ("", "''"),
        ("a b", "'a b'"),
        ("größe=1", "größe=1"),
        ("it's", "'it'\"'\"'s'"),
        ("$x", "'$x'"),
    ],
)
def test_words_are_quoted_for_a_shell(word: str, quoted: str) -> None:
    assert quote(word) == quoted


@pytest.mark.parametrize(
    ("thing", "shown"),
    [
        ("adam", "adam"),
        ("two words", '"two words"'),
        ("", '""'),
        ("1e5", '"1e5"'),
        ("true", '"true"'),
        ("None", '"None"'),
        (True, "true"),
        (None, "null"),
        (0.1, "0.1"),
        ([1, "a"], '[1,"a"]'),
    ],
)
def test_values_show_their_type(thing: object, shown: str) -> None:
    assert value(thing) == shown
