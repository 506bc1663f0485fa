"""Arrays and archives made to harm: nothing runs, and memory stays bounded."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compare.contents_of import OnDisk, compare_alone
from xt.compare import Rule, UnreadableError
from xt.compare.npy import compare as compare_npy
from xt.compare.npz import compare as compare_npz
from xt.compare.torch import compare as compare_torch

MEMORY = 200_000_000
ZEROS = 10_000_000_000


class Touch:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_pickles_inside_files_are_never_loaded(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    evil = np.array([Touch(canary), 1], dtype=object)
    np.save(tmp_path / "a.npy", evil, allow_pickle=True)
    np.save(tmp_path / "b.npy", np.array([Touch(canary), 2], dtype=object), allow_pickle=True)
    a, b = OnDisk(tmp_path / "a.npy"), OnDisk(tmp_path / "b.npy")
    delta = compare_npy(a, b, Rule(rtol=1), "x")
    assert (delta.relation, delta.left) == ("changed", "object [2], pickled")
    assert delta.note == "pickled objects are never unpickled: their bytes differ"
    for name, number in (("a.npz", 1), ("b.npz", 2)):
        objects = np.array([Touch(canary), 1], dtype=object)
        np.savez(tmp_path / name, o=objects, w=np.full(2, number), p=np.array([{number}], dtype=object))
    delta = compare_npz(OnDisk(tmp_path / "a.npz"), OnDisk(tmp_path / "b.npz"), Rule(), "x")
    assert [child.path for child in delta.children] == ["x:w", "x:p"]
    assert delta.note == "2 of 3 arrays differ"
    for name in ("a.pt", "b.pt"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("m/data.pkl", pickle.dumps({"x": Touch(canary), "n": name}, protocol=2))
    delta = compare_torch(OnDisk(tmp_path / "a.pt"), OnDisk(tmp_path / "b.pt"), Rule(), "x")
    assert [child.path for child in delta.children] == ["x:n"]
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Touch(canary)))
    with pytest.raises(UnreadableError, match="not unpickled"):
        compare_torch(OnDisk(tmp_path / "a.pkl"), OnDisk(tmp_path / "a.pt"), Rule(), "x")
    assert not canary.exists()
    # The bait works: this is what loading it would have done.
    pickle.loads((tmp_path / "a.pkl").read_bytes())
    assert canary.exists()


def bomb(path: Path, name: str, header: bytes, size: int, last: bytes = b"\0") -> None:
    """A zip file with one member of so many zeros."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w", force_zip64=True) as member,
    ):
        member.write(header)
        left = size - len(header) - 1
        while left:
            left -= member.write(bytes(min(left, 1 << 24)))
        member.write(last)


def claim(path: Path, size: int) -> None:
    """Make a zip file's only member claim another unpacked size."""
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", size)
    path.write_bytes(bytes(data))


def npy_header(count: int) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (count,)})
    return file.getvalue()


