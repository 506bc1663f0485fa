"""Numpy's own files, `.npy` and `.npz`."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compare.contents_of import Held, OnDisk
from xt.compare import Rule, UnreadableError
from xt.compare.npy import LONGEST_HEADER
from xt.compare.npy import compare as compare_npy
from xt.compare.npz import compare as compare_npz
from xt.model.delta import Delta


def npy(values: np.ndarray, version: tuple[int, int] | None = None) -> Held:
    file = io.BytesIO()
    np.lib.format.write_array(file, values, version=version, allow_pickle=True)
    return Held(file.getvalue(), "x.npy")


def npz(**arrays: np.ndarray) -> Held:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return Held(file.getvalue(), "x.npz")


def compared(a: Held, b: Held, rule: Rule | None = None) -> Delta:
    compare = compare_npy if a.name == "x.npy" else compare_npz
    return compare(a, b, rule or Rule(), "out")


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(version: tuple[int, int]) -> None:
    a = np.arange(6.0).reshape(2, 3)
    delta = compared(npy(a, version), npy(a + np.array([[0, 0, 0], [0, 0, 0.5]]), version))
    assert (delta.path, delta.relation) == ("out", "changed")
    assert delta.note == "1 of 6 values differs, max |Δ| 0.5 at [1, 2]"
    assert delta.measures


@pytest.mark.parametrize(
    "dtype",
    ["?", "i1", ">i2", "<u8", "f2", ">f4", "f8", "c8", ">c16", "g", "S3", "U5", "V7", "M8[s]", "m8[D]"],
)
def test_types_numpy_can_store_are_compared_by_value(dtype: str) -> None:
    a = np.zeros(4, dtype)
    b = a.copy()
    b.view(np.uint8).reshape(4, -1)[2, :2] = 1
    assert compared(npy(a), npy(b)).relation == "changed"
    swapped = a.astype(a.dtype.newbyteorder())
    if dtype[0] != "U":
        assert compared(npy(a), npy(swapped)).relation == "within"


def test_another_packaging_of_the_same_values_is_never_called_the_same() -> None:
    a = np.arange(6.0).reshape(2, 3)
    delta = compared(npy(a), npy(np.asfortranarray(a)))
    assert delta.relation == "within"
    assert delta.note == "only the packaging differs: the array is identical"


@given(st.binary(max_size=200))
def test_any_bytes_after_the_magic_are_read_or_refused(data: bytes) -> None:
    good = npy(np.zeros(3))
    for bad in (b"\x93NUMPY" + data, b"\x93NUMPY\1\0v\0" + data, good.data[:20] + data, data):
        try:
            compared(Held(bad, "x.npy"), good)
        except UnreadableError as error:
            assert str(error)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}",
        "{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': 'q9', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': ('<f8', (2,)), 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999999999999,)}",
        "{'descr': [('a', [('b', 'f4')] * 3)], 'fortran_order': False, 'shape': (1,)}",
        "__import__('os').system('true')",
        "(" * 5000,
        "-" * 9000 + "1",
        "{'descr': '\\d', 'fortran_order': False, 'shape': (1,)}",
        "9" * 9000,
        " " * (LONGEST_HEADER + 1),
    ],
)
def test_a_header_that_is_not_one_is_refused(header: str) -> None:
    data = b"\x93NUMPY\2\0" + len(header).to_bytes(4, "little") + header.encode() + bytes(8)
    with pytest.raises(UnreadableError):
        compared(Held(data, "x.npy"), npy(np.zeros(1)))


def test_values_must_end_where_the_file_does() -> None:
    good = npy(np.zeros(3))
    for data in (good.data[:-1], good.data + b"\0"):
        with pytest.raises(UnreadableError, match="bytes of values where its header says 24"):
            compared(Held(data, "x.npy"), good)


def test_arrays_of_an_archive_are_compared_by_name() -> None:
    a = npz(w=np.ones((640, 10), "f4"), b=np.zeros(3), gone=np.zeros(2), same=np.arange(9))
    b = npz(w=np.ones((640, 10), "f4") * 2, b=np.zeros(3), new=np.zeros((2, 2)), same=np.arange(9))
    delta = compared(a, b)
    assert delta.relation == "changed"
    assert delta.note == "3 of 5 arrays differ"
    rows = [(child.path, child.change, child.left, child.right) for child in delta.children]
    assert rows == [
        ("out:w", "changed", "float32 [640, 10]", "float32 [640, 10]"),
        ("out:gone", "removed", "float64 [2]", None),
        ("out:new", "added", None, "float64 [2, 2]"),
    ]


def test_only_other_times_in_the_archive_are_packaging(tmp_path: Path) -> None:
    arrays = {"a": np.arange(4), "b": np.ones(3), "c": np.zeros((2, 2)), "d": np.array(1)}
    np.savez(tmp_path / "a.npz", **arrays)
    np.savez_compressed(tmp_path / "b.npz", **arrays)
    delta = compare_npz(OnDisk(tmp_path / "a.npz"), OnDisk(tmp_path / "b.npz"), Rule(), "m.npz")
    assert delta.relation == "within"
    assert delta.note == "only the packaging differs: all 4 arrays are identical"
    assert delta.children == []


def test_ignored_arrays_are_listed_and_do_not_count() -> None:
    a, b = npz(w=np.ones(2), rng_state=np.zeros(2)), npz(w=np.ones(2), rng_state=np.ones(2))
    delta = compared(a, b, Rule(ignore=["rng_*"]))
    assert delta.relation == "within"
    assert delta.note == "1 of 2 arrays differs, 1 ignored"
    assert [(child.path, child.counted) for child in delta.children] == [("out:rng_state", False)]


def test_large_members_are_read_in_pieces_and_compared() -> None:
    a = np.zeros(6_000_000, "f4")
    b = a.copy()
    b[5_999_999] = 1
    delta = compared(npz(w=a, v=a), npz(w=b, v=a))
    assert delta.children[0].note == "1 of 6000000 values differs, max |Δ| 1 at [5999999]"
    fortran = np.asfortranarray(b.reshape(6, -1))
    delta = compared(npz(w=b.reshape(6, -1)), npz(w=fortran))
    assert delta.relation == "within"


@pytest.mark.parametrize("name", ["w.txt", "../evil.txt"])
def test_an_archive_with_anything_but_arrays_is_compared_otherwise(name: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(UnreadableError, match="which is no array"):
        compared(Held(file.getvalue(), "x.npz"), npz(w=np.ones(1)))


def test_a_damaged_member_is_unreadable() -> None:
    good = npz(w=np.arange(100.0))
    data = bytearray(good.data)
    data[300] ^= 1
    with pytest.raises(UnreadableError, match="not a sound zip file"):
        compared(Held(bytes(data), "x.npz"), good)


@given(st.data())
def test_any_damage_to_an_archive_is_contained(data: st.DataObject) -> None:
    good = npz(w=np.arange(30.0), v=np.ones((2, 3), "f4"))
    damaged = bytearray(good.data)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        delta = compared(Held(bytes(damaged), "x.npz"), good)
    except UnreadableError as error:
        assert str(error)
    else:
        assert delta.relation != "same"
