"""`xt fsck`: every kind of damage is found, with exactly the runs that are affected, and nothing else."""

from __future__ import annotations

import os
import shutil
import time

import pytest
import zstandard

from tests.fsck_store import changed_text, everything, flip, kept, rewrite
from xt.store.store import Store, sealed

CODE = {"A": ["code"], "B": ["code"]}
HOURS_AGO = time.time() - 7200


@pytest.fixture
def there(tmp_path_factory, tmp_path):
    return kept(tmp_path_factory.getbasetemp(), tmp_path)


def replaced(path, make):
    path.unlink()
    make(path)


def lying(path):
    """A compressed content that says it is larger than what is compressed here."""
    rewrite(path, zstandard.ZstdCompressor().compress(b"\0" * (9 << 20)))


def other_zst(path):
    rewrite(path, zstandard.ZstdCompressor(write_checksum=True).compress(b"something else" * 400))


def resealed(there, change):
    """A record that was changed, and sealed again."""
    record = Store(str(there.store)).record(there.a)
    data, _ = sealed(change(record))
    rewrite(there.record_path(there.a), data)


def manifest_entry(there):
    return there.inner(there.a, "a.txt")


MODEL, PLOT = {"A": ["outputs: model.bin"]}, {"A": ["outputs: plots/a.txt"]}
PLOTS = {"A": ["outputs: plots (the list of its files)"]}
TABLE, LOG = {"A": ["outputs: table.csv"]}, {"A": ["log: stdout"]}
ALL = {"A": []}

#: What is done to a store, and what is found: code and runs.
DAMAGE = {
    "a bit of a content": (lambda s: flip(s.output(s.a, "model.bin")), "object-damaged", MODEL),
    "a bit of a compressed one": (lambda s: flip(s.output(s.a, "table.csv")), "object-damaged", TABLE),
    "a bit of a log": (lambda s: flip(s.log(s.a)), "object-damaged", LOG),
    "a cut content": (lambda s: rewrite(s.output(s.a, "model.bin"), b"abc"), "object-damaged", MODEL),
    "an empty content": (lambda s: rewrite(s.output(s.a, "model.bin"), b""), "object-damaged", MODEL),
    "an empty compressed one": (lambda s: rewrite(s.output(s.a, "table.csv"), b""), "object-damaged", TABLE),
    "a lie about a size": (lambda s: lying(s.output(s.a, "table.csv")), "object-damaged", TABLE),
    "another compressed content": (lambda s: other_zst(s.output(s.a, "table.csv")), "object-damaged", TABLE),
    "a folder for a content": (
        lambda s: replaced(s.output(s.a, "model.bin"), lambda p: p.mkdir()),
        "object-damaged",
        MODEL,
    ),
    "a link for a content": (
        lambda s: replaced(s.output(s.a, "model.bin"), lambda p: p.symlink_to(s.output(s.b, "model.bin"))),
        "object-damaged",
        MODEL,
    ),
    "a FIFO for a content": (
        lambda s: replaced(s.output(s.a, "model.bin"), os.mkfifo),
        "object-damaged",
        MODEL,
    ),
    "a content that is gone": (lambda s: s.output(s.a, "model.bin").unlink(), "object-missing", MODEL),
    "a manifest that is gone": (lambda s: s.output(s.a, "plots").unlink(), "object-missing", PLOTS),
    "a bit of a manifest": (lambda s: flip(s.output(s.a, "plots")), "object-damaged", PLOTS),
    "an entry that is gone": (lambda s: manifest_entry(s).unlink(), "object-missing", PLOT),
    "a bit of an entry": (lambda s: flip(manifest_entry(s)), "object-damaged", PLOT),
    "a bit of a record": (lambda s: flip(s.record_path(s.a)), "record-damaged", ALL),
    "a bit of a seal": (
        lambda s: flip(s.record_path(s.a), s.record_path(s.a).read_bytes().index(b'"seal":"blake3:') + 20),
        "record-damaged",
        ALL,
    ),
    "a cut record": (
        lambda s: rewrite(s.record_path(s.a), s.record_path(s.a).read_bytes()[:-5]),
        "record-damaged",
        ALL,
    ),
    "an empty record": (lambda s: rewrite(s.record_path(s.a), b""), "record-damaged", ALL),
    "the record of another run": (
        lambda s: rewrite(s.record_path(s.a), s.record_path(s.b).read_bytes()),
        "record-damaged",
        ALL,
    ),
    "a folder for a record": (
        lambda s: replaced(s.record_path(s.a), lambda p: p.mkdir()),
        "record-damaged",
        ALL,
    ),
    "a link for a record": (
        lambda s: replaced(s.record_path(s.a), lambda p: p.symlink_to(s.record_path(s.b))),
        "record-damaged",
        ALL,
    ),
    "a FIFO for a record": (lambda s: replaced(s.record_path(s.a), os.mkfifo), "record-damaged", ALL),
    "a bit of code": (lambda s: flip(s.code_blob(changed_text())), "code-damaged", CODE),
    "an empty blob of code": (lambda s: rewrite(s.code_blob(changed_text()), b""), "code-damaged", CODE),
    "code that is gone": (lambda s: s.code_blob(changed_text()).unlink(), "code-missing", CODE),
    "code that the project lost": (lambda s: shutil.rmtree(s.path / ".git"), "code-missing", CODE),
    "garbage for an index": (
        lambda s: rewrite(s.store / "cache/index.db", b"garbage" * 1000),
        "index-damaged",
        {},
    ),
    "half an index": (
        lambda s: rewrite(
            s.store / "cache/index.db", (s.store / "cache/index.db").read_bytes()[:20_000] + bytes(20_000)
        ),
        "index-damaged",
        {},
    ),
    "no key": (lambda s: (s.store / "key").unlink(), "key-missing", {}),
    "a short key": (lambda s: rewrite(s.store / "key", b"short"), "key-damaged", {}),
    "no format": (lambda s: (s.store / "format").unlink(), "format-missing", {}),
    "garbage for a format": (lambda s: rewrite(s.store / "format", b"\0\1\2"), "format-damaged", {}),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found_and_nothing_else_is_accused(there, what):
    damage, code, runs = DAMAGE[what]
    damage(there)
    before = everything(there.store)
    status, found = there.fsck()
    assert there.told(found) == [(code, runs)]
    assert status == 1
    page = there.xt("fsck").out.decode()
    assert code in page
    for run in (there.a, there.b):
        assert run[:4] in page or there.names[run] not in runs
    assert everything(there.store) == before


def test_nothing_is_wrong_with_a_good_store(there):
    before = everything(there.path)
    done = there.xt("fsck")
    assert done.code == 0
    assert done.out.decode().startswith("2 runs, ")
    assert "nothing wrong" in done.out.decode()
    assert done.out.count(b"\n") == 1
    assert there.fsck("--deep")[1]["findings"] == []
    assert everything(there.path) == before
