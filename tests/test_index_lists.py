"""What lists ask of the index: the short ways give what looking at every run gives."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests import builders
from xt.context import Outside, timestamp
from xt.model import runid
from xt.model.event import Removed
from xt.model.result import Metric
from xt.model.snapshot import Param, Repeat
from xt.ops.groups import group
from xt.ops.search import Searching, Wanted
from xt.ops.statements import state
from xt.store import Store
from xt.store.index import By, lists
from xt.store.store import sealed

COUNT = 45
FIELDS = [("metric", "loss"), ("metric", "odd"), ("metric", "none"), ("param", "lr"), ("param", "mixed")]
FIELDS += [("exit", None), ("wall", None), ("task", None), ("tag", None), ("env", "numpy")]


def made(number: int, run_id: str, first: str):
    """Runs with equal starts and values, values that are there twice, as texts, or not at all."""
    whole = builders.record()
    metrics = [Metric("loss", number % 5 / 10, "metrics.json", goal="min")]
    metrics += [Metric("loss", 0.25, "metrics.json")] if number % 9 == 0 else []
    metrics += [Metric("odd", float(number % 4), "metrics.json")] if number % 3 == 0 else []
    params = [Param("lr", (0.1, 0.01, 3)[number % 3], "--param")]
    params += [Param("mixed", ("two", 2, 1.5, True)[number % 4], "--param")] if number % 5 else []
    context = replace(
        whole.snapshot.context,
        tags=["gold", "late"][: number % 3],
        task=("train", None)[number % 2],
        purpose=("label smoothing", "warm up")[number % 2],
    )
    repeat = Repeat(first, trial=True) if number % 11 == 10 else None
    snapshot = replace(whole.snapshot, params=params, context=context, repeat=repeat)
    result = replace(
        whole.result, metrics=metrics, status=("ok", "ok", "failed")[number % 3], exit_code=number % 3
    )
    started = timestamp(builders.NOW - timedelta(hours=number // 4))
    return replace(whole, id=run_id, started_at=started, snapshot=snapshot, result=result)


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lists")
    store = Store.create(str(folder / ".xt"))
    ids = [runid.make(bytes([number * 37 % 256, *range(number, number + 7)])) for number in range(COUNT)]
    for number, run_id in enumerate(ids):
        os.makedirs(f"{store.path}/runs/{run_id[:2]}", exist_ok=True)
        data, _ = sealed(made(number, run_id, ids[0]))
        if number == 7:
            data = data[:-1]
        with open(f"{store.path}/runs/{run_id[:2]}/{run_id}.json", "wb") as file:
            file.write(data)
    outside = Outside(str(folder), {"USER": "you", "HOME": str(folder)})
    for run_id in (ids[4], ids[10], ids[20]):
        state(store, outside, Removed, run=run_id, reason=None)
    with Searching(store, outside) as opened:
        yield opened


def plainly(index, numbers: set[int], by: By) -> list[int]:
    """Every run in its order by what a column says of it."""
    values = index.column(by.field, by.key)

    def key(n: int):
        value = values.get(n)
        if value is None:
            return (-1 if by.reverse else 2, 0.0, "")
        return (1, 0.0, value) if isinstance(value, str) else (0, -value if by.largest else value, "")

    rows = index._ask("SELECT n FROM runs WHERE gone = 0 ORDER BY started DESC, id")
    found = sorted((n for (n,) in rows if n in numbers), key=key)
    return found[::-1] if by.reverse else found


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_best_are_the_first_of_all_in_their_order(search, data):
    index = search.indexes[1]
    field, key = data.draw(st.sampled_from(FIELDS))
    by = By(field, key, data.draw(st.booleans()), data.draw(st.booleans()))
    limit = data.draw(st.one_of(st.none(), st.integers(1, COUNT)))
    every = {n for (n,) in index._ask("SELECT n FROM runs WHERE gone = 0")}
    usual = {n for (n,) in index._ask("SELECT n FROM runs WHERE gone = 0 AND trial = 0")}
    numbers = data.draw(st.one_of(st.none(), st.just(every), st.sets(st.sampled_from(sorted(every)))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "FEW", data.draw(st.sampled_from([2, 500])))  # few or many: there are two ways
        found = index.best(numbers, by, limit)
    assert found == plainly(index, usual if numbers is None else numbers, by)[:limit]


def test_letters_are_those_that_the_store_tells_of(search):
    ids = [*search.store.ids()]
    assert search.shown(ids) == search.store.shown_all(ids)


def test_runs_are_counted_without_those_that_were_put_away(search):
    index = search.indexes[1]
    query = "SELECT trial, count(*) FROM runs WHERE gone = 0 GROUP BY trial"
    counted = dict(index._ask(query))
    assert counted[1] > 0
    assert index.counts() == (counted[0], counted[1])
    assert index.counts(trials=True) == (counted[0] + counted[1], 0)
    assert len(search.fulfilling("", trials=False)[1][1]) == counted[0]


@pytest.mark.parametrize("by", ["param.lr", "param.mixed", "tags", "task", "status", "metric.odd"])
@pytest.mark.parametrize("query", ["", "label smoothing", "status:failed"])
@pytest.mark.parametrize("trials", [False, True])
def test_groups_are_what_counting_row_by_row_gives(search, by, query, trials):
    found = group(search, Wanted(query, trials=trials, columns=("metric.loss",)), by)
    index = search.indexes[1]
    field, _, key = by.partition(".")
    cells = index.cells("tag" if field == "tags" else field, key or None)
    column = {} if field == "tags" else index.column(field, key or None)
    figures = index.column("metric", "loss")
    expected: dict[object, list] = {}
    for n in search.matching(query, trials=trials)[1][1]:
        for value in cells.get(n, [None]) if field == "tags" else [column.get(n)]:
            expected.setdefault(value, []).append(n)
    rows = {
        n: (run_id, at, how) for n, run_id, at, how in index._ask("SELECT n, id, started, status FROM runs")
    }
    assert {one.value: one.runs for one in found.groups} == {v: len(some) for v, some in expected.items()}
    for one in found.groups:
        some = expected[one.value]
        assert one.ok == sum(rows[n][2] == "ok" for n in some)
        latest = max(rows[n][1] or "" for n in some)
        assert one.newest == max(rows[n][0] for n in some if (rows[n][1] or "") == latest)
        numbers = [figures[n] for n in some if n in figures]
        assert (one.metrics["loss"].n if numbers else 0) == len(numbers)
        if numbers:
            assert one.metrics["loss"].mean == pytest.approx(sum(numbers) / len(numbers))
