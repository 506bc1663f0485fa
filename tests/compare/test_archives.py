"""Zip and tar files, member by member."""

from __future__ import annotations

import gzip
import importlib.util
import io
import sys
import tarfile
import types
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.compare.contents_of import Held
from xt.compare import COMPARATORS, Content, Rule, UnreadableError
from xt.compare.archives import compare_tar, compare_zip
from xt.model.delta import Delta, Measure

CHECKS = [HealthCheck.function_scoped_fixture]


def front(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Choose a comparator by the name, and compare bytes where there is none that can."""
    for row in COMPARATORS:
        if left.name.endswith(row.claims) and row.name in ("npy", "npz", "zip", "tar"):
            try:
                return COMPARATORS.get(row.name)(left, right, rule, path)  # type: ignore[no-any-return]
            except UnreadableError as error:
                return Delta(path, "changed", change="changed", note=str(error))
    with left.open() as a, right.open() as b:
        same = a.read() == b.read()
    return Delta(path, "same" if same else "changed", change="changed", measures=[Measure("first byte", 0)])


@pytest.fixture(autouse=True)
def _front(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stand in for the front where it is not part of the source."""
    if importlib.util.find_spec("xt.compare.contents") is None:
        module = types.ModuleType("xt.compare.contents")
        module.compare = front  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "xt.compare.contents", module)
    yield


def zipped(members: dict[str, bytes], year: int = 2020, method: int = zipfile.ZIP_DEFLATED) -> Held:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            info.external_attr = 0o100644 << 16
            info.compress_type = method
            archive.writestr(info, data)
    return Held(file.getvalue(), "x.zip")


def tarred(members: dict[str, bytes], mode: str = "w", mtime: int = 0, **fields: object) -> Held:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), mtime
            for field, value in fields.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(data))
    return Held(file.getvalue(), "x.tar")


def npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def rows(delta: Delta) -> list[tuple[str, str | None, str]]:
    return [(child.path, child.change, child.relation) for child in delta.children]


MAKERS = [
    (compare_zip, zipped),
    (compare_tar, tarred),
    (compare_tar, lambda members: tarred(members, "w:gz")),
    (compare_tar, lambda members: tarred(members, "w:bz2")),
    (compare_tar, lambda members: tarred(members, "w:xz")),
]


@pytest.mark.parametrize(("compare", "make"), MAKERS, ids=["zip", "tar", "gz", "bz2", "xz"])
def test_members_are_added_removed_changed_or_identical(compare, make) -> None:  # type: ignore[no-untyped-def]
    a = make({"same": b"1", "gone": b"22", "deep/changed.bin": b"\0abc", "big.bin": bytes(300_000)})
    b = make({"same": b"1", "new": b"", "deep/changed.bin": b"\0abd", "big.bin": bytes(299_999) + b"1"})
    delta = compare(a, b, Rule(), "x")
    assert delta.relation == "changed"
    assert delta.note == "4 of 5 members differ"
    assert sorted(rows(delta)) == [
        ("x:big.bin", "changed", "changed"),
        ("x:deep/changed.bin", "changed", "changed"),
        ("x:gone", "removed", "changed"),
        ("x:new", "added", "changed"),
    ]


@pytest.mark.parametrize(
    ("compare", "left", "right"),
    [
        (compare_zip, zipped({"a": b"1", "b": b"2"}), zipped({"b": b"2", "a": b"1"}, year=2024)),
        (compare_zip, zipped({"a": b"1" * 99}), zipped({"a": b"1" * 99}, method=zipfile.ZIP_STORED)),
        (compare_tar, tarred({"a": b"1", "b": b"2"}), tarred({"b": b"2", "a": b"1"}, mtime=77)),
        (compare_tar, tarred({"a": b"1"}), tarred({"a": b"1"}, "w:gz", uid=12)),
        (compare_tar, tarred({"./a": b"1"}), tarred({"a": b"1"}, "w:xz")),
    ],
)
def test_times_order_and_packing_are_packaging(compare, left: Held, right: Held) -> None:  # type: ignore[no-untyped-def]
    delta = compare(left, right, Rule(), "x")
    assert delta.relation == "within"
    assert delta.note is not None and delta.note.startswith("only the packaging differs: ")
    assert delta.children == []


def test_a_changed_member_is_compared_by_what_its_name_says() -> None:
    a, b = npy(np.zeros(3)), npy(np.array([0, 0, 1e-9]))
    for compare, make in ((compare_zip, zipped), (compare_tar, tarred)):
        left, right = make({"w.npy": a, "t": b"1"}), make({"w.npy": b, "t": b"1"})
        delta = compare(left, right, Rule(atol=1e-6), "x")
        assert delta.relation == "within"
        (child,) = delta.children
        assert (child.path, child.relation) == ("x:w.npy", "within")
        assert delta.note == "1 of 2 members differs"


def test_archives_inside_archives_are_compared_three_deep() -> None:
    def nest(data: bytes, levels: int) -> bytes:
        for _ in range(levels):
            data = zipped({"in.zip": data}).data
        return data

    for levels, deep in ((2, True), (3, False)):
        a, b = (nest(zipped({"a": data}).data, levels) for data in (b"1", b"2"))
        delta = compare_zip(Held(a, "x.zip"), Held(b, "x.zip"), Rule(), "x")
        last = delta
        while last.children:
            last = last.children[-1]
        assert last.path == "x:" + "in.zip:" * levels + "a"
        assert ("not looked into" in (last.note or "")) is not deep
        assert delta.relation == "changed"


