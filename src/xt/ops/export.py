"""`xt export`: hand runs to a format of others, with all that it may ask of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator
from typing import Any, BinaryIO, NamedTuple

from xt import codec
from xt.context import Outside
from xt.errors import NotRecordedError, UnsupportedError, UsageError, XtError
from xt.exchange import EXPORTERS, MANY, SIGNED, Content, Exported, Options
from xt.exchange.signing.dsse import Signer
from xt.exchange.target import Target
from xt.model.exported import Exportation, LeftOut, Report
from xt.model.files import Input, Output
from xt.model.restored import Source
from xt.model.result import Metric, Record
from xt.model.standing import RunStanding, Standing
from xt.model.summary import Summary
from xt.model.text import to_text
from xt.ops.code_trees import CodeFiles
from xt.ops.contents import Contents
from xt.ops.find import project_settings
from xt.ops.holdings import Held, Holdings
from xt.ops.search import are_references, select
from xt.ops.series import read
from xt.ops.show import Page
from xt.ops.statements import standing
from xt.store import Store
from xt.suggest import suggest

#: How runs are that have not ended, or whose end nobody recorded.
_UNSEALED = ("running", "lost", "unknown")


class Wish(NamedTuple):
    """What is to be exported."""

    words: tuple[str, ...]
    """References, or a query."""
    format: str
    place: str | None
    """Where to: a path, a URL, or `-` for standard output."""
    force: bool = False
    """Replace what is there."""
    only: tuple[Source, ...] = ()
    """Sorts of files to carry; empty: what is usual in the format."""
    identify: bool = False
    """Say user, host and absolute paths."""
    license: str | None = None
    """Of what is exported; by default what `xt.toml` says."""
    key: str | None = None
    """Path of a key that signs it."""


def check(wish: Wish) -> None:
    """Say what is wrong with a wish before anything is looked at.

    Raises:
        UsageError: there is no such format, or it takes one run.
        UnsupportedError: it needs something that is not installed.
    """
    row = EXPORTERS.rows.get(wish.format)
    if row is None:
        raise UsageError(f"--to: no format `{wish.format}`", suggest(wish.format, EXPORTERS.rows, "formats"))
    if wish.key is not None and wish.format not in SIGNED:
        raise UsageError(f"--sign: {wish.format} is not signed", "signed is " + ", ".join(sorted(SIGNED)))
    if row.module is not None:
        import importlib.util

        if importlib.util.find_spec(row.module) is None:
            raise UnsupportedError(
                f"{row.name} needs {row.module}, which is not installed",
                f"`pip install 'xt[{row.extra}]'` installs it",
            )


def export(store: Store, wish: Wish, stdout: BinaryIO, outside: Outside) -> Exportation:
    """Export runs.

    Args:
        store: that has them.
        wish: which, how, and where to.
        stdout: standard output, for the place `-`.
        outside: for git and the query.

    Returns:
        What came of it; what is missing in what was written is said there.

    Raises:
        UsageError: see `check`; or the query finds no run, or more than the format takes.
        NoSuchRunError, NotRecordedError: a reference names no run, or one that has not ended.
        DamagedError: its record is damaged.
        NotWrittenError, RemoteError: it could not be written there.
    """
    check(wish)
    rows = select(store, outside, list(wish.words))
    if wish.format not in MANY and len(rows) > 1:
        several = ", ".join(row.id[: store.shown(row.id)] for row in rows[:5])
        raise UsageError(
            f"{wish.format} takes one run, and {len(rows)} are meant: {several}" + (", …" * (len(rows) > 5)),
            "one call for each; "
            + ", ".join(row.name for row in EXPORTERS if row.name in MANY)
            + " take many",
        )
    licence = wish.license or project_settings(outside).export.license
    options = Options(wish.only, wish.identify, licence, outside.environ, _signer(wish, outside))
    to = Target(wish.place, outside.cwd, outside.umask, stdout, force=wish.force, away=store.path)
    work = _Work(store, outside, standing(store), strict=are_references(list(wish.words)))
    function = EXPORTERS.get(wish.format)
    if wish.format in MANY:
        report: Report = function(work.subjects(rows), to, options)
    else:
        with contextlib.closing(work.subjects(rows)) as subjects:
            for subject in subjects:
                report = function(subject, to, options)
    if not work.done:
        raise _nothing(work.left_out)
    doubts = [to_text(path) for path in work.stands.doubts]
    return Exportation(wish.format, work.done, report, work.left_out, doubts)


def _signer(wish: Wish, outside: Outside) -> Signer | None:
    if wish.key is None:
        return None
    from xt.ops.signing import signer

    return signer(os.path.join(outside.cwd, wish.key), outside)


class _Work:
    """Runs on their way out, one open at a time."""

    def __init__(self, store: Store, outside: Outside, stands: Standing, *, strict: bool) -> None:
        """Read nothing yet.

        Args:
            store: that has them.
            outside: for git.
            stands: what was said of them later.
            strict: each must be exported; else one that cannot be is left out, and named.
        """
        self._store = store
        self._outside = outside
        self._strict = strict
        self.stands = stands
        self.done: list[str] = []
        self.left_out: list[LeftOut] = []

    def subjects(self, rows: list[Summary]) -> Generator[Exported]:
        """Open one run after the other."""
        if not rows:
            raise _nothing([])
        unfinished = next((row for row in rows if row.status in _UNSEALED), None)
        if self._strict and unfinished is not None:
            raise _unfinished(unfinished)  # before anything is written
        for row in rows:
            try:
                if row.status in _UNSEALED:
                    raise _unfinished(row)
                data = self._store.record_bytes(row.id)
                record = codec.decode(data, Record, f"the record of {row.id}")
            except XtError as error:
                if self._strict:
                    raise
                self.left_out.append(LeftOut(row.id, error.message))
                continue
            with CodeFiles(self._store, record.snapshot, self._outside) as code:
                yield self._subject(record, data, code)
            self.done.append(record.id)
        if not self.done:
            raise _nothing(self.left_out)

    def _subject(self, record: Record, data: bytes, code: CodeFiles) -> Exported:
        said = self.stands.runs.get(record.id) or RunStanding()
        contents = Contents(self._store, record.snapshot, code)
        page = Page(record.id, len(record.id), record.snapshot, record.started_at, record, record.seal, None)
        holdings = Holdings(self._store, page, contents, self._outside.umask)

        def of_item(item: Input | Output) -> Iterator[Content]:
            held = holdings.of_input(item) if isinstance(item, Input) else holdings.of_output(item)
            return map(_content, held)

        def points(metric: Metric) -> Iterator[tuple[float | int | None, float]]:
            from xt.ops.series import number

            if metric.series is None:
                return iter([(metric.step, number(metric.value))])
            return read(self._store, metric.series)

        return Exported(
            record,
            data,
            said,
            of_item,
            lambda: map(_content, holdings.of("code")),
            lambda: map(_content, holdings.of("logs")),
            points,
        )


def _content(held: Held) -> Content:
    open_it: Any = held.open
    return Content(
        held.source,
        held.path,
        held.form,
        held.mode,
        held.size,
        held.digest,
        held.target,
        open_it,
        held.reason,
        held.lost,
    )


def _unfinished(row: Summary) -> NotRecordedError:
    hint = (
        "it can be exported when it has ended" if row.status == "running" else "`xt show` says what is known"
    )
    return NotRecordedError(f"run {row.id} is {row.status}: only what has a record is exported", hint)


def _nothing(left_out: list[LeftOut]) -> NotRecordedError:
    if not left_out:
        return NotRecordedError("the query finds no run, so nothing was exported", "`xt ls` lists the runs")
    return NotRecordedError(
        f"none of the {len(left_out)} runs can be exported: {left_out[0].reason}", "`xt ls` lists the runs"
    )
