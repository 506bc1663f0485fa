"""A store with runs that have a bit of everything, sealed without running anything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests import builders
from xt import codec
from xt.context import Outside
from xt.model.exported import Exportation
from xt.model.files import Entry, Input, Manifest, Output
from xt.model.result import Metric, Number, Record
from xt.model.snapshot import Param, Seed
from xt.ops.export import Wish, export
from xt.store import Store

RUN, OTHER = "kwpztnlqsmvrxoyu", "nrqszzktwvlmopyx"
MODEL = b"\x00weights\xff" * 1000
HOSTILE = "\x1b[31m=cmd|'/c calc'!A1 \"quoted\", \u202e<b>&\n"


class World:
    """The store of a folder, and what is exported from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store.create(str(folder / ".xt"))

    def put(self, data: bytes) -> str:
        digest = self.store.objects.put_bytes(data)
        self.store.objects.settle()
        return digest

    def tree(self, *entries: Entry) -> str:
        return self.put(codec.encode(Manifest(list(entries))))

    def seal(self, run_id: str = RUN, **more: Any) -> Record:
        """A run; `inputs`, `outputs`, `metrics`, `params`, `context`, `result` and `snapshot` change it."""
        snapshot = builders.snapshot(
            inputs=more.get("inputs", self.inputs()),
            params=more.get("params", self.params()),
            context=builders.context(**more.get("context", {})),
            seed=Seed(7, "declared", {}),
            code=builders.code(status="none", reason="there are no files", tree=None, left_out=[]),
            **more.get("snapshot", {}),
        )
        result = builders.result(
            outputs=more.get("outputs", self.outputs()),
            metrics=more.get("metrics", self.metrics()),
            **more.get("result", {}),
        )
        made = builders.record(snapshot, result, run_id)
        live = self.store.begin(run_id)
        self.store.seal(live, made)
        live.end()
        return made

    def inputs(self) -> list[Input]:
        digits = b"1,2,3\n"
        entries = [
            Entry("a.csv", "file", 0o644, len(digits), self.put(digits)),
            Entry("b.csv", "file", 0o644, 9, builders.digest("b")),
        ]
        return [
            Input("data", "data/", "tree", "verified", "data", self.tree(*entries), 15, 2),
            Input("data", "/home/you/sets/all.bin", "file", "verified", "/home/you/sets/all.bin"),
            Input("model", "s3://bucket/start model.pt", "uri", "unverified", None, revision="etag:1"),
            Input("prompts", "p.md", "file", "verified", "p.md", self.put(b"Be kind.\n"), 9, 1),
        ]

    def outputs(self) -> list[Output]:
        entries = [
            Entry("empty", "dir", 0o755),
            Entry("odd name #1.txt", "file", 0o755, 3, self.put(b"odd")),
            Entry("to-a", "link", 0o777, target="../model.npz"),
        ]
        whole = self.tree(*entries)
        return [
            Output(
                "model", "model.npz", "file", "stored", "model.npz", self.put(MODEL), len(MODEL), 1, 0o644
            ),
            Output("artifact", "out/", "tree", "stored", "out", whole, 3, 3),
            Output("report", "never.html", "file", "missing", reason="it was not written"),
        ]

    def metrics(self) -> list[Metric]:
        return [
            Metric("val/acc", 0.972, "metrics.json:/val/acc", goal="max", unit="%"),
            Metric("val/acc", 0.9, "metrics.json:/x", labels={"digit": "8"}),
            Metric("loss", Number("nan"), "XT_METRICS"),
        ]

    def params(self) -> list[Param]:
        return [
            Param("lr", 0.05, "argv"),
            Param("=x", HOSTILE, "--param"),
            Param("layers", [1, "two", None], "c.yaml"),
            Param("cache", "/home/you/digits/cache:/home/you/.cache", "--param"),
        ]

    @property
    def outside(self) -> Outside:
        return Outside(str(self.folder), dict(os.environ), 0o022)

    def export(
        self, form: str, place: str | None, *words: str, stdout: Any = None, **more: Any
    ) -> Exportation:
        environ = {**os.environ, **more.pop("environ", {})}
        wish = Wish(words or (RUN,), form, place, **more)
        return export(self.store, wish, stdout, Outside(str(self.folder), environ, 0o022))

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()
