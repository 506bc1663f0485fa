"""Run a command and turn its execution into evidence."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from xt import codec, execute
from xt.collect import Capture, Waiting, unsaid
from xt.config import Settings
from xt.context import Outside, timestamp
from xt.errors import NotStartedError, StoreError, XtError, reason
from xt.execute import spawn
from xt.execute.local import run as execute_local
from xt.model import runid
from xt.model.files import Problem
from xt.model.request import RunRequest
from xt.model.result import Record, Start
from xt.model.snapshot import Seed, Snapshot
from xt.ops import causes, effects
from xt.ops.beside import Beside, beside_baseline
from xt.ops.evidence import Missing, missing, required, undelivered
from xt.ops.repeats import remember
from xt.ops.scrub import Scrubber, secrets_of
from xt.ops.seal import seal
from xt.store import Live, Store, supervisor
from xt.store.store import MAX_RECORD

#: Bytes of causes that a record takes; what is left of it is for the effects.
MAX_START = MAX_RECORD * 7 // 10


class Report(NamedTuple):
    """What became of an `xt run`."""

    record: Record
    seal: str | None
    """None when the record could not be written; `trouble` says why."""
    trouble: str | None
    shown: int
    """Letters of the id that tell it from all others."""
    repeats: str | None
    """An earlier run of the same recipe."""
    repeats_at: str | None
    beside: Beside | None
    """The pinned baseline."""
    doubt: str | None
    """Why the run could not be held against it."""
    missing: list[Missing]
    """Required evidence that was missing when it started."""
    undelivered: list[Missing]
    """Required evidence that was declared and did not come, with the reason."""
    unsigned: str | None = None
    """Why it is not signed, though it was to be."""
    weak: str | None = None
    """Why the record may not survive a power failure."""


class Hooks(NamedTuple):
    """What else is to be done before the command starts, and with what it starts."""

    warn: Callable[[list[Missing]], None]
    """Gets required evidence that is missing."""
    missed: Callable[[Miss], None] | None = None
    """Gets the reason why no run of the same recipe can be reused, when that was asked for."""
    check: Callable[[Snapshot], None] | None = None
    """Gets the causes; an `XtError` from it prevents the start, and nothing is recorded."""
    added: dict[str, str] | None = None
    """Variables that the command gets and that are not recorded as its environment."""
    wrap: Callable[[list[str], dict[str, str], str], Wrapped] | None = None
    """Gets argv, all variables of the command and the folder of the run in flight; gives what is started
    instead, while the record names the command."""
    own_pids: bool = False
    """Whether it is the first process of a pid namespace of its own."""
    judge: Callable[[execute.Ended], execute.Ended] | None = None
    """Gets how it ended, and says how that is to be understood."""
    sealed: Callable[[Store, Record], str | None] | None = None
    """Gets the record when it is there for good, to sign it; gives the reason why it could not."""
    launch: Place | None = None
    """For rank 0 of a launcher, whose other ranks join the run."""
    waiting: Waiting = unsaid


#: argv and variables of what is started instead of a command.
Wrapped = tuple[list[str], dict[str, str]]
TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.launch import Place
    from xt.ops.reuse import Hit, Miss


class NotRecordedError(XtError):
    """The store cannot be written: `xt run` warns and becomes the command, or with `--strict` ends here."""

    code = "unrecorded"
    advice = "`XT_STORE=PATH` names a store elsewhere; without `--strict` the command runs all the same"
    example = "echo > .xt; xt run --strict -- true"


def run(
    request: RunRequest,
    outside: Outside,
    root: str,
    settings: Settings,
    store_path: str,
    hooks: Hooks,
) -> Report | Hit:
    """Record one execution: causes before, the command, effects after, the seal.

    Args:
        request: what to run, and what is declared about it.
        outside: the world.
        root: absolute path of the project's root.
        settings: of the project.
        store_path: of `.xt`.
        hooks: what is to be done before the start.

    Returns:
        The run; or, only when the request wants that, an earlier one that stands for it.

    Raises:
        NotStartedError: a declared input is missing, or evidence is and `strict` is set.
        NotRecordedError: the store cannot be written; nothing was started.
    """
    store, live, run_id = _begin(store_path, outside)
    try:
        if hooks.launch is not None:
            _lead(store, live, run_id, hooks.launch)
        secrets = secrets_of(request, outside, settings)
        scrubber = Scrubber(secrets)
        capture = Capture(request, outside, root, store_path, settings, store.objects, store.key())
        capture.secrets, capture.mask = dict(secrets), scrubber.mask
        snapshot = causes.snapshot(capture, scrubber, hooks.waiting)
        secrets |= capture.noticed
        wanted = required(settings, request.task)
        lacking = missing(wanted, request, snapshot)
        if lacking and (request.strict or settings.run.strict):
            raise _refused(lacking)
        if request.reuse is not None:
            hit = _reused(capture, snapshot, store, live, hooks.missed)
            if hit is not None:
                return hit
        if lacking:
            hooks.warn(lacking)
        if wanted:
            snapshot = msgspec.structs.replace(
                snapshot, required=wanted, lacking=[item.field for item in lacking]
            )
        if hooks.check is not None:
            hooks.check(snapshot)
        # Last: a run that could not be reused after all may have left some of its outputs in place.
        before = causes.before_outputs(capture)
        effects.ready(request)
        start = Start(run_id, timestamp(outside.now()), supervisor(), snapshot)
        written = codec.encode(start)
        if len(written) > MAX_START:
            from xt.ops.bounds import of_start

            start = of_start(start)
            written = codec.encode(start)
            if len(written) > MAX_START:
                raise NotRecordedError("the words of the command alone are more than a record may hold")
        live.publish(written)
        of_causes = set(store.objects.staged)
    except BaseException as error:
        _take_back(store, live)
        if isinstance(error, StoreError):
            raise NotRecordedError(error.message, error.hint) from error
        if isinstance(error, OSError):
            raise NotRecordedError(_why(error, store_path)) from error
        if isinstance(error, XtError) or not isinstance(error, Exception):
            raise
        if isinstance(error, MemoryError) or "can't start new thread" in str(error):
            raise NotRecordedError("memory or threads do not suffice for xt") from error
        # A mistake of ours must not keep the command from running.
        raise NotRecordedError(reason(error)) from error
    ended = execute_local(_job(request, outside, settings, live, run_id, snapshot.seed, secrets, hooks))
    if ended.no_room:
        _take_back(store, live)
        raise NotRecordedError(ended.reason or "")  # in our place the command may find room
    try:
        away = store.remade(live)
        if away is not None:
            ended = msgspec.structs.replace(ended, problems=[Problem("store", away), *ended.problems])
        if ended.started and snapshot.environment.container.started_by == "command":
            ended = msgspec.structs.replace(ended, usage=effects.elsewhere(ended.usage))
        if hooks.judge is not None:
            ended = hooks.judge(ended)
        gathered = None
        if hooks.launch is not None and live.launch is not None:
            from xt.ops.ranks import gather

            gathered = gather(hooks.launch, live, store, ended, outside, settings.run.rank_wait)
        result = scrubber.clean(effects.result(capture, before, ended, live, store, hooks.waiting))
        if gathered is not None:
            result = effects.of_all(result, scrubber.clean(gathered))
    except Exception as error:
        # The command has run: its exit code is kept, and recorded, whatever is wrong with us.
        result = effects.least(ended, timestamp(outside.now()), reason(error))
    record = Record.of(start, result)
    try:
        lost = undelivered(wanted, lacking, record)
    except Exception as error:
        lost = [Missing("evidence", reason(error))]

    def least(reason: str) -> Record:
        """What can be recorded when the contents cannot be stored."""
        store.objects.discard(of_causes)
        logs, problems = effects.keep_logs(ended.logs, ended.files, store)
        told = msgspec.structs.replace(result, logs=logs, problems=[*result.problems, *problems])
        return Record.of(start, effects.without_contents(told, store, reason))

    return _seal(store, live, record, least, settings, lacking, lost, hooks.sealed)


def started() -> bool:
    """Whether this process has started a command, which then is not to be started once more."""
    return spawn.started


def run_unrecorded(command: list[str]) -> tuple[str, int]:
    """Become the command: what cannot be recorded must run all the same.

    Returns:
        Only when it cannot be started: the reason and the status to end with.
    """
    return spawn.replace(command)


def _begin(store_path: str, outside: Outside) -> tuple[Store, Live, str]:
    if outside.umask & 0o700:
        # What is written first could not be read again, by us or any later run.
        raise NotRecordedError(
            f"with the umask {outside.umask:03o} what is written is not its owner's", "`umask 022`"
        )
    try:
        store = Store.create(store_path, foreign=bool(outside.environ.get("XT_FOREIGN_STORE")))
        while True:
            run_id = runid.make(outside.random_bytes(runid.LENGTH // 2))
            try:
                return store, store.begin(run_id), run_id
            except FileExistsError:
                continue  # once in some billions
    except StoreError as error:
        raise NotRecordedError(error.message, error.hint) from error
    except OSError as error:
        raise NotRecordedError(_why(error, store_path)) from error
    except XtError:
        raise
    except Exception as error:
        # As below: a mistake of ours must not keep the command from running.
        raise NotRecordedError(reason(error)) from error


def _take_back(store: Store, live: Live) -> None:
    """Remove what was begun of a run whose command has not been started."""
    with contextlib.suppress(OSError):
        store.objects.discard()
        live.end()


def _lead(store: Store, live: Live, run_id: str, launch: Place) -> None:
    """Let the other ranks find this run."""
    from xt.store import launches

    if not launches.claim(store.path, launch.key, live, run_id):
        raise NotRecordedError(f"another run of {launch.key} is going on", "`--per-rank` records each rank")


def _reused(
    capture: Capture, snapshot: Snapshot, store: Store, live: Live, missed: Callable[[Miss], None] | None
) -> Hit | None:
    """Let an earlier run stand for this one, which then leaves nothing behind."""
    from xt.ops.reuse import Miss, reuse

    found = reuse(capture, snapshot, store)
    if isinstance(found, Miss):
        if missed is not None:
            missed(found)
        return None
    store.objects.discard()
    live.end()
    return found


def _refused(lacking: list[Missing]) -> NotStartedError:
    fields = ", ".join(f"`{item.field}`" for item in lacking)
    return NotStartedError(
        f"required evidence is missing: {fields}",
        " · ".join(f"{item.field}: {item.hint}" for item in lacking),
    )


def _job(
    request: RunRequest,
    outside: Outside,
    settings: Settings,
    live: Live,
    run_id: str,
    seed: Seed,
    secrets: dict[str, str],
    hooks: Hooks,
) -> execute.Job:
    environ = {**outside.environ, **(hooks.added or {})}
    environ["XT_RUN_ID"] = run_id
    environ["XT_METRICS"] = live.path("metrics.jsonl")
    if seed.value is not None:
        environ["XT_SEED"] = str(seed.value)
    if hooks.launch is not None:
        environ["XT_LAUNCH"] = hooks.launch.key
    argv = request.command
    if hooks.wrap is not None:
        argv, environ = hooks.wrap(argv, environ, live.folder)
    return execute.Job(
        argv=argv,
        environ=environ,
        folder=live.folder,
        secrets=secrets,
        grace=settings.run.grace,
        idle_grace=settings.run.idle_grace,
        max_log=settings.run.max_log,
        mask_tokens=settings.env.mask_tokens,
        own_pids=hooks.own_pids,
    )


def _why(error: Exception, path: str | None = None) -> str:
    """Why there is no record; of an error of the system with its path, where one is wanted."""
    if not isinstance(error, OSError):
        return reason(error)
    return (error.strerror or str(error)) + (f": {error.filename or path}" if path is not None else "")


def _seal(
    store: Store,
    live: Live,
    record: Record,
    least: Callable[[str], Record],
    settings: Settings,
    lacking: list[Missing],
    lost: list[Missing],
    sealed: Callable[[Store, Record], str | None] | None,
) -> Report:
    unsigned = None
    repeats: tuple[str, str] | None = None
    beside: Beside | None = None
    doubt: str | None = None
    shown = runid.SHORTEST
    record, digest, weak, failed = seal(store, live, record)
    if failed is not None:
        try:
            record, digest, weak, failed = seal(store, live, least(_why(failed)))
        except Exception as error:
            failed = error if isinstance(error, OSError) else failed
    trouble = None if failed is None else _why(failed, store.path)
    if sealed is not None and digest is not None:
        unsigned = sealed(store, record)
    # The record is there, or it is not: what follows is tidying, and can be done again by a reader. Whatever
    # is wrong with it, the exit code is still to be passed on.
    try:
        if digest is not None:
            live.end()
            repeats = remember(store.path, record)
            try:
                beside = beside_baseline(store, record, settings)
            except Exception as error:
                doubt = reason(error)
        else:
            store.objects.discard()
        shown = store.shown(record.id)
    except OSError:
        pass
    except Exception as error:
        doubt = reason(error)
    if trouble is not None and os.path.exists(live.path("start.json")):
        trouble += f" (lost: xt show {record.id[:shown]} has its start and its log)"
    return Report(
        record,
        digest,
        trouble,
        shown,
        repeats[0] if repeats else None,
        repeats[1] if repeats else None,
        beside,
        doubt,
        lacking,
        lost,
        unsigned,
        weak,
    )
