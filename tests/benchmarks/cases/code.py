"""What the exact tree of a large, dirty repository costs."""

from __future__ import annotations

import os

from tests.benchmarks.clock import FailedError, paired, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import Project, World

#: Files modified, and as many untracked.
DIRTY = 20


def measure(world: World) -> list[Row]:
    """`xt run -- true` among 10,000 files, before and after each is edited."""
    count = world.many(10_000)
    project = world.project("code")
    project.files("src", count, 2000)
    project.commit()
    edit = Editor(project)
    edit()
    found = rounds(
        [
            project.step("true", ["true"]),
            project.step("status", ["git", "status", "--porcelain"]),
            project.xt("again", "run", "--", "true"),
            project.xt("edited", "run", "--", "true", prepare=edit),
        ],
        world.many(20),
        warm=2,
    )
    check_tree(project)
    status, true = found["status"], found["true"]
    # Not removed: the cases that come later make files, which ext4 then does slowly.
    return [
        Row(f"`git status` among {count:,} files, {DIRTY} modified, {DIRTY} untracked", status.wall, "ms"),
        Row(
            "`xt run -- true` there, more than `true`",
            paired(lambda run, true: run - true, found["again"], true),
            "ms",
            160,
            found["again"],
            "the recorded tree is compared with that of `git add -A`",
        ),
        Row(
            f"the same, all {2 * DIRTY} files edited since the run before",
            paired(lambda run, true: run - true, found["edited"], true),
            "ms",
            160,
            found["edited"],
        ),
    ]


class Editor:
    """Gives the same files another content each time."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.times = 0

    def __call__(self) -> None:
        self.times += 1
        for number in range(DIRTY):
            with open(f"{self.project.path}/src/000/f{number}.txt", "w", encoding="utf-8") as file:
                file.write(f"edit {self.times} of {number}\n" * 50)
            with open(f"{self.project.path}/src/new{number}.txt", "w", encoding="utf-8") as file:
                file.write(f"edit {self.times} of new {number}\n" * 50)


def check_tree(project: Project) -> None:
    """Make sure that what was fast was right."""
    recorded = project.record()["snapshot"]["code"]["tree"]
    index = f"{project.path}/.git/check"
    exact = project.sh(
        f"cp -p .git/index {index}; export GIT_INDEX_FILE={index}; git add -A; git write-tree"
    ).strip()
    os.unlink(index)
    if recorded != exact:
        raise FailedError(f"the recorded tree is {recorded}, that of `git add -A` {exact}")
