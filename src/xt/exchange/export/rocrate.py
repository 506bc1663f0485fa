"""`rocrate`: a Workflow Run RO-Crate of the profile Process Run Crate 0.5, as a folder or a zip archive.

RO-Crate 1.1 is JSON-LD: a flat list of entities that name each other. What of a run is not in the crate is
in it by name, as a `CreativeWork` that says why, so that nothing is claimed that is not there.
"""

from __future__ import annotations

import json
import os
from typing import Any

from xt.errors import UsageError
from xt.exchange import Exported, Options
from xt.exchange.crate_files import CrateFiles, Entity, quoted, references
from xt.exchange.discreet import Discreet
from xt.exchange.payload import into
from xt.exchange.target import Target
from xt.exchange.words import ended_badly, program, title
from xt.model.exported import Report
from xt.model.restored import Source
from xt.model.result import Number, labelled
from xt.model.text import to_text

METADATA = "ro-crate-metadata.json"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
#: Carried where nothing else is asked for: logs may say anything.
USUAL: tuple[Source, ...] = ("outputs", "inputs", "code")
_TERMS = "https://w3id.org/ro/terms/workflow-run#"
_CONTEXT = [
    "https://w3id.org/ro/crate/1.1/context",
    {
        name: _TERMS + name
        for name in ("sha256", "environment", "containerImage", "ContainerImage", "registry")
    },
]
#: What every crate of xt has among its entities.
_MARK = b"urn:xt:run:"


def export(subject: Exported, to: Target, options: Options) -> Report:
    """Write the crate."""
    if to.given == "-":
        raise UsageError("a crate does not go to standard output", "`-o PATH.zip`, or a folder")
    told = Discreet(subject.record, identify=options.identify)
    with into(to, subject.record.result.ended_at, _is_ours) as payload:
        files = CrateFiles(subject, payload, told, options.only or USUAL)
        graph = _Crate(subject, files, told, options).graph()
        if options.identify:
            payload.write("record.json", subject.data)
        whole = {"@context": _CONTEXT, "@graph": graph}
        text = json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
        payload.write(METADATA, text.encode("utf-8", "backslashreplace"))
    return Report(to_text(to.shown), files.count, files.size, files.gaps)


def _is_ours(path: str) -> bool:
    try:
        with open(os.path.join(path, METADATA), "rb") as file:
            return _MARK in file.read()
    except OSError:
        return False


