"""Runs as a table: every value, of the right kind."""

from __future__ import annotations

import sys
from datetime import datetime

import pytest

import xt
from tests.api.conftest import IDS
from xt.api.frames import columns
from xt.errors import UnsupportedError

FIRST = ["id", "when", "status", "purpose", "name", "task", "tags", "time"]


def runs(filled):
    return xt.open(filled.path).runs()


def test_each_column_is_of_the_narrowest_kind(filled):
    found = columns(list(runs(filled)))
    assert list(found)[:8] == FIRST
    assert {name: column.kind for name, column in found.items() if name not in FIRST} == {
        "param.lr": "text",
        "param.epochs": "integer",
        "param.optimizer.name": "text",
        "param.note": "text",
        "param.deep": "truth",
        "param.layers": "text",
        "param.huge": "number",
        "param.none": "text",
        "metric.val/acc": "number",
        "metric.val/acc{a=b,digit=8}": "number",
        "metric.loss": "number",
        "metric.n": "integer",
    }
    assert found["param.lr"].values == ["0.05", "0.05", "auto"]
    assert found["param.layers"].values == [None, None, "[1,2]"]
    assert found["param.huge"].values == [None, None, 2.0**64]
    assert found["metric.n"].values == [10, None, 2]


def test_a_run_that_cannot_be_read_has_the_row_of_a_list(filled):
    path = filled.path / ".xt" / "runs" / IDS[0][:2] / f"{IDS[0]}.json"
    listed = runs(filled)
    path.chmod(0o600)
    path.write_bytes(b"{}")
    found = columns(list(listed))
    assert found["id"].values == list(IDS)
    assert found["metric.n"].values == [None, None, 2]


def test_polars(filled):
    polars = pytest.importorskip("polars", reason="Polars is not installed: its tables are not tried")
    table = runs(filled).to_polars()
    assert table.columns[:8] == FIRST
    assert table["id"].to_list() == list(IDS)
    assert table["tags"].to_list() == [[], ["gold"], []]
    assert table["when"].dtype == polars.Datetime("us", "UTC")
    assert table["metric.n"].to_list() == [10, None, 2]
    assert table["param.deep"].to_list() == [None, None, True]
    assert str(table["metric.val/acc"].to_list()) == "[0.972, None, nan]"
    empty = xt.open(filled.path).runs("tag:none").to_polars()
    assert (empty.height, empty.columns) == (0, FIRST)
    assert empty["when"].dtype == polars.Datetime("us", "UTC")


def test_pandas(filled):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed: its tables are not tried")
    table = runs(filled).to_pandas()
    assert list(table.columns)[:8] == FIRST
    assert list(table["id"]) == list(IDS)
    assert list(table["tags"]) == [[], ["gold"], []]
    assert table["when"][0].to_pydatetime() == datetime.fromisoformat("2026-11-23T09:29:00+00:00")
    assert str(table["metric.n"].dtype) == "Int64"
    assert table["metric.n"].isna().tolist() == [False, True, False]
    assert table["param.deep"][2]
    assert pandas.isna(table["name"][0])
    empty = xt.open(filled.path).runs("tag:none").to_pandas()
    assert (len(empty), list(empty.columns)) == (0, FIRST)


@pytest.mark.parametrize("name", ["polars", "pandas"])
def test_what_is_not_installed_is_named(filled, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UnsupportedError) as caught:
        getattr(runs(filled), f"to_{name}")()
    assert f"pip install 'xt[{name}]'" in str(caught.value)
