"""`xt ls` for programs."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.builders import summaries, summary
from tests.render.hostile import words
from xt.model.result import Number
from xt.model.summary import MetricValue, Summary
from xt.model.text import Raw
from xt.render.listing_data import COLUMNS, to_csv, to_json


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_json_is_the_rows() -> None:
    assert msgspec.json.decode(to_json(summaries()), type=list[Summary]) == summaries()
    assert to_json([]) == b"[]\n"


def test_csv_has_a_column_for_every_metric_of_any_row() -> None:
    one = summary(metrics=[MetricValue("acc", 0.5)])
    other = summary("nrqszzktwvlmopyx", metrics=[MetricValue("loss", Number("nan")), MetricValue("n", 3)])
    found = rows_of(to_csv([one, other]))
    assert list(found[0]) == [*COLUMNS, "metric.acc", "metric.loss", "metric.n"]
    assert [row["metric.acc"] for row in found] == ["0.5", ""]
    assert [row["metric.loss"] for row in found] == ["", "nan"]
    assert found[1]["metric.n"] == "3"


def test_csv_says_what_a_row_says() -> None:
    row = summary(tags=["gold", "paper"], command=["sh", "-c", "a 'b'", Raw("/w==")], name="x", exit_code=0)
    row = replace(row, lacking=["purpose", "inputs.data"], live=["prod"])
    found = rows_of(to_csv([row]))[0]
    assert found["id"] == row.id
    assert found["wall_s"] == "8.4"
    assert found["exit_code"] == "0"
    assert found["signal"] == ""
    assert found["tags"] == "gold paper"
    assert (found["lacking"], found["live"]) == ("purpose inputs.data", "prod")
    assert found["command"] == """sh -c 'a '"'"'b'"'"'' '\\xff'"""


def test_csv_ends_lines_as_rfc_4180_says() -> None:
    text = to_csv([summary(purpose='a "b",\nc')])
    assert text.endswith("\r\n")
    assert text.count("\r\n") == 2
    assert '"a ""b"",\nc"' in text


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋"])
def test_a_cell_is_no_formula(first: str) -> None:
    assert rows_of(to_csv([summary(purpose=f"{first}1+cmd|' /C calc'!A0")]))[0]["purpose"][0] == "'"


@pytest.mark.parametrize("number", ["-1", "+2.5", "-3e-05", "-inf", "-.5"])
def test_a_number_stays_a_number(number: str) -> None:
    assert rows_of(to_csv([summary(purpose=number)]))[0]["purpose"] == number


def test_a_negative_metric_stays_a_number() -> None:
    metrics = [MetricValue("gain", -0.25), MetricValue("worst", Number("-inf"))]
    found = rows_of(to_csv([summary(metrics=metrics)]))[0]
    assert (found["metric.gain"], found["metric.worst"]) == ("-0.25", "-inf")


@given(st.lists(st.builds(summary, purpose=words, name=words, reason=words), min_size=1, max_size=3))
def test_csv_reads_back_whatever_is_in_it(rows: list[Summary]) -> None:
    for row, read in zip(rows, rows_of(to_csv(rows)), strict=True):
        for field in ("purpose", "name", "reason"):
            said = getattr(row, field)
            assert read[field] in (said, "'" + said)
            assert read[field][:1] not in {"=", "@", "\t", "\r"}
