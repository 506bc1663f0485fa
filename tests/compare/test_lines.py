"""Text beside text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt.compare import Rule, UnreadableError, lines
from xt.compare.content import Held
from xt.compare.lines import compare
from xt.compare.numerals import differ_within, numeral, parts
from xt.compare.unified import unified
from xt.model.delta import Delta


def diff(left: bytes | str, right: bytes | str, rule: Rule | None = None) -> Delta:
    ours, theirs = (each.encode() if isinstance(each, str) else each for each in (left, right))
    return compare(Held("a.txt", ours), Held("a.txt", theirs), rule or Rule(), "a.txt")


def measures(delta: Delta) -> dict[str, object]:
    return {each.what: each.value for each in delta.measures}


TEXT = "one\ntwo\nthree é\n"


@pytest.mark.parametrize(
    ("right", "note"),
    [
        (TEXT.replace("\n", "\r\n").encode(), "only the line ends differ: LF → CRLF"),
        (TEXT.replace("two\n", "two\r\n").encode(), "only the line ends differ: LF → CRLF and LF"),
        (TEXT[:-1].encode(), "only the newline at the end differs: removed"),
        (b"\xef\xbb\xbf" + TEXT.encode(), "only the byte order mark differs: added"),
        (TEXT.encode("utf-16"), "only the encoding differs: UTF-8 → UTF-16"),
        (TEXT.encode("latin-1"), "only the encoding differs: UTF-8 → Latin-1"),
        (TEXT.encode("utf-32"), "only the encoding differs: UTF-8 → UTF-32"),
    ],
)
def test_what_is_only_written_differently_is_changed_and_said(right: bytes, note: str) -> None:
    delta = diff(TEXT, right)
    assert (delta.relation, delta.note, delta.text) == ("changed", note, [])


def test_a_line_that_changes_with_the_line_ends_is_shown_alone() -> None:
    delta = diff(TEXT, TEXT.replace("two", "2").replace("\n", "\r\n"))
    assert delta.text == ["@@ -1,3 +1,3 @@", " one", "-two", "+2", " three é"]
    assert delta.note == "also the line ends: LF → CRLF"


def test_lines_added_and_removed_are_counted() -> None:
    delta = diff("a\nb\nc\nd\n", "a\nc\nd\ne\nf\n")
    assert measures(delta) == {"lines added": 2, "lines removed": 1}
    assert delta.relation == "changed"


@given(
    st.lists(st.sampled_from(["a", "bb", "", "c c"]), max_size=40), st.lists(st.sampled_from(["a", "x", ""]))
)
def test_hunks_are_those_of_the_whole_texts(left: list[str], right: list[str]) -> None:
    """Trimming the common beginning and end streaming changes nothing but which of equal lines are taken."""
    ours, theirs = ("".join(line + "\n" for line in side) for side in (left, right))
    if ours == theirs:
        return
    delta = diff(ours, theirs)
    whole = unified(left, right)
    added = sum(line[0] == "+" for line in whole)
    removed = sum(line[0] == "-" for line in whole)
    if delta.text:
        assert (
            sum(line[0] == "+" for line in delta.text) - sum(line[0] == "-" for line in delta.text)
            == added - removed
        )
        numbers = [line for line in delta.text if line.startswith("@@")]
        assert numbers
    else:
        assert delta.note and delta.note.startswith("only ")


def test_line_numbers_far_into_a_text_are_right() -> None:
    many = [f"line {number}" for number in range(50_000)]
    other = list(many)
    other[40_000] = "changed"
    delta = diff("\n".join(many), "\n".join(other))
    assert delta.text[0] == "@@ -39998,7 +39998,7 @@"
    assert delta.text[4:6] == ["-line 40000", "+changed"]


def test_only_the_order_of_lines_is_said() -> None:
    assert diff("a\nb\nc\n", "c\na\nb\n").note == "only the order of lines differs"


def test_only_the_order_of_very_many_lines_is_said() -> None:
    many = [f"{number}" for number in range(200_000)]
    note = diff("\n".join(many) + "\n", "\n".join(reversed(many)) + "\n").note
    assert note == "only the order of lines differs, first at line 1"


def test_numbers_within_tolerance_count_as_equal() -> None:
    delta = diff("loss 0.5 at step 3\nok\n", "loss 0.50001 at step 3\nok\n", Rule(rtol=1e-3))
    assert (delta.relation, delta.note) == ("within", "1 number differs within tolerance")
    assert [(each.what, each.at) for each in delta.measures] == [("max |Δ|", "line 1"), ("max rel", "line 1")]
    assert diff("loss 0.5\n", "loss 0.6\n", Rule(rtol=1e-3)).relation == "changed"
    assert diff("loss 0.5\n", "cost 0.5\n", Rule(rtol=9)).relation == "changed"


def test_lines_within_tolerance_are_no_part_of_the_diff_of_others() -> None:
    delta = diff("a 1.0\nb\nc 2.0\n", "a 1.0001\nnew\nb\nc 2.0001\n", Rule(rtol=1e-3))
    assert delta.text == ["@@ -1,3 +1,4 @@", " a 1.0", "+new", " b", " c 2.0"]
    assert measures(delta)["lines added"] == 1


def test_a_long_line_is_not_aligned_but_located(monkeypatch: pytest.MonkeyPatch) -> None:
    long = "x" * 200_000
    delta = diff(f"first\n{long}1{long}\n", f"first\n{long}2{long}\n")
    assert delta.note == "too large for a line diff: first difference at line 2 (byte 200006)"
    assert not delta.text


def test_too_many_lines_are_summarised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "WINDOW_LINES", 10)
    left = "".join(f"a{number}\n" for number in range(50))
    right = "top\n" + "".join(f"b{number}\n" for number in range(51))
    delta = diff("same\n" + left, "same\n" + right)
    assert delta.note == "too large for a line diff: first difference at line 2"
    assert measures(delta)["lines added, net"] == 2


def test_hunks_beyond_a_thousand_lines_are_counted() -> None:
    left = [f"{number}" for number in range(20_000)]
    right = [f"{number}!" if number % 20 == 0 else f"{number}" for number in range(20_000)]
    delta = diff("\n".join(left), "\n".join(right))
    assert len(delta.text) <= lines.KEPT
    assert delta.more + sum(line.startswith("@@") for line in delta.text) == 1000
    assert measures(delta)["lines added"] == 1000


@given(st.text(alphabet="0123456789.eE+-naifxy ,", max_size=40))
def test_a_line_is_cut_at_its_numbers_without_loss(line: str) -> None:
    assert "".join(parts(line)) == line
    padded = [number.lstrip("+-")[:2] for number in parts(line)[1::2] if numeral(number) is None]
    assert all(head[0] == "0" and head[1].isdigit() for head in padded)
    assert differ_within("zip 01234", "zip 1234", Rule(atol=10)) is None


def test_digits_inside_words_are_no_numbers() -> None:
    assert parts("v1.2 conv2d 3.5s -4 a-5 nan info")[1::2] == ("3.5", "-4", "5", "nan")
    assert differ_within("layer1 2.0", "layer2 2.0", Rule(atol=10)) is None
    assert differ_within("layer1 2.0", "layer1 2.5", Rule(atol=10)) == [(2.0, 2.5)]


def test_very_large_text_of_wide_characters_is_left_to_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "REWRITTEN", 5)
    with pytest.raises(UnreadableError, match="line by line in UTF-16"):
        diff("a\nb\n".encode("utf-16"), "a\nc\n".encode("utf-16"))
    assert diff(b"a\r\nb\r\nxxx\n", b"a\r\nc\r\nxxx\n").text[2:4] == ["-b\r", "+c\r"]


def test_few_changes_far_from_each_other_are_shown_however_long_the_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "WINDOW_LINES", 100)
    many = [f"line {number}" for number in range(5000)]
    other = ["first", *many[1:-1], "last"]
    delta = diff("\n".join(many) + "\n", "\n".join(other) + "\n")
    assert delta.text == ["@@ -1 +1 @@", "-line 0", "+first", "@@ -5000 +5000 @@", "-line 4999", "+last"]
    assert delta.note == "too large for a line diff: compared line with line"
    assert measures(delta) == {"lines added": 2, "lines removed": 2}
    assert not diff("\n".join(many), "\n".join([*many[1:], "more"])).text
