"""Parquet through a process of its own, and what becomes of that."""

from __future__ import annotations

import datetime
import decimal
import io
import sys
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xt.compare import Rule, UnreadableError, isolated
from xt.compare.content import FileContent, Held
from xt.compare.parquet import compare, compare_here
from xt.model.delta import Delta

DATA: dict[str, Any] = {
    "id": [1, 2, 3],
    "x": [1.0, 2.0, float("nan")],
    "when": [datetime.datetime(2026, 1, 1)] * 3,
    "price": [decimal.Decimal("1.10")] * 3,
    "tags": [["a"], [], None],
    "raw": [b"\0", b"\xff", None],
}


def content(name: str = "a.parquet", **columns: Any) -> Held:
    file = io.BytesIO()
    parquet.write_table(arrow.table({**DATA, **columns}), file)
    return Held(name, file.getvalue())


def test_values_are_compared_by_row_and_column() -> None:
    delta = compare(content(), content(x=[1.0, 2.5, float("nan")]), Rule(key=["id"]), "a")
    (child,) = delta.children
    assert (child.path, child.left, child.right) == ("a:x", 2.0, 2.5)
    assert child.measures[0].at == "row id=2, column x"
    assert compare(content(), content(x=[1.0, 2.5, float("nan")]), Rule(rtol=0.5), "a").relation == "within"


def test_a_type_that_changed_is_said() -> None:
    delta = compare_here(content(), content(id=arrow.array([1, 2, 3], arrow.int32())), Rule(), "a")
    assert [(child.relation, child.note) for child in delta.children] == [("changed", "type int64 → int32")]


def test_times_decimals_bytes_and_lists_are_compared() -> None:
    other = content(
        when=[datetime.datetime(2026, 1, 1), datetime.datetime(2026, 1, 1), datetime.datetime(2026, 1, 2)],
        price=[decimal.Decimal("1.10"), decimal.Decimal("1.11"), decimal.Decimal("1.10")],
        tags=[["b"], [], None],
        raw=[b"\0", b"\xfe", None],
    )
    delta = compare_here(content(), other, Rule(), "a")
    assert {child.path[2:]: (child.left, child.right) for child in delta.children} == {
        "when": ("2026-01-01 00:00:00.000000", "2026-01-02 00:00:00.000000"),
        "price": ("1.10", "1.11"),
        "tags": (["a"], ["b"]),
        "raw": ("ff", "fe"),
    }


def test_nanoseconds_and_dictionaries_are_read() -> None:
    times = arrow.array([1, 2, 3], arrow.timestamp("ns"))
    words = arrow.array(["a", "b", "a"]).dictionary_encode()
    assert (
        compare_here(content(when=times, tags=words), content(when=times, tags=words), Rule(), "a").relation
        == "same"
    )


def test_another_compression_is_only_layout(tmp_path: Path) -> None:
    sides = []
    for number, kind in enumerate(("snappy", "zstd")):
        path = tmp_path / f"{number}.parquet"
        parquet.write_table(arrow.table(DATA), path, compression=kind)
        sides.append(FileContent("a.parquet", str(path)))
    delta = compare(sides[0], sides[1], Rule(), "a")
    assert (delta.relation, delta.note) == ("same", "only the layout differs")


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_files_are_refused_or_compared_never_more(data: st.DataObject) -> None:
    whole = bytearray(content().data)
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        delta = compare_here(content(), Held("a.parquet", bytes(whole)), Rule(), "a")
    except (UnreadableError, MemoryError, OverflowError):
        return
    assert isinstance(delta, Delta)


def crash(left: Any, right: Any, rule: Any, path: str) -> None:
    import os
    import signal

    os.kill(os.getpid(), signal.SIGSEGV)


def devour(left: Any, right: Any, rule: Any, path: str) -> None:
    bytearray(8 << 30)


def spin(left: Any, right: Any, rule: Any, path: str) -> None:
    while True:
        pass


def sleep(left: Any, right: Any, rule: Any, path: str) -> None:
    import time

    time.sleep(600)


def chatter(left: Any, right: Any, rule: Any, path: str) -> Delta:
    print("to be ignored")
    sys.stderr.write("this too")
    with left.open() as ours, right.open() as theirs:
        return Delta(
            path, "changed", ours.read().decode(), theirs.read().decode(), note=f"{rule.rtol} {left.name}"
        )


def quit_(left: Any, right: Any, rule: Any, path: str) -> None:
    import os

    os._exit(3)


def fail(left: Any, right: Any, rule: Any, path: str) -> None:
    raise ValueError("of\nits own")


def flood(left: Any, right: Any, rule: Any, path: str) -> Delta:
    return Delta(path, "changed", note="x" * 10_000)


def call(name: str) -> Delta:
    return isolated.call(
        f"tests.compare.test_parquet:{name}", Held("l", b"1"), Held("r", b"2"), Rule(rtol=0.5), "p"
    )


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2]))


def test_a_child_gets_contents_and_rule_and_its_noise_is_no_answer() -> None:
    assert call("chatter") == Delta("p", "changed", "1", "2", note="0.5 l")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("crash", r"the parser crashed on it \(SIGSEGV\)"),
        ("devour", "needs more memory than a comparison may take"),
        ("quit_", "ended with status 3 and without an answer"),
        ("fail", "it cannot be read: ValueError: of its own"),
    ],
)
def test_what_becomes_of_a_child_is_said(name: str, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        call(name)


def test_a_child_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "SECONDS", 1)
    with pytest.raises(UnreadableError, match="took more than 1 s of processor time"):
        call("spin")
    monkeypatch.setattr(isolated, "PATIENCE", 0.5)
    with pytest.raises(UnreadableError, match="took more than"):
        call("sleep")


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "ANSWER", 1000)
    with pytest.raises(UnreadableError, match="no end of an answer"):
        call("flood")


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    call("chatter")
    with pytest.raises(UnreadableError):
        call("crash")
    assert list(tmp_path.iterdir()) == []


def count_up(content: Any) -> Any:
    with content.open() as stream:
        last = int(stream.read())
    for number in range(last):
        yield {"n": number, "x": float("nan")}
    if last == 7:
        crash(None, None, None, "")
    if last == 8:
        raise UnreadableError("eight is too many")


def counted(last: int) -> list[int]:
    found = isolated.rows("tests.compare.test_parquet:count_up", Held("x", str(last).encode()))
    return [row["n"] for row in found]


def test_rows_arrive_from_a_child_whole_or_with_the_reason() -> None:
    assert counted(0) == []
    assert counted(1234) == list(range(1234))
    with pytest.raises(UnreadableError, match=r"crashed on it \(SIGSEGV\)"):
        counted(7)
    with pytest.raises(UnreadableError, match="eight is too many"):
        counted(8)


def test_rows_that_nobody_wants_any_more_end_the_child() -> None:
    found = isolated.rows("tests.compare.test_parquet:count_up", Held("x", b"100000000"))
    assert next(found)["n"] == 0
    found.close()  # type: ignore[attr-defined]
    with pytest.raises(StopIteration):
        next(found)
