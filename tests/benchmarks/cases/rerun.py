"""What it costs to do a run again."""

from __future__ import annotations

import shutil

from tests.benchmarks.clock import FailedError, Spread, paired, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import World


def measure(world: World) -> list[Row]:
    """`xt rerun` of `true` among 10,000 files, and other ways to come by a second folder of them."""
    count = world.many(10_000)
    project = world.project("rerun")
    project.files("src", count, 2000)
    project.commit()
    project.timed([world.xt, "run", "--", "true"])()
    copies = f"{world.folder}/copies"
    project.sh(f"mkdir {copies}")
    # Each makes a folder that is not there and removes none: see `Project.aside`.
    script = 'at=$(mktemp -d -p "$0"); '
    found = rounds(
        [
            project.step("true", ["true"]),
            project.xt("rerun", "rerun", "@"),
            project.step("worktree", ["sh", "-c", script + 'git worktree add -q --detach "$at/t"', copies]),
            project.step("copy", ["sh", "-c", script + 'cp -r src "$at/t"', copies]),
        ],
        world.many(7),
        warm=2,
    )
    record = project.record()
    snapshot = record["snapshot"]
    if not isinstance(snapshot, dict) or not snapshot["repeat"]:
        raise FailedError("the newest run is no repeat")
    shutil.rmtree(copies)
    true = found["true"]

    def more(name: str) -> Spread:
        return paired(lambda measured, true: measured - true, found[name], true)

    return [
        Row(
            f"`xt rerun` of `true` among {count:,} files, more than `true`",
            more("rerun"),
            "ms",
            1000,
            found["rerun"],
            "makes the workspace, runs, records, and removes it",
        ),
        Row("`git worktree add` of the same files", more("worktree"), "ms"),
        Row("`cp -r` of them", more("copy"), "ms"),
    ]
