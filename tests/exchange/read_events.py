"""Reads events as OpenLineage's own classes do, facets too: `python read_events.py FILE` → JSON.

It is a program of its own, because the client warns when it is imported.
"""

from __future__ import annotations

import json
import sys
import types

from openlineage.client import event_v2, facet_v2

#: Facet classes by the schema they are of.
FACETS = {
    kind._get_schema(): kind
    for module in vars(facet_v2).values()
    if isinstance(module, types.ModuleType)
    for kind in vars(module).values()
    if isinstance(kind, type) and hasattr(kind, "_get_schema")
}


def facets(said: dict) -> dict:
    """Make the facets; those of xt itself have a schema of their own."""
    made = {}
    for name, fields in said.items():
        schema = fields.pop("_schemaURL")
        assert fields.pop("_producer").startswith("urn:xt:")
        if name.startswith("xt_"):
            assert schema.startswith("urn:xt:facet:")
        else:
            made[name] = FACETS[schema](**fields)
    return made


def dataset(said: dict, kind: type, own: str) -> object:
    said["facets"] = facets(said["facets"])
    said[own] = facets(said[own])
    return kind(**said)


found = []
with open(sys.argv[1]) as file:
    for line in file:
        said = json.loads(line)
        assert said.pop("schemaURL") == event_v2.RunEvent._get_schema()
        said["eventType"] = event_v2.RunState[said["eventType"]]
        for thing, kind in (("run", event_v2.Run), ("job", event_v2.Job)):
            said[thing]["facets"] = facets(said[thing]["facets"])
            said[thing] = kind(**said[thing])
        said["inputs"] = [dataset(one, event_v2.InputDataset, "inputFacets") for one in said["inputs"]]
        said["outputs"] = [dataset(one, event_v2.OutputDataset, "outputFacets") for one in said["outputs"]]
        event = event_v2.RunEvent(**said)
        found.append([event.eventType.name, event.run.runId, [one.name for one in event.outputs]])
print(json.dumps(found))
