"""Whatever names and texts a file holds, what is said of it can be written as JSON."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import tarfile

import pytest

from tests.conftest import SOURCE
from xt import codec
from xt.compare import Rule
from xt.compare.content import Held
from xt.compare.contents import compare

HALF = "\ud800"


def tarred(name, data):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def safetensors(name, value):
    header = json.dumps({name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + struct.pack("<f", value)


@pytest.mark.parametrize(
    ("name", "left", "right"),
    [
        ("a.json", json.dumps({HALF: 1}).encode(), json.dumps({HALF: HALF}).encode()),
        ("a.jsonl", json.dumps({HALF: HALF}).encode(), json.dumps({HALF: "x"}).encode()),
        ("a.yaml", b'"\\ud800": 1\n', b'"\\ud800": "\\udfff"\n'),
        ("a.csv", b"a\xff,b\n1,2\n", b"a\xff,b\n1,\xfe\n"),
        ("a.txt", b"\xff one\n", b"\xfe two\n"),
        ("a.tar", tarred("caf\udce9", b"1"), tarred("caf\udce9", b"2")),
        ("a.safetensors", safetensors(HALF, 1.0), safetensors(HALF, 2.0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_names_that_are_no_text_can_be_written(name, left, right):
    found = compare(Held(name, left), Held(name, right), Rule(), "outputs/a")
    assert found.relation == "changed"
    assert codec.encode(found)


@pytest.mark.parametrize(
    ("name", "left", "right"),
    [
        ("a.json", '{"x": 1}', '{"x": 2}'),
        ("a.yaml", "x: 1", "x: 2"),
        ("a.toml", "x = 1", "x = 2"),
        ("a.csv", "x\n1\n", "x\n2\n"),
        ("a.jsonl", '{"x": 1}\n', '{"x": 2}\n'),
        ("a.txt", "a\n", "b\n"),
        ("a.dat", "\0a", "\0b"),
    ],
)
def test_what_needs_no_extra_loads_none(name, left, right):
    script = f"""
import sys
for gone in ("numpy", "pyarrow", "PIL"):
    sys.modules[gone] = None
from xt.compare import Rule
from xt.compare.content import Held
from xt.compare.contents import compare
found = compare(Held({name!r}, {left.encode()!r}), Held({name!r}, {right.encode()!r}), Rule(), "outputs/a")
assert found.relation == "changed", found
assert "compared by" not in (found.note or ""), found
assert found.hint is None or "pip" not in found.hint, found
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": SOURCE}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_an_archive_of_texts_needs_no_extra():
    script = f"""
import sys
sys.modules["numpy"] = None
from xt.compare import Rule
from xt.compare.content import Held
from xt.compare.contents import compare
left, right = Held("a.tar", {tarred("m.txt", b"1")!r}), Held("a.tar", {tarred("m.txt", b"2")!r})
found = compare(left, right, Rule(), "o")
assert "compared by" not in (found.note or ""), found
assert found.children, found
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": SOURCE}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
