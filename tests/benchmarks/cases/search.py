"""What it costs to ask a store of 100,000 runs."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta

import msgspec

from tests.benchmarks.clock import FailedError, rounds
from tests.benchmarks.rows import Row
from tests.benchmarks.world import Project, World

WORDS = "learning rate smoothing label warmup batch dropout seed baseline ablation nightly probe fix data"
SEARCHES = {
    "`xt ls 'metric.val/acc>0.9'`": "metric.val/acc>0.9",
    "`xt ls 'label smoothing'`, full text": "label smoothing",
    "`xt ls 'param.lr<=0.01 metric.loss<0.2 since:30d'`": "param.lr<=0.01 metric.loss<0.2 since:30d",
}
#: What is completed → kinds of values, and what is typed so far.
COMPLETIONS = {
    "a run": ("run", "k"),
    "a metric": ("metric", "val"),
    "a tag": ("tag", ""),
    "a task": ("task", ""),
    "a query": ("query", "metric.va"),
}


def measure(world: World) -> list[Row]:
    """`xt ls QUERY`, sorting, groups, completing a word, and making the index anew."""
    count = world.many(100_000)
    project = world.project("search")
    project.files("src", 50, 2000)
    project.commit()
    project.write("xt.toml", "[task.train]\n[task.evaluate]\n")
    project.sh(f"{world.xt} run -q -m x -t first -p lr=0.1 -p epochs=10 -p opt=adam -- true")
    spread_out(project, count)
    plain = project.sh(f"{world.xt} ls -n 1 'metric.val/acc>0.9'")
    if "1 of" not in plain:
        raise FailedError(f"`xt ls` finds nothing: {plain}")
    steps = [project.xt("ls", "ls")]
    steps += [project.xt(query, "ls", query) for query in SEARCHES.values()]
    steps += [
        project.xt("sort", "ls", "--sort", "metric.val/acc"),
        project.xt("group", "ls", "--group-by", "param.lr"),
        *(project.xt(what, "complete", *words) for what, words in COMPLETIONS.items()),
    ]
    found = rounds(steps, world.many(9))
    rebuild = rounds([project.xt("first", "ls", prepare=project.fresh(".xt/cache/index.db"))], world.many(2))[
        "first"
    ]
    size = sum(
        os.stat(f"{folder}/{name}").st_size
        for folder, _, names in os.walk(f"{project.store}/runs")
        for name in names
    )
    project.remove()
    return [
        Row(f"`xt ls` with {count:,} runs", found["ls"].wall, "ms", None, found["ls"]),
        *(Row(what, found[query].wall, "ms", 200, found[query]) for what, query in SEARCHES.items()),
        Row("`xt ls --sort metric.val/acc`", found["sort"].wall, "ms", None, found["sort"]),
        Row("`xt ls --group-by param.lr`", found["group"].wall, "ms", None, found["group"]),
        *(
            Row(f"completing {what}, as typed in a shell", found[what].wall, "ms", 150, found[what])
            for what in COMPLETIONS
        ),
        Row(
            "the first `xt ls`, which makes the index",
            rebuild.wall,
            "s",
            30,
            rebuild,
            f"reads {size / 1e6:,.0f} MB of records",
        ),
    ]


def spread_out(project: Project, count: int) -> None:
    """Write the only run of a store again under new ids, with other words, params and metrics."""
    from xt.context import timestamp
    from xt.model import runid
    from xt.model.result import Metric, Record
    from xt.model.snapshot import Param
    from xt.store import Store
    from xt.store.store import sealed

    chance = random.Random(1)
    store = Store.open(project.store)
    [only] = store.ids()
    record = store.record(only)
    assert isinstance(record, Record)
    began = datetime.now(UTC)
    words = WORDS.split()
    for number in range(count - 1):
        run_id = runid.make(chance.randbytes(runid.LENGTH // 2))
        snapshot = record.snapshot
        purpose = " ".join(chance.choices(words, k=6))
        params = [
            Param("lr", chance.choice([0.1, 0.05, 0.01, 0.001]), "--param"),
            Param("epochs", chance.randint(1, 20), "--param"),
            Param("opt", chance.choice(["adam", "sgd"]), "--param"),
        ]
        metrics = [
            Metric("val/acc", chance.random(), "metrics.json", goal="max"),
            Metric("loss", chance.random(), "metrics.json", goal="min"),
            Metric("train/acc", chance.random(), "metrics.json"),
        ]
        made = msgspec.structs.replace(
            record,
            id=run_id,
            started_at=timestamp(began - timedelta(minutes=number + 1)),
            snapshot=msgspec.structs.replace(
                snapshot,
                params=params,
                context=msgspec.structs.replace(snapshot.context, purpose=purpose),
            ),
            result=msgspec.structs.replace(record.result, metrics=metrics),
        )
        folder = f"{project.store}/runs/{run_id[:2]}"
        os.makedirs(folder, 0o700, exist_ok=True)
        with open(f"{folder}/{run_id}.json", "wb") as file:
            file.write(sealed(made)[0])
