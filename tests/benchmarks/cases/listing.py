"""What it costs to find runs again."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import msgspec

from tests.benchmarks.clock import FailedError, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import Project, World


def measure(world: World) -> list[Row]:
    """`xt ls` and `xt show` in a store of 10,000 runs."""
    count = world.many(10_000)
    project = world.project("ls")
    project.files("src", 50, 2000)
    metrics = project.program(
        "train.py", 'import json; json.dump({"acc": 0.9, "loss": 0.1}, open("metrics.json", "w"))\n'
    )
    project.sh("echo metrics.json > .gitignore")
    project.commit()
    options = "-q -m 'larger batches' -t sweep -p lr=0.1 -o metrics:metrics.json"
    project.sh(f"{world.xt} run {options} -- {' '.join(metrics)}")
    clone(project, count)
    shown = project.sh(f"{world.xt} ls").count("larger batches")
    if shown != 20:
        raise FailedError(f"`xt ls` shows {shown} runs and not 20")
    found = rounds(
        [
            project.xt("none", "--version"),
            project.xt("ls", "ls"),
            project.xt("json", "ls", "--json"),
            project.xt("show", "show"),
            project.xt("again", "ls", prepare=lambda: project.sh(f"{world.xt} run -q -- true")),
        ],
        world.many(20),
    )
    first = rounds([project.xt("first", "ls", prepare=project.fresh(".xt/cache/index.db"))], world.many(5))[
        "first"
    ]
    size = sum(os.stat(f"{project.store}/runs/{name[:2]}/{name}").st_size for name in _names(project))
    project.remove()
    return [
        Row(f"`xt ls` with {count:,} runs", found["ls"].wall, "ms", 150, found["ls"]),
        Row("`xt ls --json`", found["json"].wall, "ms", None, found["json"]),
        Row("`xt ls` after one more run", found["again"].wall, "ms", None, found["again"]),
        Row(
            "the first `xt ls`, which makes the index",
            first.wall,
            "s",
            None,
            first,
            f"reads {size / 1e6:,.0f} MB of records",
        ),
        Row("`xt show` of the newest", found["show"].wall, "ms", None, found["show"]),
    ]


def clone(project: Project, count: int) -> None:
    """Write the only run of a store again under new ids, each a minute older."""
    from xt.context import timestamp
    from xt.model import runid
    from xt.model.result import Record
    from xt.store import Store
    from xt.store.store import sealed

    store = Store.open(project.store)
    [only] = store.ids()
    record = store.record(only)
    assert isinstance(record, Record)
    began = datetime.now(UTC)
    for number in range(count - 1):
        run_id = runid.make(os.urandom(runid.LENGTH // 2))
        at = timestamp(began - timedelta(minutes=number + 1))
        data, _ = sealed(msgspec.structs.replace(record, id=run_id, started_at=at))
        folder = f"{project.store}/runs/{run_id[:2]}"
        os.makedirs(folder, 0o700, exist_ok=True)
        # Without the flush of a sealed record: ten thousand of them would take half a minute.
        with open(f"{folder}/{run_id}.json", "wb") as file:
            file.write(data)


def _names(project: Project) -> list[str]:
    return [name for _, _, names in os.walk(f"{project.store}/runs") for name in names]
