"""PyTorch checkpoints: real ones (see `data/make_checkpoints.py`) and ones made by hand."""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compare.contents_of import Held, OnDisk
from xt.compare import Rule, UnreadableError
from xt.compare.pickled import MOST_OPCODES, Call, Name, Pairs, Several, read
from xt.compare.torch import compare
from xt.model.delta import Delta

DATA = Path(__file__).parent / "data"


def real(name: str) -> OnDisk:
    return OnDisk(DATA / f"{name}.pt")


def compared(a: Any, b: Any, rule: Rule | None = None) -> Delta:
    return compare(a, b, rule or Rule(), "m")


def children(delta: Delta) -> dict[str, Delta]:
    return {child.path: child for child in delta.children}


def test_a_real_checkpoint_is_compared_tensor_by_tensor_and_value_by_value() -> None:
    delta = compared(real("one"), real("two"))
    assert delta.relation == "changed"
    assert delta.note == "3 of 22 tensors differ"
    found = children(delta)
    assert set(found) == {"m:model/weight", "m:bfloat16", "m:scalar", "m:epoch"}
    assert found["m:model/weight"].note == "1 of 12 values differs, max |Δ| 0.5 at [2, 1]"
    assert found["m:bfloat16"].left == "bfloat16 [3, 4]"
    assert (found["m:epoch"].left, found["m:epoch"].right) == (3, 4)


def test_a_checkpoint_is_its_own_equal_in_another_packaging() -> None:
    with zipfile.ZipFile(DATA / "one.pt") as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in reversed(members.items()):
            archive.writestr(name.replace("one/", "other/"), data)
    delta = compared(real("one"), Held(file.getvalue()))
    assert delta.relation == "within"
    assert delta.note == "only the packaging differs: all 22 tensors are identical"


def test_a_tolerance_holds_for_tensors_and_floats() -> None:
    a, b = checkpoint({"loss": 0.5, "x": 1}), checkpoint({"loss": 0.5 + 1e-9, "x": 1})
    assert compared(a, b, Rule(atol=1e-6)).relation == "within"
    assert compared(a, b).relation == "changed"


def test_a_pickled_module_is_compared_by_its_structure() -> None:
    delta = compared(real("module"), real("one"))
    assert delta.relation == "changed"
    found = children(delta)
    assert found["m"].left == "object of torch.nn.modules.linear.Linear"
    assert any(path.endswith("_parameters/weight") for path in found)


def test_nothing_a_checkpoint_would_run_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    delta = compared(real("canary"), real("canary_changed"))
    assert set(children(delta)) == {"m:weight"}
    with pytest.raises(UnreadableError, match="not a zip checkpoint; it is not unpickled"):
        compared(real("old"), real("old"))
    assert list(tmp_path.iterdir()) == []


def checkpoint(value: Any, storages: dict[str, bytes] | None = None, **members: bytes) -> Held:
    return packed(pickle.dumps(value, protocol=2), storages, **members)


def packed(data: bytes, storages: dict[str, bytes] | None = None, **members: bytes) -> Held:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m/data.pkl", data)
        for key, content in (storages or {}).items():
            archive.writestr(f"m/data/{key}", content)
        for name, content in members.items():
            archive.writestr(f"m/{name}", content)
    return Held(file.getvalue(), "m.pt")


