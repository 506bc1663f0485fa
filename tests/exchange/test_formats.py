"""What is exported is what others take for it: read by their own libraries and validators."""

from __future__ import annotations

import copy
import csv
import hashlib
import importlib.util
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.exchange.world import HOSTILE, MODEL, OTHER, RUN
from xt.model.exported import Runs
from xt.store.store import is_whole

HERE = Path(__file__).parent
#: Format → a name of what it is written to.
PLACES = {
    "rocrate": "crate.zip",
    "prov": "run.provjson",
    "openlineage": "events.jsonl",
    "cyclonedx": "bom.json",
    "json": "runs.json",
    "csv": "runs.csv",
    "parquet": "runs.parquet",
}


def entities(data: bytes) -> dict:
    return {one["@id"]: one for one in json.loads(data)["@graph"]}


@pytest.mark.parametrize("form", PLACES)
def test_twice_is_the_same_and_nothing_is_said_that_was_not_asked_for(world, form):
    world.seal()
    world.export(form, PLACES[form])
    world.export(form, "again-" + PLACES[form])
    found = world.read(PLACES[form])
    assert found == world.read("again-" + PLACES[form])
    if form == "rocrate":
        found = zipfile.ZipFile(io.BytesIO(found)).read("ro-crate-metadata.json")
    if form not in ("json", "parquet"):
        text = found.decode()
        if form != "csv":  # cells are what was recorded
            assert "/home" not in text
            assert '"you"' not in text
            assert '"host"' not in text


@pytest.mark.parametrize("form", ["rocrate", "prov", "openlineage", "cyclonedx"])
def test_who_and_where_is_said_if_it_is_asked_for(world, form):
    world.seal()
    world.export(form, PLACES[form], identify=True)
    found = world.read(PLACES[form])
    if form == "rocrate":
        archive = zipfile.ZipFile(io.BytesIO(found))
        found = archive.read("ro-crate-metadata.json")
        assert is_whole(archive.read("record.json"))
    text = found.decode()
    assert "/home/you/sets/all.bin" in text
    assert '"you' in text


# --- rocrate -----------------------------------------------------------------------------------------


