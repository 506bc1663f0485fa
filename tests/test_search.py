"""A query finds the runs it describes: held against a plain reading of the records."""

from __future__ import annotations

import os
import random
import re
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests import builders
from xt.config import Settings, TaskSettings
from xt.context import Outside, timestamp
from xt.errors import NoSuchRunError
from xt.model import runid
from xt.model.environment import Package
from xt.model.event import Deployed, Named, Noted, Pin, Removed, Tagged, Verified
from xt.model.query import Both, Either, Not, Query, Term, Words
from xt.model.result import Metric, Number
from xt.model.snapshot import Param
from xt.ops.groups import group
from xt.ops.search import Searching, Wanted, property_of, select
from xt.ops.statements import state
from xt.query import QueryError, written
from xt.store import Store, events
from xt.store.index import Index
from xt.store.store import sealed

RATES = (0.1, 0.01, 0.001)
WORDS = ("label smoothing", "warm-up of the rate", "ablation")


def put(store, number, record):
    run_id = runid.make(random.Random(number).randbytes(8))
    record = replace(record, id=run_id, started_at=timestamp(builders.NOW - timedelta(hours=number)))
    os.makedirs(f"{store.path}/runs/{run_id[:2]}", exist_ok=True)
    with open(f"{store.path}/runs/{run_id[:2]}/{run_id}.json", "wb") as file:
        file.write(sealed(record)[0])
    return record


