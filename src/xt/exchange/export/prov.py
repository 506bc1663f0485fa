"""`prov`: PROV-JSON (W3C member submission of 2013) of the PROV data model.

A file of a run is an entity of that run, and a specialization of its content, which is named by its digest:
so the output of one run and the input of another meet, and no content is said to be made by two runs.
"""

from __future__ import annotations

import json
from typing import Any

from xt.exchange import Exported, Options
from xt.exchange.crate_files import quoted
from xt.exchange.discreet import Discreet
from xt.exchange.target import Target
from xt.exchange.words import ended_badly
from xt.model.exported import Gap, Report
from xt.model.files import Input, Output
from xt.model.restored import Source
from xt.model.result import Number, labelled
from xt.model.text import from_text, to_text

_PREFIXES = {"xt": "urn:xt:", "run": "urn:xt:run:", "content": "urn:blake3:"}


def export(subject: Exported, to: Target, options: Options) -> Report:
    """Write the document."""
    made = _Document(subject, Discreet(subject.record, identify=options.identify))
    text = json.dumps(made.whole(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    with to.file() as file:
        file.write(text.encode("utf-8", "backslashreplace"))
    return Report(to_text(to.shown), gaps=made.gaps)


class _Document:
    def __init__(self, subject: Exported, told: Discreet) -> None:
        self._subject = subject
        self._record = subject.record
        self._told = told
        self._run = f"run:{self._record.id}"
        self._parts: dict[str, dict[str, Any]] = {}
        self._said: set[str] = set()
        """Relations, so that none is told twice."""
        self.gaps: list[Gap] = []

    def whole(self) -> dict[str, Any]:
        """All statements, by kind."""
        snapshot, result = self._record.snapshot, self._record.result
        self._activity()
        self._agents()
        for item in snapshot.inputs:
            entity = self._file(item, "inputs")
            self._relate("used", {"prov:activity": self._run, "prov:entity": entity, "prov:role": item.role})
        for output in result.outputs:
            self._output(output)
        for metric in result.metrics:
            name = labelled(metric.name, metric.labels)
            value = metric.value.special if isinstance(metric.value, Number) else metric.value
            entity = self._entity(f"metrics/{quoted(name)}", {"prov:label": name, "prov:value": value})
            self._made(entity, "metric")
        repeat = snapshot.repeat
        for informant in filter(None, (snapshot.context.parent, repeat.of if repeat else None)):
            self._add("activity", f"run:{informant}", {})
            self._relate("wasInformedBy", {"prov:informed": self._run, "prov:informant": f"run:{informant}"})
        return {"prefix": _PREFIXES, **self._parts}

    def _activity(self) -> None:
        snapshot, result = self._record.snapshot, self._record.result
        said: dict[str, Any] = {
            "prov:startTime": self._record.started_at,
            "prov:endTime": result.ended_at,
            "prov:label": self._subject.name or snapshot.context.purpose or self._record.id,
            "xt:status": result.status,
            "xt:recipe": snapshot.recipe,
            "xt:host": self._told.host,
            "xt:exit": result.exit_code,
            "xt:error": ended_badly(result),
        }
        for kind, params in (("param", snapshot.params), ("fact", snapshot.facts)):
            said |= {f"xt:{kind}/{quoted(param.name)}": self._value(param.value) for param in params}
        self._add("activity", self._run, {key: value for key, value in said.items() if value is not None})

    def _agents(self) -> None:
        """Who did it, and by which plan: the code and the command."""
        snapshot = self._record.snapshot
        code = snapshot.code
        plan: dict[str, Any] = {
            "prov:type": {"$": "prov:Plan", "type": "prov:QUALIFIED_NAME"},
            "xt:command": " ".join(self._told.words(snapshot.command.argv)),
            "xt:tree": code.tree,
            "xt:commit": code.head,
            "xt:dirty": code.dirty,
            "xt:repository": None if code.remote is None else self._told.text(from_text(code.remote)),
            "xt:unknown": code.reason if code.status == "none" else None,
        }
        entity = self._entity("plan", {key: value for key, value in plan.items() if value is not None})
        tool = f"xt:version/{quoted(snapshot.context.xt)}"
        kind = {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"}
        self._add("agent", tool, {"prov:type": kind, "prov:label": f"xt {snapshot.context.xt}"})
        said = {"prov:activity": self._run, "prov:agent": tool, "prov:plan": entity}
        self._relate("wasAssociatedWith", said)
        if self._told.user is not None:
            person = f"xt:user/{quoted(self._told.user)}"
            kind = {"$": "prov:Person", "type": "prov:QUALIFIED_NAME"}
            self._add("agent", person, {"prov:type": kind, "prov:label": self._told.user})
            self._relate("wasAssociatedWith", {"prov:activity": self._run, "prov:agent": person})

    def _output(self, item: Output) -> None:
        if item.status == "missing":
            reason = item.reason or "it was not written"
            self.gaps.append(Gap(self._record.id, "outputs", item.declared, self._told.text(reason)))
        elif item.written is not False:
            self._made(self._file(item, "outputs"), item.role)

    def _made(self, entity: str, role: str) -> None:
        said = {
            "prov:activity": self._run,
            "prov:entity": entity,
            "prov:time": self._record.result.ended_at,
            "prov:role": role,
        }
        self._relate("wasGeneratedBy", said)

    def _file(self, item: Input | Output, source: Source) -> str:
        path = from_text(item.declared if item.path is None or item.kind == "uri" else item.path)
        said: dict[str, Any] = {
            "prov:label": self._told.path(path),
            "xt:role": item.role,
            "xt:kind": item.kind,
            "xt:size": item.size,
            "xt:revision": item.revision if isinstance(item, Input) else None,
            "xt:unknown": self._told.text(item.reason) if item.reason and item.digest is None else None,
        }
        place = quoted(path if item.kind == "uri" else self._told.place(path))
        entity = self._entity(f"{source}/{place}", {k: v for k, v in said.items() if v is not None})
        if item.digest is not None:
            content = f"content:{item.digest.removeprefix('blake3:')}"
            self._add("entity", content, {})
            self._relate("specializationOf", {"prov:specificEntity": entity, "prov:generalEntity": content})
        return entity

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._told.text(value)
        return value if isinstance(value, bool | int | float) else json.dumps(value, ensure_ascii=False)

    def _entity(self, name: str, said: dict[str, Any]) -> str:
        identifier = f"{self._run}/{name}"
        self._add("entity", identifier, said)
        return identifier

    def _add(self, kind: str, identifier: str, said: dict[str, Any]) -> None:
        self._parts.setdefault(kind, {}).setdefault(identifier, said)

    def _relate(self, kind: str, said: dict[str, Any]) -> None:
        found = self._parts.setdefault(kind, {})
        if (key := json.dumps([kind, said], sort_keys=True)) not in self._said:
            self._said.add(key)
            found[f"_:{kind}{len(found) + 1}"] = said
