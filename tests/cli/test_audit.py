"""`xt audit`, `--strict` and the marks of incomplete runs, as users meet them."""

from __future__ import annotations

import json
import os
from xml.etree import ElementTree as Xml

import pytest
from msgspec.structs import replace

from tests import builders
from xt.model import runid
from xt.model.event import Removed, Verified
from xt.model.snapshot import Repeat
from xt.store import Store, events

REQUIRED = """\
[evidence]
required = ["purpose", "facts.labelling", "inputs.data", "outputs.model", "metrics.loss", "level.equivalent"]
[task.train]
command = "sh train.sh"
purpose = "how far it gets"
inputs = ["data.csv"]
outputs = ["model:model.bin"]
metrics = ["loss=log:loss (\\\\S+)"]
facts = { labelling = "v3" }
required = ["env.hardware"]
"""
TRAIN = 'echo loss 0.5; test "$1" || cp data.csv model.bin\n'


@pytest.fixture
def required(project):
    project.write("xt.toml", REQUIRED)
    project.write("train.sh", TRAIN)
    project.write("data.csv", "1,2\n")
    return project


def judged(project, *words):
    done = project.xt("audit", *words, "--json")
    assert done.err == ""
    found = json.loads(done.out)
    assert found["schema"] == "xt.audit/1"
    assert done.code == {True: 0, False: 1, None: 3}[found["complete"]]
    return found


def missing(found):
    (one,) = found["audits"]
    return [item["field"] for item in one["fields"] if not item["present"]]


def verify(project, level="equivalent"):
    record = project.record()
    at = "2026-11-23T10:00:00.000000Z"
    event = Verified("20261123100000000000-00000000", at, "you", record["id"], level, level, [], None, {}, "")
    events.append(str(project.path / ".xt"), event)


def test_each_field_is_there_with_where_it_came_from_or_missing_with_what_supplies_it(required):
    done = required.run("sh", "train.sh")
    assert (done.code, "warning" in done.err) == (0, False)
    found = judged(required)
    assert missing(found) == ["level.equivalent"]
    by = {item["field"]: item for item in found["audits"][0]["fields"]}
    assert (by["purpose"]["value"], by["purpose"]["source"]) == ("how far it gets", "declared")
    assert (by["facts.labelling"]["value"], by["facts.labelling"]["source"]) == ("v3", "[task.train]")
    assert by["inputs.data"]["source"].startswith("its content, blake3 ")
    assert (by["metrics.loss"]["value"], by["metrics.loss"]["source"]) == (0.5, "log:loss (\\S+)")
    assert by["outputs.model"]["source"].startswith("stored, blake3 ")
    assert "env.hardware" in by
    short = required.record()["id"][:4]
    assert (by["level.equivalent"]["needs"], by["level.equivalent"]["command"]) == (
        "verify",
        f"xt verify {short} --level equivalent",
    )
    verify(required)
    assert judged(required)["complete"] is True
    assert "evidence complete" in required.xt("show").out.decode()


def test_what_was_declared_and_did_not_come_is_said_after_the_run(required):
    for quiet in ([], ["-q"]):
        done = required.run(*quiet, "sh", "train.sh", "none")
        assert "not evidence after all: no outputs.model (`model.bin` was not written)" in done.err
    assert missing(judged(required)) == ["outputs.model", "level.equivalent"]
    snapshot = required.record()["snapshot"]
    assert snapshot["lacking"] == []
    assert "outputs.model" in snapshot["required"]
    assert "not evidence: no outputs.model, no level.equivalent" in required.xt("show").out.decode()


def test_strict_refuses_what_can_be_known_before_and_says_how_it_is_supplied(required):
    done = required.run("--strict", "-i", "s3://bucket/data", "touch", "started")
    assert done.code == 125
    assert not (required.path / "started").exists()
    for field in ("purpose", "facts.labelling", "inputs.data", "outputs.model", "metrics.loss"):
        assert f"`{field}`" in done.err
    assert "--fact labelling=VALUE" in done.err
    assert "level" not in done.err
    assert required.run("--strict", "-q", "sh", "train.sh").code == 0


