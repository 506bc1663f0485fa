"""What a run consists of besides its record, and what of it travels."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from xt import codec
from xt.model.files import Input, Manifest, Output
from xt.model.result import Logs, Record, Result
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_shown

#: Roles of outputs that always travel: what comparisons read first, and small.
ALWAYS = ("metrics", "cases")


class Part(NamedTuple):
    """One content of a run."""

    digest: str
    size: int | None
    """Of the content; None when the record does not tell."""
    sort: str
    """`manifest`, `log`, `metrics`, `outputs` or `inputs`."""
    name: str
    """What it is, for people."""
    needed: bool = True
    """Whether the store that has the run has it too: of an input often not."""
    inner: bool = False
    """Of a manifest, whether the contents it lists travel too."""
    extra: bool = False
    """Whether it travels only when it is asked for."""


def of(record: Record, asked: Collection[str]) -> Iterator[Part]:
    """List what the record names: manifests, whose entries `of_manifest` lists, and single contents.

    Args:
        record: of the run.
        asked: of `code`, `inputs`, `outputs`; code is no content of the store.
    """
    yield from of_result(record.result, asked)
    yield from of_snapshot(record.snapshot, asked)


def of_result(result: Result, asked: Collection[str]) -> Iterator[Part]:
    """List what the effects name; see `of`."""
    yield from _of_logs(result.logs, "")
    for rank in result.ranks:
        if rank.logs is not None:
            yield from _of_logs(rank.logs, f"rank {rank.rank} ")
    for metric in result.metrics:
        if metric.series is not None:
            yield Part(metric.series, None, "metrics", metric.name)
    for table in result.derived:
        yield Part(table.digest, table.size, "metrics", table.role)
    for output in result.outputs:
        always = output.role in ALWAYS
        wanted = always or "outputs" in asked
        yield from _of_file(output, "outputs", wanted, needed=True, extra=not always)


def of_snapshot(snapshot: Snapshot, asked: Collection[str]) -> Iterator[Part]:
    """List what the causes name; see `of`."""
    command = snapshot.command
    for declared in snapshot.inputs:
        yield from _of_file(declared, "inputs", "inputs" in asked, needed=False, extra=True)
    if command.stdin_digest is not None and "inputs" in asked:
        yield Part(command.stdin_digest, command.stdin_size, "inputs", "standard input", False, extra=True)


def of_manifest(part: Part, data: bytes) -> Iterator[Part]:
    """List the contents that a manifest names, if they travel.

    Args:
        part: the manifest.
        data: its content.

    Raises:
        DamagedError: it is none.
    """
    manifest = codec.decode(data, Manifest, f"the manifest of {part.name}")
    sort = "outputs" if part.needed else "inputs"
    for entry in manifest.entries if part.inner else ():
        if entry.kind == "file" and entry.digest is not None:
            name = f"{part.name.rstrip('/')}/{to_shown(from_text(entry.path))}"
            yield Part(entry.digest, entry.size, sort, name, part.needed, extra=part.extra)


def _of_logs(logs: Logs, whose: str) -> Iterator[Part]:
    for stream in logs.streams:
        if stream.digest is not None:
            yield Part(stream.digest, stream.stored, "log", whose + stream.name)
    if logs.timing is not None:
        yield Part(logs.timing, None, "log", whose + "timing")


def _of_file(item: Input | Output, sort: str, wanted: bool, *, needed: bool, extra: bool) -> Iterator[Part]:
    if item.digest is None or item.kind in ("uri", "link"):
        return
    name = to_shown(from_text(item.declared if item.path is None else item.path))
    if item.kind != "file":
        # The list of an input may not have been kept, as its contents may not.
        yield Part(item.digest, None, "manifest", name, needed, inner=wanted, extra=extra)
    elif wanted:
        yield Part(item.digest, item.size, sort, name, needed, extra=extra)
