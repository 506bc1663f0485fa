"""Safetensors files, written by hand as the format says."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compare.contents_of import Held
from xt.compare import Rule, UnreadableError
from xt.compare.safetensors import compare, read_header
from xt.model.delta import Delta

WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I64": 8, "BOOL": 1, "U8": 1}


def file_of(header: Any, data: bytes = b"") -> Held:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return Held(len(text).to_bytes(8, "little") + text + data, "m.safetensors")


def safetensors(
    tensors: dict[str, tuple[str, list[int], bytes]], metadata: dict[str, str] | None = None
) -> Held:
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    body = b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {
            "dtype": dtype,
            "shape": shape,
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    return file_of(header, body)


def f32(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


def compared(a: Held, b: Held, rule: Rule | None = None) -> Delta:
    return compare(a, b, rule or Rule(), "m")


def test_tensors_are_compared_by_name_and_metadata_too() -> None:
    a = safetensors({"w": ("F32", [2, 2], f32(1, 2, 3, 4)), "b": ("F32", [1], f32(0))}, {"step": "1"})
    b = safetensors({"b": ("F32", [1], f32(0)), "w": ("F32", [2, 2], f32(1, 2, 3.5, 4))}, {"step": "2"})
    delta = compared(a, b)
    assert delta.relation == "changed"
    assert delta.note == "1 of 2 tensors differs"
    assert [(child.path, child.note or child.right) for child in delta.children] == [
        ("m:w", "1 of 4 values differs, max |Δ| 0.5 at [1, 0]"),
        ("m:__metadata__/step", "2"),
    ]


def test_another_order_of_the_header_is_packaging() -> None:
    w, b = ("F32", [1], f32(1)), ("BF16", [2], b"\0\0\0\0")
    delta = compared(safetensors({"w": w, "b": b}), safetensors({"b": b, "w": w}))
    assert delta.relation == "within"
    assert delta.note == "only the packaging differs: all 2 tensors are identical"


@pytest.mark.parametrize("dtype", WIDTHS)
def test_every_type_is_compared_by_value(dtype: str) -> None:
    one, two = bytes(WIDTHS[dtype]), (1).to_bytes(WIDTHS[dtype], "little")
    a, b = (safetensors({"w": (dtype, [2], one + item)}) for item in (one, two))
    (child,) = compared(a, b).children
    assert child.relation == "changed"
    assert any(measure.what == "values differing" and measure.value == 1 for measure in child.measures)


def test_a_type_of_a_later_version_is_compared_by_bytes() -> None:
    a = safetensors({"w": ("F8_E8M0", [2], b"\1\2")})
    (child,) = compared(a, safetensors({"w": ("F8_E8M0", [2], b"\1\3")}), Rule(rtol=1)).children
    assert child.relation == "changed"
    assert child.left == "F8_E8M0 (compared by bytes) [2]"


def test_one_step_of_bfloat16_is_one_ulp() -> None:
    a = safetensors({"w": ("BF16", [1], b"\x80\x3f")})
    b = safetensors({"w": ("BF16", [1], b"\x81\x3f")})
    assert compared(a, b, Rule(ulp=1)).relation == "within"
    (child,) = compared(a, b).children
    assert [m.value for m in child.measures if m.what == "ulp"] == [1]
    assert [m.value for m in child.measures if m.what == "max |Δ|"] == [2.0**-7]


def test_tensors_without_values_and_without_axes_are_read() -> None:
    a = safetensors({"e": ("F32", [0, 3], b""), "s": ("F32", [], f32(math.pi))})
    b = safetensors({"e": ("F32", [0, 3], b""), "s": ("F32", [], f32(3))})
    assert [child.path for child in compared(a, b).children] == ["m:s"]


ENTRY = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    "bad",
    [
        Held(b""),
        Held(b"\xff" * 8),
        Held((2**63).to_bytes(8, "little") + b"{}"),
        Held((100).to_bytes(8, "little") + b"{}"),
        file_of(b"[]"),
        file_of(b"{"),
        file_of(b"\xff\xfe"),
        file_of(b'{"a":' * 100_000),
        file_of(b"[" * 100_000),
        file_of({"w": {**ENTRY, "data_offsets": [0, 8]}}, bytes(4)),
        file_of({"w": {**ENTRY, "data_offsets": [4, 0]}}, bytes(4)),
        file_of({"w": {**ENTRY, "data_offsets": [1, 5]}}, bytes(5)),
        file_of({"w": {**ENTRY, "shape": [2]}}, bytes(4)),
        file_of({"w": {**ENTRY, "shape": [-1]}}, bytes(4)),
        file_of({"w": {**ENTRY, "shape": [2**40, 2**40]}}, bytes(4)),
        file_of({"w": {**ENTRY, "dtype": "F33"}}, bytes(3)),
        file_of({"w": {**ENTRY, "more": 1}}, bytes(4)),
        file_of({"w": ENTRY, "v": ENTRY}, bytes(4)),
        file_of({"w": ENTRY, "v": {**ENTRY, "data_offsets": [8, 12]}}, bytes(12)),
        file_of({"w": ENTRY}, bytes(5)),
        file_of({"w": ENTRY, "__metadata__": {"a": 1}}, bytes(4)),
        file_of(
            json.dumps({"w": ENTRY})[:-1].encode() + b',"w":' + json.dumps(ENTRY).encode() + b"}", bytes(8)
        ),
    ],
    ids=lambda bad: repr(bad.data[:60]),
)
def test_a_header_that_lies_is_refused(bad: Held) -> None:
    with pytest.raises(UnreadableError):
        compared(bad, safetensors({"w": ("F32", [1], f32(1))}))


def test_a_header_too_long_is_refused_before_it_is_read() -> None:
    class Long(Held):
        def __init__(self) -> None:
            super().__init__((50_000_000).to_bytes(8, "little"))
            self.size = 60_000_000

    with pytest.raises(UnreadableError, match="longer than 10000000 bytes"):
        read_header(Long())


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_any_json_is_read_or_refused(header: Any) -> None:
    try:
        read_header(file_of(header, bytes(4)))
    except UnreadableError as error:
        assert str(error)