def judged(folder: Path, *crates: str, severity: str = "REQUIRED") -> dict[str, list[str]]:
    pytest.importorskip("rocrate_validator")
    done = subprocess.run(
        [sys.executable, HERE / "judge_crate.py", HERE / "context.json", severity, *crates],
        cwd=folder,
        capture_output=True,
        check=True,
        timeout=100,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_crates_are_valid_and_the_validator_sees_what_is_not(world):
    """One call for all: the validator takes its time to start."""
    world.seal()
    world.seal(
        OTHER, inputs=[], outputs=[], metrics=[], params=[], result={"status": "failed", "exit_code": 3}
    )
    world.export("rocrate", "crate", only=("outputs", "inputs", "logs"), license="https://example.org/terms")
    world.export("rocrate", "crate.zip", license="Apache-2.0", identify=True)
    world.export("rocrate", "bare", OTHER)
    world.export("rocrate", "broken")
    (world.folder / "broken/outputs/model.npz").unlink()
    lying = world.folder / "broken/ro-crate-metadata.json"
    lying.write_text(lying.read_text().replace('"instrument"', '"invented"'))
    found = judged(world.folder, "crate", "crate.zip", "bare", "broken")
    assert found["crate"] == found["crate.zip"] == found["bare"] == []
    assert any("model.npz" in issue for issue in found["broken"])
    assert any("instrument" in issue for issue in found["broken"])


def test_a_crate_has_the_files_and_says_what_it_has_not(world):
    world.seal()
    done = world.export("rocrate", "crate")
    files = {
        str(path.relative_to(world.folder / "crate"))
        for path in (world.folder / "crate").rglob("*")
        if path.is_file()
    }
    assert files == {
        "ro-crate-metadata.json",
        "outputs/model.npz",
        "outputs/out/odd name #1.txt",
        "inputs/data/a.csv",
        "inputs/p.md",
    }
    assert (done.report.files, done.report.size) == (4, len(MODEL) + 3 + 6 + 9)
    assert (world.folder / "crate/outputs/out/empty").is_dir()
    assert (world.folder / "crate/outputs/out/odd name #1.txt").stat().st_mode & 0o111
    found = entities(world.read("crate/ro-crate-metadata.json"))
    model = found["outputs/model.npz"]
    assert model["sha256"] == hashlib.sha256(MODEL).hexdigest()
    assert found["outputs/out/odd%20name%20%231.txt"]["encodingFormat"] == "text/plain"
    action = found[f"#{RUN}"]
    assert {"@id": "outputs/model.npz"} in action["result"]
    assert "never.html" in action["description"]
    assert "b.csv (its content is not stored)" in found["inputs/data/"]["description"]
    absent = found["#inputs/~/sets/all.bin"]
    assert "not carried" in absent["description"]
    assert "sha256" not in absent
    uri = found["s3://bucket/start%20model.pt"]
    assert (uri["@type"], uri["identifier"]) == ("CreativeWork", "etag:1")
    assert found["#metric-loss"]["value"] == "nan"
    assert found["#param-layers"]["value"] == '[1, "two", null]'
    assert {(gap.what, gap.path) for gap in done.report.gaps if gap.what != "code"} == {
        ("inputs", "data/b.csv"),
        ("inputs", "/home/you/sets/all.bin"),
        ("inputs", "s3://bucket/start model.pt"),
        ("outputs", "out/to-a"),
        ("outputs", "never.html"),
    }


def test_code_that_is_in_the_store_is_in_the_crate(project):
    project.write("tool.sh", "echo made > out.txt\n")
    project.sh("chmod +x tool.sh && ln -s tool.sh also && git add -A && git commit -qm tool")
    project.write("train.py", "print('changed')\n")
    assert project.run("-q", "-m", "why", "-o", "out.txt", "--", "sh", "tool.sh").code == 0
    done = project.xt("export", "@", "--to", "rocrate", "-o", "../crate.zip", "--only", "code")
    assert done.code == 0, done.err
    assert "also: a link to tool.sh" in done.err
    archive = zipfile.ZipFile(project.path.parent / "crate.zip")
    assert set(archive.namelist()) == {"code/", "code/train.py", "code/tool.sh", "ro-crate-metadata.json"}
    assert archive.read("code/train.py") == b"print('changed')\n"
    assert archive.getinfo("code/tool.sh").external_attr >> 16 == 0o755
    found = entities(archive.read("ro-crate-metadata.json"))
    assert found["code/"]["version"].endswith("-dirty")
    assert (
        found["#outputs/out.txt"]["description"]
        == "output of role artifact; not carried: it was not asked for"
    )


# --- the others --------------------------------------------------------------------------------------


def test_prov_is_read_by_prov(world):
    """In a child: its dependencies warn when they are imported."""
    pytest.importorskip("prov")
    world.seal(context={"parent": OTHER})
    world.export("prov", "run.json")
    program = (
        "import sys, json, prov.model as m; d = m.ProvDocument.deserialize('run.json', format='json');"
        "again = m.ProvDocument.deserialize(content=d.serialize(format='json'), format='json');"
        "print(json.dumps([d == again, d.get_provn()]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=world.folder, capture_output=True, text=True, check=True
    )
    same, text = json.loads(done.stdout)
    assert same
    assert f'used(run:{RUN}, run:{RUN}/inputs/p.md, -, [prov:role="prompts"])' in text
    assert f"wasGeneratedBy(run:{RUN}/outputs/model.npz, run:{RUN}, 2026-11-23T09:28:00+00:00" in text
    assert f"wasInformedBy(run:{RUN}, run:{OTHER})" in text
    assert f"specializationOf(run:{RUN}/outputs/model.npz, content:" in text
    assert "never.html" not in text


def test_the_output_of_one_run_is_the_input_of_another(world):
    made = world.outputs()[0]
    world.seal(outputs=[made])
    taken = world.inputs()[3].__class__("model", "m", "file", "verified", "m", made.digest, made.size, 1)
    world.seal(OTHER, inputs=[taken])
    contents = []
    for run, relation in ((RUN, "outputs/model.npz"), (OTHER, "inputs/m")):
        world.export("prov", f"{run}.json", run)
        said = json.loads(world.read(f"{run}.json"))["specializationOf"].values()
        mine = [one for one in said if one["prov:specificEntity"] == f"run:{run}/{relation}"]
        contents.append(mine[0]["prov:generalEntity"])
    assert contents[0] == contents[1] == f"content:{made.digest.removeprefix('blake3:')}"


def test_events_are_those_of_openlineage(world):
    pytest.importorskip("openlineage.client")
    world.seal(context={"tags": ["gold"], "name": "best"})
    world.seal(OTHER, result={"status": "failed", "exit_code": 1})
    world.export("openlineage", "events", RUN, OTHER)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", HERE / "read_events.py", "events"],
        cwd=world.folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [kind for kind, *_ in found] == ["START", "COMPLETE", "START", "FAIL"]
    assert found[0][1] == found[1][1] != found[2][1]
    assert found[1][2] == ["model.npz", "out"]
    lines = [json.loads(line) for line in world.read("events").splitlines()]
    assert lines[1]["run"]["facets"]["xt_effects"]["notWritten"] == ["never.html"]
    assert [one["namespace"] for one in lines[0]["inputs"]][1:3] == ["file", "s3://bucket"]


STRICT = """
import json, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
validator = JsonStrictValidator(SchemaVersion.V1_6)
print(json.dumps([validator.validate_str(json.dumps(bom)) is None for bom in json.load(sys.stdin)]))
"""


def valid(*boms):
    """What CycloneDX's library says, in a process of its own: here jsonschema knows less."""
    done = subprocess.run(
        [sys.executable, "-c", STRICT], input=json.dumps(boms).encode(), capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_bom_is_strictly_valid(world):
    if importlib.util.find_spec("cyclonedx") is None:
        pytest.skip("cyclonedx-python-lib is not installed")
    world.seal()
    world.export("cyclonedx", "bom.json", license="MIT")
    bom = json.loads(world.read("bom.json"))
    broken = copy.deepcopy(bom)
    broken["metadata"]["component"]["modelCard"]["invented"] = 1
    assert valid(bom, broken) == [True, False]
    model = bom["metadata"]["component"]
    assert model["hashes"][0] == {"alg": "SHA-256", "content": hashlib.sha256(MODEL).hexdigest()}
    card = model["modelCard"]
    assert card["modelParameters"]["datasets"][0] == {"ref": "input-1"}
    assert {"type": "val/acc", "value": "0.9", "slice": "digit=8"} in card["quantitativeAnalysis"][
        "performanceMetrics"
    ]
    assert any(one.get("purl") == "pkg:pypi/numpy@2.4.6" for one in bom["components"])


def test_a_sheet_holds_no_formula(world):
    world.seal(context={"purpose": "=1+1", "tags": ["a", "b"]})
    world.seal(OTHER, params=[], metrics=[], context={"purpose": "-0.5"})
    world.export("csv", "runs.csv", RUN, OTHER)
    rows = list(csv.DictReader(io.StringIO(world.read("runs.csv").decode(), newline="")))
    assert [row["id"] for row in rows] == [RUN, OTHER]
    assert rows[0]["purpose"] == "'=1+1"
    assert rows[1]["purpose"] == "-0.5"
    assert rows[0]["tags"] == "a b"
    assert rows[0]["param.=x"] == HOSTILE  # begins with an escape, so it is no formula
    assert rows[0]["metric.val/acc{digit=8}"] == "0.9"
    assert rows[0]["metric.loss"] == "nan"
    assert rows[1]["metric.loss"] == rows[1]["param.lr"] == ""


def test_a_table_has_types(world):
    parquet = pytest.importorskip("pyarrow.parquet")
    world.seal(context={"tags": ["a", "b"]})
    world.seal(OTHER, params=[], metrics=[])
    world.export("parquet", "runs.parquet", RUN, OTHER)
    table = parquet.read_table(world.folder / "runs.parquet")
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds["started_at"] == "timestamp[us, tz=UTC]"
    assert (kinds["param.lr"], kinds["param.layers"], kinds["exit_code"]) == ("double", "string", "int64")
    rows = table.to_pylist()
    assert (rows[0]["tags"], rows[0]["param.lr"], rows[1]["param.lr"]) == (["a", "b"], 0.05, None)
    assert rows[0]["metric.loss"] != rows[0]["metric.loss"]


def test_json_has_records_as_they_were_sealed(world):
    import msgspec

    world.seal()
    world.seal(OTHER)
    world.export("json", "runs.json", RUN, OTHER)
    data = world.read("runs.json")
    found = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    runs = msgspec.json.decode(found["runs"], type=list[dict[str, msgspec.Raw]])
    assert [is_whole(bytes(run["record"]) + b"\n") for run in runs] == [True, True]
    assert msgspec.json.decode(data, type=Runs).runs[1].record.id == OTHER
