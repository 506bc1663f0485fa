"""`xt fsck`: every kind of damage is found, with exactly the runs that are affected, and nothing else."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest
import zstandard

from tests.fsck_store import OUTPUTS, changed_text, everything, flip, kept, rewrite
from xt.store import trash
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
    "a FIFO for a blob of code": (
        lambda s: replaced(s.code_blob(changed_text()), os.mkfifo),
        "code-damaged",
        CODE,
    ),
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
    "a FIFO for an index": (lambda s: replaced(s.store / "cache/index.db", os.mkfifo), "index-damaged", {}),
    "no key": (lambda s: (s.store / "key").unlink(), "key-missing", {}),
    "a short key": (lambda s: rewrite(s.store / "key", b"short"), "key-damaged", {}),
    "no format": (lambda s: (s.store / "format").unlink(), "format-missing", {}),
    "garbage for a format": (lambda s: rewrite(s.store / "format", b"\0\1\2"), "format-damaged", {}),
}


#: What a remote has too, so that it comes back.
SHARED = [
    what
    for what, (_, code, _) in DAMAGE.items()
    if code.startswith(("object-", "record-"))
    or what in ("a bit of code", "a FIFO for a blob of code", "code that is gone")
]
#: What need not be as it was.
DERIVED = ("cache", "tmp", "quarantine", "gc.lock", "code.git")


def own(there):
    """All of the store that must come back byte for byte."""
    return {
        name: (mode, content)
        for name, (mode, _, _, content) in everything(there.store).items()
        if not name.startswith(DERIVED)
    }


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found_with_its_runs_and_comes_back(there, what):
    damage, code, runs = DAMAGE[what]
    good = own(there)
    damage(there)
    before = everything(there.store)
    status, found = there.fsck()
    assert (status, there.told(found)) == (1, [(code, runs)])
    assert everything(there.store) == before
    if what not in SHARED and not code.startswith(("index-", "format-", "key-")):
        return
    words = ("--repair", "--from", str(there.path.parent / "remote"))
    status, found = there.fsck(*words)
    assert (status, there.told(found)) == (0, [(code, runs)])
    assert all(one["repaired"] for one in found["findings"] if one["fault"])
    if not code.startswith("key-"):
        assert own(there) == good
    status, found = there.fsck("--deep")
    assert (status, there.told(found)) == (0, [])


def test_nothing_is_wrong_with_a_good_store(there):
    before = everything(there.path)
    done = there.xt("fsck")
    assert (done.code, done.err) == (0, "")
    assert done.out.decode().startswith("2 runs, ")
    assert "nothing wrong" in done.out.decode()
    assert done.out.count(b"\n") == 1
    assert there.fsck("--deep")[1]["findings"] == []
    assert everything(there.path) == before


def test_all_damage_at_once_is_told_on_a_page(there):
    for what in ("a bit of a content", "an entry that is gone", "a bit of a log", "half an index", "no key"):
        DAMAGE[what][0](there)
    there.write(".xt/odd\x1b[31m", "")
    pages = [there.xt("fsck", env={"COLUMNS": width}) for width in ("80", "40")]
    for done, width in zip(pages, (80, 40), strict=True):
        assert done.code == 1
        page = done.out.decode()
        assert "\x1b" not in page
        assert max(map(len, page.splitlines())) <= width
        assert f"run {there.a[:4]}" in page
        assert there.b[:4] not in page
    page = pages[0].out.decode()
    assert "outputs: plots/a.txt" in page
    assert "5 faults, 1 run affected" in page
    assert "`xt fsck --repair`" in page
    assert not list((there.store / "objects").glob("*/*.tmp"))


def test_a_content_under_another_name(there):
    path = there.output(there.a, "model.bin")
    other = path.with_name(path.name[:2] + "0" * 62)
    path.rename(other)
    assert there.told(there.fsck()[1]) == [("object-damaged", {}), ("object-missing", MODEL)]
    status, found = there.fsck("--repair")
    assert (status, there.told(found)) == (1, [("object-damaged", {}), ("object-missing", MODEL)])
    assert [one["repaired"] for one in found["findings"]] == ["nobody needs it", None]


def test_a_content_and_a_record_in_other_folders_are_put_in_their_places(there):
    good = own(there)
    path, record = there.output(there.a, "table.csv"), there.record_path(there.b)
    (there.store / "objects/zz").mkdir()
    path.rename(there.store / "objects/zz" / path.name)
    (there.store / "runs/kk").mkdir(exist_ok=True)
    record.rename(there.store / "runs/kk/saved.json")
    assert there.told(there.fsck()[1]) == [
        ("object-misplaced", {}),
        ("object-missing", TABLE),
        ("record-misplaced", {"B": []}),
    ]
    status, found = there.fsck("--repair")
    assert status == 0
    assert {one["code"] for one in found["findings"] if one["repaired"]} == {
        *("object-misplaced", "object-missing", "record-misplaced")
    }
    shutil.rmtree(there.store / "objects/zz")
    shutil.rmtree(there.store / "runs/kk", ignore_errors="kk" in (there.a[:2], there.b[:2]))
    assert {name: found for name, found in own(there).items() if name in good} == good
    assert there.fsck()[1]["findings"][0]["code"] == "quarantined"


def large(there, size=9 << 20):
    """A run with one content that is only read with `--deep`."""
    script = f"import random; open('big.bin', 'wb').write(random.randbytes({size}))"
    assert there.run("-q", "-o", "big.bin", "--", sys.executable, "-c", script).code == 0
    run = there.record()["id"]
    there.names[run] = "C"
    return there.output(run, "big.bin")


def test_a_large_content_is_read_with_deep_and_its_size_is_seen_without(there):
    path = large(there)
    (there.path / "big.bin").unlink()
    big = {"C": ["outputs: big.bin"]}
    data = path.read_bytes()
    done = there.xt("fsck")
    assert "1 of them over 8 MB by size only: --deep reads them" in " ".join(done.out.decode().split())
    flip(path)
    assert there.fsck()[0] == 0
    status, found = there.fsck("--deep")
    assert (status, there.told(found), found["checked"]["by_size"]) == (1, [("object-damaged", big)], 0)
    rewrite(path, data[: -(1 << 19)])
    status, found = there.fsck()
    assert (status, there.told(found)) == (1, [("object-damaged", big)])
    assert found["findings"][0]["message"] == f"it has {len(data) - (1 << 19)} bytes instead of {len(data)}"
    # The project has it: so it comes back without any remote.
    (there.path / "big.bin").write_bytes(data)
    status, found = there.fsck("--repair")
    assert status == 0
    assert found["findings"][0]["repaired"] == f"taken from `{there.path}/big.bin`"
    assert path.read_bytes() == data


def test_without_a_remote_it_is_put_aside_and_a_new_run_heals_it(there):
    flip(there.output(there.a, "model.bin"))
    flip(there.output(there.b, "model.bin"))
    there.output(there.a, "table.csv").unlink()
    lost = [("object-missing", {**MODEL}), ("object-missing", TABLE), ("object-missing", {"B": MODEL["A"]})]
    status, found = there.fsck("--repair")
    assert status == 1
    for one in found["findings"]:
        assert one["repaired"] is None
        assert not os.path.lexists(there.store / one["path"])
        assert one["code"] == "object-missing" or os.path.lexists(there.store / one["aside"])
    again = [there.fsck(*words) for words in ((), ("--repair",))]
    for status, found in again:
        assert status == 1
        assert sorted(map(str, there.told(found))) == sorted(map(str, lost))
    assert there.run("-q", *OUTPUTS, "--", "python3", "train.py", "1").code == 0
    status, found = there.fsck("--deep")
    assert (status, there.told(found)) == (1, [lost[2]])


def test_the_trash_gives_back_what_is_wanted(there):
    path = there.output(there.a, "table.csv")
    trash.put(str(there.store), str(path.relative_to(there.store)))
    assert there.told(there.fsck()[1]) == [("object-missing", TABLE)]
    status, found = there.fsck("--repair")
    assert (status, found["findings"][0]["repaired"]) == (0, "put back from the trash")
    assert path.exists()


def test_packed_code(there):
    remote = str(there.path.parent / "remote")
    there.code_blob(changed_text()).unlink()
    assert there.fsck("--repair", "--from", remote)[0] == 0
    (pack,) = (there.store / "code.git/objects/pack").glob("*.pack")
    assert there.fsck("--deep")[1]["findings"] == []
    flip(pack.with_suffix(".idx"))
    assert "code-damaged" in dict(there.told(there.fsck()[1]))
    status, found = there.fsck("--repair")
    assert (status, found["findings"][0]["repaired"]) == (0, "made anew from the pack")
    flip(pack)
    assert there.told(there.fsck()[1]) == [("code-damaged", CODE)]
    # The project has the file still as it ran.
    status, found = there.fsck("--repair")
    assert (status, found["findings"][0]["repaired"]) == (0, f"taken from `{there.path}`")
    assert there.told(there.fsck("--deep")[1]) == []


def test_what_code_borrows_is_read_with_deep(there):
    oid = there.sh("git rev-parse HEAD:prompts.md").strip()
    blob = there.path / f".git/objects/{oid[:2]}/{oid[2:]}"
    rewrite(blob, __import__("zlib").compress(b"blob 9\0be wordy\n"[:16]))
    assert there.fsck()[0] == 0
    status, found = there.fsck("--deep")
    assert (status, there.told(found)) == (1, [("code-damaged", CODE)])
    assert "git fsck" in there.fsck("--deep", "--repair")[1]["findings"][0]["hint"]


@pytest.mark.parametrize("name", ["HEAD", "config", "info/attributes"])
def test_what_makes_it_a_repository(there, name):
    path = there.store / "code.git" / name
    data = path.read_bytes()
    flip(path, 3)
    assert there.told(there.fsck()[1]) == [("code-damaged", {})]
    assert there.fsck("--repair")[0] == 0
    assert path.read_bytes() == data


def event_of(there, ending):
    (path,) = (there.store / "events").glob(f"*/*/*{ending}")
    return path


@pytest.mark.parametrize(
    ("damage", "code", "runs"),
    [
        (lambda path: rewrite(path, b"nonsense"), "event-damaged", {}),
        (lambda path: rewrite(path, b""), "event-damaged", {}),
        (lambda path: rewrite(path, b"[" * 100_000), "event-damaged", {}),
        (lambda path: replaced(path, lambda path: path.mkdir()), "event-damaged", {}),
        (lambda path: replaced(path, os.mkfifo), "event-damaged", {}),
        (
            lambda path: rewrite(path, path.read_bytes().replace(b'"id":"2026', b'"id":"2025')),
            "event-damaged",
            {"A": 1},
        ),
        (lambda path: rewrite(path, path.read_bytes().replace(b"gold", b"lead")), "event-changed", {"A": 1}),
    ],
)
def test_a_statement_that_is_no_good(there, damage, code, runs):
    path = event_of(there, ".tagged.json")
    data = path.read_bytes()
    damage(path)
    status, found = there.fsck()
    told = [(code, {run: ["what was said of it"] for run in runs})]
    assert (status, there.told(found)) == (1, told)
    status, found = there.fsck("--repair", "--from", str(there.path.parent / "remote"))
    assert (status, there.told(found)) == (0, told)
    assert path.read_bytes() == data
    assert there.told(there.fsck()[1]) == []


def test_statements_of_a_newer_xt_and_of_runs_that_are_not_here(there):
    folder = event_of(there, ".tagged.json").parent
    stamp = folder.parent.name + folder.name + "26093000000000"
    for name, more in (("1", ""), ("2", f',"run":"{"k" * 16}"')):
        text = f'{{"at":"x","by":null,"id":"{stamp}-0000000{name}","kind":"praised"{more}}}'
        (folder / f"{stamp}-0000000{name}.praised.json").write_text(text)
    status, found = there.fsck()
    assert (status, there.told(found)) == (0, [])
    assert [code for code, _ in there.told(found, faults=False)] == ["event-newer", "event-newer"]
    (folder / f"{stamp}-00000003.noted.json").write_text(
        f'{{"at":"2026-11-26T09:30:00.000000Z","by":null,"id":"{stamp}-00000003","kind":"noted",'
        f'"run":"{"k" * 16}","text":"x"}}'
    )
    status, found = there.fsck()
    assert (status, [code for code, _ in there.told(found, faults=False)][2:]) == (0, ["event-unheld"]), str(
        found["findings"]
    )


def index_of(there):
    return sqlite3.connect(there.store / "cache/index.db")


def test_an_index_that_disagrees(there):
    with index_of(there) as db:
        n = db.execute("SELECT n FROM runs WHERE id = ?", (there.a,)).fetchone()[0]
        db.execute("UPDATE files SET role = 'model' WHERE n = ?", (n,))
    db.close()
    assert there.fsck()[0] == 0
    said = {"A": ["what lists and searches say of it"]}
    assert there.told(there.fsck("--deep")[1]) == [("index-disagrees", said)]
    with index_of(there) as db:
        db.execute("UPDATE shown SET summary = (SELECT summary FROM shown WHERE n <> ?) WHERE n = ?", (n, n))
    db.close()
    assert there.told(there.fsck()[1]) == [("index-disagrees", said)]
    assert there.fsck("--repair")[0] == 0
    assert there.fsck("--deep")[1]["findings"] == []


def settle(there):
    """Make the index sure of what it has seen: folders that changed long ago are not listed again."""
    for folder in (there.store / "runs").iterdir():
        os.utime(folder, (HOURS_AGO, HOURS_AGO))
    assert there.xt("ls").code == 0


def test_an_index_that_has_a_run_too_many_or_too_few(there):
    settle(there)
    with index_of(there) as db:
        db.execute("DELETE FROM runs WHERE id = ?", (there.a,))
    db.close()
    kept = there.record_path(there.b)
    times = kept.parent.stat()
    kept.unlink()
    os.utime(kept.parent, ns=(times.st_atime_ns, times.st_mtime_ns))
    said = ["what lists and searches say of it"]
    status, found = there.fsck()
    both = [("index-disagrees", {"A": said, "B": said}), ("record-missing", {"B": []})]
    assert (status, there.told(found)) == (1, both)
    assert there.fsck("--repair")[0] == 1
    assert there.fsck()[0] == 0


def test_a_record_that_is_gone(there):
    good = own(there)
    there.record_path(there.a).unlink()
    assert there.told(there.fsck()[1]) == [("record-missing", ALL)]
    status, found = there.fsck("--repair", "--from", str(there.path.parent / "remote"))
    assert (status, there.told(found)) == (0, [("record-missing", ALL)])
    assert own(there) == good
    there.xt("rm", there.b)
    assert there.xt("gc", "--grace", "1h").code == 0
    assert not there.record_path(there.b).exists()
    assert there.told(there.fsck()[1]) == []


@pytest.mark.parametrize("name", ["objects", "runs", "live", "cache", "events"])
def test_a_file_in_place_of_a_folder(there, name):
    shutil.rmtree(there.store / name)
    (there.store / name).write_text("x")
    status, found = there.fsck()
    assert (status, there.told(found)[0][0]) == (1, "folder-damaged")
    assert there.xt("fsck").code == 1
    there.fsck("--repair", "--from", str(there.path.parent / "remote"))
    status, found = there.fsck()
    assert (status, there.told(found)) == (0, [])
    assert (there.store / "quarantine" / name).read_text() == "x"


def test_what_the_index_has_not_been_asked_for_yet_is_no_disagreement(there):
    assert there.run("-q", "--", "true").code == 0
    there.xt("tag", there.b, "new")
    assert there.fsck("--deep")[1]["findings"] == []


#: Leaves a transaction that was begun, with pages of it in the file: its journal must be played back.
KILLED = """\
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 1")
db.execute("PRAGMA cache_spill = 1")
db.execute("BEGIN")
db.execute("UPDATE shown SET summary = randomblob(50000)")
db.execute("UPDATE runs SET name = randomblob(50000)")
os._exit(9)
"""


def test_an_index_whose_writer_was_killed(there):
    path = there.store / "cache/index.db"
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert path.with_name("index.db-journal").stat().st_size > 0
    before = everything(there.store)
    status, found = there.fsck("--deep")
    assert (status, found["findings"]) == (0, [])
    assert everything(there.store) == before


def test_an_index_of_the_future_and_one_that_somebody_holds(there):
    with index_of(there) as db:
        db.execute("PRAGMA user_version = 99")
    assert there.told(there.fsck()[1], faults=False) == [("index-old", {})]
    there.xt("ls")
    db.execute("BEGIN EXCLUSIVE")
    status, found = there.fsck()
    assert (status, there.told(found, faults=False)) == (0, [("index-busy", {})])
    db.close()