def test_ten_gigabytes_of_zeros_in_an_archive_of_arrays_are_refused(tmp_path: Path) -> None:
    """The member claims them; its bytes need not even be there."""
    header = npy_header(ZEROS // 8)
    for name in ("a.npz", "b.npz"):
        bomb(tmp_path / name, "w.npy", header, 1_000_000)
        claim(tmp_path / name, 4_000_000_000)
    for target in ("xt.compare.npz:compare", "xt.compare.archives:compare_zip"):
        said, peak = compare_alone(target, tmp_path / "a.npz", tmp_path / "b.npz")
        assert said.startswith("unreadable: too large to compare by its members: 4000 MB or more from 0.0 MB")
        assert peak < MEMORY


def test_a_large_deflated_array_is_compared_in_bounded_memory(tmp_path: Path) -> None:
    header = npy_header(40_000_000)
    size = len(header) + 320_000_000
    bomb(tmp_path / "a.npz", "w.npy", header, size)
    bomb(tmp_path / "b.npz", "w.npy", header, size, last=b"\x40")
    said, peak = compare_alone("xt.compare.npz:compare", tmp_path / "a.npz", tmp_path / "b.npz")
    assert said == "1 of 1 array differs"
    assert peak < MEMORY


def test_a_member_that_unpacks_to_more_than_it_claims_is_cut_and_found_out(tmp_path: Path) -> None:
    header = npy_header(10)
    bomb(tmp_path / "a.npz", "w.npy", header, 300_000_000)
    claim(tmp_path / "a.npz", len(header) + 80)
    np.savez(tmp_path / "b.npz", w=np.ones(10))
    said, peak = compare_alone("xt.compare.npz:compare", tmp_path / "a.npz", tmp_path / "b.npz")
    assert said.startswith("unreadable: it is not a sound zip file")
    assert peak < MEMORY


def test_a_gzip_bomb_stops_at_its_bound(tmp_path: Path) -> None:
    member = gzip.compress(bytes(1 << 24), 1)
    (tmp_path / "a.tar.gz").write_bytes(member * 61)
    said, peak = compare_alone(
        "xt.compare.archives:compare_tar", tmp_path / "a.tar.gz", tmp_path / "a.tar.gz"
    )
    assert said.startswith("unreadable: too large to compare by its members")
    assert peak < MEMORY


def test_overlapping_members_are_refused_by_their_sum(tmp_path: Path) -> None:
    """Many names for one packed kernel, as in the zip bombs of D. Fifield (WOOT 2019)."""
    bomb(tmp_path / "one.zip", "x", b"", 50_000_000)
    data = (tmp_path / "one.zip").read_bytes()
    at = data.rindex(b"PK\1\2")
    end = data.rindex(b"PK\5\6")
    entry = data[at:end]
    entries = entry * 100
    tail = bytearray(data[end:])
    tail[8:10] = tail[10:12] = struct.pack("<H", 100)
    tail[12:16] = struct.pack("<I", len(entries))
    (tmp_path / "a.zip").write_bytes(data[:at] + entries + bytes(tail))
    said, peak = compare_alone("xt.compare.archives:compare_zip", tmp_path / "a.zip", tmp_path / "a.zip")
    assert said.startswith("unreadable: too large to compare by its members: 5000 MB or more")
    assert peak < MEMORY


def test_a_directory_of_many_names_is_refused_unread(tmp_path: Path) -> None:
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = entry * 400_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(directory), 0, 0)
    (tmp_path / "a.zip").write_bytes(directory + end)
    said, peak = compare_alone("xt.compare.archives:compare_zip", tmp_path / "a.zip", tmp_path / "a.zip")
    assert said == "unreadable: its directory is longer than 4000000 bytes"
    assert peak < 100_000_000


def test_a_large_safetensors_file_takes_little_memory(tmp_path: Path) -> None:
    size = 400_000_000
    header = b'{"w":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]}}' % (size // 4, size)
    for name, last in (("a", b"\0"), ("b", b"\1")):
        with (tmp_path / name).open("wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            file.truncate(8 + len(header) + size - 1)
            file.seek(0, 2)
            file.write(last)
    said, peak = compare_alone("xt.compare.safetensors:compare", tmp_path / "a", tmp_path / "b")
    assert said == "1 of 1 tensor differs"
    assert peak < MEMORY


def test_a_long_header_of_safetensors_takes_little_memory(tmp_path: Path) -> None:
    for name, text in (
        ("a", b'{"w":' + b"[" * 9_000_000),
        ("b", b'{"w":{"dtype":"F32","shape":[' + b"0," * 4_000_000),
    ):
        (tmp_path / name).write_bytes(len(text).to_bytes(8, "little") + text)
    for name in ("a", "b"):
        said, peak = compare_alone("xt.compare.safetensors:compare", tmp_path / name, tmp_path / name)
        assert said.startswith("unreadable: its header is not that of a safetensors file")
        assert peak < MEMORY


@pytest.mark.parametrize(
    "body", [b"}" * 490_000, b"]q\0" + b"h\0" * 240_000, b"(" * 490_000, b"\x8f" * 490_000]
)
def test_a_pickle_of_many_opcodes_takes_little_memory(tmp_path: Path, body: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x04(" + body + b"l.")
    said, peak = compare_alone("xt.compare.torch:compare", tmp_path / "a.pt", tmp_path / "a.pt")
    assert said.startswith("unreadable")
    assert peak < MEMORY
