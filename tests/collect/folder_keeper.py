"""A small real store and a capture to hand to collectors."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from blake3 import blake3

from xt import codec, fsio
from xt.collect import Capture
from xt.config import Settings
from xt.context import Outside
from xt.model.files import INPUT_ROLES, OUTPUT_ROLES, Entry, Manifest
from xt.model.request import InputSpec, OutputRequest, RunRequest
from xt.model.text import from_text


class FolderKeeper:
    """Objects as files of one folder; counts what it is asked to read."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.files: list[str] = []

    def path(self, digest: str) -> Path:
        return self.folder / digest.removeprefix("blake3:")

    def hold(self, digest: str) -> bool:
        return self.path(digest).exists()

    def get(self, digest: str) -> bytes:
        data = self.path(digest).read_bytes()
        assert codec.digest(data) == digest
        return data

    def put_bytes(self, data: bytes) -> str:
        digest = codec.digest(data)
        fsio.write_atomic(str(self.path(digest)), data, durable=False)
        return digest

    def put_file(self, path: str, told: Callable[[int], object] | None = None) -> tuple[str, int, bool]:
        self.files.append(path)
        fd = fsio.open_regular(path)
        try:
            before = os.fstat(fd)
            data = b""
            while part := os.read(fd, 1 << 20):
                data += part
            after = os.fstat(fd)
        finally:
            os.close(fd)
        changed = (before.st_size, before.st_mtime_ns, before.st_ctime_ns) != (
            after.st_size,
            after.st_mtime_ns,
            after.st_ctime_ns,
        )
        return self.put_bytes(data), len(data), changed


class Later(Outside):
    """The world with a clock that is ahead or behind; far enough ahead, no stamp is racy."""

    ahead = timedelta(minutes=1)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Project:
    """A project folder with its store."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        self.store = root / ".xt"
        self.keep = FolderKeeper(self.store / "objects")
        self.outside = Later(str(root), {"HOME": str(home), "PATH": os.environ["PATH"]})

    def capture(
        self, inputs: tuple[str, ...] = (), outputs: tuple[str, ...] = (), base: Path | None = None
    ) -> Capture:
        folder = str(base or self.root)
        request = RunRequest(
            ["true"],
            folder,
            inputs=[InputSpec(*_role(text, INPUT_ROLES), folder) for text in inputs],
            outputs=[OutputRequest(*_role(text, OUTPUT_ROLES), folder) for text in outputs],
        )
        store = str(self.store)
        return Capture(request, self.outside, str(self.root), store, Settings(), self.keep, b"k" * 32)

    def manifest(self, digest: str | None) -> dict[str, Entry]:
        assert digest is not None
        value = codec.decode(self.keep.get(digest), Manifest, "the manifest")
        names = [from_text(entry.path) for entry in value.entries]
        assert names == sorted(names, key=os.fsencode)
        assert len(set(names)) == len(names)
        return dict(zip(names, value.entries, strict=True))


def _role(text: str, roles: tuple[str, ...]) -> tuple[str, str]:
    head, colon, tail = text.partition(":")
    return (head, tail) if colon and head in roles else (roles[0], text)


def digest_of(data: bytes) -> str:
    return "blake3:" + blake3(data).hexdigest()