class _Crate:
    """The entities of one run."""

    def __init__(self, subject: Exported, files: CrateFiles, told: Discreet, options: Options) -> None:
        self._subject = subject
        self._snapshot = subject.record.snapshot
        self._result = subject.record.result
        self._files = files
        self._told = told
        self._options = options
        self._entities: dict[str, Entity] = {}

    def graph(self) -> list[Entity]:
        """All of them: the descriptor and the root first."""
        inputs = [self._files.of_item(item, "inputs") for item in self._snapshot.inputs]
        outputs = [
            self._files.of_item(item, "outputs") for item in self._result.outputs if item.status != "missing"
        ]
        code = self._files.code()
        logs = self._files.logs()
        action = self._action(inputs, [*outputs, *logs], code)
        root = self._root(action)
        head: Entity = {
            "@id": METADATA,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        }
        profile: Entity = {
            "@id": PROFILE,
            "@type": "CreativeWork",
            "name": "Process Run Crate",
            "version": "0.5",
        }
        rest = [profile, action, *self._entities.values(), *self._files.entities.values()]
        return [head, root, *rest]

    def _root(self, action: Entity) -> Entity:
        record = self._subject.record
        parts = list(self._files.top)
        if self._options.identify:
            self._add(
                {
                    "@id": "record.json",
                    "@type": "File",
                    "name": "record of the run, as it was sealed",
                    "encodingFormat": "application/json",
                    "contentSize": str(len(self._subject.data)),
                }
            )
            parts.append("record.json")
        about = f"Run {record.id}, recorded by xt {self._snapshot.context.xt}"
        root: Entity = {
            "@id": "./",
            "@type": "Dataset",
            "name": title(self._subject),
            "description": f"{about}: {action['description']}",
            "datePublished": record.result.ended_at[:10],
            "license": self._license(),
            "conformsTo": {"@id": PROFILE},
            "mentions": references([action["@id"]]),
            "hasPart": references(parts),
        }
        if self._subject.tags:
            root["keywords"] = ", ".join(self._subject.tags)
        return root

    def _license(self) -> Any:
        said = self._options.license
        if said is None:
            return "No license was stated when this was exported."
        if said.startswith(("https://", "http://")):
            return {"@id": self._add({"@id": said, "@type": "CreativeWork", "name": said})}
        if all(character.isalnum() or character in "-.+" for character in said):
            url = f"https://spdx.org/licenses/{said}"
            return {"@id": self._add({"@id": url, "@type": "CreativeWork", "name": said})}
        return said

    def _action(self, inputs: list[Entity], outputs: list[Entity], code: Entity | None) -> Entity:
        record = self._subject.record
        command = " ".join(self._told.words(self._snapshot.command.argv))
        failed = ended_badly(self._result)
        missing = [item for item in self._result.outputs if item.status == "missing"]
        lines = [command, *(f"Declared and not written: {self._files.missing(item)}" for item in missing)]
        objects = [*(one["@id"] for one in inputs), *self._params()]
        results = [*(one["@id"] for one in outputs), *self._metrics()]
        action: Entity = {
            "@id": f"#{record.id}",
            "@type": "CreateAction",
            "name": self._snapshot.context.purpose or f"run {record.id}",
            "description": "\n".join(lines),
            "identifier": f"urn:xt:run:{record.id}",
            "startTime": _moment(record.started_at),
            "endTime": _moment(self._result.ended_at),
            "actionStatus": f"http://schema.org/{'Failed' if failed else 'Completed'}ActionStatus",
            "instrument": references(self._instruments(code)),
        }
        action |= {"object": references(objects)} if objects else {}
        action |= {"result": references(results)} if results else {}
        if failed:
            action["error"] = failed
        if self._told.user is not None:
            host = f" on {self._told.host}" if self._told.host else ""
            person = {"@id": "#agent", "@type": "Person", "name": f"{self._told.user}{host}"}
            action["agent"] = {"@id": self._add(person)}
        environment = self._environment()
        if environment:
            action["environment"] = references(environment)
        image = self._snapshot.environment.container.image
        if image is not None:
            entity = {"@id": "#container-image", "@type": "ContainerImage", "name": image}
            action["containerImage"] = {"@id": self._add(entity)}
        return action

    def _instruments(self, code: Entity | None) -> list[str]:
        """The program that was started, and the code it ran."""
        environment, command = self._snapshot.environment, self._snapshot.command
        application: Entity = {
            "@id": "#program",
            "@type": "SoftwareApplication",
            "name": self._told.text(program(self._snapshot)),
        }
        python = environment.python
        if python is not None and python.version is not None:
            application["softwareVersion"] = f"{python.implementation or 'Python'} {python.version}"
            if python.implementation == "CPython":
                application["url"] = "https://www.python.org/"
            packages = [
                self._add(
                    {
                        "@id": f"#package-{quoted(package.name)}",
                        "@type": "SoftwareApplication",
                        "name": package.name,
                        "softwareVersion": package.version,
                    }
                )
                for package in python.packages
            ]
            application |= {"softwareRequirements": references(packages)} if packages else {}
        elif command.executable.digest is not None:
            application["softwareVersion"] = command.executable.digest
        machine = environment.machine
        system = [machine.distribution or machine.system, machine.kernel, machine.architecture]
        application["operatingSystem"] = ", ".join(system)
        found = [self._add(application)]
        return found if code is None else [*found, code["@id"]]

    def _params(self) -> list[str]:
        found = []
        for kind, params in (("param", self._snapshot.params), ("fact", self._snapshot.facts)):
            for param in params:
                found.append(self._value(kind, param.name, param.value))
        if self._snapshot.seed.value is not None:
            found.append(self._value("seed", "seed", self._snapshot.seed.value))
        return found

    def _metrics(self) -> list[str]:
        found = []
        for metric in self._result.metrics:
            value = metric.value.special if isinstance(metric.value, Number) else metric.value
            identifier = self._value("metric", labelled(metric.name, metric.labels), value)
            if metric.unit:
                self._entities[identifier]["unitText"] = metric.unit
            found.append(identifier)
        return found

    def _environment(self) -> list[str]:
        set_ones = {name: value for name, value in self._snapshot.environment.determinism.items() if value}
        return [self._value("variable", name, value) for name, value in sorted(set_ones.items())]

    def _value(self, kind: str, name: str, value: Any) -> str:
        if isinstance(value, str):
            value = self._told.text(value)
        elif not isinstance(value, bool | int | float):
            value = json.dumps(value, ensure_ascii=False)
        return self._add(
            {"@id": f"#{kind}-{quoted(name)}", "@type": "PropertyValue", "name": name, "value": value}
        )

    def _add(self, entity: Entity) -> str:
        """Keep an entity; give its identifier."""
        self._entities[entity["@id"]] = entity
        return str(entity["@id"])


def _moment(text: str) -> str:
    """`2026-11-23T09:30:00.123+00:00`: of several ways ISO 8601 has, the one the profile takes."""
    return text[:23] + "+00:00" if len(text) == 27 and text.endswith("Z") else text
