"""Metrics, settings and cases out of what other tools left behind: declared, or found among the outputs."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import NamedTuple

from xt import errors, fsio
from xt.collect import Capture
from xt.collect.metrics import DECLARED, OUTPUT, moment
from xt.collect.paths import absolute, recorded
from xt.collect.places import files, places
from xt.collect.series import Book
from xt.exchange.importers import FORMATS, MalformedError
from xt.exchange.importers.shapes import TooManyError, anchors, chosen, found, is_promptfoo, own
from xt.model.request import RunRequest
from xt.model.result import Derived
from xt.model.snapshot import Param
from xt.model.text import from_text, to_shown, to_text
from xt.ops.import_sink import ImportSink, Limits

#: What is found in an output that nobody declared to hold metrics: any other source wins over it.
FOUND = 0


class Source(NamedTuple):
    """Files of one format in one place."""

    form: str
    base: str
    """Absolute: what was declared, or the output they were found in."""
    anchors: list[str]
    rank: int


class Imports:
    """Everything of other tools that a run left."""

    def __init__(self, capture: Capture, sources: list[Source], run: str, began: float | None) -> None:
        """Read nothing yet.

        Args:
            capture: of the run.
            sources: what there is.
            run: its id.
            began: seconds since 1970 at which the command started.
        """
        self.derived: list[Derived] = []
        self.reported: list[Param] = []
        self._capture, self._sources, self._run, self._began = capture, sources, run, began
        self._own = tuple(
            each for source in sources for at in source.anchors for each in own(source.form, at)
        )

    def claims(self, path: str) -> bool:
        """Whether a file belongs to what is read here, so that nobody else need read it."""
        return path.startswith(self._own)

    def read(self, book: Book) -> None:
        """Put all points into the book, and keep settings and cases; what is wrong is a problem."""
        from xt.collect.params import masked

        limits = Limits(self._capture)
        for source in self._sources:
            sink = ImportSink(self._capture, book, limits, self._run, self._began, source.rank)
            try:
                self._read(source, sink)
                sink.finish()
                # At once: what is kept so far is recorded even when what follows is interrupted.
                self.reported += masked(sink.reported)
                if sink.cases:
                    place = to_text(recorded(source.base, self._capture.root))
                    self.derived += sink.derive(source.form, place)
            finally:
                sink.close()
        limits.tell()
        _contradicting(self._capture, self.reported)

    def _read(self, source: Source, sink: ImportSink) -> None:
        folders = sorted({os.path.dirname(anchor) for anchor in source.anchors})
        top = os.path.commonpath(folders)
        sink.several = len(folders) > 1
        for anchor in source.anchors:
            folder = os.path.dirname(anchor)
            # A tool begins another event file in the same folder when it goes on: they are one series.
            is_one = (
                source.form == "tensorboard"
                and sum(one.startswith(f"{folder}/") for one in source.anchors) > 1
            )
            place = to_shown(fsio.relative_to(folder if is_one else anchor, self._capture.root))
            sink.begin(f"{source.form}:{place}", place, to_shown(fsio.relative_to(folder, top)))
            _attempt(FORMATS.get(source.form), anchor, sink)


def prepare(request: RunRequest) -> None:
    """Import, before the command starts, what reading the declared formats will need."""
    for spec in request.imports:
        import_module(FORMATS.rows[spec.format].target.partition(":")[0])


def find(capture: Capture, run: str, started: str) -> Imports | None:
    """Find what there is to read; None where there is nothing.

    Args:
        capture: of the run, after its outputs were kept.
        run: its id.
        started: path of a file that was written just before the command started: what was not touched since
            is of another run.
    """
    before = moment(capture, started)

    def is_new(path: str) -> bool:
        try:
            info = os.stat(path)
        except OSError:
            return True  # reading it will say why it cannot be
        return before is None or info.st_dev != before[0] or info.st_ctime_ns >= before[1]

    sources = [source for spec in _declared(capture) if (source := _look(capture, *spec, is_new)) is not None]
    taken = {(source.form, anchor) for source in sources for anchor in source.anchors}
    sources += _among_outputs(capture, is_new, taken)
    if not sources:
        return None
    return Imports(capture, sources, run, None if before is None else before[1] / 1e9)


def _declared(capture: Capture) -> list[tuple[str, str]]:
    request = capture.request
    return [
        (spec.format, absolute(from_text(spec.path), request.cwd, capture.outside.environ))
        for spec in request.imports
    ]


def _look(capture: Capture, form: str, path: str, is_new: Callable[[str], bool]) -> Source | None:
    shown = to_shown(fsio.relative_to(path, capture.root))
    unread: list[OSError] = []
    try:
        there = anchors(form, path, unread)
    except FileNotFoundError:
        capture.problem("metrics", f"{shown} does not exist, so its metrics are missing")
        return None
    except TooManyError:
        hint = f"name the folder of this run: `--metrics {form}:FOLDER`"
        capture.problem("metrics", f"{shown} holds too many files to look for those of {form}", hint)
        return None
    except OSError as error:
        capture.problem("metrics", f"{shown} cannot be searched: {error.strerror}")
        return None
    if unread:
        where = to_shown(fsio.relative_to(str(unread[0].filename), capture.root))
        more = f", and {len(unread) - 1} more" if unread[1:] else ""
        capture.problem("metrics", f"{where}{more}: not searched for metrics: {unread[0].strerror}")
    new = [anchor for anchor in there if is_new(anchor)]
    if not there:
        capture.problem("metrics", f"{shown} holds nothing of {form}: {FORMATS.rows[form].summary}")
    elif not new:
        capture.problem("metrics", f"{shown} was not written by this run; its metrics are not recorded")
    return Source(form, path, chosen(form, new), DECLARED) if new else None


def _among_outputs(
    capture: Capture, is_new: Callable[[str], bool], taken: set[tuple[str, str]]
) -> Iterable[Source]:
    for request, place in places(capture):
        is_meant = request.role in ("metrics", "cases")
        by_form: dict[str, list[str]] = {}
        for path in files(place):
            form = found(path) or ("promptfoo" if is_meant and is_promptfoo(path) else None)
            if form is not None and (form, path) not in taken and is_new(path):
                by_form.setdefault(form, []).append(path)
                taken.add((form, path))
        for form, paths in by_form.items():
            yield Source(form, place.path, chosen(form, paths), OUTPUT if is_meant else FOUND)


def _attempt(read: Callable[[str, ImportSink], None], path: str, sink: ImportSink) -> None:
    """Read one file, and make a doubt of what is wrong with it."""
    try:
        read(path, sink)
    except MalformedError as error:
        sink.doubt(error.message)
    except OSError as error:
        is_odd = error.errno == errno.EINVAL
        reason = "it is not a regular file" if is_odd else (error.strerror or str(error))
        sink.doubt(f"it cannot be read: {reason}")
    except (RecursionError, MemoryError):
        sink.doubt("it is nested too deeply, or too large")
    except Exception as error:
        # Other metrics must not be lost to a mistake of ours.
        sink.doubt(errors.reason(error))


def _contradicting(capture: Capture, reported: list[Param]) -> None:
    """Say which settings that were reported, secrets masked, are not what was declared."""
    if not reported:
        return
    from xt.collect.params import MAX_TOLD, brief, same

    known = {param.name: param for param in capture.found.get("params") or []}
    told = 0
    for param in reported:
        other = known.get(param.name)
        if other is None or same(other.value, param.value) or "***" in str([other.value, param.value]):
            continue
        told += 1
        if told <= MAX_TOLD:
            capture.problem(
                "params",
                f"`{param.name}` is {brief(other.value)} by `{other.source}`, and {brief(param.value)} as"
                f" {param.source} reports",
            )
    if told > MAX_TOLD:
        capture.problem("params", f"{told - MAX_TOLD} more params are reported to have been different")
