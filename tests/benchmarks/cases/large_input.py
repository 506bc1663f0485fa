"""What it costs to know a large input by its content."""

from __future__ import annotations

from tests.benchmarks.clock import paired, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import MEGABYTE, World

#: All threads; a memory map, so that nothing is copied.
PLAIN = """import sys
from blake3 import blake3
print(blake3(max_threads=blake3.AUTO).update_mmap(sys.argv[1]).hexdigest())
"""


def measure(world: World) -> list[Row]:
    """A file of 2 GB, in the page cache: first, and unchanged."""
    size = world.bytes(2000 * MEGABYTE)
    project = world.project("large-input")
    path = project.noise("data.bin", size)
    project.sh("echo data.bin > .gitignore")
    project.commit()
    plain = project.program("plain.py", PLAIN)
    found = rounds(
        [
            project.step("plain", [*plain, path]),
            project.xt("none", "run", "--", "true"),
            project.xt("first", "run", "-i", path, "--", "true", prepare=project.fresh(".xt/cache/stat")),
            project.xt("again", "run", "-i", path, "--", "true"),
        ],
        world.many(7),
    )
    first, again, none, plain_hash = (found[name] for name in ("first", "again", "none", "plain"))
    project.remove()
    return [
        Row(f"BLAKE3 of {size / 1e9:g} GB on all threads, a Python process", plain_hash.wall, "ms"),
        Row(
            "`xt run -i` of the file, first time: whole run against that",
            paired(lambda first, plain: first / plain, first, plain_hash),
            "×",
            1.5,
            first,
        ),
        Row(
            "the same unchanged, more than without an input",
            paired(lambda again, none: again - none, again, none),
            "ms",
            10,
            again,
        ),
    ]
