"""What it costs to look after a store of 10,000 runs, and one with many contents."""

from __future__ import annotations

import os
import time

import msgspec

from tests.benchmarks.cases.listing import clone
from tests.benchmarks.clock import FailedError, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import Project, World

ASKED = {
    "`xt fsck`": ("fsck",),
    "`xt fsck --deep`": ("fsck", "--deep"),
    "`xt gc --dry-run`": ("gc", "--dry-run"),
    "`xt du`": ("du",),
}


def measure(world: World) -> list[Row]:
    """Is it whole, what may go, where is the room: with the log and an output of every run."""
    count = world.many(10_000)
    project = world.project("upkeep")
    project.files("src", 50, 2000)
    project.write("work.sh", "echo one line; echo 1 > out.txt\n")
    project.sh("echo out.txt > .gitignore")
    project.commit()
    project.sh(f"{world.xt} run -q -m x -t sweep -o out.txt -- sh work.sh")
    clone(project, count)
    project.sh(f"{world.xt} ls")
    steps, missing = [], set()
    for what, words in ASKED.items():
        try:
            project.sh(f"{world.xt} {' '.join(words)}")
        except FailedError as error:
            if "no command" not in str(error):
                raise
            missing.add(what)
            continue
        steps.append(project.xt(what, *words))
    found = rounds(steps, world.many(3)) if steps else {}
    project.remove()
    rows = []
    for what in ASKED:
        name = f"{what} of {count:,} runs"
        if what in missing:
            rows.append(Row(name, None, "s", note="this xt has no such command"))
        else:
            rows.append(Row(name, found[what].wall, "s", None, found[what]))
            rows.append(Row("its memory", found[what].peak, "MB"))
    return rows + contents(world)


def contents(world: World) -> list[Row]:
    """The same with many contents in few runs, a hundredth of which nobody names; once."""
    count = world.many(world.objects)
    project = world.project("contents")
    project.write("out.txt", "1\n")
    project.sh(f"{world.xt} run -q -m x -o out.txt -- true")
    fill(project, count)
    found = rounds([project.xt(what, *words) for what, words in ASKED.items()], 1)
    project.remove()
    rows = []
    for what in ASKED:
        rows.append(Row(f"{what} of {count:,} contents", found[what].wall, "s", None, found[what]))
        rows.append(Row("its memory", found[what].peak, "MB"))
    return rows


def fill(project: Project, count: int) -> None:
    """Write the only run of a store again under new ids, each with a folder of contents of its own."""
    from xt import codec
    from xt.model import runid
    from xt.model.files import Entry, Manifest
    from xt.model.result import Record
    from xt.store import Store
    from xt.store.store import sealed

    store = Store.open(project.store)
    [only] = store.ids()
    record = store.record(only)
    assert isinstance(record, Record)
    old = time.time() - 5 * 86_400

    def put(data: bytes) -> str:
        digest = codec.digest(data)
        path = store.objects.name(digest)
        with open(path, "wb") as file:
            file.write(data)
        os.utime(path, (old, old))
        return digest

    for first in range(256):
        os.makedirs(f"{project.store}/objects/{first:02x}", 0o700, exist_ok=True)
    each = 300
    for number in range(count // each):
        texts = [b"%d of %d\n" % (place, number) for place in range(each)]
        entries = [
            Entry(f"part{place:03}.txt", "file", 0o644, len(text), put(text))
            for place, text in enumerate(texts)
        ]
        tree = put(codec.encode(Manifest(entries)))
        [output] = record.result.outputs
        output = msgspec.structs.replace(
            output, kind="tree", digest=tree, size=sum(map(len, texts)), files=each, mode=None
        )
        result = msgspec.structs.replace(record.result, outputs=[output])
        run_id = runid.make(os.urandom(runid.LENGTH // 2))
        folder = f"{project.store}/runs/{run_id[:2]}"
        os.makedirs(folder, 0o700, exist_ok=True)
        with open(f"{folder}/{run_id}.json", "wb") as sealed_file:
            sealed_file.write(sealed(msgspec.structs.replace(record, id=run_id, result=result))[0])
    for number in range(count // 100):
        put(b"nobody names %d\n" % number)
