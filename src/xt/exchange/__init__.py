"""Formats of others: what a run is handed to, and what an exporter is.

An exporter is one function, `export(subject, to, options) -> Report`, in a file of `exchange/export/`, and a
row of `EXPORTERS` (and a word of `FORMATS` in `cli/export.py`). It gets one finished run (`Exported`) with
everything that is known of it, and a `Target` that it opens as a file or a folder, or reads as a URL; what it
writes appears whole or not at all. It knows no store, no git and no verb, says nothing itself, and makes up
nothing: what it cannot have it says in its `Report`, and in what it writes.

A format that takes many runs at once is named in `MANY` too; its function gets an iterable of subjects, each
of which is open until the next is asked for.

Rules for all: the same run gives the same bytes (times are those of the record); user, host and absolute
paths are said only if `Options.identify` asks for it; what is masked stays masked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple, Protocol

from xt.exchange.signing.dsse import Signer
from xt.exchange.target import Target
from xt.model.exported import Report
from xt.model.files import Input, Output
from xt.model.restored import Source
from xt.model.result import Metric, Record
from xt.model.standing import RunStanding
from xt.registry import Row, Table

#: By the name that `--to` takes, in the order of help.
EXPORTERS = Table(
    "format",
    [
        Row("rocrate", "xt.exchange.export.rocrate:export", "a Process Run Crate: a folder, or a `.zip`"),
        Row("in-toto", "xt.exchange.export.in_toto:export", "provenance of outputs (SLSA), to be signed"),
        Row("mlflow", "xt.exchange.export.mlflow:export", "a run of an MLflow server"),
        Row("prov", "xt.exchange.export.prov:export", "PROV-JSON: what came from what, by whom"),
        Row("openlineage", "xt.exchange.export.openlineage:export", "events, to a file or a server"),
        Row("cyclonedx", "xt.exchange.export.cyclonedx:export", "an ML-BOM of a model, with a model card"),
        Row("json", "xt.exchange.export.documents:export", "records and what was said of them later"),
        Row("csv", "xt.exchange.export.sheet:export", "a row a run, safe to open in a spreadsheet"),
        Row(
            "parquet",
            "xt.exchange.export.parquet:export",
            "the same with types",
            extra="tables",
            module="pyarrow",
        ),
    ],
)
#: Formats that take many runs at once.
MANY = frozenset({"csv", "json", "openlineage", "parquet"})
#: Formats that can be signed.
SIGNED = frozenset({"in-toto"})


class Content(NamedTuple):
    """One path of a run, and how to read it."""

    source: Source
    path: str
    """As recorded: relative to the project's root, or absolute; decoded with `os.fsdecode`."""
    form: Literal["file", "link", "folder"] = "file"
    mode: int | None = None
    size: int | None = None
    digest: str | None = None
    """`blake3:<hex>`, or `git:<hex>` as git names it."""
    target: str | None = None
    """Of a link, where it points."""
    open: Callable[[], Iterator[bytes] | None] | None = None
    """Gives the content of a file, verified by the last step; None when it is not to be had here."""
    reason: str | None = None
    """Why there is no content, when there is none."""
    lost: bool = False
    """Whether the content should be there."""


class Exported(NamedTuple):
    """A finished run, and all that can be asked of it."""

    record: Record
    data: bytes
    """The record as it lies in the store, with fields this xt does not know; its seal is of these bytes."""
    said: RunStanding
    """What was said of it later."""
    contents: Callable[[Input | Output], Iterator[Content]]
    """The files of one of its inputs or outputs."""
    code: Callable[[], Iterator[Content]]
    """The files of its code snapshot, and what of the code is not in it."""
    logs: Callable[[], Iterator[Content]]
    """What it wrote, a file for each stream."""
    points: Callable[[Metric], Iterator[tuple[float | int | None, float]]]
    """Step and value of all points of a metric; raises `NotRecordedError` or `DamagedError`."""

    @property
    def name(self) -> str | None:
        """Its name now."""
        return self.said.name(self.record.snapshot.context.name)

    @property
    def tags(self) -> list[str]:
        """Its tags now."""
        return self.said.tags_now(self.record.snapshot.context.tags)


class Options(NamedTuple):
    """What the user asks for besides the format."""

    only: tuple[Source, ...] = ()
    """Sorts of files that are to be carried; empty: what is usual in the format."""
    identify: bool = False
    """Say user, host and absolute paths."""
    license: str | None = None
    """Of what is exported: a URL, an SPDX identifier, or words."""
    environ: Mapping[str, str] = {}
    """Variables of the user, such as those with the credentials of a server; read only."""
    sign: Signer | None = None
    """What signs it, for formats that are `SIGNED`."""


class Exporter(Protocol):
    """Writes one run; see the head of this module."""

    def __call__(self, subject: Exported, to: Target, options: Options) -> Report:
        """Write it.

        Raises:
            XtError: it was not written.
            OSError: likewise.
        """
        ...


class ManyExporter(Protocol):
    """Writes any number of runs together."""

    def __call__(self, subjects: Iterable[Exported], to: Target, options: Options) -> Report:
        """Write them, as `Exporter` does."""
        ...
