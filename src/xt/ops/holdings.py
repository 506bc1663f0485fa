"""What a run has that can be brought back: outputs, inputs, code, logs, path by path. Nothing is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from xt import codec
from xt.errors import XtError
from xt.model.code import Code
from xt.model.files import Entry, Input, Manifest, Output
from xt.model.restored import Source
from xt.model.result import Stream
from xt.model.text import Text, from_text
from xt.ops.code_trees import CodeFile
from xt.ops.contents import Contents
from xt.ops.elsewhere import not_brought
from xt.ops.logs import Name, pieces
from xt.ops.show import Page
from xt.store import Store

GONE = "its content is not in this store (any more)"
NOT_STORED = "its content is not stored"


class Held(NamedTuple):
    """One path of a run."""

    source: Source
    path: str
    """As recorded: relative to the project's root, or absolute."""
    form: Literal["file", "link", "folder"] = "file"
    mode: int | None = None
    """Permission bits; None when they are not recorded."""
    size: int | None = None
    digest: str | None = None
    """`blake3:<hex>` of its content, or `git:<hex>` as git names it."""
    target: str | None = None
    """Of a link, where it points."""
    open: Callable[[], Iterator[bytes] | None] | None = None
    """Gives the content of a file, verified by the last step; None when it is not to be had."""
    reason: str | None = None
    """Why there is no content, when there is none."""
    note: str | None = None
    """What is odd about the content."""
    lost: bool = False
    """Whether the content should be there."""

    @property
    def is_known(self) -> bool:
        """Whether the run has, or may have, what it takes to write it."""
        return self.open is not None or (self.form != "file" and self.reason is None)


