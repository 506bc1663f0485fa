"""`cyclonedx`: an ML-BOM of what a run made of role `model`: CycloneDX 1.6, with a model card.

Components are the models with their files, what they were made from, and the packages that were there.
SHA-256 is of the content that is in the store; where there is none, the digest of the record is all there is.
"""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import quote

from xt.errors import NotRecordedError, XtError
from xt.exchange import Content, Exported, Options
from xt.exchange.crate_files import quoted
from xt.exchange.discreet import Discreet
from xt.exchange.payload import sha256
from xt.exchange.target import Target
from xt.exchange.words import ended_badly, title
from xt.model.exported import Gap, Report
from xt.model.files import Input, Output
from xt.model.result import Metric, Number
from xt.model.text import from_text, to_text

_SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
Json = dict[str, Any]


def export(subject: Exported, to: Target, options: Options) -> Report:
    """Write the BOM.

    Raises:
        NotRecordedError: the run made no model.
    """
    made = _Bom(subject, Discreet(subject.record, identify=options.identify), options.license)
    with to.file() as file:
        text = json.dumps(made.whole(), indent=2, ensure_ascii=False) + "\n"
        file.write(text.encode("utf-8", "backslashreplace"))
    return Report(to_text(to.shown), gaps=made.gaps)


class _Bom:
    def __init__(self, subject: Exported, told: Discreet, licence: str | None) -> None:
        self._subject = subject
        self._record = subject.record
        self._told = told
        self._license = licence
        self.gaps: list[Gap] = []

    def whole(self) -> Json:
        """The document."""
        record = self._record
        items = [item for item in record.result.outputs if item.role == "model" and item.status != "missing"]
        if not items:
            raise NotRecordedError(
                f"run {record.id} made no output of role `model`",
                "`xt run -o model:PATH` declares one; rocrate, prov and openlineage take any output",
            )
        inputs = {f"input-{number}": item for number, item in enumerate(record.snapshot.inputs, 1)}
        data = [self._data(ref, item) for ref, item in inputs.items()]
        models = [self._model(number, item, list(inputs)) for number, item in enumerate(items, 1)]
        packages = self._packages()
        made_from = sorted({*inputs, *(one["bom-ref"] for one in packages)})
        first, *others = models
        return {
            "$schema": _SCHEMA,
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'urn:xt:run:{record.id}:cyclonedx')}",
            "version": 1,
            "metadata": self._metadata(first),
            "components": [*others, *data, *packages],
            "dependencies": [
                *({"ref": model["bom-ref"], "dependsOn": made_from} for model in models),
                *({"ref": ref} for ref in made_from),
            ],
        }

    def _metadata(self, model: Json) -> Json:
        snapshot = self._record.snapshot
        code = snapshot.code
        about = {
            "xt:run": self._record.id,
            "xt:recipe": snapshot.recipe,
            "xt:status": ended_badly(self._record.result) or "ok",
            "xt:purpose": snapshot.context.purpose,
            "xt:command": " ".join(self._told.words(snapshot.command.argv)),
            "xt:code:repository": None if code.remote is None else self._told.text(from_text(code.remote)),
            "xt:code:commit": code.head,
            "xt:code:tree": code.tree,
            "xt:code:dirty": None if code.dirty is None else json.dumps(code.dirty),
            "xt:code:unknown": code.reason if code.status == "none" else None,
            "xt:host": self._told.host,
        }
        found: Json = {
            "timestamp": self._record.result.ended_at,
            "tools": {"components": [{"type": "application", "name": "xt", "version": snapshot.context.xt}]},
            "component": model,
            "properties": _properties(about),
        }
        if self._told.user is not None:
            found["authors"] = [{"name": self._told.user}]
        return found

    def _model(self, number: int, item: Output, inputs: list[str]) -> Json:
        path = from_text(item.declared if item.path is None else item.path)
        version = self._record.snapshot.code.head or self._record.id
        component: Json = {
            "type": "machine-learning-model",
            "bom-ref": f"model-{number}",
            "name": self._told.path(path),
            "version": version,
            "description": title(self._subject),
        }
        contents = list(self._subject.contents(item))
        files = [content for content in contents if content.form == "file"]
        if item.kind == "file" and len(files) == 1:
            component["hashes"], unknown = self._hashes(files[0])
        else:
            component["hashes"] = _blake3(item.digest)
            unknown = None if files else (item.reason or "nothing of it is stored")
            component["components"] = [self._file(f"model-{number}/", content) for content in files]
        if not component["hashes"]:
            del component["hashes"]
        if self._license is not None:
            component["licenses"] = [{"license": {"name": self._license}}]
        said = {"xt:role": item.role, "xt:size": _text(item.size), "xt:unknown": unknown}
        component["properties"] = _properties(said)
        component["modelCard"] = self._card(inputs)
        return component

    def _file(self, prefix: str, content: Content) -> Json:
        hashes, unknown = self._hashes(content)
        found: Json = {
            "type": "file",
            "bom-ref": prefix + quoted(self._told.place(content.path)),
            "name": self._told.path(content.path),
        }
        said = _properties({"xt:size": _text(content.size), "xt:unknown": unknown})
        return found | ({"hashes": hashes} if hashes else {}) | ({"properties": said} if said else {})

    def _hashes(self, content: Content) -> tuple[list[Json], str | None]:
        """Hashes of a file, and why it has no SHA-256."""
        found = _blake3(content.digest)
        try:
            hexed, _ = sha256(content)
        except XtError as error:
            lost = content.lost or error.code == "damaged"
            self.gaps.append(Gap(self._record.id, content.source, to_text(content.path), error.message, lost))
            return found, error.message
        return [{"alg": "SHA-256", "content": hexed}, *found], None

    def _data(self, ref: str, item: Input) -> Json:
        path = from_text(item.declared if item.path is None or item.kind == "uri" else item.path)
        unknown = None if item.digest else self._told.text(item.reason or "its content was not read")
        said = {
            "xt:role": item.role,
            "xt:size": _text(item.size),
            "xt:files": _text(item.files),
            "xt:revision": item.revision,
            "xt:unknown": unknown,
        }
        kind = "configuration" if item.role in ("config", "prompts", "policy") else "dataset"
        found: Json = {"type": "data", "bom-ref": ref, "name": self._told.path(path)}
        if item.role == "model":
            found["type"] = "machine-learning-model"
        else:
            found["data"] = [{"type": kind, "name": found["name"]}]
        hashes = _blake3(item.digest)
        return found | ({"hashes": hashes} if hashes else {}) | {"properties": _properties(said)}

    def _packages(self) -> list[Json]:
        """The interpreter and its distributions: what was there, whether it was used or not."""
        python = self._record.snapshot.environment.python
        if python is None:
            return []
        name = python.implementation or "Python"
        interpreter: Json = {"type": "platform", "bom-ref": "interpreter", "name": name}
        if python.version is not None:
            interpreter["version"] = python.version
        found = {"interpreter": interpreter}
        for package in python.packages:
            purl = f"pkg:pypi/{quote(package.name, safe='')}@{quote(package.version, safe='')}"
            one: Json = {
                "type": "library",
                "bom-ref": purl,
                "name": package.name,
                "version": package.version,
            }
            if package.editable is None and package.url is None:
                one["purl"] = purl  # what is from elsewhere is not what the index has under that name
            else:
                one["properties"] = _properties({"xt:revision": package.revision, "xt:index": "no"})
            found[purl] = one
        return list(found.values())

    def _card(self, inputs: list[str]) -> Json:
        snapshot, result = self._record.snapshot, self._record.result
        card: Json = {}
        if inputs:
            card["modelParameters"] = {"datasets": [{"ref": ref} for ref in inputs]}
        if result.metrics:
            card["quantitativeAnalysis"] = {"performanceMetrics": [_metric(one) for one in result.metrics]}
        said: dict[str, str | None] = {}
        for kind, params in (("param", snapshot.params), ("fact", snapshot.facts)):
            said |= {f"xt:{kind}:{param.name}": self._value(param.value) for param in params}
        if snapshot.seed.value is not None:
            said["xt:seed"] = str(snapshot.seed.value)
        return card | ({"properties": _properties(said)} if said else {})

    def _value(self, value: Any) -> str:
        return self._told.text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _metric(metric: Metric) -> Json:
    value = metric.value.special if isinstance(metric.value, Number) else repr(metric.value)
    found = {"type": metric.name, "value": value if metric.unit is None else f"{value} {metric.unit}"}
    if metric.labels:
        found["slice"] = ",".join(f"{key}={label}" for key, label in sorted(metric.labels.items()))
    return found


def _blake3(digest: str | None) -> list[Json]:
    kind, _, hexed = (digest or "").partition(":")
    return [{"alg": "BLAKE3", "content": hexed}] if kind == "blake3" else []


def _properties(values: dict[str, str | None]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in values.items() if value is not None]


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
