"""A project with sealed runs, made without running anything, and its production."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from tests import builders
from tests.conftest import Project
from xt import codec
from xt.context import timestamp
from xt.model.event import Deployed, Event, Observed, Point
from xt.model.files import Entry, Input, Manifest, Output
from xt.model.result import Metric
from xt.model.snapshot import Param
from xt.store import Store, events

#: Ids by number, the oldest first.
IDS = ["kkkkppppzzzzwwww", "llllppppzzzzwwww", "mmmmppppzzzzwwww", "nnnnppppzzzzwwww", "ooooppppzzzzwwww"]


class Site:
    """A project with a store."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.now = datetime.now(UTC)
        self.store = Store.create(str(project.path / ".xt"))
        self._chance = 0

    def xt(self, *words: str, **options: Any) -> Any:
        return self.project.xt(*words, **options)

    def json(self, *words: str) -> Any:
        done = self.xt(*words, "--json")
        assert done.code == 0, done.err
        return json.loads(done.out)

    def run(
        self,
        number: int,
        content: str = "",
        *,
        lr: float = 0.1,
        acc: float = 0.9,
        prompts: str | None = "be kind",
        status: str = "ok",
        outputs: list[Output] | None = None,
        **context: Any,
    ) -> str:
        """Seal a run with one model, a metric and maybe prompts; newer by its number."""
        content = content or f"weights {number}"
        digest = self.store.objects.put_bytes(content.encode())
        inputs = []
        if prompts is not None:
            kept = self.store.objects.put_bytes(prompts.encode())
            inputs.append(Input("prompts", "ask.md", "file", "verified", "ask.md", kept, len(prompts), 1))
        made = [Output("model", "model.bin", "file", "stored", "model.bin", digest, len(content), 1, 0o644)]
        snap = builders.snapshot(
            inputs=inputs,
            params=[Param("lr", lr, "--param")],
            recipe=codec.digest(f"{number}".encode()),
            context=builders.context(
                **{"project": str(self.project.path), "purpose": f"try {number}", **context}
            ),
        )
        res = builders.result(
            status=status,
            outputs=made if outputs is None else outputs,
            metrics=[Metric("acc", acc, "metrics.json:/acc", goal="max")],
        )
        record = builders.record(snap, res, IDS[number])
        record = replace(record, started_at=timestamp(self.now - timedelta(days=30 - number)))
        live = self.store.begin(record.id)
        self.store.seal(live, record)
        live.end()
        return record.id

    def tree(self, files: dict[str, str], path: str = "out", role: str = "model") -> Output:
        """Keep a folder as an output."""
        entries = [
            Entry(name, "file", 0o644, len(text), self.store.objects.put_bytes(text.encode()))
            for name, text in sorted(files.items())
        ]
        digest = self.store.objects.put_bytes(codec.encode(Manifest(entries)))
        return Output(role, path, "tree", "stored", path, digest, 10, len(files), 0o755)

    def ago(self, hours: float) -> str:
        return timestamp(self.now - timedelta(hours=hours))

    def event(self, kind: type[Event], hours: float, **fields: Any) -> Event:
        """Write an event as of so many hours ago."""
        self._chance += 1
        at = self.ago(hours)
        event = kind(id=events.event_id(at, self._chance.to_bytes(4, "little")), at=at, by="you", **fields)
        events.append(self.store.path, event)
        return event

    def deployed(self, number: int, hours: float, to: str = "prod", **fields: Any) -> Event:
        record = self.store.record(IDS[number])
        item = record.result.outputs[0]
        return self.event(
            Deployed, hours, to=to, run=record.id, output=item.path, digest=item.digest, **fields
        )

    def observed(self, name: str, values: dict[float, float], to: str = "prod") -> Event:
        """Write measurements by hours ago."""
        points = [Point(name, value, self.ago(hours)) for hours, value in values.items()]
        return self.event(Observed, 0, to=to, points=points)

    def damage(self, event: Event) -> str:
        """Cut the file of an event short."""
        (path,) = self.project.path.glob(f".xt/events/*/*/{event.id}*")
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:40])
        return str(path)
