"""What it costs to share 1,000 runs by way of a folder."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.cases.listing import clone
from tests.benchmarks.clock import FailedError, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import World


def measure(world: World) -> list[Row]:
    """`xt push` and `xt pull`, and both when there is nothing to do; beside `cp -r` of the records."""
    count = world.many(1_000)
    ours, theirs = world.project("pushes"), world.project("pulls")
    ours.files("src", 50, 2000)
    for project in (ours, theirs):
        project.write("a.txt", "a\n")
        project.commit()
    ours.sh(f"{world.xt} run -q -m x -t sweep -- true")
    clone(ours, count)
    remote = f"{world.folder}/remote"
    ours.sh(f"mkdir -p {remote}")
    words, copied = ("-r", remote), f"{world.folder}/copied"
    found = rounds(
        [
            ours.step("copy", ["cp", "-r", ".xt/runs", copied], prepare=world.aside("copied")),
            ours.xt("push", "push", *words, prepare=world.aside("remote", again=True)),
            ours.xt("push again", "push", *words),
            theirs.xt("pull", "pull", *words, prepare=theirs.aside(".xt")),
            theirs.xt("pull again", "pull", *words),
        ],
        world.many(3),
    )
    came = sum(1 for _ in Path(theirs.store, "runs").glob("*/*.json"))
    if came != count:
        raise FailedError(f"{came} of {count} runs came")
    ours.remove()
    theirs.remove()
    return [
        Row(f"`cp -r` of the records of {count:,} runs", found["copy"].wall, "s"),
        Row("`xt push` of them into an empty folder", found["push"].wall, "s", None, found["push"]),
        Row("the same again, nothing to do", found["push again"].wall, "ms", None, found["push again"]),
        Row("`xt pull` of them into an empty store", found["pull"].wall, "s", None, found["pull"]),
        Row("the same again, nothing to do", found["pull again"].wall, "ms", None, found["pull again"]),
    ]
