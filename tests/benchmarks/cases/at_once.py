"""What it costs when many runs start together, in one store."""

from __future__ import annotations

from tests.benchmarks.clock import FailedError, paired, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import World


def measure(world: World) -> list[Row]:
    """50 `xt run` at once, of one recipe and of 50, beside 50 bare commands."""
    count = world.many(50)
    project = world.project("at-once")
    project.files("src", 50, 2000)
    project.commit()
    work = "sh -c 'echo done'"

    def together(what: str) -> list[str]:
        return ["sh", "-c", f"for n in $(seq {count}); do {what} & done; wait"]

    turns = world.many(5)
    found = rounds(
        [
            project.step("bare", together(work)),
            project.step("python", together(f"{project.python} -c pass")),
            project.step("one", together(f"{world.xt} run -q -- {work}")),
            project.step("many", together(f"{world.xt} run -q -p n=$n -- {work}")),
        ],
        turns,
    )
    recorded = sum(1 for _ in project.records())
    if recorded != 2 * count * (turns + 1):
        raise FailedError(f"{2 * count * (turns + 1)} runs were made and {recorded} recorded")
    project.remove()
    each = 1 / count
    return [
        Row(f"{count} commands at once", found["bare"].wall, "ms"),
        Row(f"{count} starts of bare Python at once", found["python"].wall, "ms"),
        Row(f"{count} `xt run` of them at once, of one recipe", found["one"].wall, "ms", None, found["one"]),
        Row(
            "the same, more than the commands, for each",
            paired(lambda one, bare: (one - bare) * each, found["one"], found["bare"]),
            "ms",
        ),
        Row(
            f"{count} `xt run` at once, each of a recipe of its own, more than the commands, for each",
            paired(lambda many, bare: (many - bare) * each, found["many"], found["bare"]),
            "ms",
            None,
            found["many"],
            "checked: every run is recorded",
        ),
    ]
