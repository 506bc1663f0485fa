"""Runs joined by content, sealed without being run: real files, real digests."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from blake3 import blake3
from msgspec.structs import replace

from tests import builders
from xt.context import timestamp
from xt.model.files import Input, Output
from xt.model.runid import LETTERS
from xt.store import Store


class Sealing:
    """Writes records of a project whose files lie in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store.create(str(folder / ".xt"))
        self.ids: dict[str, str] = {}
        """By purpose."""

    def run(
        self,
        purpose: str,
        reads: tuple[str, ...] = (),
        writes: tuple[str, ...] = (),
        *,
        status: Any = "ok",
        task: str | None = None,
        name: str | None = None,
    ) -> str:
        """Seal a run that read and wrote files as they are now: `[ROLE:]PATH`."""
        number = len(self.ids)
        run_id = "".join(LETTERS[(number >> 4 * at) & 15] for at in range(4)) + "o" * 12
        snapshot = builders.snapshot(
            inputs=[self._input(text) for text in reads],
            params=[],
            context=builders.context(purpose=purpose, task=task, name=name, project=str(self.folder)),
            outputs=[],
            metrics=[],
        )
        result = builders.result(
            status=status,
            outputs=[self._output(text) for text in writes],
            metrics=[],
            logs=builders.logs(streams=[], timing=None),
        )
        started = timestamp(builders.NOW + timedelta(minutes=number))
        live = self.store.begin(run_id)
        self.store.seal(live, replace(builders.record(snapshot, result, run_id), started_at=started))
        live.end()
        self.ids[purpose] = run_id
        return run_id

    def _content(self, path: str) -> tuple[str, int]:
        data = (self.folder / path).read_bytes()
        return "blake3:" + blake3(data).hexdigest(), len(data)

    def _input(self, text: str) -> Input:
        role, path = _split(text, "data")
        digest, size = self._content(path)
        return Input(role, path, "file", "verified", path, digest, size, 1)

    def _output(self, text: str) -> Output:
        role, path = _split(text, "artifact")
        digest, size = self._content(path)
        return Output(role, path, "file", "stored", path, digest, size, 1, 0o644)


def _split(text: str, default: str) -> tuple[str, str]:
    role, colon, path = text.rpartition(":")
    return (role, path) if colon else (default, path)