def tensor(
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    offset: int = 0,
    kind: str = "FloatStorage",
    count: int = 9,
) -> bytes:
    """A pickle of one tensor in storage 0."""
    out = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(("
    out += b"X\x07\0\0\0storagectorch\n" + kind.encode() + b"\nX\x01\0\0\x000X\x03\0\0\0cpu"
    out += pickle.dumps(count, 2)[2:-1] + b"tQ" + pickle.dumps(offset, 2)[2:-1]
    for numbers in (shape, strides):
        out += b"(" + b"".join(pickle.dumps(number, 2)[2:-1] for number in numbers) + b"t"
    return out + b"\x89Nt" + b"R."


def floats(*values: float) -> dict[str, bytes]:
    return {"0": struct.pack(f"<{len(values)}f", *values)}


def test_tensors_are_read_by_offset_size_and_stride() -> None:
    storage = floats(*range(9))
    plain = packed(tensor((2, 2), (2, 1)), floats(1, 4, 2, 5))
    turned = packed(tensor((2, 2), (1, 3), 1), storage)
    assert compared(plain, turned).relation == "within"
    other = packed(tensor((2, 2), (1, 3), 2), storage)
    (child,) = compared(plain, other).children
    assert child.note == "4 of 4 values differ, max |Δ| 1 at [0, 0]"
    repeated = packed(tensor((3, 2), (0, 1)), floats(7, 8))
    assert compared(repeated, packed(tensor((3, 2), (2, 1)), floats(7, 8, 7, 8, 7, 8))).relation == "within"


def test_big_endian_storages_are_read_as_such() -> None:
    big = packed(tensor((2,), (1,)), {"0": struct.pack(">2f", 1, 2)}, byteorder=b"big")
    assert compared(big, packed(tensor((2,), (1,)), floats(1, 2))).relation == "within"


def test_a_storage_or_member_nobody_refers_to_counts_too() -> None:
    a, b = (packed(tensor((1,), (1,)), floats(1) | {"7": data}) for data in (b"1", b"2"))
    (child,) = compared(a, b).children
    assert child.path == "m:member data/7"
    a, b = (packed(tensor((1,), (1,)), floats(1), **{"code.py": data}) for data in (b"1", b"2"))
    assert compared(a, b).relation == "changed"


def test_kinds_of_containers_and_keys_are_told_apart() -> None:
    for one, two in (
        ([1], (1,)),
        ({1: 2}, {"1": 2, 1: 2}),
        ({}, []),
        (1, 1.0),
        (True, 1),
        ({"a": None}, {}),
        ({frozenset({1}): 1}, {frozenset({2}): 1}),
        (b"a", b"b"),
        (2**200, 2**200 + 1),
        (float("nan"), 1.0),
    ):
        assert compared(checkpoint({"x": one}), checkpoint({"x": two})).relation == "changed", (one, two)
        again = checkpoint({"x": one}, byteorder=b"little")
        assert compared(checkpoint({"x": one}), again).relation == "within"


@pytest.mark.parametrize(
    ("data", "storages"),
    [
        (tensor((9, 9), (9, 1)), floats(1)),
        (tensor((2,), (2**61,)), floats(1, 2)),
        (tensor((2**61, 2), (0, 1), 10**9), floats(1, 2)),
        (tensor((2,), (-1,)), floats(1, 2)),
        (tensor((-1,), (1,)), floats(1, 2)),
        (tensor((1,), (1,), -1), floats(1, 2)),
        (tensor((1,), (1, 1)), floats(1, 2)),
        (tensor((1,), (1,)), {}),
        (tensor((1,), (1,), kind="EvilStorage"), floats(1)),
        (b"\x80\x02N", {}),
        (b"", {}),
        (b"." * 9, {}),
        (b"\x80\x05\x97.", {}),
        (b"\x80\x02h\x05.", {}),
        (b"\x80\x02NQ.", {}),
        (b"\x80\x02((N.", {}),
        (b"\x80\x02]" + b"2" * MOST_OPCODES + b".", {}),
        (b"I" + b"9" * 9000 + b"\n.", {}),
        (b"\x80\x02" + b"]" * 200 + b"a" * 199 + b".", {}),
        (b"\x80\x02]q\0h\0a.", {}),
        (b"\x80\x02]q\0" + b"".join(b"]q%c(h%ch%ce" % (i, i - 1, i - 1) for i in range(1, 40)) + b".", {}),
    ],
    ids=range(21),
)
def test_a_pickle_that_lies_is_refused(data: bytes, storages: dict[str, bytes]) -> None:
    with pytest.raises(UnreadableError):
        compared(packed(data, storages), checkpoint({}))


def test_a_tensor_repeated_beyond_all_memory_is_compared_by_what_it_spans() -> None:
    a, b = (packed(tensor((2**40, 2), (0, 1)), floats(1, value)) for value in (2, 3))
    found = children(compared(a, b))
    assert found["m"].note == "1 of 2 values differs, max |Δ| 1 at [1]"


def test_a_zip_file_without_a_pickle_is_no_checkpoint() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/b.txt", b"1")
    with pytest.raises(UnreadableError, match=r"no `data\.pkl`"):
        compared(Held(file.getvalue()), checkpoint({}))


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


def plain(value: Any) -> Any:
    """A value of the machine as Python's own."""
    if isinstance(value, Pairs):
        return {key: plain(item) for key, item in value.items}
    if isinstance(value, Several):
        items = [plain(item) for item in value.items]
        return tuple(items) if value.kind == "tuple" else items
    if isinstance(value, Call):
        # How protocols below 3 write bytes.
        text = value.arguments.items[0] if value.arguments.items else ""
        assert value.function in (Name("_codecs", "encode"), Name("__builtin__", "bytes"))
        return text.encode("latin-1")
    return value


@given(PLAIN, st.integers(0, 5))
def test_plain_values_are_read_as_pickle_wrote_them(value: Any, protocol: int) -> None:
    assert repr(plain(read(pickle.dumps(value, protocol)))) == repr(value)


@given(
    st.lists(st.sampled_from([op.code for op in pickletools.opcodes]), max_size=40), st.binary(max_size=40)
)
def test_any_opcodes_are_read_or_refused(codes: list[str], tail: bytes) -> None:
    data = "".join(codes).encode("latin-1") + tail + b"."
    try:
        compared(packed(data, floats(1)), checkpoint({}))
    except UnreadableError as error:
        assert str(error)
