"""Metrics: the named numbers that came out, of files, log patterns and `XT_METRICS`."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from xt import fsio
from xt.collect import Capture
from xt.collect.metric_files import declared, everything, read_points
from xt.collect.series import MAX_SERIES, Book, Series
from xt.declare import METRIC_SUFFIXES
from xt.model.request import MetricGoal, RunRequest
from xt.model.result import Metric, Number
from xt.model.snapshot import MetricSpec
from xt.model.text import from_text

#: How strong a source is: a declared metric, a number in an output of role `metrics`, a point sent.
DECLARED, OUTPUT, SENT = 3, 2, 1
#: Disagreements told one by one.
MAX_TOLD = 10


def prepare(request: RunRequest, files: Sequence[str] = ()) -> None:
    """Import, before the command starts, what `collect` will need after: the command may replace xt itself.

    Args:
        request: whose declared metrics are looked at.
        files: paths or globs of the outputs of role `metrics`.
    """
    names = [from_text(spec.file) for spec in request.metrics if spec.file is not None] + list(files)
    lowered = [name.lower() for name in names]
    if any(name.endswith((".csv", ".tsv")) for name in lowered):
        import xt.collect.metric_table
    if any(name.endswith((".yaml", ".yml")) for name in lowered):
        import xt.collect.yaml_document
    if any(name.endswith(".toml") for name in lowered):
        import xt.toml_text
    if lowered:
        import json  # noqa: F401

        import xt.collect.documents
    if any(spec.pattern is not None for spec in request.metrics):
        import xt.collect.metric_log  # noqa: F401


def collect(
    capture: Capture,
    specs: Sequence[MetricSpec],
    outputs: Sequence[str],
    sent: str | None,
    logs: Mapping[str, Iterable[bytes]],
    started: str | None = None,
    others: Sequence[Callable[[Book], None]] = (),
    claimed: Callable[[str], bool] | None = None,
) -> list[Metric]:
    """Gather the metrics of a run, one per name and labels, sorted.

    Nothing is raised: what is missing or malformed is a problem.

    Args:
        capture: of the run.
        specs: what was declared; files are relative to where the command ran.
        outputs: absolute paths of declared outputs of role `metrics`; of a folder, every file in it
            that metrics can be read from.
        sent: absolute path of the file that `XT_METRICS` named, or None.
        logs: the stored bytes by stream (`stdout`, `stderr`), each read at most once and only when a
            pattern asks for it; `fsio.read_pieces` makes one of a file.
        started: path of a file that was written just before the command started. A metric file that was
            not touched since is of an earlier run, and left out. None: not looked at.
        others: further sources, each of which puts its points into the book.
        claimed: whether a file is read by one of those.

    Returns:
        Where sources disagree, the declared one, then the output's, then the sent one; where they
        agree, the one with the longer series.
    """
    if not specs and not outputs and not others and not _has_content(sent):
        return []
    book = Book(capture)
    try:
        before = None if started is None else moment(capture, started)
        for spec in specs:
            if spec.file is not None:
                path = os.path.normpath(os.path.join(capture.request.cwd, from_text(spec.file)))
                _attempt(capture, path, before, partial(_declared, spec, book))
        for path in _files(capture, outputs):
            if claimed is None or not claimed(path):
                _attempt(capture, path, before, lambda path, shown: everything(path, shown, book, OUTPUT))
        if sent is not None and _has_content(sent):
            _attempt(capture, sent, None, lambda path, _: read_points(path, "XT_METRICS", book, SENT))
        patterns = [spec for spec in specs if spec.pattern is not None]
        if patterns:
            from xt.collect.metric_log import search

            search(logs, patterns, book, DECLARED)
        for other in others:
            other(book)
        if book.left_out:
            capture.problem(
                "metrics",
                f"there are more than {MAX_SERIES} metrics; {book.left_out} points of others are left out",
                "labels are for a few cohorts, such as `digit=8`, not for single examples",
            )
        return _resolve(book)
    finally:
        book.close()


def _files(capture: Capture, outputs: Sequence[str]) -> Iterator[str]:
    for output in outputs:
        if not os.path.isdir(output):
            yield output
            continue

        def unreadable(error: OSError) -> None:
            capture.problem("metrics", f"a folder of metrics cannot be read: {error.strerror}")

        for folder, folders, names in os.walk(output, onerror=unreadable):
            folders.sort()
            for name in sorted(names):
                if name.lower().endswith(METRIC_SUFFIXES):
                    yield os.path.join(folder, name)


def _declared(spec: MetricSpec, book: Book, path: str, shown: str) -> None:
    declared(path, shown, spec.name, spec.selector, book, DECLARED)


def _attempt(
    capture: Capture, path: str, before: tuple[int, int] | None, read: Callable[[str, str], None]
) -> None:
    """Read one file, and make a problem of what is wrong with it."""
    from xt.collect.documents import DocumentError

    shown = fsio.relative_to(path, capture.root)
    try:
        info = os.stat(path)
        if before is not None and info.st_dev == before[0] and info.st_ctime_ns < before[1]:
            capture.problem("metrics", f"{shown} was not written by this run; its metrics are not recorded")
            return
        read(path, shown)
    except DocumentError as error:
        capture.problem("metrics", f"{shown}{f':{error.line}' if error.line else ''}: {error.message}")
    except FileNotFoundError:
        capture.problem("metrics", f"{shown} does not exist, so its metrics are missing")
    except OSError as error:
        reason = "it is not a regular file" if error.errno == errno.EINVAL else (error.strerror or str(error))
        capture.problem("metrics", f"{shown} cannot be read: {reason}")


def _has_content(path: str | None) -> bool:
    """Whether the command sent anything; what cannot be told is found out by reading."""
    if path is None:
        return False
    try:
        info = os.stat(path)
        return info.st_size > 0 or not stat.S_ISREG(info.st_mode)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def moment(capture: Capture, path: str) -> tuple[int, int] | None:
    """Device and change time of a file: clocks of different file systems are not compared."""
    try:
        info = os.stat(path)
    except OSError as error:
        capture.problem(
            "metrics", f"whether metric files are older than the run is not known: {error.strerror}"
        )
        return None
    return info.st_dev, info.st_ctime_ns


def _resolve(book: Book) -> list[Metric]:
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[Series]] = {}
    for series in book:
        if series.count:
            groups.setdefault((series.name, tuple(sorted(series.labels.items()))), []).append(series)
    found = []
    told = 0
    for key in sorted(groups):
        strongest, *others = sorted(groups[key], key=lambda series: -series.rank)
        differing = [one for one in others if not _agree(one, strongest)]
        if differing and told < MAX_TOLD:
            said = ", ".join(map(_brief, differing))
            book.capture.problem(
                "metrics",
                f"`{strongest.name}` is {_brief(strongest)}, which is recorded, and {said}",
                f"`--metric {strongest.name}=FILE:SELECTOR` says which is meant",
            )
        told += bool(differing)
        agreeing = [one for one in (strongest, *others) if one not in differing]
        found.append(_metric(book, max(agreeing, key=lambda series: series.count)))
    if told > MAX_TOLD:
        book.capture.problem("metrics", f"{told - MAX_TOLD} more metrics differ between their sources")
    return found


def _agree(one: Series, other: Series) -> bool:
    """Whether two sources say one value, as exactly as both of them can."""
    if one.value == other.value:
        return True
    values = one.value, other.value
    if not (one.single or other.single) or any(isinstance(value, Number) for value in values):
        return False
    from struct import pack

    try:
        return pack("f", values[0]) == pack("f", values[1])
    except OverflowError:
        return False


def _brief(series: Series) -> str:
    value = series.value.special if isinstance(series.value, Number) else series.value
    return f"{value} by `{series.source}`"


def _metric(book: Book, series: Series) -> Metric:
    known = _goal(series.name, book.capture.request.goals)
    if known.goal == "none" and series.name in book.goals:
        known = MetricGoal(book.goals[series.name], known.unit)
    return Metric(
        name=series.name,
        value=series.value,
        source=series.source,
        unit=known.unit,
        goal=known.goal,
        labels=series.labels,
        step=series.step,
        count=series.count,
        series=book.digest(series),
    )


def _goal(name: str, goals: Mapping[str, MetricGoal]) -> MetricGoal:
    """Find what is declared of a metric: under its own name, or the first glob that fits."""
    if name in goals:
        return goals[name]
    from fnmatch import fnmatchcase

    return next((known for pattern, known in goals.items() if fnmatchcase(name, pattern)), MetricGoal())