class Holdings:
    """What one run has."""

    def __init__(self, store: Store, page: Page, contents: Contents, umask: int) -> None:
        """Read nothing yet.

        Args:
            store: that has the run.
            page: the run.
            contents: where its contents are.
            umask: for files whose mode was not recorded.
        """
        self._store = store
        self._page = page
        self._contents = contents
        self._umask = umask

    def of(self, source: Source) -> Iterator[Held]:
        """List what it has of one sort."""
        if source == "outputs":
            for item in self._page.record.result.outputs if self._page.record else []:
                yield from self.of_output(item)
        elif source == "inputs":
            for declared in self._page.snapshot.inputs:
                yield from self.of_input(declared)
        elif source == "code":
            yield from self._code(self._page.snapshot.code)
        else:
            yield from self._logs()

    def of_output(self, item: Output) -> Iterator[Held]:
        """List the paths of one output."""
        path = _path(item)
        if item.kind == "link" and item.target is not None:
            yield Held("outputs", path, "link", target=from_text(item.target))
        elif item.digest is None:
            said = item.reason or ("was not written" if item.status == "missing" else "was not stored")
            yield Held("outputs", path, reason=said)
        elif item.kind == "file":
            yield self._stored("outputs", path, item.digest, item.size, item.mode)
        else:
            yield from self._tree("outputs", path, item.digest, item.mode)

    def of_input(self, item: Input) -> Iterator[Held]:
        """List the paths of one input."""
        path = _path(item)
        if item.kind == "uri":
            yield Held("inputs", path, reason="a URI, whose content is not stored")
        elif item.digest is None:
            yield Held("inputs", path, reason=item.reason or "its content was not read")
        elif item.kind == "file":
            yield self._stored("inputs", path, item.digest, item.size, None)
        else:
            yield from self._tree("inputs", path, item.digest, None)

    def _stored(self, source: Source, path: str, digest: str, size: int | None, mode: int | None) -> Held:
        """A file that was recorded by its content."""
        is_output = source == "outputs"
        if mode is None:
            file = self._contents.in_code(path)
            mode = self._plain(file is not None and file.mode & 0o100 != 0)

        def find() -> Iterator[bytes] | None:
            return self._contents.pieces(digest, path)

        away = not_brought(self._store, self._page.id, "outputs" if is_output else "inputs")
        reason = away or (GONE if is_output else NOT_STORED)
        lost = is_output and away is None
        return Held(source, path, "file", mode, size, digest, None, find, reason, lost=lost)

    def _tree(self, source: Source, path: str, digest: str, mode: int | None) -> Iterator[Held]:
        what = f"the manifest of {path}"
        try:
            manifest = codec.decode(self._store.objects.read(digest), Manifest, what)
        except XtError as error:
            yield Held(source, path, "folder", reason=error.message, lost=True)
            return
        if path != "." and (mode is not None or not manifest.entries):
            yield Held(source, path, "folder", mode)
        for entry in manifest.entries:
            inner = from_text(entry.path)
            yield self._entry(source, inner if path == "." else f"{path.rstrip('/')}/{inner}", entry)

    def _entry(self, source: Source, path: str, entry: Entry) -> Held:
        if entry.kind == "dir":
            return Held(source, path, "folder", entry.mode)
        if entry.kind == "link" and entry.target is not None:
            return Held(source, path, "link", target=from_text(entry.target))
        if entry.kind != "file" or entry.digest is None:
            return Held(source, path, reason=entry.note or f"a {entry.kind}, whose content is not stored")
        return self._stored(source, path, entry.digest, entry.size, entry.mode)

    def _code(self, code: Code) -> Iterator[Held]:
        if code.tree is None:
            yield Held("code", ".", "folder", reason=f"no snapshot: {code.reason}")
            return
        try:
            files = self._contents.code.files()
        except XtError as error:
            away = not_brought(self._store, self._page.id, "code")
            yield Held("code", ".", "folder", reason=away or error.message, lost=away is None)
            files = {}
        for file in files.values():
            yield self._code_file(file)
        for folder in code.empty_dirs:
            yield Held("code", self._recorded(folder), "folder", 0o777 & ~self._umask)
        for repository in code.repositories:
            if repository.tree is None:
                reason = repository.reason or f"a {repository.kind} that was {repository.status}"
                yield Held("code", self._recorded(repository.path), "folder", reason=reason)
        for entry in code.left_out:
            yield Held("code", self._recorded(entry.path), size=entry.size, reason=entry.reason)

    def _code_file(self, file: CodeFile) -> Held:
        path = self._contents.recorded_path(file.path)
        if not file.is_link:
            mode = self._plain(file.mode & 0o100 != 0)
            digest = f"git:{file.oid}"
            return Held(
                "code", path, "file", mode, None, digest, open=lambda: self._contents.code.pieces(file)
            )
        try:
            target = b"".join(self._contents.code.pieces(file))
        except XtError as error:
            return Held("code", path, "link", reason=error.message, lost=True)
        return Held("code", path, "link", target=os.fsdecode(target))

    def _logs(self) -> Iterator[Held]:
        run, mode = self._page.id, self._plain(False)
        names: tuple[Name, ...] = ("stdout", "stderr")
        if self._page.record is not None:
            for stream in self._page.record.result.logs.streams:
                yield self._log(stream, f"{run}.{stream.name}.log", mode)
            return
        for name in names:
            if os.path.exists(f"{self._store.live_folder(run)}/{name}"):
                yield Held("logs", f"{run}.{name}.log", "file", mode, open=self._in_flight(run, name))

    def _log(self, stream: Stream, path: str, mode: int) -> Held:
        if stream.digest is None:
            if stream.size == 0 and stream.reason is None:
                return Held("logs", path, "file", mode, 0, codec.digest(b""), open=lambda: iter(()))
            return Held("logs", path, reason=stream.reason or "was not stored")
        note = None if stream.cut_at is None else f"it was cut at byte {stream.cut_at}"
        held = self._stored("logs", path, stream.digest, stream.stored, mode)
        return held._replace(reason=GONE, note=note, lost=True)

    def _in_flight(self, run: str, name: Name) -> Callable[[], Iterator[bytes]]:
        return lambda: (piece.data for piece in pieces(self._store, run, {name}, follow=False))

    def _recorded(self, path: Text) -> str:
        return self._contents.recorded_path(from_text(path))

    def _plain(self, executable: bool) -> int:
        return (0o777 if executable else 0o666) & ~self._umask


def _path(item: Input | Output) -> str:
    """Where it was; of a pattern without paths, the pattern."""
    bare = item.path is None or (item.kind == "glob" and item.digest is None)
    return from_text(item.declared if bare or item.path is None else item.path)
