"""Contents made to harm, wherever content is read: nothing runs, memory is bounded, an answer is given."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.conftest import SOURCE
from tests.sync.team import Side, ids
from xt import codec
from xt.model.files import Entry, Manifest, Output
from xt.model.result import Metric
from xt.store.store import sealed

#: Bytes of resident memory, the interpreter included.
MOST = 300_000_000
LEFT, RIGHT = ids(2)
_MEASURED = """
import sys
from xt.cli.main import guarded
code = guarded(sys.argv[1:])
sys.stdout.flush()
with open("/proc/self/status") as status:
    peak = next(line.split()[1] for line in status if line.startswith("VmHWM"))
print("\\npeak", peak, file=sys.stderr)
sys.exit(code)
"""


class Canary:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(side):
    head = struct.pack(">2I5B", side, side, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
        + chunk(b"IEND", b"")
    )


def tiff(side):
    tags = [(256, side), (257, side), (258, 8), (259, 1), (262, 1), (273, 8), (278, side), (279, side)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def zipped(*members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def claiming(data, size):
    at = data.rindex(b"PK\1\2")
    return data[: at + 24] + struct.pack("<I", size) + data[at + 28 :]


def npy(count):
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }" % count
    head = head.ljust(117) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head


def bombs(canary):
    """Contents by name."""
    evil = pickle.dumps(Canary(canary))
    zeros = zipped(("zeros", bytes(20_000_000)))
    nested = zipped(*((f"{number}.zip", zeros) for number in range(16)))
    for _ in range(3):
        nested = zipped(*((f"{number}.zip", nested) for number in range(16)))
    laughs = "a0: &a0 [lol]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    objects = (
        b"\x93NUMPY\1\0v\0{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(127) + b"\n" + evil
    )
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    return {
        **{
            f"evil.{suffix}": evil
            for suffix in ("pkl", "joblib", "h5", "parquet", "ckpt", "pt", "bin", "npz", "feather")
        },
        "evil.npy": objects,
        "objects.npz": zipped(("o.npy", objects)),
        "model.pt": zipped(("m/data.pkl", evil)),
        "model.keras": zipped(("config.json", b"{}"), ("w.pkl", evil)),
        "nested.zip": nested,
        "zeros.npz": claiming(zipped(("w.npy", npy(1_250_000_000) + bytes(1000))), 4_000_000_000),
        "table.csv.gz": gzip.compress(b"id,a\n" + b"1,2\n" * 5_000_000, 1, mtime=0),
        "big.png": png(60_000),
        "big.tiff": tiff(60_000),
        "laughs.yaml": laughs.encode(),
        "deep.json": b"[" * 100_000 + b"1" + b"]" * 100_000,
        "deep.yaml": b"[" * 100_000,
        "deep.toml": b"a = " + b"[" * 100_000,
        "digits.json": b'{"a": ' + b"9" * 2_000_000 + b"}",
        "header.safetensors": struct.pack("<Q", 1 << 63) + b"{}",
        "long.safetensors": struct.pack("<Q", 90_000_000) + b"{" * 1000,
        "entities.svg": f'<!DOCTYPE s [<!ENTITY e0 "lol">{entities}]><s>&e11;</s>'.encode(),
        "line.csv": b"a,b\n" + b"1," * 700_000,
        "columns.jsonl": b"".join(b'{"k%d": 1}\n' % number for number in range(12_000)),
        "note.ipynb": b'{"cells": ' + b"[" * 50_000,
    }


@pytest.fixture
def side(folder, tmp_path):
    made = Side(folder.path)
    made.project = folder
    made.canary = str(tmp_path / "canary")
    made.bombs = bombs(made.canary)
    return made


def measured(side, *words):
    """Run xt alone; give what it said. Its memory is bounded, and nothing of what it read was run."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *words],
        cwd=side.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert "a bug" not in done.stderr, done.stderr
    *_, peak = done.stderr.split()
    # macOS has no such file; there the time limit and the canary are what is tested.
    assert int(peak) * 1024 < MOST, (words, peak)
    assert not os.path.exists(side.canary)
    return done


def test_whatever_is_compared_restored_and_shown(side):
    keep = side.store.objects.put_bytes
    for run_id, last in ((LEFT, b""), (RIGHT, b"\n")):
        record = side.add(run_id)
        entries = []
        for name, data in sorted(side.bombs.items()):
            # Appended, most parsers read it all the same: the bytes differ, so it is looked into.
            entries.append(Entry(name, "file", 0o644, len(data + last), keep(data + last)))
        tree = keep(codec.encode(Manifest(entries)))
        outputs = [Output("artifact", "out", "tree", "stored", "out", tree, 1, len(entries), 0o755)]
        for entry in entries[: 1 if last else None]:
            outputs.append(
                Output("cases", entry.path, "file", "stored", entry.path, entry.digest, entry.size, 1, 0o644)
            )
        series = Metric("loss", 0.1, "XT_METRICS", count=2, series=entries[0].digest)
        made = replace(record, result=replace(record.result, outputs=outputs, metrics=[series]))
        data, _ = sealed(made)
        path = Path(side.store.path, "runs", run_id[:2], f"{run_id}.json")
        path.chmod(0o600)
        path.write_bytes(data)
        side.store.objects.settle()
    found = json.loads(measured(side, "diff", LEFT, RIGHT, "--json", "--only", "outputs").stdout)
    assert found["schema"] == "xt.diff/1"
    told = json.dumps(found)
    for name in side.bombs:
        assert f'out/{name}"' in told, name
    assert "failed with" not in told
    for name in side.bombs:
        assert measured(side, "cases", LEFT, "--output", name).returncode in (0, 1)
        break
    for words in (
        ["plot", "loss", "--runs", LEFT],
        ["show", LEFT],
        ["trace", LEFT],
        ["report", LEFT, "-o", "r.html"],
    ):
        assert measured(side, *words).returncode in (0, 1)
    # The bait works.
    pickle.loads(side.bombs["evil.pkl"])
    assert os.path.isdir(side.canary)


def test_whatever_a_run_declares(side):
    for name, data in side.bombs.items():
        (side.path / name).write_bytes(data)
    documents = [name for name in side.bombs if name.endswith((".json", ".yaml", ".toml", ".csv", ".jsonl"))]
    words = [word for name in documents for word in ("-o", f"metrics:made/{name}")]
    words += [word for name in side.bombs for word in ("-i", f"prompts:{name}")]
    words += ["--metrics", "tensorboard:made", "--metrics", "mlflow:made", "--metrics", "wandb:made"]
    (side.path / "made").mkdir()
    script = f"cp {' '.join(documents)} made/"
    done = measured(side, "run", *words, "--", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    for name in ("laughs.yaml", "deep.json"):
        done = measured(side, "run", "-p", name, "--", "true")
        assert done.returncode in (0, 125), done.stderr
        assert done.returncode == 0 or name in done.stderr
    assert measured(side, "bundle", "show", "prompts", "--text").returncode in (0, 1)
