"""`openlineage`: events of OpenLineage 2, as lines of JSON in a file, or posted to a server.

Two events a run: START with its inputs, and COMPLETE, FAIL or ABORT with its outputs. The same run gives the
same events, so that a server that is told twice knows nothing new.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from xt.exchange import Exported, Options
from xt.exchange.discreet import Discreet
from xt.exchange.target import Target
from xt.exchange.web import bearer, checked, post
from xt.exchange.words import ended_badly, program
from xt.model.exported import Report
from xt.model.files import Input, Output
from xt.model.result import Number, labelled
from xt.model.text import from_text, to_text
from xt.redact import clean_url

_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = f"{_SPEC}/facets"
#: Where servers take events, as the clients of OpenLineage have it.
_ENDPOINT = "/api/v1/lineage"
_ENDS = {"ok": "COMPLETE", "interrupted": "ABORT"}
#: Of runs of xt, for ids by content (RFC 9562, version 5).
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:xt:run")

Json = dict[str, Any]


def run_uuid(run_id: str) -> str:
    """The id of a run as OpenLineage wants it: always the same UUID for the same run."""
    return str(uuid.uuid5(_NAMESPACE, run_id))


def export(subjects: Iterable[Exported], to: Target, options: Options) -> Report:
    """Write or post the events of all runs, in their order.

    The server is that of `-o`, else of the variable OPENLINEAGE_URL; OPENLINEAGE_API_KEY is sent to it.
    """
    environ = options.environ
    url = to.given if to.is_url else (environ.get("OPENLINEAGE_URL") if to.given is None else None)
    if url:
        url = checked(url)
        if urlsplit(url).path in ("", "/"):
            url = url.rstrip("/") + "/" + (environ.get("OPENLINEAGE_ENDPOINT") or _ENDPOINT).lstrip("/")
        headers = {"Content-Type": "application/json"}
        if key := environ.get("OPENLINEAGE_API_KEY"):
            headers["Authorization"] = bearer(key, "OPENLINEAGE_API_KEY")
        for subject in subjects:
            for event in events(subject, options):
                post(url, _line(event), headers)
        return Report(clean_url(url))
    with to.file() as file:
        for subject in subjects:
            for event in events(subject, options):
                file.write(_line(event))
    return Report(to_text(to.shown))


def events(subject: Exported, options: Options) -> list[Json]:
    """The two events of a run."""
    return _Events(subject, Discreet(subject.record, identify=options.identify), options.environ).both()


def _line(event: Json) -> bytes:
    text = json.dumps(event, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace") + b"\n"


class _Events:
    def __init__(self, subject: Exported, told: Discreet, environ: Mapping[str, str]) -> None:
        self._subject = subject
        self._record = subject.record
        self._told = told
        self._producer = f"urn:xt:{self._record.snapshot.context.xt}"
        self._namespace = environ.get("OPENLINEAGE_NAMESPACE") or self._project()

    def both(self) -> list[Json]:
        result = self._record.result
        inputs = [self._dataset(item) for item in self._record.snapshot.inputs]
        outputs = [
            self._dataset(item)
            for item in result.outputs
            if item.status != "missing" and item.written is not False
        ]
        start = self._event("START", self._record.started_at, inputs, [])
        kind = _ENDS.get(result.status, "FAIL")
        end = self._event(kind, result.ended_at, inputs, outputs)
        end["run"]["facets"]["xt_effects"] = self._effects()
        failed = ended_badly(result)
        if failed:
            end["run"]["facets"]["errorMessage"] = self._facet(
                "1-0-1/ErrorMessageRunFacet", {"message": failed, "programmingLanguage": self._language()}
            )
        return [start, end]

    def _event(self, kind: str, at: str, inputs: list[Json], outputs: list[Json]) -> Json:
        return {
            "eventType": kind,
            "eventTime": at,
            "producer": self._producer,
            "schemaURL": _EVENT,
            "run": {"runId": run_uuid(self._record.id), "facets": self._run_facets()},
            "job": {"namespace": self._namespace, "name": self._job(), "facets": self._job_facets()},
            "inputs": inputs,
            "outputs": outputs,
        }

    def _run_facets(self) -> Json:
        snapshot = self._record.snapshot
        params = [
            {"key": param.name, "name": param.name, "value": self._text(param.value)}
            for param in snapshot.params
        ]
        tags = [{"key": tag, "value": "true", "source": "USER"} for tag in self._subject.tags]
        causes = {
            "id": self._record.id,
            "recipe": snapshot.recipe,
            "purpose": snapshot.context.purpose,
            "command": self._told.words(snapshot.command.argv),
            "tree": snapshot.code.tree,
            "dirty": snapshot.code.dirty,
            "user": self._told.user,
            "host": self._told.host,
        }
        engine = {"name": "xt", "version": snapshot.context.xt}
        facets = {
            "processing_engine": self._facet("1-1-1/ProcessingEngineRunFacet", engine),
            "xt_causes": self._own("causes", causes),
        }
        if params:
            facets["executionParameters"] = self._facet(
                "1-0-0/ExecutionParametersRunFacet", {"parameters": params}
            )
        if tags:
            facets["tags"] = self._facet("1-0-0/TagsRunFacet", {"tags": tags})
        return facets

    def _job_facets(self) -> Json:
        code = self._record.snapshot.code
        kind = {"processingType": "BATCH", "integration": "XT", "jobType": "COMMAND"}
        facets = {"jobType": self._facet("2-0-4/JobTypeJobFacet", kind)}
        if code.remote is not None:
            remote = self._told.text(from_text(code.remote))
            said = {"type": "git", "url": remote, "repoUrl": remote, "version": code.head}
            said |= {"branch": None if code.branch is None else from_text(code.branch)}
            facets["sourceCodeLocation"] = self._facet("1-1-0/SourceCodeLocationJobFacet", said)
        return facets

    def _effects(self) -> Json:
        result = self._record.result
        metrics = [
            {
                "name": labelled(metric.name, metric.labels),
                "value": metric.value.special if isinstance(metric.value, Number) else metric.value,
                **({} if metric.unit is None else {"unit": metric.unit}),
            }
            for metric in result.metrics
        ]
        said = {"status": result.status, "exitCode": result.exit_code, "wallSeconds": result.usage.wall_s}
        missing = [
            self._told.path(from_text(item.declared)) for item in result.outputs if item.status == "missing"
        ]
        return self._own("effects", {**said, "metrics": metrics, "notWritten": missing or None})

    def _dataset(self, item: Input | Output) -> Json:
        namespace, name = self._place(item)
        facets: Json = {}
        version = item.digest or (item.revision if isinstance(item, Input) else None)
        if version is not None:
            facets["version"] = self._facet("1-0-1/DatasetVersionDatasetFacet", {"datasetVersion": version})
        unknown = item.reason if version is None else None
        facets["xt_file"] = self._own("file", {"role": item.role, "kind": item.kind, "unknown": unknown})
        statistics = {"size": item.size, "fileCount": item.files}
        if isinstance(item, Input):
            kind = "1-0-0/InputStatisticsInputDatasetFacet"
            own = {"inputFacets": {"inputStatistics": self._facet(kind, statistics)}}
        else:
            kind = "1-0-2/OutputStatisticsOutputDatasetFacet"
            own = {"outputFacets": {"outputStatistics": self._facet(kind, statistics)}}
        return {"namespace": namespace, "name": name, "facets": facets, **own}

    def _place(self, item: Input | Output) -> tuple[str, str]:
        """Namespace and name, as OpenLineage has them for files and stores; of the project its own."""
        if item.kind == "uri":
            parts = urlsplit(self._told.text(from_text(item.declared)))
            return f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/") or "/"
        path = from_text(item.declared if item.path is None else item.path)
        if os.path.isabs(path):
            return f"file://{self._told.host}" if self._told.host else "file", self._told.path(path)
        return self._namespace, self._told.path(path)

    def _project(self) -> str:
        """The repository where that is known, else the folder's name."""
        remote = self._record.snapshot.code.remote
        if remote is not None:
            return self._told.text(from_text(remote))
        return os.path.basename(from_text(self._record.snapshot.context.project)) or "xt"

    def _job(self) -> str:
        snapshot = self._record.snapshot
        words = [word for word in self._told.words(snapshot.command.argv)[1:] if not word.startswith("-")]
        return snapshot.context.task or " ".join([self._told.text(program(snapshot)), *words[:1]])

    def _language(self) -> str:
        return "PYTHON" if self._record.snapshot.environment.python is not None else "UNKNOWN"

    def _text(self, value: Any) -> str:
        return self._told.text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))

    def _facet(self, name: str, fields: Json) -> Json:
        last = name.partition("/")[2]
        return self._told_by(f"{_FACETS}/{name}.json#/$defs/{last}", fields)

    def _own(self, name: str, fields: Json) -> Json:
        return self._told_by(f"urn:xt:facet:{name}:1", fields)

    def _told_by(self, schema: str, fields: Json) -> Json:
        told = {key: value for key, value in fields.items() if value is not None}
        return {"_producer": self._producer, "_schemaURL": schema, **told}
