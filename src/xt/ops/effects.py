"""Everything that came out of a command."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import msgspec

from xt import codec, fsio
from xt.collect import AFTER, Amount, Capture, Waiting, unsaid
from xt.context import timestamp
from xt.errors import reason
from xt.execute import Captured, Ended
from xt.execute.watch import ENDING, interruptible
from xt.model.files import Manifest, Output, Problem
from xt.model.request import RunRequest
from xt.model.result import Logs, Metric, Result, Status, Usage
from xt.model.text import from_text, to_shown, to_text
from xt.store import Live, Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.ops.imports import Imports
    from xt.ops.ranks import Gathered

#: Outputs named one by one.
TOLD = 3


def result(
    capture: Capture,
    before: Any,
    ended: Ended,
    live: Live,
    store: Store,
    waiting: Waiting = unsaid,
) -> Result:
    """Collect all effects; Ctrl-C ends the storing of outputs, not the sealing.

    Args:
        capture: of the run.
        before: what `causes.before_outputs` gave.
        ended: how the command ended.
        live: the run in flight, whose logs are taken over.
        store: where content goes.
        waiting: gets what is waited for; that it is over is for the caller to say, when all is flushed.
    """
    capture.problems = list(ended.problems)
    outputs: list[Output] = []
    metrics: list[Metric] = []
    imports: Imports | None = None
    if ended.started:
        try:
            with interruptible():
                if capture.request.outputs:
                    capture.amount = Amount()
                    waiting("storing the outputs", capture.amount)
                    outputs = AFTER.get("outputs")(capture, before)
                    waiting("reading the metrics")
                imports = _imports(capture, live)
                metrics = _metrics(capture, ended, live, imports)
        except KeyboardInterrupt:
            if capture.request.outputs and not outputs:
                outputs = _cut_short(capture)
            else:
                capture.problem("outputs", "collecting was interrupted: metrics not listed are missing")
        except Exception as error:
            # A mistake of ours must not cost the record of what the command did.
            capture.problem("outputs", reason(error))
            outputs = outputs or _not_stored(capture, reason(error))
    else:
        capture.problem("command", ended.reason or "it did not start", _meant(capture, ended))
    if outputs:
        waiting("flushing what is stored")
    logs, lost = keep_logs(ended.logs, ended.files, store)
    capture.problems += lost
    return Result(
        status=_status(ended, outputs),
        exit_code=ended.exit_code,
        signal=ended.signal,
        core_dumped=ended.core_dumped,
        xt_exit=ended.xt_exit,
        received=ended.received,
        ended_at=timestamp(capture.outside.now()),
        usage=ended.usage,
        logs=logs,
        outputs=outputs,
        metrics=metrics,
        problems=capture.problems,
        derived=imports.derived if imports is not None else [],
        reported=imports.reported if imports is not None else [],
    )


def without_contents(result: Result, store: Store, reason: str) -> Result:
    """Make it one whose contents could not be stored, as on a disk without room for them; logs stay.

    Args:
        result: as it was to be recorded.
        store: which may have some of them all the same.
        reason: why it has not got the others.
    """
    outputs = [
        item
        if item.digest is None or _is_here(store, item.digest, item.kind)
        else msgspec.structs.replace(item, status="skipped", digest=None, reason=reason)
        for item in result.outputs
    ]
    has = store.objects.has
    ranks = [
        rank
        if rank.logs is None or all(one.digest is None or has(one.digest) for one in rank.logs.streams)
        else msgspec.structs.replace(rank, logs=None, reason=reason)
        for rank in result.ranks
    ]
    least = msgspec.structs.replace(
        result,
        status="incomplete" if result.status == "ok" and outputs != result.outputs else result.status,
        outputs=outputs,
        metrics=[
            metric
            if metric.series is None or has(metric.series)
            else msgspec.structs.replace(metric, series=None)
            for metric in result.metrics
        ],
        derived=[item for item in result.derived if has(item.digest)],
        ranks=ranks,
    )
    if least == result:
        return result
    problem = Problem("outputs", f"contents could not be stored: {reason}")
    return msgspec.structs.replace(least, problems=[*result.problems, problem])


def _has(store: Store, digest: str) -> bool:
    """Whether a content is known to be here; one of which that cannot be told is written anew."""
    try:
        return store.objects.has(digest)
    except OSError:
        return False


def _is_here(store: Store, digest: str, kind: str) -> bool:
    if not _has(store, digest) or kind not in ("tree", "glob"):
        return _has(store, digest)
    manifest = codec.decode(store.objects.read(digest), Manifest, "a manifest")
    return all(entry.digest is None or _has(store, entry.digest) for entry in manifest.entries)


def keep_logs(logs: Logs, files: list[Captured], store: Store) -> tuple[Logs, list[Problem]]:
    """Take the logs over into the store; give what can be said of them then, and what went wrong."""
    problems = []
    for file in files:
        try:
            if not _has(store, file.digest):
                store.objects.adopt(file.path, file.digest, file.size)
        except fsio.ChangedError as error:
            problems.append(Problem("log", f"{file.name}: {error.strerror} while the command ran"))
            logs = _as_found(logs, file, store)
        except OSError as error:
            problems.append(Problem("log", f"{file.name} could not be stored: {error.strerror}"))
            logs = _without(logs, file.name, error.strerror)
    return logs, problems


def _as_found(logs: Logs, file: Captured, store: Store) -> Logs:
    """Keep a log that somebody else wrote to, for what it is now."""
    reason = "not what the command wrote: somebody else wrote to it"
    try:
        digest, size, _ = store.objects.put_file(file.path)
    except OSError:
        return _without(logs, file.name, reason)
    logs = _without(logs, file.name, reason)
    streams = [
        msgspec.structs.replace(stream, digest=digest, stored=size) if stream.name == file.name else stream
        for stream in logs.streams
    ]
    return msgspec.structs.replace(logs, streams=streams)


def _without(logs: Logs, name: str, reason: str | None) -> Logs:
    """Say nothing of the content of a log that is not in the store."""
    if name == "timing":
        return msgspec.structs.replace(logs, timing=None)
    streams = [
        msgspec.structs.replace(stream, digest=None, stored=0, reason=reason)
        if stream.name == name
        else stream
        for stream in logs.streams
    ]
    return msgspec.structs.replace(logs, streams=streams)


def elsewhere(usage: Usage) -> Usage:
    """Leave out what was measured of a `docker` command: what runs in its container is no child of ours."""
    return msgspec.structs.replace(
        usage,
        user_s=None,
        system_s=None,
        peak_memory_bytes=None,
        read_bytes=None,
        written_bytes=None,
        reason="what a command uses in a container is not measured",
    )


def of_all(result: Result, gathered: Gathered) -> Result:
    """Make it the result of all ranks: it is as good as the worst of them."""
    well = all(rank.state == "ended" and rank.exit_code == 0 for rank in gathered.ranks)
    status = result.status if well or result.status not in ("ok", "incomplete") else "failed"
    return msgspec.structs.replace(
        result,
        status=status,
        usage=gathered.usage,
        ranks=gathered.ranks,
        problems=[*result.problems, *gathered.problems],
    )


def least(ended: Ended, ended_at: str, trouble: str) -> Result:
    """What is certain of a run whose effects could not be collected: how it ended, and its cost."""
    return Result(
        status=_status(ended, []),
        exit_code=ended.exit_code,
        signal=ended.signal,
        core_dumped=ended.core_dumped,
        xt_exit=ended.xt_exit,
        received=ended.received,
        ended_at=ended_at,
        usage=ended.usage,
        logs=Logs([], None, ended.logs.open_at_end),
        outputs=[],
        metrics=[],
        problems=[Problem("record", trouble)],
    )


def ready(request: RunRequest) -> None:
    """Load what the end will need: xt may be upgraded or removed while the command runs."""
    import xt.flushing

    if request.imports or request.outputs:
        import xt.collect.documents
        import xt.collect.metric_files
        import xt.ops.import_sink
        import xt.ops.imports  # noqa: F401


def _imports(capture: Capture, live: Live) -> Imports | None:
    """Look for what other tools left, where something is declared at all."""
    if not capture.request.imports and not capture.request.outputs:
        return None
    from xt.ops.imports import find

    return find(capture, os.path.basename(live.folder), live.path("start.json"))


def _metrics(capture: Capture, ended: Ended, live: Live, imports: Imports | None) -> list[Metric]:
    request = capture.request
    files = AFTER.get("metric files")(capture) if request.outputs else []
    points = live.path("metrics.jsonl")
    if not files and not request.metrics and imports is None and not os.path.exists(points):
        return []
    logs = {file.name: fsio.read_pieces(file.path) for file in ended.files if file.name != "timing"}
    started = live.path("start.json")
    others = [imports.read] if imports is not None else []
    claimed = imports.claims if imports is not None else None
    found: list[Metric] = AFTER.get("metrics")(
        capture, request.metrics, files, points, logs, started, others, claimed
    )
    return found


def _not_stored(capture: Capture, reason: str, kept: Iterable[Output] = ()) -> list[Output]:
    have = {(item.role, item.declared) for item in kept}
    return [
        Output(item.role, to_text(item.path), "file", "skipped", reason=reason)
        for item in capture.request.outputs
        if (item.role, to_text(item.path)) not in have
    ]


def _cut_short(capture: Capture) -> list[Output]:
    """Give what was stored until somebody interrupted it, and say what was not."""
    kept = list(capture.found.get("kept", {}).values())
    lost = _not_stored(capture, "interrupted", kept)
    names = [f"`{to_shown(from_text(item.declared))}`" for item in lost]
    some = (
        f"{', '.join(names[:TOLD])} and {len(names) - TOLD} more" if len(names) > TOLD else ", ".join(names)
    )
    capture.problem(
        "outputs",
        f"storing was interrupted: kept {len(kept)} of {len(kept) + len(lost)}, not {some}"
        " (left where the command wrote it); no metrics were read",
    )
    return kept + lost


def _meant(capture: Capture, ended: Ended) -> str | None:
    """Say what the command that did not start should perhaps have been."""
    from xt.ops import unstarted

    if capture.request.docker is not None:
        return None  # what there is in the container is not seen from here
    try:
        path = capture.outside.environ.get("PATH", os.defpath)
        tasks = capture.settings.task
        return unstarted.hint(capture.request.command, ended.xt_exit or 0, path, os.getcwd(), tasks)
    except OSError:
        return None  # it is only a hint


def _status(ended: Ended, outputs: list[Output]) -> Status:
    if not ended.started:
        return "not-started"
    if ended.exit_code != 0:
        ended_it = ended.signal in ended.received or not ENDING.isdisjoint(ended.received)
        return "interrupted" if ended_it else "failed"
    whole = ended.xt_exit == 0 and all(output.status == "stored" for output in outputs)
    return "ok" if whole else "incomplete"
