"""What it costs to pass output on and to keep it."""

from __future__ import annotations

import shlex

from tests.benchmarks.clock import FailedError, paired, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import MEGABYTE, Project, World

LINE = "epoch 17 step 0421 loss 0.03125 acc 0.98\\n"
#: Large writes, as a program makes them that fills a buffer.
BULK = f"""import os, sys
data = memoryview((b"{LINE}" * 30000)[:1 << 20])
left = int(sys.argv[1])
while left:
    left -= os.write(1, data[:left])
"""
#: One system call for each line, as a program makes them that flushes; Python because it is there everywhere.
LINES = f"""import os, sys
write, line = os.write, b"{LINE}"
for _ in range(int(sys.argv[1])):
    write(1, line)
"""
#: Bytes of LINE.
WIDTH = 41


def measure(world: World) -> list[Row]:
    """500 MB in large pieces, and 2 million flushed lines; each against `| tee FILE`."""
    project = world.project("output")
    size = world.bytes(500 * MEGABYTE)
    bulk = [*project.program("bulk.py", BULK), str(size)]
    lines = world.bytes(2_000_000)
    flushed = [*project.program("lines.py", LINES), str(lines)]
    project.commit()
    rows = [
        *against_tee(project, f"{size / 1e6:g} MB of output", bulk, size),
        *against_tee(project, f"{lines:,} lines, each flushed", flushed, lines * WIDTH),
    ]
    project.remove()
    return rows


def against_tee(project: Project, what: str, argv: list[str], size: int) -> list[Row]:
    """Measure one writer."""
    command = " ".join(map(shlex.quote, argv))
    ready = project.fresh("log", ".xt/objects", memory=size)
    found = rounds(
        [
            project.step("tee", ["sh", "-c", f"{command} | tee log"], ready),
            project.step("durable", ["sh", "-c", f"{command} | tee log && sync -f log"], ready),
            project.xt("xt", "run", "--", *argv, prepare=ready),
        ],
        project.world.many(7),
    )
    streams = project.record()["result"]["logs"]["streams"]
    stored = {stream["name"]: stream.get("stored", 0) for stream in streams}
    if stored["stdout"] != size:
        raise FailedError(f"{size} bytes were written and {stored['stdout']} stored")
    xt, tee, durable = found["xt"], found["tee"], found["durable"]
    return [
        Row(f"{what}: `| tee FILE`", tee.wall, "ms"),
        Row(f"{what}: `| tee FILE && sync`", durable.wall, "ms"),
        Row(
            f"{what}: `xt run` against `| tee FILE`",
            paired(lambda xt, tee: xt / tee, xt, tee),
            "×",
            1.3,
            xt,
            "xt also hashes the log, times it, and waits until it is on the disk",
        ),
        Row(
            f"{what}: `xt run` against `| tee FILE && sync`",
            paired(lambda xt, durable: xt / durable, xt, durable),
            "×",
        ),
        Row(f"{what}: peak memory", xt.peak, "MB", 100),
    ]
