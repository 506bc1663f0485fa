"""What it costs to look after a store of 10,000 runs."""

from __future__ import annotations

from tests.benchmarks.cases.listing import clone
from tests.benchmarks.clock import FailedError, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import World

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
    return rows
