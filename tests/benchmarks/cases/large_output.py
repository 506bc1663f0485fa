"""What it costs to keep a large output."""

from __future__ import annotations

from tests.benchmarks.clock import paired, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import MEGABYTE, World


def measure(world: World) -> list[Row]:
    """A file of 1 GB that cannot be compressed, in the page cache."""
    size = world.bytes(1000 * MEGABYTE)
    project = world.project("large-output")
    path = project.noise("model.bin", size)
    project.sh("echo model.bin > .gitignore")
    project.commit()
    ready = project.fresh("copy", ".xt/objects", ".xt/cache/stat", memory=size)
    found = rounds(
        [
            project.step("cp", ["cp", path, "copy"], ready),
            project.step("durable", ["sh", "-c", f"cp {path} copy && sync -f copy"], ready),
            project.xt("none", "run", "--", "true", prepare=ready),
            project.xt("kept", "run", "-o", path, "--", "true", prepare=ready),
        ],
        world.many(9),
    )
    kept, none, cp, durable = (found[name] for name in ("kept", "none", "cp", "durable"))
    project.remove()
    return [
        Row(f"`cp` of {size / 1e9:g} GB", cp.wall, "ms"),
        Row(f"`cp` of {size / 1e9:g} GB, and `sync`", durable.wall, "ms"),
        Row(
            "`xt run -o` of the file, more than without an output, against `cp`",
            paired(lambda kept, none, cp: (kept - none) / cp, kept, none, cp),
            "×",
            1.5,
            kept,
            missed="`cp` leaves its copy in memory; xt hashes it and waits until it is on the disk",
        ),
        Row(
            "the same against `cp` and `sync`",
            paired(lambda kept, none, durable: (kept - none) / durable, kept, none, durable),
            "×",
        ),
    ]
