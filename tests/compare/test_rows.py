"""Rows of every kind of table."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt.compare import UnreadableError
from xt.compare.content import Held
from xt.compare.rows import rows


def read(name: str, data: bytes) -> list[dict[str, Any]]:
    return list(rows(Held(name, data)))


def test_cells_of_csv_that_look_like_numbers_are_numbers() -> None:
    data = "id,x,y\n1,0.5,é\n02,1e3,1_0\n3,,-inf\n".encode()
    assert read("a.csv", data) == [
        {"id": 1, "x": 0.5, "y": "é"},
        {"id": "02", "x": 1000.0, "y": "1_0"},
        {"id": 3, "x": "", "y": -math.inf},
    ]
    assert read("a.CSV", b"\xef\xbb\xbf" + data) == read("a.csv", data.decode().encode("utf-16"))
    assert read("a.tsv", b"a\tb\n1\t2,3\n\n") == [{"a": 1, "b": "2,3"}]
    assert read("a.csv", "a\né\n".encode("latin-1")) == [{"a": "é"}]
    assert read("a.csv", b"") == []


objects = st.lists(
    st.dictionaries(
        st.text(max_size=3),
        st.none() | st.integers() | st.text(max_size=5) | st.lists(st.booleans(), max_size=3),
        max_size=4,
    ),
    max_size=8,
)


@given(objects, st.sampled_from([None, 2]), st.text(" \n\t\r", max_size=3))
def test_a_json_array_and_json_lines_give_the_objects_they_hold(found: Any, indent: Any, space: str) -> None:
    written = space + json.dumps(found, indent=indent, ensure_ascii=False) + space
    assert read("a.json", written.encode("utf-8", "surrogatepass")) == found
    assert read("a.jsonl", b"".join(json.dumps(each).encode() + b"\n" for each in found)) == found


def test_a_json_array_larger_than_what_is_read_at_once_is_read_whole() -> None:
    found = [{"id": number, "text": "é" * 3000} for number in range(2000)]
    assert read("a.json", json.dumps(found, ensure_ascii=False).encode()) == found


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{}", "it is no array of objects"),
        (b"[{}, 1]", "row 2 is no object"),
        (b"[{} {}]", "it is no array of objects"),
        (b"[{}", "it is cut short after row 1"),
        (b'[{"a": ', "row 1 is not JSON"),
        (b"[{}] x", "something follows the array"),
        (b'[{"a":' + b"[" * 100_000, "row 1 is nested too deeply"),
        (b'[{"a": "' + b"x" * (20 << 20) + b'"}]', "row 1 is not JSON, or too large"),
        (b"[{}\xff]", "it is not UTF-8 text"),
        (b"", "it is cut short after row 0"),
        (b"[{},]", "row 2 is no object"),
    ],
)
def test_json_that_is_no_array_of_objects_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        read("a.json", data)


def test_parquet_gives_its_rows() -> None:
    file = io.BytesIO()
    parquet.write_table(arrow.table({"id": [1, 2], "x": [0.5, None], "l": [["a"], []]}), file)
    assert read("a.parquet", file.getvalue()) == [
        {"id": 1, "x": 0.5, "l": ["a"]},
        {"id": 2, "x": None, "l": []},
    ]
    with pytest.raises(UnreadableError, match="it is not Parquet"):
        read("a.parquet", b"PAR1 no PAR1")


def test_what_is_no_table_by_its_name_is_refused() -> None:
    with pytest.raises(UnreadableError, match="its name is not that of a table"):
        read("a.png", b"")
