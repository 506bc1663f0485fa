"""One run of many ranks: rank 0 makes it, the others join it, run the command, and leave how it ended."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Literal, NamedTuple

import msgspec

from xt import codec, execute, fsio
from xt.collect import BEFORE, Capture
from xt.config import Settings
from xt.context import Outside
from xt.errors import DamagedError
from xt.execute import Captured, Ended
from xt.execute.local import run as execute_local
from xt.execute.watch import interruptible
from xt.launch import INSIDE, Place
from xt.model.files import Problem
from xt.model.request import RunRequest
from xt.model.result import Logs, Rank, Start, Usage
from xt.ops.scrub import secrets_of
from xt.store import Live, Store, launches
from xt.store.objects import Objects

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.ops.contained import Contained

#: Seconds between looks for another rank.
LOOK = 0.02
#: Bytes of what a rank leaves.
_LIMIT = 1_000_000


class Left(msgspec.Struct, frozen=True):
    """What a rank leaves when it has ended."""

    rank: Rank
    files: list[Captured]
    problems: list[Problem]


class Joined(NamedTuple):
    """How the command of a rank ended."""

    status: int
    """What to end with."""
    trouble: str | None
    """Why it is not in the record of the run."""


def join(
    request: RunRequest,
    outside: Outside,
    settings: Settings,
    store: str,
    place: Place,
    container: Contained | None = None,
) -> Joined | str:
    """Run the command as one rank of the run that rank 0 makes.

    Args:
        request: what to run.
        outside: the world.
        settings: of the project.
        store: path of `.xt`.
        place: which rank this is, not 0.
        container: what it runs in, one for each rank, of the image that rank 0 found.

    Returns:
        How it ended; or, when nothing was started, why there is no run to join.

    Raises:
        UnsupportedError: the engine of its container does not answer.
    """
    run_id = _await(store, place, outside, settings.run.rank_wait)
    if run_id is None:
        return f"rank 0 of {place.key} was not seen in {store} within {settings.run.rank_wait:g} s"
    folder = f"{store}/live/{run_id}/rank-{place.rank}"
    try:
        start = codec.decode(
            fsio.read_file(f"{store}/live/{run_id}/start.json"), Start, "the start of the run"
        )
        os.mkdir(folder, fsio.PRIVATE_DIR)
        lock = os.open(f"{folder}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, fsio.PRIVATE_FILE)
        fsio.try_lock(lock)
        # Only then: whoever finds a name here knows that a free lock means a dead rank.
        fsio.write_all(lock, os.uname().nodename.encode())
    except FileExistsError:
        return f"rank {place.rank} of run {run_id} has been there before"
    except (OSError, DamagedError) as error:
        return f"the run {run_id} of rank 0 cannot be joined: {error}"
    given = {INSIDE: place.key, "XT_RUN_ID": run_id, "XT_METRICS": f"{folder}/metrics.jsonl"}
    if start.snapshot.seed.value is not None:
        given["XT_SEED"] = str(start.snapshot.seed.value)
    argv, environ = request.command, {**outside.environ, **given}
    secrets = secrets_of(request, outside, settings) | _of_params(request, outside, settings, store)
    try:
        if container is not None:
            container.begin(start.snapshot, request)
            argv, environ = container.wrap(argv, environ, folder)
        ended = execute_local(
            execute.Job(
                argv=argv,
                environ=environ,
                folder=folder,
                secrets=secrets,
                grace=settings.run.grace,
                idle_grace=settings.run.idle_grace,
                max_log=settings.run.max_log,
                mask_tokens=settings.env.mask_tokens,
            )
        )
        if container is not None:
            ended = container.judge(ended)
    finally:
        if container is not None:
            container.end()
    left = Left(_rank(place.rank, ended, ended.logs), ended.files, ended.problems)
    trouble = None
    try:
        fsio.write_atomic(f"{folder}/ended.json", codec.encode(left), durable=False)
    except OSError:
        trouble = f"rank {place.rank} ended after run {run_id} was sealed: its end and logs are not in it"
    return Joined(ended.xt_exit, trouble)


def _of_params(request: RunRequest, outside: Outside, settings: Settings, store: str) -> dict[str, str]:
    """Secrets of declared params, which rank 0 has recorded; none where they cannot be read."""
    if not request.params:
        return {}
    capture = Capture(request, outside, outside.cwd, store, settings, Objects(store), bytes(32))
    # Nothing of it is recorded here; and a mistake of ours must not keep the rank from running.
    with contextlib.suppress(Exception):
        BEFORE.get("params")(capture)
    return capture.noticed


def _await(store: str, place: Place, outside: Outside, patience: float) -> str | None:
    """Wait until rank 0 has recorded the causes; as long as it lives it may take its time with them."""
    end = outside.monotonic() + patience
    while True:
        run_id = launches.find(store, place.key)
        if run_id is not None:
            folder = f"{store}/live/{run_id}"
            if os.path.exists(f"{folder}/start.json") and (_goes_on(folder) or _elsewhere(folder)):
                return run_id
            if _goes_on(folder):
                time.sleep(LOOK)
                continue
        if outside.monotonic() > end:
            return None
        time.sleep(LOOK)


def _goes_on(folder: str) -> bool:
    """Whether a run is known to go on; where that cannot be told, whoever waits does so for its patience."""
    try:
        return launches.going_on(folder)
    except OSError:
        return False


def _elsewhere(folder: str) -> bool:
    """Whether rank 0 is on another host, whose locks may not be seen here."""
    with contextlib.suppress(OSError, DamagedError):
        start = codec.decode(fsio.read_file(f"{folder}/start.json"), Start, "the start of the run")
        return start.supervisor.host != os.uname().nodename
    return False


def _rank(number: int, ended: Ended, logs: Logs | None) -> Rank:
    return Rank(
        rank=number,
        state="ended",
        host=os.uname().nodename,
        exit_code=ended.exit_code,
        signal=ended.signal,
        usage=ended.usage,
        logs=logs,
        reason=ended.reason,
    )


class Gathered(msgspec.Struct, frozen=True):
    """All ranks of a run."""

    ranks: list[Rank]
    usage: Usage
    problems: list[Problem]


def gather(
    place: Place, live: Live, store: Store, ended: Ended, outside: Outside, patience: float
) -> Gathered:
    """Wait for the other ranks, and take over what they left.

    Args:
        place: of rank 0.
        live: the run in flight.
        store: where content goes.
        ended: how rank 0's own command ended.
        outside: the world.
        patience: seconds to wait for ranks that have not begun, or that nobody here sees living.
    """
    ranks = [_rank(0, ended, None)]
    problems: list[Problem] = []
    end = outside.monotonic() + patience
    interrupted = False
    for number in range(1, place.size):
        folder = live.path(f"rank-{number}")
        try:
            with interruptible():
                state = "unknown" if interrupted else _settle(folder, outside, end)
        except KeyboardInterrupt:
            interrupted, state = True, "unknown"
        left = _read(folder)
        if left is None:
            ranks.append(Rank(number, state, reason=_WHY[state]))
            problems.append(Problem("rank", f"rank {number}: {_WHY[state]}"))
            continue
        ranks.append(left.rank)
        problems += [
            Problem(item.where, f"rank {number}: {item.message}", item.hint) for item in left.problems
        ]
        for file in left.files:
            try:
                store.objects.adopt(f"{folder}/{file.name}", file.digest, file.size)
            except OSError as error:
                problems.append(
                    Problem("log", f"rank {number}: {file.name} could not be stored: {error.strerror}")
                )
        problems += _take_metrics(number, folder, live)
    return Gathered(ranks, _together([rank.usage for rank in ranks if rank.usage is not None]), problems)


_WHY = {
    "lost": "its xt died before the command ended",
    "absent": "it did not begin",
    "unknown": "it had not ended when the run was sealed",
    "ended": "what it left cannot be read",
}
State = Literal["ended", "lost", "absent", "unknown"]


def _settle(folder: str, outside: Outside, end: float) -> State:
    """Wait until a rank has ended, or will not."""
    while True:
        if os.path.exists(f"{folder}/ended.json"):
            return "ended"
        if not _goes_on(folder):
            host = _host(folder)
            if os.path.exists(f"{folder}/ended.json"):
                return "ended"
            if host == os.uname().nodename:
                return "lost"
            # Of another host: its lock may not be seen here.
            if outside.monotonic() > end:
                return "absent" if host is None else "unknown"
        time.sleep(LOOK)


def _host(folder: str) -> str | None:
    """Where a rank runs; None while it has not begun."""
    try:
        return fsio.read_file(f"{folder}/lock", limit=1024).decode("utf-8", "replace") or None
    except OSError:
        return None


def _read(folder: str) -> Left | None:
    try:
        return codec.decode(fsio.read_file(f"{folder}/ended.json", limit=_LIMIT), Left, "the end of a rank")
    except (OSError, DamagedError):
        return None


def _take_metrics(number: int, folder: str, live: Live) -> list[Problem]:
    """Put what a rank has sent beside what rank 0 has, labelled with its number."""
    from xt.collect.metric_lines import Tally, lines, record

    try:
        with open(live.path("metrics.jsonl"), "ab") as target:
            for _, line, _ in lines(f"{folder}/metrics.jsonl", Tally()):
                sent = record(line)
                written = line.rstrip(b"\n")
                if isinstance(sent, dict):
                    labels = sent.get("labels")
                    own = labels if isinstance(labels, dict) else {}
                    written = msgspec.json.encode({**sent, "labels": {**own, "rank": str(number)}})
                target.write(written + b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        return [Problem("metrics", f"rank {number}: its metrics cannot be read: {error.strerror}")]
    return []


def _together(parts: list[Usage]) -> Usage:
    """What all ranks cost: the longest of times, the sum of all else."""

    def total(name: str) -> float | int | None:
        known = [getattr(part, name) for part in parts]
        return None if None in known else sum(known)

    first = parts[0]
    if len(parts) == 1:
        return first
    whole = {
        name: total(name)
        for name in ("user_s", "system_s", "peak_memory_bytes", "read_bytes", "written_bytes")
    }
    return msgspec.structs.replace(first, wall_s=max(part.wall_s for part in parts), **whole)
