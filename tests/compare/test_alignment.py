"""Matches and hunks: true, in order, and applicable."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from xt.compare.alignment import edits, matches
from xt.compare.unified import unified

texts = st.lists(st.sampled_from("abcdefgh"), max_size=60)


@given(texts, texts, st.sampled_from([0, 40, 10**6]))
def test_matches_are_equal_in_order_and_apart(left: list[str], right: list[str], effort: int) -> None:
    at = other = -1
    for match in matches(left, right, effort):
        assert match.size > 0
        assert left[match.left : match.left + match.size] == right[match.right : match.right + match.size]
        assert match.left >= at and match.right >= other
        assert (match.left, match.right) != (at, other)
        at, other = match.left + match.size, match.right + match.size


@given(texts, texts)
def test_edits_turn_one_sequence_into_the_other(left: list[str], right: list[str]) -> None:
    made, at = [], 0
    for change in edits(left, right):
        made += left[at : change.left] + right[change.right : change.right_end]
        at = change.left_end
    assert made + left[at:] == right


@given(texts, st.data())
def test_one_insertion_is_found_as_one_insertion(left: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(left)))
    right = [*left[:place], "new", *left[place:]]
    (change,) = edits(left, right)
    assert (change.left, change.left_end, change.right_end - change.right) == (place, place, 1)


@given(texts, texts, st.integers(0, 4))
@settings(max_examples=300)
def test_a_unified_diff_can_be_applied(left: list[str], right: list[str], context: int) -> None:
    made: list[str] = []
    at = 0
    for line in unified(left, right, context):
        if found := re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", line):
            start = int(found[1]) - (found[2] != "0")
            made += left[at:start]
            at = start
            assert len(made) == int(found[3]) - (found[4] != "0")
        elif line[0] == "+":
            made.append(line[1:])
        else:
            assert left[at] == line[1:]
            made += left[at : at + 1] if line[0] == " " else []
            at += 1
    assert made + left[at:] == right


def test_long_repetitive_texts_are_aligned_as_far_as_effort_goes() -> None:
    left = ["x", "y"] * 30_000
    right = ["y", "y", "x"] * 20_000
    found = matches(left, right, effort=1_000_000)
    assert found
    assert all(left[each.left] == right[each.right] for each in found)
