"""What it costs to know many small inputs by their content."""

from __future__ import annotations

import os

from tests.benchmarks.clock import Step, call, paired, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import World


def walk(folder: str) -> int:
    """Stat everything below a folder, as barely as Python can."""
    count = 0
    with os.scandir(folder) as members:
        for found in members:
            if found.is_dir(follow_symlinks=False):
                count += walk(found.path)
            else:
                found.stat(follow_symlinks=False)
                count += 1
    return count


def measure(world: World) -> list[Row]:
    """20,000 files of 1 kB: first, and unchanged."""
    count = world.many(20_000)
    project = world.project("small-inputs")
    project.files("data", count, 1000)
    project.sh("echo data > .gitignore")
    project.commit()
    data = f"{project.path}/data"
    found = rounds(
        [
            Step("walk", call(lambda: walk(data))),
            project.xt("none", "run", "--", "true"),
            project.xt("first", "run", "-i", "data", "--", "true", prepare=project.fresh(".xt/cache/stat")),
            project.xt("again", "run", "-i", "data", "--", "true"),
        ],
        world.many(11),
    )
    bare = found["walk"]
    return [
        Row(f"bare `scandir` and `stat` of {count:,} files, without starting Python", bare.wall, "ms"),
        Row(
            "`xt run -i` of their folder, first time, more than without an input",
            paired(lambda first, none: first - none, found["first"], found["none"]),
            "ms",
            600,
            found["first"],
        ),
        Row(
            "the same unchanged, more than without an input, against the bare walk",
            paired(lambda again, none, walk: (again - none) / walk, found["again"], found["none"], bare),
            "×",
            2,
            found["again"],
        ),
        Row(
            "the same, in milliseconds",
            paired(lambda again, none: again - none, found["again"], found["none"]),
            "ms",
        ),
    ]
