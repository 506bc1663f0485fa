"""The index is a cache: whatever happens to records or to it, a list shows the records that are there."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests import builders
from xt.model.event import Reused, Tagged
from xt.model.result import Metric
from xt.store import Store, events
from xt.store.index import Index, layout
from xt.store.store import sealed


@pytest.fixture
def store(tmp_path):
    return Store.create(str(tmp_path / ".xt"))


def seal(store, run_id):
    record = builders.record()
    context = replace(record.snapshot.context, name="nightly", tags=["a", "b"])
    record = replace(record, id=run_id, snapshot=replace(record.snapshot, context=context))
    live = store.begin(run_id)
    store.seal(live, record)
    live.end()


def record_path(store, run_id):
    return f"{store.path}/runs/{run_id[:2]}/{run_id}.json"


def listed(store):
    index = Index(store)
    try:
        return {row.id: row.status for row in index.newest(None, trials=True).rows}
    finally:
        index.close()


def age(store):
    """Make all folders of records look as if nothing had happened to them for a while."""
    for folder in store.folders():
        past = time.time_ns() - 60_000_000_000
        os.utime(f"{store.path}/runs/{folder}", ns=(past, past))


def run_id(prefix, number):
    return (prefix + "".join("klmnopqrstuvwxyz"[int(digit)] for digit in str(number))).ljust(16, "z")


def test_a_run_sealed_right_after_a_list_is_in_the_next(store):
    for number in range(30):
        seal(store, run_id("kk", number))
        assert len(listed(store)) == number + 1


def test_a_file_system_with_a_coarse_clock_hides_no_run(store):
    seal(store, run_id("kk", 1))
    folder = f"{store.path}/runs/kk"
    before = os.stat(folder).st_mtime_ns
    assert len(listed(store)) == 1
    seal(store, run_id("kk", 2))
    os.utime(folder, ns=(before, before))
    assert len(listed(store)) == 2


def test_a_run_that_comes_or_goes_in_a_settled_folder_is_seen(store):
    seal(store, run_id("kk", 1))
    seal(store, run_id("kl", 1))
    age(store)
    assert len(listed(store)) == 2
    seal(store, run_id("kk", 2))
    assert len(listed(store)) == 3
    age(store)
    assert len(listed(store)) == 3
    os.unlink(record_path(store, run_id("kk", 1)))
    assert set(listed(store)) == {run_id("kk", 2), run_id("kl", 1)}


@pytest.mark.parametrize("settled", [True, False])
def test_a_folder_that_is_gone_takes_its_runs_along(store, settled):
    seal(store, run_id("kk", 1))
    seal(store, run_id("kl", 1))
    if settled:
        age(store)
    assert len(listed(store)) == 2
    shutil.rmtree(f"{store.path}/runs/kk")
    assert set(listed(store)) == {run_id("kl", 1)}


def test_a_damaged_record_that_is_mended_is_shown_as_it_is(store):
    seal(store, run_id("kk", 1))
    path = record_path(store, run_id("kk", 1))
    with open(path, "rb") as file:
        whole = file.read()
    os.chmod(path, 0o600)
    with open(path, "wb") as file:
        file.write(whole[:100])
    age(store)
    assert listed(store) == {run_id("kk", 1): "damaged"}
    with open(path, "wb") as file:  # in place: the folder does not change
        file.write(whole)
    assert listed(store) == {run_id("kk", 1): "ok"}


@pytest.mark.parametrize("damage", ["garbage", "empty", "folder", "other version", "older rows", "gone"])
def test_a_damaged_index_is_made_again(store, damage):
    seal(store, run_id("kk", 1))
    assert len(listed(store)) == 1
    path = f"{store.path}/cache/index.db"
    if damage in ("folder", "gone"):
        os.unlink(path)
        if damage == "folder":
            os.mkdir(path)
    elif damage in ("other version", "older rows"):
        db = sqlite3.connect(path)
        db.execute("PRAGMA user_version = 7")
        if damage == "older rows":
            db.execute("UPDATE shown SET summary = x'00'")
        db.commit()
        db.close()
    else:
        with open(path, "wb") as file:
            file.write(b"garbage" * 1000 if damage == "garbage" else b"")
    assert listed(store) == {run_id("kk", 1): "ok"}
    if damage != "folder":  # it is a file again, so that the next need not read everything once more
        assert sqlite3.connect(path).execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_names_and_tags_find_the_newest(store):
    seal(store, run_id("kk", 1))
    record = store.record(run_id("kk", 1))
    later = replace(record, id=run_id("mm", 1), started_at="2099-01-01T00:00:00.000000Z")
    os.makedirs(f"{store.path}/runs/mm")
    with open(record_path(store, later.id), "wb") as file:
        file.write(sealed(later)[0])
    index = Index(store)
    assert index.named("nightly") == later.id
    assert index.tagged("b") == later.id
    assert index.words() == (["nightly"], ["a", "b"])
    assert index.newest(1).rows[0].id == later.id
    assert index.newest(1, skip=1).rows[0].id == record.id
    assert index.newest(1).total == 2
    index.close()


@pytest.mark.parametrize(
    "huge", [{"metrics": [Metric("big", 10**30, "a.json:/big")]}, {"exit_code": -(10**400)}]
)
def test_a_record_with_an_integer_of_more_than_64_bits_is_damaged_and_hides_no_other(store, huge):
    seal(store, run_id("kk", 1))
    record = store.record(run_id("kk", 1))
    other = replace(record, id=run_id("kk", 2), result=replace(record.result, **huge))
    with open(record_path(store, other.id), "wb") as file:
        file.write(sealed(other)[0])
    assert listed(store) == {record.id: record.result.status, other.id: "damaged"}


def test_an_event_with_such_an_integer_hides_no_other_run(store):
    seal(store, run_id("kk", 1))
    seal(store, run_id("kk", 2))
    at = "2026-11-26T18:00:00.000000Z"
    said = Reused(events.event_id(at, b"abcd"), at, "ada", run_id("kk", 2), "blake3:00", 10**30)
    events.append(store.path, said)
    assert listed(store)[run_id("kk", 1)] == "ok"


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["seal", "remove", "list", "age"]), st.integers(0, 7)),
        min_size=1,
        max_size=25,
    )
)
def test_whatever_happens_a_list_shows_what_is_there(tmp_path_factory, steps):
    store = Store.create(str(tmp_path_factory.mktemp("store") / ".xt"))
    there = set()
    for step, number in steps:
        one = run_id("kk" if number % 2 else "kl", number)
        if step == "seal" and one not in there:
            seal(store, one)
            there.add(one)
        elif step == "remove" and one in there:
            os.unlink(record_path(store, one))
            there.remove(one)
        elif step == "list":
            assert set(listed(store)) == there
        elif step == "age":
            age(store)
    assert set(listed(store)) == there


def test_numbers_of_runs_stay_good_while_others_write(store):
    """Who asked for numbers and then for rows gets them all, though a tag was put on in between."""
    for number in range(3):
        seal(store, run_id("kk", number))
    asking = Index(store)
    numbers = asking.newest_numbers(None)
    at = "2026-11-26T18:00:00.000000Z"
    events.append(store.path, Tagged(events.event_id(at, b"abcd"), at, "ada", run_id("kk", 0), "good"))
    last = max(numbers)
    os.unlink(record_path(store, next(row.id for row in asking.rows([last]))))
    seal(store, run_id("kl", 9))
    assert len(listed(store)) == 3
    rows = {row.id: row for row in asking.rows(numbers)}
    assert len(rows) == 2
    assert run_id("kl", 9) not in rows
    asking.close()


def test_an_index_that_somebody_else_is_making_is_waited_for(store):
    """A second one that found nothing must not make it again: the rows of the first would be gone."""
    seal(store, run_id("kk", 1))
    os.makedirs(f"{store.path}/cache", exist_ok=True)
    path = f"{store.path}/cache/index.db"
    first = sqlite3.connect(path, check_same_thread=False)
    first.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(listed, store)
        time.sleep(0.2)  # it has seen that there is nothing, and waits; if it has not, the test proves less
        layout._make(first)
        first.execute("CREATE TABLE witness (n)")
        first.commit()
        assert second.result(60) == {run_id("kk", 1): "ok"}
    assert first.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    assert first.execute("SELECT count(*) FROM witness").fetchone() == (0,)
    first.close()


def test_an_error_of_the_index_is_one_of_the_store_and_no_bug():
    from xt.cli.fault import ours

    known = ours(sqlite3.OperationalError("disk I/O error"))
    assert (known.code, known.message) == ("store", "the index cannot be read: disk I/O error")
