"""What it costs to keep many small outputs."""

from __future__ import annotations

from tests.benchmarks.clock import paired, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import World

#: Every file has a content that was never there before.
WRITER = """import os, sys, uuid
mark = uuid.uuid4().hex
os.makedirs("out", exist_ok=True)
for number in range(int(sys.argv[1])):
    with open(f"out/{number}.json", "w") as file:
        file.write((f"file {number} of {mark}\\n" * 60)[:2000])
"""


def measure(world: World) -> list[Row]:
    """5,000 files of 2 kB."""
    count = world.many(5000)
    project = world.project("small-outputs")
    command = [*project.program("write.py", WRITER), str(count)]
    # Both: what git does not ignore is part of the code, and is captured before the start.
    project.sh("printf 'out\\ncopy\\n' > .gitignore")
    project.commit()
    found = rounds(
        [
            project.step("bare", command, project.aside("out")),
            project.step("copied", ["sh", "-c", "cp -r out copy && sync -f copy"], project.aside("copy")),
            project.xt("kept", "run", "-o", "out", "--", *command, prepare=project.aside("out")),
        ],
        world.many(7),
    )
    return [
        Row(f"the command that writes {count:,} files of 2 kB", found["bare"].wall, "ms"),
        Row("`cp -r` of them, and `sync`", found["copied"].wall, "ms"),
        Row(
            "`xt run -o` of their folder, more than the command",
            paired(lambda kept, bare: kept - bare, found["kept"], found["bare"]),
            "ms",
            3000,
            found["kept"],
        ),
    ]
