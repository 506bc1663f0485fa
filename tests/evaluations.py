"""Stores with runs that have cases and bundles, built without running anything."""

from __future__ import annotations

import contextlib
import io
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests import builders
from tests.conftest import Project, Ran
from xt import codec
from xt.cli.main import guarded
from xt.context import timestamp
from xt.model.event import Pin
from xt.model.files import Entry, Input, Manifest, Output
from xt.model.result import Record
from xt.model.snapshot import Repeat
from xt.ops.statements import state
from xt.store import Store

IDS = ("kkkkzktwvlmopyxn", "llllzktwvlmopyxn", "mmmmzktwvlmopyxn", "nnnnzktwvlmopyxn", "oooozktwvlmopyxn")


def lines(rows: list[dict[str, Any]]) -> bytes:
    """JSON Lines."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


class Page(Project):
    """A project with a lab, asked by commands; those that start nothing are not worth a process each."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.lab = Lab(path)

    def ask(self, *words: str, columns: str = "80") -> Ran:
        """Do what `xt` does, in this process."""
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        before, cwd = dict(os.environ), os.getcwd()
        os.environ["COLUMNS"] = columns
        os.chdir(self.path)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = guarded(list(words))
        finally:
            os.chdir(cwd)
            os.environ.clear()
            os.environ.update(before)
        out.flush()
        assert "Traceback" not in err.getvalue()
        assert "a bug" not in err.getvalue()
        return Ran(code, out.buffer.getvalue(), err.getvalue())  # type: ignore[attr-defined]

    def data(self, *words: str) -> Any:
        """The answer of a command that goes well, as JSON."""
        done = self.ask(*words, "--json")
        assert (done.code, done.err) == (0, "")
        return json.loads(done.out)

    def text(self, *words: str, **options: Any) -> str:
        """The page of a command that goes well."""
        done = self.ask(*words, **options)
        assert (done.code, done.err) == (0, "")
        return done.out.decode()


class Lab:
    """A project with a store, into which runs are put."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.store = Store.create(str(folder / ".xt"))
        self.count = 0

    def run(
        self,
        *,
        cases: bytes | dict[str, bytes] | None = None,
        name: str = "cases.jsonl",
        inputs: list[Input] | None = None,
        trial: bool = False,
        status: str = "stored",
        **context: Any,
    ) -> Record:
        """Seal a run, each a minute after the one before.

        Args:
            cases: an output of role `cases`, or the files of a folder.
            name: of that output.
            inputs: declared ones.
            trial: made by `xt verify`.
            status: of the output.
            context: fields of the context.
        """
        run_id = IDS[self.count]
        live = self.store.begin(run_id)
        outputs = []
        if isinstance(cases, bytes):
            digest = self.store.objects.put_bytes(cases)
            outputs = [Output("cases", name, "file", "stored", name, digest, len(cases), 1, 0o644)]
        elif cases is not None:
            outputs = [Output("cases", name, "tree", "stored", name, self.tree(cases), 9, len(cases), 0o755)]
        if status != "stored":
            outputs = [Output("cases", name, "file", status, name, reason="the disk was full")]  # type: ignore[arg-type]
        snap = builders.snapshot(
            inputs=inputs or [],
            code=builders.code(status="none", tree=None, vcs=None, reason="none here", repositories=[]),
            context=builders.context(project=str(self.folder), **context),
            repeat=Repeat(IDS[0], trial=True) if trial else None,
            recipe=builders.digest("abcdef"[self.count]),
        )
        started = timestamp(builders.NOW + timedelta(minutes=self.count))
        made = builders.record(snap, builders.result(outputs=outputs, metrics=[]), run_id, started_at=started)
        self.store.seal(live, made)
        live.end()
        self.count += 1
        return made

    def tree(self, files: dict[str, bytes]) -> str:
        """Store the manifest of a folder and its files; give its digest."""
        entries = [
            Entry(path, "file", 0o644, len(data), self.store.objects.put_bytes(data))
            for path, data in sorted(files.items())
        ]
        return self.store.objects.put_bytes(codec.encode(Manifest(entries)))

    def file(self, role: str, path: str, data: bytes) -> Input:
        """An input of one file, its content kept."""
        digest = self.store.objects.put_bytes(data)
        return Input(role, path, "file", "verified", path, digest, len(data), 1)

    def folder_of(self, role: str, path: str, files: dict[str, bytes], kind: str = "tree") -> Input:
        """An input of a folder or pattern, its contents kept."""
        declared = path if kind == "tree" else f"{path}/*"
        size = sum(map(len, files.values()))
        digest = self.tree(files)
        return Input(role, declared, kind, "verified", path, digest, size, len(files))  # type: ignore[arg-type]

    def pin(self, record: Record) -> None:
        """Make a run the baseline."""
        from xt.context import Outside

        state(self.store, Outside.real(), Pin, name="baseline", run=record.id, reason="good")

    def damage(self, digest: str) -> None:
        """Spoil an object."""
        path = self.store.objects.name(digest)
        path = path if os.path.exists(path) else path + ".zst"
        os.chmod(path, 0o600)
        Path(path).write_bytes(b"spoiled")
