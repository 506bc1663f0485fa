"""Tables beside tables."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xt.compare import Rule, UnreadableError, joins, tables
from xt.compare.content import Held
from xt.compare.tables import compare_csv, compare_jsonl
from xt.model.delta import Delta

Cells = list[list[Any]]


def written(columns: list[str], rows: Cells) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    return text.getvalue().encode()


def diff(left: bytes, right: bytes, rule: Rule | None = None, name: str = "a.csv") -> Delta:
    return compare_csv(Held(name, left), Held(name, right), rule or Rule(), "a.csv")


def measures(delta: Delta) -> dict[str, Any]:
    return {each.what: each.value for each in delta.measures}


COLUMNS = ["id", "score", "name"]
ROWS: Cells = [[number, number / 7, f"n{number}"] for number in range(40)]


def changed(**cells: Any) -> bytes:
    """The table with cells of row 7 replaced."""
    rows = [list(row) for row in ROWS]
    for name, value in cells.items():
        rows[7][COLUMNS.index(name)] = value
    return written(COLUMNS, rows)


TABLE = written(COLUMNS, ROWS)


def test_a_cell_is_named_by_its_row_and_column() -> None:
    delta = diff(TABLE, changed(score=1.5))
    (child,) = delta.children
    assert (child.path, child.left, child.right) == ("a.csv:score", 1.0, 1.5)
    assert [(each.what, each.value, each.at) for each in child.measures] == [
        ("values differing", 1, "row 8, column score"),
        ("max |Δ|", 0.5, "row 8, column score"),
        ("max rel", pytest.approx(1 / 3), "row 8, column score"),
    ]
    assert (delta.relation, delta.note) == ("changed", "1 of 40 rows differs in 1 column")
    (child,) = diff(TABLE, changed(score=1.5), Rule(key=["id"])).children
    assert child.measures[0].at == "row id=7, column score"


def test_numbers_within_tolerance_are_within_and_texts_never_are() -> None:
    delta = diff(TABLE, changed(score=1.001), Rule(rtol=0.01))
    assert (delta.relation, delta.note) == ("within", "1 value differs within tolerance")
    assert delta.measures[0].at == "row 8, column score"
    assert diff(TABLE, changed(name="other"), Rule(rtol=9)).relation == "changed"
    (child,) = diff(TABLE, changed(score="lots"), Rule(rtol=9)).children
    assert "between number and text" in (child.note or "")


def test_quotes_line_ends_and_digits_are_layout() -> None:
    delta = diff(b"a,b\n1,x\n", b'\xef\xbb\xbf"a","b"\r\n1.0,"x"\r\n')
    assert (delta.relation, delta.note) == ("same", "only the layout differs")
    assert diff(b"a,b\n1,2\n", b"b,a\n2,1\n").note == "only the order of columns differs"


def test_columns_added_and_removed_are_differences() -> None:
    delta = diff(b"a,b\n1,2\n", b"a,c\n1,2\n")
    assert {(child.path, child.change) for child in delta.children} == {
        ("a.csv:b", "removed"),
        ("a.csv:c", "added"),
    }
    assert (delta.relation, delta.note) == ("changed", "1 column added; 1 column removed")


def test_ignored_columns_do_not_count() -> None:
    delta = diff(TABLE, changed(name="other"), Rule(ignore=["na*"]))
    assert (delta.relation, delta.note) == ("within", "1 part ignored by rule")
    assert diff(TABLE, changed(name="other", score=5), Rule(ignore=["na*"])).relation == "changed"


@pytest.mark.parametrize("key", [[], ["id"]])
def test_a_row_that_was_inserted_is_one_row_added(key: list[str]) -> None:
    right = written(COLUMNS, [*ROWS[:20], ["new", 0, "x"], *ROWS[20:]])
    delta = diff(TABLE, right, Rule(key=key))
    assert measures(delta) == {"rows added": 1}
    assert delta.measures[0].at == ("row id=new" if key else "row 21")
    assert delta.note == "1 row added"
    assert measures(diff(right, TABLE, Rule(key=key))) == {"rows removed": 1}


def test_only_the_order_of_rows_is_said_and_is_none_with_a_key() -> None:
    right = written(COLUMNS, ROWS[::-1])
    assert (diff(TABLE, right).relation, diff(TABLE, right).note) == (
        "changed",
        "only the order of rows differs",
    )
    delta = diff(TABLE, right, Rule(key=["id"]))
    assert (delta.relation, delta.note) == ("within", "rows are in another order")


@pytest.mark.parametrize("order", [1, -1])
def test_keys_that_come_twice_are_a_difference(order: int) -> None:
    twice = written(COLUMNS, [*ROWS, [3, 9, "again"]])
    delta = diff(TABLE, twice[:], Rule(key=["id"]))
    assert (delta.relation, measures(delta)["rows added"]) == ("changed", 1)
    assert "1 key comes more than once, row id=3 for one" in (delta.note or "")
    both = diff(twice, written(COLUMNS, [*ROWS, [3, 9, "other"]][::order]), Rule(key=["id"]))
    assert both.relation == "changed"
    assert "1 key comes more than once" in (both.note or "")


def test_a_key_column_that_is_missing_is_named() -> None:
    with pytest.raises(UnreadableError, match="key column `nr` is missing on the left"):
        diff(TABLE, changed(name="x"), Rule(key=["nr"]))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"a,b\n1,2\n1,2,3\n", "line 3 has 3 cells where the header has 2"),
        (b"a,b\n1\n", "line 2 has 1 cells where the header has 2"),
        (b"a,a\n1,2\n", "line 1 names two columns `a`"),
        (b'a,b\n1,"2\n', "line 2"),
        (b"a,b\n1," + b"x" * (2 << 20) + b"\n", "more than 1048576 characters"),
    ],
    ids=["long", "short", "twice", "quote", "cell"],
)
def test_csv_that_is_no_table_is_refused_with_its_line(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        diff(b"a,b\n1,2\n", data)


def test_a_column_without_a_name_is_one_by_its_number() -> None:
    assert diff(b",b\n1,2\n", b",b\n1,3\n", Rule(key=["column 1"])).children[0].measures[0].at == (
        "row column 1=1, column b"
    )


def lines(*rows: Any) -> Held:
    return Held("a.jsonl", b"".join(json.dumps(row).encode() + b"\n" for row in rows))


def test_json_lines_are_compared_by_keys_with_types_and_nesting() -> None:
    left = lines({"id": 1, "x": 1, "n": {"a": [1, 2.0]}}, {"id": 2, "x": 1})
    right = lines({"id": 1, "x": True, "n": {"a": [1, 2.001]}}, {"x": 1.0, "id": 2})
    delta = compare_jsonl(left, right, Rule(rtol=0.01), "a")
    assert {child.path: child.relation for child in delta.children} == {"a:x": "changed", "a:n": "within"}
    assert delta.children[1].measures[0].at == "row 1, column n/a/1"
    absent = compare_jsonl(lines({"a": None}), lines({"a": 1}, {}), Rule(), "a")
    assert absent.relation == "changed"


def test_a_line_that_is_no_object_is_named() -> None:
    with pytest.raises(UnreadableError, match="line 2 is no object"):
        compare_jsonl(lines({}), lines({}, [1]), Rule(), "a")
    with pytest.raises(UnreadableError, match="line 1 is not JSON"):
        compare_jsonl(lines({}), Held("a.jsonl", b"{]\n"), Rule(), "a")
    with pytest.raises(UnreadableError, match="line 1 is nested too deeply"):
        compare_jsonl(lines({}), Held("a.jsonl", b'{"a":' + b"[" * 99_999 + b"\n"), Rule(), "a")


keyed_rows = st.dictionaries(st.integers(0, 30), st.integers(0, 2), max_size=20)


@given(keyed_rows, keyed_rows, st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_a_join_by_key_finds_what_dictionaries_find(
    left: dict[int, int], right: dict[int, int], random: Any
) -> None:
    items = list(right.items())
    if random.random() < 0.7:
        random.shuffle(items)
    ours = written(["k", "v"], [list(item) for item in left.items()])
    delta = diff(ours, written(["k", "v"], [list(item) for item in items]), Rule(key=["k"]))
    found = measures(delta)
    assert found.get("rows added", 0) == len(right.keys() - left.keys())
    assert found.get("rows removed", 0) == len(left.keys() - right.keys())
    assert found.get("rows differing", 0) == sum(
        left[key] != right[key] for key in left.keys() & right.keys()
    )
    assert (delta.relation in ("same", "within")) == (left == right)


def test_a_join_through_a_file_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joins, "HELD", 100)
    right = written(COLUMNS, ROWS[::-1])
    assert diff(TABLE, right, Rule(key=["id"])).relation == "within"
    monkeypatch.setattr(joins, "SIDE", 500)
    with pytest.raises(UnreadableError, match="of rows are in another order"):
        diff(TABLE, right, Rule(key=["id"]))
    monkeypatch.setattr(joins, "SIDE", 10**9)
    monkeypatch.setattr(joins, "PART", 10)
    with pytest.raises(UnreadableError, match="too many rows"):
        diff(TABLE, right, Rule(key=["id"]))


def test_without_alignment_rows_are_compared_by_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ALIGNED", 3)
    right = written(COLUMNS, [["new", 0, "x"], *ROWS[::-1]])
    delta = diff(TABLE, right)
    assert measures(delta)["rows added"] == 1
    assert delta.hint == "declare `key` columns for it to join rows by what identifies them"
