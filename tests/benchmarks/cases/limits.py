"""What the machine gives at best, so that figures of two machines can be compared."""

from __future__ import annotations

import os
import sys

from tests.benchmarks.cases.small_inputs import walk
from tests.benchmarks.clock import Series, Spread, Step, call, rounds, spread
from tests.benchmarks.rows import Row
from tests.benchmarks.world import MEGABYTE, Project, World


def measure(world: World) -> list[Row]:
    """Processes, hashing, the disk, and the walk of a tree."""
    project = world.project("limits")
    return [*processes(project), *content(project), *tree(project)]


def processes(project: Project) -> list[Row]:
    """What it takes to start anything."""
    found = rounds(
        [
            project.step("true", ["true"]),
            project.step("bare", [sys.executable, "-I", "-S", "-c", "pass"]),
            project.step("python", [sys.executable, "-c", "pass"]),
            project.step("git", ["git", "--version"]),
        ],
        project.world.many(40),
        warm=2,
    )
    return [
        Row("`true`", found["true"].wall, "ms"),
        Row("bare Python, `-I -S`", found["bare"].wall, "ms"),
        Row("Python of this environment", found["python"].wall, "ms"),
        Row("`git --version`", found["git"].wall, "ms"),
    ]


def content(project: Project) -> list[Row]:
    """Hashing in memory, copying, passing on, flushing."""
    from blake3 import blake3

    size = project.world.bytes(500 * MEGABYTE)
    path = project.noise("data.bin", size)
    with open(path, "rb") as file:
        data = file.read()
    fresh = project.fresh("copy", memory=size)
    found = rounds(
        [
            Step("one", call(lambda: blake3(data))),
            Step("all", call(lambda: blake3(data, max_threads=blake3.AUTO))),
            project.step("cp", ["cp", path, "copy"], fresh),
            project.step("cp sync", ["sh", "-c", f"cp {path} copy && sync -f copy"], fresh),
            project.step("tee", ["sh", "-c", f"cat {path} | tee copy"], fresh),
            Step("fsync", call(Flush(f"{project.path}/small"))),
        ],
        project.world.many(11),
    )
    project.fresh("data.bin", "copy")()
    return [
        Row("BLAKE3 in memory, one thread", speed(found["one"], size), "GB/s"),
        Row(f"BLAKE3 in memory, {os.cpu_count()} threads", speed(found["all"], size), "GB/s"),
        Row("`cp`", speed(found["cp"], size), "GB/s"),
        Row("`cp` and `sync`", speed(found["cp sync"], size), "GB/s"),
        Row("`cat FILE | tee COPY`", speed(found["tee"], size), "GB/s"),
        Row("write 4 kB to a file and `fsync`", found["fsync"].wall, "µs"),
    ]


def tree(project: Project) -> list[Row]:
    """Looking at many files without reading any."""
    count = project.world.many(10_000)
    project.files("src", count, 500)
    project.sh("git add -A && git commit -qm x")
    src = f"{project.path}/src"
    found = rounds(
        [
            Step("walk", call(lambda: walk(src))),
            project.step("status", ["git", "status", "--porcelain"]),
        ],
        project.world.many(20),
    )
    return [
        Row(f"`scandir` and `stat` of {count:,} files, one thread", speed(found["walk"], count), "files/s"),
        Row("`git status` of them, clean", found["status"].wall, "ms"),
    ]


class Flush:
    """Writes a little and waits until the disk has it."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __call__(self) -> None:
        os.pwrite(self.fd, os.urandom(4096), 0)
        os.fsync(self.fd)


def speed(series: Series, amount: int) -> Spread:
    """Amount in a second."""
    return spread([amount / sample.wall_s for sample in series.samples])
