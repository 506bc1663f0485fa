"""What holds for every comparator of the table; a new one gets its tests by having a sample here."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from xt.compare import COMPARATORS, Rule
from xt.compare.closeness import close
from xt.compare.closeness_arrays import close_floats
from xt.compare.content import Held
from xt.compare.contents import compare, row_for
from xt.model.delta import RELATIONS, Delta


def written(write):
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def npz(**arrays):
    return written(lambda buffer: np.savez(buffer, **arrays))


def safetensors(values):
    data = np.asarray(values, np.float32).tobytes()
    header = json.dumps({"w": {"dtype": "F32", "shape": [len(values)], "data_offsets": [0, len(data)]}})
    return struct.pack("<Q", len(header)) + header.encode() + data


def zipped(name, data):
    def write(buffer):
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(zipfile.ZipInfo(name), data)

    return written(write)


def tarred(name, data):
    def write(buffer):
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))

    return written(write)


def checkpoint(values):
    """A state that says nothing but numbers: protocol 2 of pickle, `{'lr': VALUE}`."""
    pickled = b"\x80\x02}q\x00X\x02\x00\x00\x00lrq\x01G" + struct.pack(">d", values[0]) + b"s."
    return zipped("archive/data.pkl", pickled)


#: By row of the table: file name, content, content with one number a little larger.
SAMPLES = {
    "json": ("a.json", b'{"x": 1.0, "y": 2}', b'{"x": 1.0001, "y": 2}'),
    "yaml": ("a.yaml", b"x: 1.0\ny: 2\n", b"x: 1.0001\ny: 2\n"),
    "toml": ("a.toml", b"x = 1.0\n", b"x = 1.0001\n"),
    "csv": ("a.csv", b"id,x\n1,1.0\n", b"id,x\n1,1.0001\n"),
    "jsonl": ("a.jsonl", b'{"x": 1.0}\n', b'{"x": 1.0001}\n'),
    "parquet": (
        "a.parquet",
        *(written(lambda to, x=x: pq.write_table(pa.table({"x": [x]}), to)) for x in (1.0, 1.0001)),
    ),
    "npy": ("a.npy", *(written(lambda to, x=x: np.save(to, np.array([x]))) for x in (1.0, 1.0001))),
    "npz": ("a.npz", npz(w=np.array([1.0])), npz(w=np.array([1.0001]))),
    "safetensors": ("a.safetensors", safetensors([1.0]), safetensors([1.0001])),
    "torch": ("a.pt", checkpoint([1.0]), checkpoint([1.0001])),
    "image": (
        "a.png",
        *(written(lambda to, x=x: Image.new("L", (9, 9), x).save(to, "png")) for x in (100, 101)),
    ),
    "zip": ("a.zip", zipped("m.txt", b"1.0\n"), zipped("m.txt", b"1.0001\n")),
    "tar": ("a.tar", tarred("m.txt", b"1.0\n"), tarred("m.txt", b"1.0001\n")),
    "text": ("a.txt", b"x 1.0\n", b"x 1.0001\n"),
    "bytes": ("a.dat", b"\x00\x01", b"\x00\x02"),
}
#: Those that know numbers, and so tolerances.
NUMERIC = sorted(set(SAMPLES) - {"bytes"})
ROWS = [row.name for row in COMPARATORS]


def between(name, left, right, rule=Rule()):  # noqa: B008  (it is frozen)
    return compare(Held(name, left), Held(name, right), rule, "outputs/a")


def test_every_comparator_has_a_sample():
    assert list(SAMPLES) == ROWS


@pytest.mark.parametrize("kind", ROWS)
def test_the_name_chooses_it(kind):
    row = row_for(SAMPLES[kind][0])
    assert row is None if kind in ("text", "bytes") else row is not None and row.name == kind


@pytest.mark.parametrize("kind", ROWS)
def test_the_same_bytes_are_the_same(kind):
    name, one, _ = SAMPLES[kind]
    assert between(name, one, one) == Delta("outputs/a", "same")


@pytest.mark.parametrize("kind", ROWS)
def test_a_difference_is_said_with_where_it_is(kind):
    name, one, other = SAMPLES[kind]
    for found in (between(name, one, other), between(name, other, one)):
        assert found.relation == "changed"
        assert found.note or found.measures
        assert not (found.note or "").startswith("compared by"), found.note
        assert all(child.path.startswith("outputs/a") for child in found.children)


@pytest.mark.parametrize("kind", NUMERIC)
def test_within_its_tolerance_it_is_within_and_says_how_far(kind):
    name, one, other = SAMPLES[kind]
    rule = Rule(atol=2.0) if kind == "image" else Rule(atol=1e-3)
    for found in (between(name, one, other, rule), between(name, other, one, rule)):
        assert found.relation == "within"
        parts = [found, *found.children, *(part for child in found.children for part in child.children)]
        assert any(part.measures for part in parts)
    exact = between(name, one, other, Rule(atol=2.0, exact=True))
    assert exact.relation == "changed"


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("harm", ["empty", "cut", "garbage"])
def test_what_is_not_what_its_name_says_is_changed_and_never_a_crash(kind, harm):
    name, one, _ = SAMPLES[kind]
    # The second half of a tar is padding, without which it is whole.
    half = 515 if kind == "tar" else len(one) // 2
    broken = {"empty": b"", "cut": one[:half], "garbage": b"\xff\x00{<\n" * 40}[harm]
    for found in (between(name, one, broken), between(name, broken, one)):
        assert found.relation == "changed", found
        assert between(name, one, broken, Rule(rtol=1.0, atol=1.0)).relation == "changed"


@pytest.mark.parametrize("kind", ROWS)
@given(left=st.binary(max_size=300), right=st.binary(max_size=300))
def test_any_bytes_get_an_answer(kind, left, right):
    if kind in ("parquet", "image"):
        return  # a process each: their own tests harm files on purpose
    found = between(SAMPLES[kind][0], left, right)
    assert found.relation in RELATIONS
    assert (found.relation == "same") == (left == right)


@given(
    st.floats(allow_subnormal=True),
    st.floats(allow_subnormal=True),
    st.sampled_from([0.0, 1e-9, 0.5, 1e300]),
    st.sampled_from([0.0, 1e-9, 0.5]),
    st.sampled_from([0, 1, 1000]),
)
def test_one_number_and_an_array_of_one_are_judged_by_one_law(left, right, atol, rtol, ulp):
    rule = Rule(rtol=rtol, atol=atol, ulp=ulp)
    [found] = close_floats(np.array([left]), np.array([right]), rule)
    assert bool(found) == close(left, right, rule)