def test_whether_a_run_is_complete_is_a_question_to_the_file_as_it_is_now(required):
    assert required.run("-q", "-m", "why", "true").code == 0
    assert len(missing(judged(required))) == 5
    required.write("xt.toml", '[evidence]\nrequired = ["purpose"]\n')
    found = judged(required)
    assert found["complete"] is True
    assert "facts.labelling" in found["audits"][0]["lacking_then"]
    page = required.xt("audit").out.decode()
    assert "when it started it was told: not evidence: no facts.labelling" in page
    required.write("xt.toml", '[evidence]\nrequired = ["purpos"]\n')
    done = required.xt("audit")
    assert done.code == 1
    assert "xt.toml:2: unknown evidence `purpos`" in done.err
    shown = required.xt("show")
    assert shown.code == 0
    assert "what evidence is required now is not known: xt.toml:2" in shown.err


def test_where_nothing_is_required_nothing_can_be_said(project):
    assert project.run("-q", "-m", "why", "-p", "lr=1", "true").code == 0
    found = judged(project)
    assert found["complete"] is None
    assert {"purpose", "params", "code"} <= {item["field"] for item in found["audits"][0]["fields"]}
    done = project.xt("audit")
    assert done.code == 3
    assert "nothing is required" in done.out.decode()
    suites = Xml.fromstring(project.xt("audit", "--format", "junit").out)
    assert suites.get("skipped") == "1"
    assert "evidence" not in project.xt("show").out.decode()


# --- many runs ----------------------------------------------------------------------------------------


@pytest.fixture
def many(folder):
    """A store with runs of every sort; ids by what they are."""
    folder.write("xt.toml", '[evidence]\nrequired = ["purpose", "ticket"]\n')
    store = Store.create(str(folder.path / ".xt"))
    ids = {}

    def seal(name, **context):
        record = builders.record(
            builders.snapshot(
                context=builders.context(**context),
                repeat=Repeat("x", trial=True) if name == "trial" else None,
            ),
            run_id=runid.make(os.urandom(8)),
        )
        live = store.begin(record.id)
        store.seal(live, record)
        live.end()
        ids[name] = record.id

    seal("whole", ticket="T-1")
    seal("lacking")
    seal("nasty", ticket="T-2", purpose="\x1b]0;x\x07 a\nb <&>")
    seal("trial")
    seal("removed")
    at = "2026-11-23T10:00:00.000000Z"
    events.append(store.path, Removed("20261123100000000000-00000000", at, "you", ids["removed"], "typo"))
    started = replace(builders.start(), id=runid.make(os.urandom(8)))
    from xt import codec

    live = store.begin(started.id)
    live.publish(codec.encode(started))
    ids["running"] = started.id
    folder.ids = ids
    folder.live = live
    return folder


def test_all_runs_but_trials_and_those_put_away(many):
    found = judged(many, "--all")
    assert found["complete"] is False
    complete = {one["run"]: one["complete"] for one in found["audits"]}
    judged_ids = {many.ids[name]: name != "lacking" for name in ("whole", "lacking", "nasty")}
    assert {run: complete[run] for run in judged_ids} == judged_ids
    assert set(complete) == set(judged_ids)
    assert found["running"] == [many.ids["running"]]
    page = many.xt("audit", "--all", env={"COLUMNS": "40"}).out.decode()
    assert "not evidence: no ticket" in " ".join(page.split())
    assert "\x1b" not in page
    assert max(map(len, page.splitlines())) <= 40


