"""A store with runs that nobody had to make."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests import builders
from xt import codec
from xt.context import timestamp
from xt.model.files import Output
from xt.model.result import Metric, Number, Stream
from xt.model.snapshot import Param
from xt.store import Store

IDS = ("kkkkwpztnlqsmvrx", "llllwpztnlqsmvrx", "mmmmwpztnlqsmvrx")
POINTS = b'{"step":1,"value":3}\n{"step":2,"value":{"special":"nan"}}\n{"value":0.5}\n'


class Place:
    """A project whose store is filled by hand."""

    def __init__(self, path):
        self.path = path
        self.store = Store.create(str(path / ".xt"))

    def seal(self, run_id, minutes, snapshot=None, result=None):
        snapshot, result = snapshot or builders.snapshot(), result or builders.result()
        live = self.store.begin(run_id)
        started = timestamp(builders.NOW - builders.timedelta(minutes=minutes))
        self.store.seal(live, builders.record(snapshot, result, run_id, started_at=started))
        live.end()

    def put(self, data):
        digest = self.store.objects.put_bytes(data)
        self.store.objects.settle()
        return digest


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "digits"
    folder.mkdir()
    return Place(folder)


@pytest.fixture
def filled(place):
    """Three runs: the newest with outputs, a series and a log; one that failed; one with odd values."""
    whole = builders.result()
    tree = codec.encode(
        {"schema": "xt.manifest/1", "entries": [
            {"path": "a/w.bin", "kind": "file", "mode": 0o644, "size": 5, "digest": place.put(b"inner")},
            {"path": "link", "kind": "link", "mode": 0o777, "target": "a/w.bin"},
        ]}
    )  # fmt: skip
    outputs = [
        Output("model", "model.npz", "file", "stored", "model.npz", place.put(b"weights"), 7, 1, 0o644),
        Output("artifact", "out", "tree", "stored", "out", place.put(tree), 5, 2),
        Output("report", "late.html", "file", "missing", "late.html", reason="was not written"),
    ]
    metrics = [
        Metric("val/acc", 0.972, "x", goal="max"),
        Metric("val/acc", 0.9, "x", labels={"digit": "8", "a": "b"}),
        Metric("loss", 0.5, "XT_METRICS", count=3, series=place.put(POINTS)),
        Metric("n", 10, "x", step=4),
    ]
    log = Stream("stdout", "pipe", 9, place.put(b"step 1\n\xff\n"), 9)
    logs = builders.logs(streams=[log], timing=None)
    place.seal(IDS[0], 1, result=replace(whole, outputs=outputs, metrics=metrics, logs=logs))
    failed = replace(whole, status="failed", exit_code=1, metrics=[], outputs=[])
    place.seal(IDS[1], 2, builders.snapshot(context=builders.context(tags=["gold"], name="odd")), failed)
    odd = [
        *(Param("lr", "auto", "argv"), Param("epochs", 3, "x"), Param("deep", True, "x")),
        *(Param("layers", [1, 2], "x"), Param("huge", 2**64 - 1, "x"), Param("none", None, "x")),
    ]
    special = [Metric("val/acc", Number("nan"), "x"), Metric("n", 2, "x")]
    place.seal(IDS[2], 3, builders.snapshot(params=odd), replace(whole, metrics=special))
    return place
