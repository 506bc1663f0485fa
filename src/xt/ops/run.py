"""Run a command and turn its execution into evidence."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from xt import codec, execute
from xt.collect import AFTER, BEFORE, Capture
from xt.collect.command import describe
from xt.config import Settings
from xt.context import Outside, timestamp
from xt.errors import NotStartedError, StoreError, XtError
from xt.execute.local import run as execute_local
from xt.execute.spawn import replace
from xt.execute.watch import interruptible
from xt.fsio import read_pieces
from xt.model import runid
from xt.model.files import Output
from xt.model.request import RunRequest
from xt.model.result import Metric, Record, Result, Start, Status
from xt.model.snapshot import OutputSpec, Seed, Snapshot
from xt.model.text import from_text, to_text
from xt.ops import recipe
from xt.ops.evidence import Missing, missing
from xt.ops.repeats import remember
from xt.redact import secret_values
from xt.store import Live, Store, supervisor


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
    missing: list[Missing]


class NotRecordedError(XtError):
    """The command can run and cannot be recorded: the caller decides."""

    code = "not-recorded"


def run(
    request: RunRequest,
    outside: Outside,
    root: str,
    settings: Settings,
    store_path: str,
    warn: Callable[[list[Missing]], None],
) -> Report:
    """Record one execution: causes before, the command, effects after, the seal.

    Args:
        request: what to run, and what is declared about it.
        outside: the world.
        root: absolute path of the project's root.
        settings: of the project.
        store_path: of `.xt`.
        warn: called before the start with required evidence that is missing.

    Raises:
        NotStartedError: a declared input is missing, or evidence is and `strict` is set.
        NotRecordedError: the store cannot be written; nothing was started.
    """
    store, live, run_id = _begin(store_path, outside)
    try:
        capture = Capture(request, outside, root, store_path, settings, store.objects, store.key())
        snapshot = _causes(capture)
        before = AFTER.get("declare")(capture) if request.outputs else None
        lacking = missing(settings.evidence.required, request, snapshot)
        if lacking:
            if request.strict or settings.run.strict:
                raise _refused(lacking)
            warn(lacking)
        start = Start(run_id, timestamp(outside.now()), supervisor(), snapshot)
        live.publish(codec.encode(start))
    except BaseException as error:
        store.objects.discard()
        live.end()
        if isinstance(error, OSError):
            raise NotRecordedError(f"{error.strerror}: {error.filename or store_path}") from error
        if isinstance(error, XtError) or not isinstance(error, Exception):
            raise
        # A mistake of ours must not keep the command from running.
        raise NotRecordedError(f"a bug in xt: {type(error).__name__}: {error}") from error
    ended = execute_local(_job(request, outside, settings, live, run_id, snapshot.seed))
    result = _effects(capture, before, ended, live, store)
    return _seal(store, live, Record.of(start, result), lacking)


def run_unrecorded(command: list[str]) -> tuple[str, int]:
    """Become the command: what cannot be recorded must run all the same.

    Returns:
        Only when it cannot be started: the reason and the status to end with.
    """
    return replace(command)


def _begin(store_path: str, outside: Outside) -> tuple[Store, Live, str]:
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
        raise NotRecordedError(f"{error.strerror}: {error.filename or store_path}") from error


def _causes(capture: Capture) -> Snapshot:
    """Collect everything that is true before the start; the code in parallel to the rest."""
    request = capture.request
    found: dict[str, Any] = {}
    failures: list[BaseException] = []

    def code() -> None:
        try:
            found["code"] = BEFORE.get("code")(capture)
        except BaseException as error:
            failures.append(error)

    worker = threading.Thread(target=code, name="xt-code")
    worker.start()
    try:
        for row in BEFORE:
            if row.name == "inputs" and not capture.request.inputs:
                found["inputs"] = []
            elif row.name != "code":
                found[row.name] = capture.found[row.name] = BEFORE.get(row.name)(capture)
        command = describe(capture)
    finally:
        worker.join()
    if failures:
        raise failures[0]
    return Snapshot(
        command=command,
        outputs=[OutputSpec(item.role, to_text(item.path)) for item in request.outputs],
        metrics=request.metrics,
        recipe=recipe.digest(
            command, found["code"], found["inputs"], found["params"], found["environment"], found["seed"]
        ),
        problems=capture.problems,
        **found,
    )


def _refused(lacking: list[Missing]) -> NotStartedError:
    fields = ", ".join(f"`{item.field}`" for item in lacking)
    return NotStartedError(
        f"required evidence is missing: {fields}",
        " · ".join(f"{item.field}: {item.hint}" for item in lacking),
    )


def _job(
    request: RunRequest, outside: Outside, settings: Settings, live: Live, run_id: str, seed: Seed
) -> execute.Job:
    environ = dict(outside.environ)
    environ["XT_RUN_ID"] = run_id
    environ["XT_METRICS"] = live.path("metrics.jsonl")
    if seed.value is not None:
        environ["XT_SEED"] = str(seed.value)
    return execute.Job(
        argv=request.command,
        environ=environ,
        folder=live.folder,
        secrets=secret_values(outside.environ, settings.env.secrets),
        grace=settings.run.grace,
        idle_grace=settings.run.idle_grace,
        max_log=settings.run.max_log,
    )


def _effects(capture: Capture, before: Any, ended: execute.Ended, live: Live, store: Store) -> Result:
    """Collect everything that came out; Ctrl-C ends the storing of outputs, not the sealing."""
    capture.problems = list(ended.problems)
    outputs: list[Output] = []
    metrics: list[Metric] = []
    if ended.started:
        try:
            with interruptible():
                if capture.request.outputs:
                    outputs = AFTER.get("outputs")(capture, before)
                metrics = _metrics(capture, outputs, ended, live)
        except KeyboardInterrupt:
            capture.problem("outputs", "storing was interrupted: what is not listed was not stored")
            outputs = outputs or _not_stored(capture, "interrupted")
        except Exception as error:
            # A mistake of ours must not cost the record of what the command did.
            capture.problem("outputs", f"a bug in xt: {type(error).__name__}: {error}")
            outputs = outputs or _not_stored(capture, "a bug in xt")
    else:
        capture.problem("command", ended.reason or "it did not start")
    for file in ended.files:
        try:
            store.objects.adopt(file.path, file.digest, file.size)
        except OSError as error:
            capture.problem("log", f"{file.name} could not be stored: {error.strerror}")
    return Result(
        status=_status(ended, outputs),
        exit_code=ended.exit_code,
        signal=ended.signal,
        core_dumped=ended.core_dumped,
        xt_exit=ended.xt_exit,
        received=ended.received,
        ended_at=timestamp(capture.outside.now()),
        usage=ended.usage,
        logs=ended.logs,
        outputs=outputs,
        metrics=metrics,
        problems=capture.problems,
    )


def _not_stored(capture: Capture, reason: str) -> list[Output]:
    return [
        Output(item.role, to_text(item.path), "file", "skipped", reason=reason)
        for item in capture.request.outputs
    ]


def _metrics(capture: Capture, outputs: list[Output], ended: execute.Ended, live: Live) -> list[Metric]:
    files = [
        os.path.join(capture.root, from_text(output.path))
        for output in outputs
        if output.role == "metrics" and output.status == "stored" and output.path is not None
    ]
    points = live.path("metrics.jsonl")
    if not files and not capture.request.metrics and not os.path.exists(points):
        return []
    logs = {file.name: read_pieces(file.path) for file in ended.files if file.name != "timing"}
    started = live.path("start.json")
    found: list[Metric] = AFTER.get("metrics")(capture, capture.request.metrics, files, points, logs, started)
    return found


def _status(ended: execute.Ended, outputs: list[Output]) -> Status:
    if not ended.started:
        return "not-started"
    if ended.exit_code != 0:
        return "interrupted" if ended.received else "failed"
    return "incomplete" if any(output.status != "stored" for output in outputs) else "ok"


def _seal(store: Store, live: Live, record: Record, lacking: list[Missing]) -> Report:
    seal = trouble = None
    repeats: tuple[str, str] | None = None
    try:
        seal = store.seal(live, record)
        live.end()
        repeats = remember(store.path, record)
    except OSError as error:
        trouble = f"{error.strerror}: {error.filename or store.path}"
    return Report(
        record,
        seal,
        trouble,
        store.shown(record.id),
        repeats[0] if repeats else None,
        repeats[1] if repeats else None,
        lacking,
    )
