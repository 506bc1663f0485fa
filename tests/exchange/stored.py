"""A store with one run in it, made without running anything."""

from __future__ import annotations

from pathlib import Path

from blake3 import blake3
from msgspec.structs import replace

from tests import builders
from xt.context import Outside
from xt.model.files import Output
from xt.model.result import Metric, Record
from xt.store import Store


def outside(folder: Path, **environ: str) -> Outside:
    return Outside(str(folder), {"PATH": "/usr/bin:/bin", "HOME": str(folder), **environ})


def put(store: Store, record: Record, *contents: bytes) -> Record:
    """Seal a run, and keep contents."""
    live = store.begin(record.id)
    for content in contents:
        store.objects.put_bytes(content)
    store.seal(live, record)
    live.end()
    return store.record(record.id)


def output(path: str, content: bytes, **fields) -> Output:
    digest = "blake3:" + blake3(content).hexdigest()
    return Output("artifact", path, "file", "stored", path, digest, len(content), 1, 0o644, **fields)


def run(folder: Path, contents: dict[str, bytes], metrics: list[Metric] | None = None, **changes) -> Record:
    """A store in `folder` with a run that made these files."""
    store = Store.create(str(folder / ".xt"))
    outputs = [output(path, content) for path, content in contents.items()]
    result = builders.result(
        outputs=outputs, metrics=metrics or [], logs=builders.logs(streams=[], timing=None)
    )
    return put(store, replace(builders.record(res=result), **changes), *contents.values())