def test_modes_and_links_are_compared() -> None:
    delta = compare_tar(tarred({"a": b"1"}, mode="w"), tarred({"a": b"1"}), Rule(), "x")
    assert delta.relation == "within"
    left, right = tarred({"a": b"1"}), io.BytesIO()
    with tarfile.open(fileobj=right, mode="w") as archive:
        info = tarfile.TarInfo("a")
        info.size, info.mode = 1, 0o755
        archive.addfile(info, io.BytesIO(b"1"))
    (child,) = compare_tar(left, Held(right.getvalue()), Rule(), "x").children
    assert child.note == "mode 644 → 755, same content"
    links = [tarred({"l": b""}, type=tarfile.SYMTYPE, linkname=to) for to in ("/etc/passwd", "../x")]
    (child,) = compare_tar(links[0], links[1], Rule(), "x").children
    assert (child.left, child.right) == ("link to `/etc/passwd`", "link to `../x`")


def test_a_link_in_a_zip_is_shown_and_never_followed() -> None:
    sides = []
    for target in ("/etc/passwd", "elsewhere"):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            info = zipfile.ZipInfo("l")
            info.create_system, info.external_attr = 3, 0o120777 << 16
            archive.writestr(info, target)
        sides.append(Held(file.getvalue()))
    (child,) = compare_zip(sides[0], sides[1], Rule(), "x").children
    assert (child.left, child.right) == ("link to `/etc/passwd`", "link to `elsewhere`")


def test_devices_and_pipes_are_named_and_not_opened() -> None:
    a = tarred({"d": b""}, type=tarfile.CHRTYPE)
    (child,) = compare_tar(a, tarred({"d": b""}), Rule(), "x").children
    assert (child.left, child.right) == ("device", "file of 0 B")


def test_names_that_lead_out_are_only_shown() -> None:
    names = ["../../up", "/absolute", "a/../../b"]
    for compare, make in ((compare_zip, zipped), (compare_tar, tarred)):
        a, b = (dict.fromkeys(names, data) for data in (b"1", b"2"))
        delta = compare(make(a), make(b), Rule(), "x")
        assert len(delta.children) == 3
        assert all(child.relation == "changed" for child in delta.children)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_occurs_twice_leaves_nothing_to_say() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", "1")
        archive.writestr("a", "2")
    with pytest.raises(UnreadableError, match="holds `a` twice"):
        compare_zip(Held(file.getvalue()), zipped({"a": b"1"}), Rule(), "x")


def test_an_encrypted_member_is_not_compared_and_passes_for_nothing() -> None:
    data = bytearray(zipped({"a": b"1", "b": b"2"}).data)
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + offset] |= 1
    delta = compare_zip(Held(bytes(data)), zipped({"a": b"1", "b": b"2"}), Rule(), "x")
    assert delta.relation == "unknown"
    assert delta.children[0].note == "not compared: the member is encrypted"


def test_ignored_members_do_not_count() -> None:
    a, b = zipped({"log.txt": b"1", "w": b"1"}), zipped({"log.txt": b"2", "w": b"1"})
    delta = compare_zip(a, b, Rule(ignore=["*.txt"]), "x")
    assert (delta.relation, delta.note) == ("within", "1 of 2 members differs, 1 ignored")


def test_several_packed_streams_in_a_row_are_one() -> None:
    plain = tarred({"a": b"1" * 5000}).data
    parts = gzip.compress(plain[:700]) + gzip.compress(plain[700:])
    assert compare_tar(Held(parts), Held(plain), Rule(), "x").relation == "within"


@pytest.mark.parametrize("format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_are_read_in_every_format(format_: int) -> None:
    name = "d" * 90 + "/" + "ü" * 30
    sides = []
    for data in (b"1", b"2"):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=format_) as archive:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = 1, 1.5
            archive.addfile(info, io.BytesIO(data))
        sides.append(Held(file.getvalue()))
    assert rows(compare_tar(sides[0], sides[1], Rule(), "x")) == [(f"x:{name}", "changed", "changed")]


@settings(suppress_health_check=CHECKS)
@given(st.data())
def test_any_damage_is_contained(data: st.DataObject) -> None:
    for compare, good in (
        (compare_zip, zipped({"a": b"1" * 50, "b.npy": npy(np.zeros(3))})),
        (compare_tar, tarred({"a": b"1" * 50, "b.npy": npy(np.zeros(3))})),
        (compare_tar, tarred({"a": b"1" * 50}, "w:gz")),
        (compare_tar, tarred({"a": b"1" * 50}, "w:xz")),
    ):
        damaged = bytearray(good.data)
        for _ in range(data.draw(st.integers(1, 5))):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        try:
            delta = compare(Held(bytes(damaged)), good, Rule(), "x")
        except UnreadableError as error:
            assert str(error)
        else:
            assert delta.relation != "same"


@given(st.binary(max_size=1500))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for compare, good in ((compare_zip, zipped({"a": b"1"})), (compare_tar, tarred({"a": b"1"}))):
        for bad in (data, good.data[:300] + data, gzip.compress(data), good.data + data):
            try:
                compare(Held(bad), good, Rule(), "x")
            except UnreadableError as error:
                assert str(error)