def made(number):
    rng = random.Random(number)
    whole = builders.record()
    params = [Param("lr", rng.choice(RATES), "--param"), Param("opt", rng.choice(["adam", "sgd"]), "argv")]
    params += [Param("amp", True, "argv")] if number % 3 == 0 else []
    metrics = [Metric("val/acc", rng.choice([0.5, 0.9, 0.95]), "m", goal="max")]
    metrics += [Metric("val/acc", 0.1 * number, "m", labels={"digit": "8"})] if number % 2 else []
    metrics += [Metric("loss", rng.choice([0.1, Number("nan"), Number("inf")]), "m")] if number % 5 else []
    context = replace(
        whole.snapshot.context,
        purpose=WORDS[number % 3],
        task=("train", "eval")[number % 2],
        tags=["gold"] if number % 4 == 0 else [],
        user=("you", "ann")[number % 2],
    )
    python = whole.snapshot.environment.python
    packages = [Package("numpy", "2.4.6"), Package("torch", ("2.4.1", "2.10.0")[number % 2])]
    environment = replace(
        whole.snapshot.environment,
        fingerprint=builders.digest("ab"[number % 2]),
        python=replace(python, packages=packages),
    )
    snapshot = replace(whole.snapshot, context=context, params=params, environment=environment)
    status = ("ok", "ok", "failed")[number % 3]
    result = replace(whole.result, metrics=metrics, status=status, exit_code=int(status == "failed"))
    return replace(whole, snapshot=snapshot, result=result)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A store of 24 runs; for each its record."""
    folder = tmp_path_factory.mktemp("search")
    store = Store.create(str(folder / ".xt"))
    records = [put(store, number, made(number)) for number in range(24)]
    return store, Outside(str(folder), {"USER": "you", "HOME": str(folder)}), records


def ids(world, query, **wanted):
    store, outside, _ = world
    with Searching(store, outside) as search:
        return [row.id for row in search.listing(Wanted(query, **wanted)).rows]


def value_of(record, term):
    """What a record says of a field, read plainly."""
    if term.field == "param":
        return next((item.value for item in record.snapshot.params if item.name == term.key), None)
    found = next((item for item in record.result.metrics if item.name == term.key and not item.labels), None)
    if found is None:
        return None
    return found.value if not isinstance(found.value, Number) else float(found.value.special)


SIGNS = {
    "=": lambda a, b: a == b,
    ":": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def holds(record, query: Query) -> bool:
    if isinstance(query, Both):
        return all(holds(record, part) for part in query.of)
    if isinstance(query, Either):
        return any(holds(record, part) for part in query.of)
    if isinstance(query, Not):
        return not holds(record, query.of)
    if isinstance(query, Words):
        return query.text in record.snapshot.context.purpose.split()
    context = record.snapshot.context
    plain = {"status": record.result.status, "task": context.task, "user": context.user}
    if query.field in plain:
        return SIGNS[query.operator](plain[query.field], query.value)
    if query.field == "tag":
        return (query.value in context.tags) == (query.operator != "!=")
    value = value_of(record, query)
    if query.operator == "has":
        return value is not None
    if value is None:
        return False
    if isinstance(value, bool | str):
        return query.operator in (":", "=", "!=") and SIGNS[query.operator](
            str(value).lower() if isinstance(value, bool) else value, query.value
        )
    return SIGNS[query.operator](value, float(query.value))


leaves = st.one_of(
    st.builds(
        Term, st.just("status"), st.none(), st.sampled_from([":", "!="]), st.sampled_from(["ok", "failed"])
    ),
    st.builds(
        Term, st.just("task"), st.none(), st.sampled_from([":", "="]), st.sampled_from(["train", "eval", "x"])
    ),
    st.builds(Term, st.just("user"), st.none(), st.just(":"), st.sampled_from(["you", "ann"])),
    st.builds(Term, st.just("tag"), st.none(), st.sampled_from([":", "!="]), st.sampled_from(["gold", "x"])),
    st.builds(
        Term,
        st.just("param"),
        st.just("lr"),
        st.sampled_from(sorted(SIGNS)),
        st.sampled_from(["0.1", "0.01", "1"]),
    ),
    st.builds(
        Term,
        st.just("param"),
        st.just("opt"),
        st.sampled_from([":", "=", "!="]),
        st.sampled_from(["adam", "x"]),
    ),
    st.builds(Term, st.just("param"), st.just("amp"), st.sampled_from([":", "has"]), st.just("true")),
    st.builds(
        Term,
        st.just("metric"),
        st.sampled_from(["val/acc", "loss", "none"]),
        st.sampled_from(sorted(set(SIGNS) - {"!="})),
        st.sampled_from(["0.9", "0.1", "inf"]),
    ),
    st.builds(Words, st.sampled_from(["label", "ablation", "rate"])),
)
queries = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(Both, st.lists(inner, min_size=2, max_size=3)),
        st.builds(Either, st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(queries)
def test_a_query_finds_what_a_plain_reading_finds(world, query):
    expected = [record.id for record in world[2] if holds(record, query)]
    assert ids(world, written(query)) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("since:3h", lambda number, record: False),
        ("since:2026-11-23T07:30Z", lambda number, record: number <= 2),
        ("before:2026-11-22T12:00Z since:2026-11-22T10:00Z", lambda number, record: 22 <= number <= 23),
        ("env.torch>=2.5", lambda number, record: number % 2 == 1),
        ("env.torch:2.4", lambda number, record: number % 2 == 0),
        ("env.python:3.11.7 env.numpy", lambda number, record: True),
        ('purpose:"label smoothing"', lambda number, record: number % 3 == 0),
        ('"smoothing label"', lambda number, record: False),
        ("purpose:warm", lambda number, record: number % 3 == 1),
        ("metric.val/acc{digit=8}>1.5", lambda number, record: number % 2 and number > 15),
        ("metric.loss:nan", lambda number, record: "nan" in repr(record.result.metrics)),
        ("time>=8 exit:1", lambda number, record: number % 3 == 2),
        ("input:data", lambda number, record: True),
        ("input:prompts:prompts.md", lambda number, record: True),
        ("input:prompts.*", lambda number, record: True),
        ("output:nowhere", lambda number, record: False),
        ("level:none", lambda number, record: True),
        ("evidence:complete", lambda number, record: True),
        ("commit:3f9a2c1", lambda number, record: True),
        ("commit:3f9a2c1*b8c7 recipe:*c id:*", lambda number, record: True),
        ("commit:*zz or commit=3f9a*", lambda number, record: False),
    ],
)
def test_what_else_can_be_asked(world, query, expected):
    found = [record.id for number, record in enumerate(world[2]) if expected(number, record)]
    assert ids(world, query) == found


def test_an_input_is_found_by_its_content(world):
    item = world[2][0].snapshot.inputs[0]
    digits = item.digest.partition(":")[2]
    assert len(ids(world, f"input:{item.path}@{digits[:6]}")) == 24
    assert len(ids(world, f"input:@{digits}")) == 24
    assert ids(world, f"input:{item.path}@{'0' if digits[0] != '0' else '1'}") == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("status:okay", "no status `okay`"),
        ("metric.loss>low", "`low` is no number"),
        ("since:someday", "`someday` is no time"),
        ("level>=good", "no level `good`"),
        ("evidence:yes", "evidence is not `yes`"),
        ("time>long", "no length of time"),
    ],
)
def test_a_value_that_makes_no_sense_is_pointed_at(world, query, said):
    with pytest.raises(QueryError) as caught:
        ids(world, query)
    assert said in caught.value.message
    assert query[caught.value.excerpt[1] :] == re.split("[:=>]+", query)[-1]


DEEP = ("not {}", "not ({} or tag:none)", "(tag:none or ({} name:none))")


@pytest.mark.parametrize("form", DEEP)
@pytest.mark.parametrize("leaf", ["evidence:complete", "env.torch>=2", "param.lr!=3", "output:a:b@3f"])
def test_whatever_can_be_read_can_be_asked(world, form, leaf):
    """SQLite's parser takes conditions that are nested so deep, or so many side by side, and no more."""
    store, outside, _ = world
    tasks = {name: TaskSettings(required=["params", "level"]) for name in ("train", "eval")}
    query = leaf
    with Searching(store, outside, Settings(task=tasks)) as search:
        with pytest.raises(QueryError, match="deep"):
            while True:
                search.listing(Wanted(query))
                query = form.format(query)
        for joint in (" ", " or "):
            search.listing(Wanted(joint.join([leaf, *("x" * 1500)])))


