"""What it costs to be given what an earlier run gave."""

from __future__ import annotations

import os

from tests.benchmarks.clock import FailedError, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import World


def measure(world: World) -> list[Row]:
    """`xt run --reuse` that finds a run, beside a run that does nothing."""
    project = world.project("reuse")
    project.files("src", 50, 2000)
    project.write("job.sh", "echo run >> ../ran\nmkdir -p out\ncp src/000/f1.txt src/000/f2.txt out\n")
    project.commit()
    words = ["run", "--reuse", "-o", "out", "--", "sh", "job.sh"]
    project.timed([world.xt, *words])()
    found = rounds(
        [
            project.xt("run", "run", "--", "true"),
            project.xt("in place", *words),
            project.xt("restored", *words, prepare=lambda: project.sh("rm -r out")),
        ],
        world.many(21),
        warm=2,
    )
    with open(f"{world.folder}/ran", encoding="utf-8") as file:
        if len(file.readlines()) != 1:
            raise FailedError("a run that was to be reused was made")
    if sorted(os.listdir(f"{project.path}/out")) != ["f1.txt", "f2.txt"]:
        raise FailedError("the outputs were not restored")
    project.remove()
    placed, restored = found["in place"], found["restored"]
    return [
        Row("`xt run -- true` there", found["run"].wall, "ms", None, found["run"]),
        Row("`xt run --reuse`, a hit whose outputs are in place", placed.wall, "ms", 150, placed),
        Row(
            "the same, two files restored",
            restored.wall,
            "ms",
            150,
            restored,
            "checked: nothing was run, and the files are there",
        ),
    ]
