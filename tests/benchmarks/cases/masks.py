"""What it costs to look for secrets in what passes by."""

from __future__ import annotations

import hashlib

from tests.benchmarks.cases.streams import BULK
from tests.benchmarks.clock import paired, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import MEGABYTE, World


def measure(world: World) -> list[Row]:
    """A log in which the values of 20 variables must not stand, beside the same without such variables."""
    project = world.project("masks")
    size = world.bytes(200 * MEGABYTE)
    bulk = [*project.program("bulk.py", BULK), str(size)]
    project.files("src", 1000, 2000)
    project.commit()
    # Changed since the commit, so that they are stored, and looked through.
    edited = world.many(200)
    for number in range(edited):
        project.write(f"src/{number // 100:03}/f{number}.txt", f"edited {number}\n" * 200)
    secrets = {
        f"SERVICE_{number}_TOKEN": hashlib.sha256(str(number).encode()).hexdigest() for number in range(20)
    }
    ready = project.fresh("log", ".xt/objects", memory=size)
    plain = project.xt("plain", "run", "-q", "--", *bulk, prepare=ready)
    project.environ = {**project.environ, **secrets}
    masked = project.xt("masked", "run", "-q", "--", *bulk, prepare=ready)
    idle = project.xt("idle", "run", "-q", "--", "true")
    strict = project.xt("strict", "run", "-q", "--strict", "--", "true")
    found = rounds([plain, masked, idle, strict], world.many(7))
    project.remove()
    return [
        Row(
            f"`xt run`, {size / 1e6:g} MB of output",
            found["plain"].wall,
            "ms",
            None,
            found["plain"],
        ),
        Row(
            "the same with 20 variables whose values are masked, against that",
            paired(lambda masked, plain: masked / plain, found["masked"], found["plain"]),
            "×",
            None,
            found["masked"],
        ),
        Row(
            f"`xt run -- true` with these variables and {edited} edited files",
            found["idle"].wall,
            "ms",
            None,
            found["idle"],
        ),
        Row("the same with `--strict`", found["strict"].wall, "ms", None, found["strict"]),
    ]