def test_a_damaged_record_is_not_complete(many):
    path = many.path / ".xt" / "runs" / many.ids["whole"][:2] / f"{many.ids['whole']}.json"
    path.chmod(0o600)
    path.write_text("{}")
    found = judged(many, "--all")
    (bad,) = found["unreadable"]
    assert bad["run"] == many.ids["whole"]
    assert "damaged" in many.xt("audit", "--all").out.decode()
    root = Xml.fromstring(many.xt("audit", "--all", "--format", "junit").out)
    assert root.get("errors") == "1"
    done = many.xt("audit", many.ids["whole"])
    assert (done.code, done.out) == (1, b"")
    assert "damaged" in done.err


def test_a_report_for_ci(many):
    done = many.xt("audit", "--all", "--format", "junit")
    assert done.code == 1
    root = Xml.fromstring(done.out)
    assert int(root.get("failures")) >= 1
    suite = next(one for one in root if many.ids["lacking"][:4] in one.get("name"))
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert set(cases) == {"purpose", "ticket"}
    failure = cases["ticket"].find("failure")
    assert failure.get("message") == "ticket is missing: none was given"
    assert "--ticket ID" in failure.text


def test_an_event_that_cannot_be_read_is_said(many):
    folder = many.path / ".xt" / "events" / "2026" / "11"
    (folder / "20261123100000000001-00000000.verified.json").write_text("{")
    assert any("an event cannot be read" in note for note in judged(many, "--all")["notes"])
    assert "an event cannot be read" in " ".join(many.xt("audit", "--all").out.decode().split())


def test_diff_marks_both_sides_in_every_form(many):
    sides = (many.ids["lacking"], many.ids["nasty"])
    assert json.loads(many.xt("diff", *sides, "--json").out)["left"]["lacking"] == ["ticket"]
    for form in ("terminal", "markdown", "html"):
        assert many.xt("diff", *sides, "--format", form).out.decode().count("not evidence: no ticket") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["@", "--all"], "--all is of every run"),
        (["--json", "--format", "junit"], "two forms"),
        (["--format", "html"], "html"),
    ],
)
def test_wrong_usage(folder, words, said):
    done = folder.xt("audit", *words)
    assert done.code == 2
    assert said in done.err


def test_a_store_without_runs_is_an_error(folder):
    for words in ([], ["--all"]):
        done = folder.xt("audit", *words)
        assert (done.code, done.out) == (1, b"")
        assert "no runs yet" in done.err


def test_lists_and_queries_know_what_is_evidence_now(folder):
    folder.write("xt.toml", '[task.train]\ncommand = "true"\nrequired = ["ticket"]\n')
    for options in (("-n", "lacks"), ("-n", "has", "--ticket", "A-1")):
        assert folder.run("-q", *options, "--", "true").code == 0
    assert folder.run("-q", "-n", "other", "--", "echo").code == 0

    def found(query):
        return {row["name"] for row in json.loads(folder.xt("ls", "--json", query).out)}

    assert found("evidence:complete") == {"has", "other"}
    assert found("evidence:incomplete") == {"lacks"}
    listed = folder.xt("ls").out.decode()
    assert "ok ✗1" in next(line for line in listed.splitlines() if "lacks" in line)
    assert "✗ not evidence: xt audit" in listed
    folder.write("xt.toml", '[evidence]\nrequired = ["seed"]\n')
    assert found("evidence:complete") == set()


def test_an_output_that_is_not_in_the_store_any_more_is_missing(required):
    assert required.run("-q", "--", "sh", "train.sh").code == 0
    assert missing(judged(required)) == ["level.equivalent"]
    [output] = required.record()["result"]["outputs"]
    digest = output["digest"].partition(":")[2]
    [path] = (required.path / ".xt/objects").rglob(f"{digest}*")
    path.rename(required.path / "elsewhere")
    found = judged(required)
    assert missing(found) == ["outputs.model", "level.equivalent"]
    [item] = [item for item in found["audits"][0]["fields"] if item["field"] == "outputs.model"]
    assert item["missing"] == "`model.bin` was stored, and is not in this store any more"
