"""What everything costs that is always paid."""

from __future__ import annotations

import sys

from tests.benchmarks.clock import paired, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import World


def measure(world: World) -> list[Row]:
    """`xt --version`, and `xt run` of commands that do nothing."""
    project = world.project("start")
    project.files("src", 50, 2000)
    project.commit()
    idle = [sys.executable, "-c", "pass"]
    found = rounds(
        [
            project.xt("version", "--version"),
            project.step("python", idle),
            project.step("true", ["true"]),
            project.xt("run", "run", "--", "true"),
            project.xt("run python", "run", "--", *idle),
        ],
        world.many(30),
        warm=2,
    )
    run, true, python = found["run"], found["true"], found["python"]
    return [
        Row("`xt --version`", found["version"].wall, "ms", 70, found["version"]),
        Row(
            "`xt run -- true` in a clean repository of 50 files, more than `true`",
            paired(lambda run, true: run - true, run, true),
            "ms",
            100,
            run,
            "the aim is 75 ms",
        ),
        Row(
            "the same, in starts of bare Python",
            paired(lambda run, true, python: (run - true) / python, run, true, python),
            "×",
        ),
        Row(
            "`xt run -- python -c pass`, more than `python -c pass`",
            paired(lambda run, python: run - python, found["run python"], python),
            "ms",
            None,
            found["run python"],
            "the packages of the interpreter are recorded too",
        ),
    ]
