"""Stores with runs that were never run: real contents, real records, and a clock that can be set back."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests import builders
from xt import codec
from xt.config import Settings
from xt.context import Outside, timestamp
from xt.model.code import Code
from xt.model.files import Entry, Input, Manifest, Output
from xt.model.result import Stream
from xt.model.runid import LETTERS
from xt.model.snapshot import Repeat
from xt.ops.upkeep.sweep import Wish, gc
from xt.store import Store

#: Long ago: seconds since 1970.
OLD = 1_600_000_000


def run_id(number: int) -> str:
    """Another id for every number."""
    return "".join(LETTERS[(number >> 4 * at) & 15] for at in range(4)) + "o" * 12


class Making:
    """Makes one store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store.create(str(folder / ".xt"))
        self.path = Path(self.store.path)
        self.outside = Outside(str(folder), dict(os.environ))
        self.count = 0

    def put(self, data: bytes) -> str:
        """Keep a content."""
        digest = self.store.objects.put_bytes(data)
        self.store.objects.settle()
        return digest

    def tree(self, files: dict[str, bytes]) -> str:
        """Keep a folder: its contents, and the list of them."""
        entries = [
            Entry(name, "file", 0o644, len(data), self.put(data)) for name, data in sorted(files.items())
        ]
        return self.put(codec.encode(Manifest(entries)))

    def seal(
        self,
        *,
        reads: dict[str, bytes | dict[str, bytes]] | None = None,
        writes: dict[str, bytes | dict[str, bytes]] | None = None,
        log: bytes = b"",
        of: str | None = None,
        trial: bool = False,
        recipe: str | None = None,
        code: Code | None = None,
        name: str | None = None,
        tags: tuple[str, ...] = (),
        status: Any = "ok",
    ) -> str:
        """Seal a run that read and wrote such files and folders."""
        own = run_id(self.count)
        self.count += 1
        stream = [Stream("stdout", "pipe", len(log), self.put(log), len(log))] if log else []
        snapshot = builders.snapshot(
            inputs=[
                Input("data", path, kind, "verified", path, digest, size, 1)
                for path, kind, digest, size in self._kept(reads)
            ],
            params=[],
            outputs=[],
            metrics=[],
            recipe=recipe or codec.digest(own.encode()),
            code=code or Code("none", "nothing to snapshot"),
            repeat=Repeat(of, trial) if of else None,
            context=builders.context(name=name, tags=[*tags], purpose=None, project=str(self.folder)),
        )
        result = builders.result(
            status=status,
            outputs=[
                Output("artifact", path, kind, "stored", path, digest, size, 1, 0o644)
                for path, kind, digest, size in self._kept(writes)
            ],
            metrics=[],
            logs=builders.logs(streams=stream, timing=None),
        )
        started = timestamp(builders.NOW + timedelta(minutes=self.count))
        live = self.store.begin(own)
        self.store.seal(live, builders.record(snapshot, result, own, started_at=started))
        live.end()
        return own

    def _kept(self, files: dict[str, bytes | dict[str, bytes]] | None) -> list[tuple[str, Any, str, int]]:
        return [
            (path, "file", self.put(data), len(data))
            if isinstance(data, bytes)
            else (path, "tree", self.tree(data), sum(map(len, data.values())))
            for path, data in (files or {}).items()
        ]

    def age(self, seconds: int = OLD) -> None:
        """Let everything have been there for long."""
        for folder, folders, names in os.walk(self.path):
            for base in (*folders, *names):
                os.utime(f"{folder}/{base}", (seconds, seconds), follow_symlinks=False)

    def gc(self, *keep: str, **wish: Any) -> Any:
        """Sweep it."""
        return gc(self.store, Wish(keep=keep, **wish), Settings(), self.outside, lambda *_: None)

    def state(self) -> dict[Path, tuple[int, int, int]]:
        """What is on the disk, without caches."""
        paths = [path for path in self.path.rglob("*") if "cache" not in path.parts]
        return {path: (path.stat().st_size, path.stat().st_mtime_ns, path.stat().st_ino) for path in paths}

    def objects(self) -> set[str]:
        """Digests of all contents on the disk."""
        return {"blake3:" + path.name.removesuffix(".zst") for path in (self.path / "objects").glob("*/*")}

    def ids(self) -> set[str]:
        """Finished runs."""
        return {*self.store.ids()}
