"""What is tried: calls of xt that write, each with a world prepared for it and what must be so after it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import NamedTuple

from tests.faults.judge import faults, held, lasting
from tests.faults.world import Ended, World, text
from xt.store import Store

RUN = ["run", "-m", "why", "-t", "small", "-i", "data.csv", "-o", "model:model.bin", "-o", "plots"]
RUN += ["--metric", "said=log:said (1)", "--", "sh", "job.sh"]


class Scenario(NamedTuple):
    """One call."""

    words: list[str]
    prepare: Callable[[World], None]
    """Brings about what is there before."""
    status: int = 0
    """It ends with when nothing goes wrong."""
    setting: Callable[[], None] | None = None
    """Called in the process of xt before."""
    scope: str = "project/.xt"
    """Folder in which calls count."""
    without: str = "index.db"
    """Calls with this in them do not count: the index is a cache, and most of their number; `ls` has it."""
    settles: Callable[[World], list[str]] | None = None
    """What is wrong after it went well."""

    @property
    def runs(self) -> bool:
        """Whether it records a run of the job."""
        return self.words[0] == "run"


def _plainly(world: World, *lines: list[str], status: int = 0) -> None:
    world.faults.plan(world.store)
    for words in lines:
        done = world.xt(words)
        assert done.status == status and "bug" not in done.err, (words, done)
    os.unlink(f"{world.here}/ran") if os.path.exists(f"{world.here}/ran") else None


def _in_git(world: World) -> None:
    world.git()
    _plainly(world, RUN, status=3)
    world.write("code.py", "print(2)\n")


def _recorded(world: World) -> None:
    """Two runs, without git, in the index."""
    _plainly(world, RUN, status=3)
    _plainly(world, ["run", "-q", "true"], ["tag", "@~1", "made"])


def _signing(world: World) -> None:
    _recorded(world)
    world.sh("ssh-keygen -q -t ed25519 -N '' -f ../home/key")


def _pushed(world: World) -> None:
    _in_git(world)
    _plainly(world, ["push", "@", "--code", "--outputs"])
    world.sh("rm -r .xt model.bin plots")
    _plainly(world, ["run", "-q", "--", "true"])


def _removed(world: World) -> None:
    _recorded(world)
    world.sh("rm -r model.bin plots")


def _no_index(world: World) -> None:
    _recorded(world)
    world.sh("rm .xt/cache/index.db")


def _small() -> None:
    """Have small files take the ways of large ones, and three those of many."""
    from xt.store import objects

    objects.WHOLE, objects.COMPRESS_TO, objects.TOGETHER = 10, 10, 2


def _restored(world: World) -> list[str]:
    return [] if os.path.exists(f"{world.project}/model.bin") else ["model.bin is not there"]


def _remote_whole(world: World) -> list[str]:
    return [] if len(list(Store(world.remote).ids())) == 1 else ["the remote has no run"]


def _pulled(world: World) -> list[str]:
    return [] if len(list(Store.open(world.store).ids())) == 2 else ["the run is not here"]


def nothing(world: World) -> None:
    """There is a folder, and no git and no store."""


SCENARIOS = {
    "run": Scenario(RUN, _in_git, 3),
    "first run": Scenario(RUN, nothing, 3, _small),
    "ls": Scenario(["ls"], _no_index, without=""),
    "baseline": Scenario(["baseline", "set", "@", "-m", "good"], _recorded),
    "tag": Scenario(["tag", "made", "good"], _recorded),
    "restore": Scenario(
        ["restore", "made", "model.bin", "plots"], _removed, scope="project", settles=_restored
    ),
    "rerun": Scenario(["rerun", "made"], _recorded, 3),
    "sign": Scenario(["sign", "@", "--key", "../home/key"], _signing),
    "push": Scenario(["push", "@", "--code", "--outputs"], _in_git, scope="remote", settles=_remote_whole),
    "pull": Scenario(["pull", "--code", "--outputs"], _pushed, settles=_pulled),
}


class Before(NamedTuple):
    """What must be so after it too."""

    store: dict[str, tuple[int, bytes]]
    project: dict[str, tuple[int, bytes]]


#: What a run, or a restoration, may write outside the store.
MADE = (".xt", "model.bin", "plots", ".git/refs/xt", ".git/objects")


def before(world: World) -> Before:
    """Look at what must stay as it is."""
    return Before(lasting(world.store), held(world.project, MADE))


def wrong(scenario: Scenario, world: World, was: Before, ended: Ended, *, code: bool) -> list[str]:
    """What is wrong after an attempt; snapshots of code, which take longer, only if that is asked for."""
    found = faults(world.store, code=code)
    found += [f"the remote: {fault}" for fault in faults(world.remote, code=False)]
    now = lasting(world.store)
    found += [f"{path} was changed or lost" for path, it in was.store.items() if now.get(path) != it]
    after = held(world.project, MADE)
    found += [
        f"{path} of the user was touched"
        for path in {*was.project, *after}
        if was.project.get(path) != after.get(path)
    ]
    if ended.hung:
        found.append("it hung")
    if not ended.killed:
        found += _loud(ended)
    if scenario.runs:
        found += _run(world, was, ended)
    return found


def _loud(ended: Ended) -> list[str]:
    said = ended.said()
    found = [f"it said: {line}" for line in said if "a bug in xt" in line]
    if "Traceback" in ended.err or ended.status in (70, 99):
        found.append(f"it broke: {ended.err.strip().splitlines()[-1:]}")
    if len([line for line in said if not line.startswith("xt: hint")]) > 4:
        found.append(f"it said too much: {said}")
    return found


def _run(world: World, was: Before, ended: Ended) -> list[str]:
    """What is wrong with the run that was attempted, or with what became of it."""
    store = Store(world.store)
    known = {path[8:-5] for path in was.store if path.startswith("runs/")}
    there = os.path.exists(f"{world.store}/format")
    fresh = [run_id for run_id in store.ids() if run_id not in known] if there else []
    lost = store.live_ids()
    ran = len(text(f"{world.here}/ran").splitlines())
    found = []
    if ran > 1:
        found.append("the command ran twice")
    if len(fresh) + len(lost) > 1:
        found.append(f"one run became {fresh} and {lost}")
    for run_id in fresh:
        result = store.record(run_id).result
        if (result.status, result.exit_code) != ("failed", 3):
            found.append(f"the record says {result.status}, {result.exit_code}")
    for run_id in lost:
        _, state = store.live(run_id)
        if state != "lost":
            found.append(f"it is {state}")
        for name, whole in (("stdout", "said 1\n"), ("stderr", "moaned\n")):
            path = f"{store.live_folder(run_id)}/{name}"
            if not whole.startswith(text(path)):
                found.append(f"its {name} is not what it wrote")
    if ended.killed:
        if ran and not fresh and not lost:
            found.append("the command ran, and nothing of it is known")
        return found
    said = ended.said()
    recorded = [line for line in said if " exit 3 in " in line]
    unrecorded = [line for line in said if "not recorded" in line]
    if ended.status != 3:
        found.append(f"it ended with {ended.status}")
    if ended.out != "said 1\n" or "moaned\n" not in ended.err:
        found.append(f"the output was {ended.out!r} and {ended.err!r}")
    if not ran:
        found.append("the command did not run")
    if len(recorded) + len(unrecorded) != 1:
        found.append(f"it said of the record: {said}")
    if len(recorded) != len(fresh):
        found.append(f"it said {said}, and there is {fresh}")
    return found


def looked_through(world: World) -> list[str]:
    """What `xt fsck` finds."""
    if not os.path.exists(f"{world.store}/format"):
        return []
    done = world.xt(["fsck", "--deep", "--json"])
    if done.status == 0:
        return []
    try:
        found = json.loads(done.out)["findings"]
    except ValueError:
        return [f"xt fsck ends with {done.status}: {done.err}"]
    return [f"xt fsck: {finding}" for finding in found]


def goes_on(scenario: Scenario, world: World) -> list[str]:
    """What is wrong with what is done next, when nothing goes wrong any more."""
    world.faults.plan(world.store)
    found = looked_through(world)
    for words, status in ((["ls"], 0), (scenario.words, scenario.status)):
        done = world.xt(words)
        if words == ["ls"] and done.status == 1 and done.err.startswith("xt: error: no runs yet"):
            continue
        if (done.status, done.hung) != (status, False) or "xt: warning" in done.err:
            found.append(f"then `xt {words[0]}` ends with {done.status}: {done.err.strip()}")
    found += looked_through(world)
    return found + (scenario.settles(world) if scenario.settles is not None else [])