def test_groups_of_numbers_at_the_edge_of_what_a_float_holds(tmp_path):
    store = Store.create(str(tmp_path / ".xt"))
    for number, value in enumerate((1.5e308, 1.7e308, 1.6e308)):
        record = builders.record(res=builders.result(metrics=[Metric("big", value, "m")]))
        put(store, number, record)
    with Searching(store, Outside(str(tmp_path), {})) as search:
        [found] = group(search, Wanted(), "status").groups
    spread = found.metrics["big"]
    assert spread.mean == pytest.approx(1.6e308)
    assert spread.sd == pytest.approx(1e307)


def test_names_that_are_not_utf_8_name_nothing(world):
    store, outside, _ = world
    with pytest.raises(NoSuchRunError, match="no run has"):
        select(store, outside, ["\udcff"])
    assert len(ids(world, "", sort="param.\udcff")) == 24
    assert property_of("param.\udcff").key == "\\udcff"


def test_the_best_comes_first_and_what_has_none_last(world):
    records = {record.id: record for record in world[2]}
    values = [
        value_of(records[run], Term("metric", "val/acc", ":", ""))
        for run in ids(world, "", sort="metric.val/acc")
    ]
    assert values == sorted(values, reverse=True)
    by_cohort = ids(world, "", sort="metric.val/acc{digit=8}")
    assert [records[run] for run in by_cohort[:12]] == world[2][::-1][::2]
    reverse = ids(world, "", sort="metric.val/acc{digit=8}", reverse=True)
    assert set(by_cohort[:12]) == set(reverse[:12])
    assert reverse[0] == world[2][1].id


def test_what_was_said_later_is_asked_too(tmp_path):
    store = Store.create(str(tmp_path / ".xt"))
    outside = Outside(str(tmp_path), {"USER": "you"})
    first, second, third = (put(store, number, made(number)).id for number in range(3))
    world = (store, outside, None)
    assert ids(world, "tag:gold") == [first]
    state(store, outside, Tagged, run=first, name="gold", off=True)
    state(store, outside, Tagged, run=second, name="gold")
    state(store, outside, Named, run=second, name="best")
    state(store, outside, Noted, run=third, text="the *zebra* run")
    state(store, outside, Pin, name="baseline", run=third, reason="why")
    state(
        store,
        outside,
        Verified,
        run=third,
        level="equivalent",
        required="identical",
        repeats=[],
        against=None,
        varied={},
        sentence="",
    )
    state(store, outside, Deployed, to="prod", run=first, output="model.npz", digest=builders.digest("a"))
    assert ids(world, "tag:gold name:best") == [second]
    assert ids(world, "note:zebra") == ids(world, "zebra") == ids(world, "pinned:base*") == [third]
    assert ids(world, "tag:baseline") == ids(world, "tag=baseline not tag:gold") == [third]
    assert third not in ids(world, "tag!=baseline")
    assert ids(world, "level>=consistent") == [third]
    assert ids(world, "level>=identical") == []
    assert ids(world, "deployed:prod") == [first]
    state(store, outside, Deployed, to="prod", run=second, output="model.npz", digest=builders.digest("b"))
    assert ids(world, "deployed:*") == [second]
    state(store, outside, Removed, run=second, reason=None)
    assert ids(world, "deployed:prod") == []
    assert [row.id for row in select(store, outside, [])] == [first, third]
    state(store, outside, Removed, run=second, reason=None, back=True)
    row = next(row for row in select(store, outside, []) if row.id == second)
    assert (row.name, row.tags, row.live) == ("best", ["gold"], ["prod"])


def test_events_that_come_before_their_run_are_not_lost(tmp_path):
    """A store is shared by copying files, in any order."""
    store = Store.create(str(tmp_path / ".xt"))
    outside = Outside(str(tmp_path), {"USER": "you"})
    run = runid.make(random.Random(0).randbytes(8))
    at = timestamp(outside.now())
    events.append(store.path, Tagged(events.event_id(at, b"abcd"), at, "you", run, "early"))
    Index(store).close()
    put(store, 0, made(0))
    assert ids((store, outside, None), "tag:early") == [run]


def test_references_stay_in_their_order_and_words_are_a_query(world):
    store, outside, records = world
    chosen = [records[5].id, records[2].id, records[5].id]
    assert [row.id for row in select(store, outside, chosen)] == [records[5].id, records[2].id]
    assert len(select(store, outside, ["tag:gold"])) == 6
    assert len(select(store, outside, ["param.amp"])) == 8
    assert len(select(store, outside, ["tag:gold", "or", "not", "tag:gold"])) == 24


def test_an_event_that_is_gone_is_said_no_more(tmp_path):
    store = Store.create(str(tmp_path / ".xt"))
    outside = Outside(str(tmp_path), {"USER": "you"})
    run = put(store, 0, made(0)).id
    state(store, outside, Tagged, run=run, name="late")
    world = (store, outside, None)
    assert ids(world, "tag:late") == [run]
    [path] = [f"{folder}/{name}" for folder, _, names in os.walk(f"{store.path}/events") for name in names]
    os.unlink(path)
    assert ids(world, "tag:late") == []
    assert ids(world, "tag:gold") == [run]
