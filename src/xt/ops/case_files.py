"""The files of an output of role `cases`, and their rows as they pass by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from xt import codec
from xt.compare import UnreadableError
from xt.compare.rows import SUFFIXES, rows
from xt.errors import XtError
from xt.model.files import Manifest, Output
from xt.model.result import Derived, Record
from xt.model.summary import Summary
from xt.model.text import Text, from_text, to_shown, to_text
from xt.ops.diff.contents import Stored
from xt.store import Store

ROLE = "cases"


class CaseFile(NamedTuple):
    """One table."""

    name: str
    """Of a file its recorded path; of one in a tree or glob, the path within it."""
    digest: str
    size: int


class CaseRow(NamedTuple):
    """One row, and the file it is in where there are several."""

    file: str | None
    cells: dict[str, Any]


class CaseTables:
    """All tables of one output; their rows can be read more than once."""

    def __init__(self, store: Store, item: Output) -> None:
        """Find the files.

        Args:
            store: that has them.
            item: of role `cases`, with a digest.

        Raises:
            UnreadableError: there is no table in it.
            XtError: its manifest cannot be read.
        """
        self._store = store
        self.notes = [] if item.reason is None else [item.reason]
        place = from_text(item.path or item.declared)
        if item.kind == "file":
            # What was made of other files is JSON Lines, and has no path.
            name = place if item.path is not None else f"{place}.jsonl"
            self.files = [CaseFile(name, item.digest or "", item.size or 0)]
            return
        what = f"the manifest of {to_shown(place)}"
        entries = codec.decode(store.objects.read(item.digest or ""), Manifest, what).entries
        files = [entry for entry in entries if entry.kind == "file"]
        tables = [entry for entry in files if from_text(entry.path).lower().endswith(SUFFIXES)]
        lost = [entry for entry in tables if entry.digest is None]
        self.files = [
            CaseFile(from_text(entry.path), entry.digest, entry.size or 0)
            for entry in tables
            if entry.digest is not None
        ]
        if lost:
            named = to_shown(from_text(lost[0].path))
            self.notes.append(f"not stored: {named}" + (f" and {len(lost) - 1} more" if lost[1:] else ""))
        if len(tables) < len(files):
            self.notes.append(f"{len(files) - len(tables)} of {len(files)} files are no table by their names")
        if not self.files:
            raise UnreadableError("there is no table in it: .csv, .tsv, .jsonl, .ndjson, .json or .parquet")

    @property
    def several(self) -> bool:
        """Whether there are several files."""
        return len(self.files) > 1

    def rows(self) -> Iterator[CaseRow]:
        """Read all tables, one after another.

        Raises:
            UnreadableError: naming the file that cannot be read, where there are several.
        """
        for file in self.files:
            source = Stored(self._store, file.name, file.digest, file.size)
            try:
                for cells in rows(source):
                    yield CaseRow(file.name if self.several else None, cells)
            except (UnreadableError, XtError, OSError) as error:
                where = f"{to_shown(file.name)}: " if self.several else ""
                raise UnreadableError(where + str(getattr(error, "message", error))) from error

    def cells(self, identity: str | None = None) -> Iterator[dict[str, Any]]:
        """Read the rows of all tables alone.

        Args:
            identity: column of the id, to put the file's name before it: files may count their cases alike.
        """
        for row in self.rows():
            yield row.cells if identity is None else qualified(row, identity)


def qualified(row: CaseRow, identity: str) -> dict[str, Any]:
    """The cells of a row with its file's name before the id.

    Args:
        row: of a table among several.
        identity: column of the id.
    """
    if row.cells.get(identity) in (None, ""):
        return row.cells
    return {**row.cells, identity: f"{to_shown(row.file or '')}/{row.cells[identity]}"}


def may_have_cases(row: Summary) -> bool:
    """Whether the record of a run in a list is worth reading for its cases."""
    return row.outputs > 0 or bool(row.metrics)


def outputs(record: Record) -> list[Output]:
    """Outputs of a run with evaluated examples whose content is known.

    A table that was made of files of another tool is one more, in place of the output with these.
    """
    made = [item for item in record.result.derived if item.role == ROLE]
    sources = {item.source for item in made}
    given = [
        item
        for item in record.result.outputs
        if item.role == ROLE and item.kind != "link" and item.digest is not None and item.path not in sources
    ]
    return given + [
        Output(ROLE, _named(item), "file", "stored", digest=item.digest, size=item.size, files=1)
        for item in made
    ]


def _named(item: Derived) -> Text:
    return to_text(f"{item.format}:{from_text(item.source)}")


def shown_path(item: Output) -> str:
    """Where an output was; of a pattern, the pattern."""
    return to_shown(from_text(item.path if item.path is not None and item.kind != "glob" else item.declared))


def file_text(name: str | None) -> Any:
    """A file's name for a report."""
    return None if name is None else to_text(name)
