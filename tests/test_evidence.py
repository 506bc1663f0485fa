"""Which fields a run has: from its record, in lists, before it starts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests import builders
from tests.builders import digest
from xt import codec
from xt.config import EvidenceSettings, Settings, TaskSettings
from xt.config_sense import nonsense
from xt.model import evidence
from xt.model.code import Change, Code
from xt.model.environment import Container, Gpus, Package
from xt.model.event import Verified
from xt.model.evidence import MOST, fields, known, lacking, present, why_not
from xt.model.files import Input, Output
from xt.model.level import LEVELS
from xt.model.request import MetricGoal, OutputRequest, RunRequest
from xt.model.result import Metric, Record
from xt.model.snapshot import MetricSpec, OutputSpec, Param, Seed
from xt.model.summary import Summary
from xt.ops.evidence import hint, marked, missing, required

RUN = builders.record()


def lacks(field, snap=None, res=None, verified=None):
    snapshot = builders.snapshot(**(snap or {}))
    return why_not(field, snapshot, builders.result(**(res or {})), verified)


def verified(level, wanted="equivalent", against=None):
    return Verified("1", "2026-11-23T09:00:00Z", "you", RUN.id, level, wanted, ["x"] * 3, against, {}, "")


INPUT = Input("data", "a.csv", "file", "verified", "a.csv", digest("1"), 1, 1)
ELSEWHERE = Input("model", "hf:org/base", "uri", "unverified", reason="not on this machine")
OUTPUT = Output("model", "m.bin", "file", "stored", "m.bin", digest("2"), 1, 1)


@pytest.mark.parametrize(
    ("field", "snap", "reason"),
    [
        ("purpose", {"context": builders.context(purpose=" \n")}, "none was given"),
        ("ticket", {}, "none was given"),
        ("ticket", {"context": builders.context(ticket="T-1")}, None),
        ("seed", {}, None),
        ("seed", {"seed": Seed(None, "none", {"PYTHONHASHSEED": "0"})}, "no seed was controlled"),
        ("params.optimizer.name", {}, None),
        ("params.optimizer", {}, "no param of that name"),
        ("params", {"params": []}, "the run has no params"),
        ("facts.labelling", {}, "not declared"),
        (
            "facts.labelling",
            {"facts": [Param("labelling", " ", "--fact")]},
            "it was declared and says nothing",
        ),
        ("facts.flags", {"facts": [Param("flags", [], "xt.toml")]}, "it was declared and says nothing"),
        ("facts.compiled", {"facts": [Param("compiled", False, "xt.toml")]}, None),
        ("facts.temperature", {"facts": [Param("temperature", 0, "xt.toml")]}, None),
        ("registry", {"facts": [Param("registry.model", "models:/m/1", "--fact")]}, None),
        ("registry.model", {"facts": [Param("registry.model", "models:/m/1", "--fact")]}, None),
        ("registry.model", {"facts": [Param("registry", "models:/m/1", "--fact")]}, "not declared"),
        (
            "registry",
            {"facts": [Param("registry_of", "x", "--fact")]},
            "no pointer to a registry was declared",
        ),
        ("inputs.data", {"inputs": [INPUT]}, None),
        ("inputs.model", {"inputs": [INPUT]}, "none was declared"),
        ("inputs", {"inputs": [INPUT, ELSEWHERE]}, "not known by its content: not on this machine"),
        ("inputs.data", {"inputs": [INPUT, ELSEWHERE]}, None),
        ("inputs.model", {"inputs": [replace(ELSEWHERE, revision="a" * 40)]}, "not known by its content"),
        ("inputs.model.revision", {"inputs": [replace(ELSEWHERE, revision="a" * 40)]}, None),
        ("inputs.model.revision", {"inputs": [ELSEWHERE]}, "not known by its content or a revision"),
        ("inputs.data.revision", {"inputs": [INPUT]}, None),
        ("env", {}, None),
        ("env.hardware", {}, None),
        ("env.image", {}, "not in a container"),
        ("code", {}, None),
        ("code", {"code": Code("none", "there are no files to snapshot")}, "there are no files to snapshot"),
        ("code.clean", {}, "3 paths differ from the commit"),
        ("code.committed", {}, "2 paths differ from the commit"),
        ("code.clean", {"code": builders.code(vcs=None, head=None)}, "not in a git repository"),
        ("code.clean", {"code": builders.code(head=None)}, "there is no commit yet"),
    ],
)
def test_causes(field, snap, reason):
    found = lacks(field, snap)
    assert found is None if reason is None else found.startswith(reason)


def test_code_without_changes_is_clean_and_with_untracked_files_only_committed():
    clean = builders.code(dirty=False, changed=[], changed_total=0, repositories=[])
    assert lacks("code.clean", {"code": clean}) is None
    new = replace(clean, dirty=True, changed=[Change("new.py", "untracked")], changed_total=1)
    assert lacks("code.committed", {"code": new}) is None
    assert lacks("code.clean", {"code": new}) == "1 path differs from the commit"
    # Of a thousand changes some are not listed, and may be of tracked files.
    assert lacks("code.committed", {"code": replace(new, changed_total=2)}) is not None
    inner = replace(clean, repositories=builders.code().repositories)
    assert lacks("code.clean", {"code": inner}) == "1 repository inside differ from the commit"


def test_an_environment_is_known_with_its_interpreter_and_every_package():
    environment = builders.environment()
    unread = replace(environment, python=replace(environment.python, reason="`x` could not be read"))
    assert lacks("env", {"environment": unread}) == "`x` could not be read"
    native = replace(environment, python=None)
    assert lacks("env", {"environment": native}) is None
    away = replace(environment.python, packages=[Package("mine", "1", editable="/home/you/mine")])
    editable = replace(environment, python=away)
    assert "`mine` is editable from `/home/you/mine`" in lacks("env", {"environment": editable})
    mine = Input("data", "../mine", "tree", "verified", "/home/you/mine", digest("1"), 1, 1)
    assert lacks("env", {"environment": editable, "inputs": [mine]}) is None
    inside = replace(away, packages=[Package("mine", "1", editable="/home/you/digits/mine")])
    assert lacks("env", {"environment": replace(environment, python=inside)}) is None
    beside = replace(away, packages=[Package("mine", "1", editable="/home/you/digits2")])
    assert lacks("env", {"environment": replace(environment, python=beside)}) is not None


def test_hardware_and_image():
    environment = builders.environment()
    blind = replace(environment, gpus=Gpus("unknown", "NVML failed", None, None, []))
    assert "NVML failed" in lacks("env.hardware", {"environment": blind})
    odd = replace(environment, machine=replace(environment.machine, cpu=None))
    assert lacks("env.hardware", {"environment": odd}) == "not known: processor"
    image = Container(True, "docker", None, "ghcr.io/x@sha256:1", None)
    assert lacks("env.image", {"environment": replace(environment, container=image)}) is None


@pytest.mark.parametrize(
    ("field", "declared", "outputs", "reason"),
    [
        ("outputs", [], [], "none was declared"),
        ("outputs.report", ["model"], [OUTPUT], "none was declared"),
        ("outputs.model", ["model"], [OUTPUT], None),
        ("outputs", ["model"], [replace(OUTPUT, status="missing")], "`m.bin` was not written"),
        (
            "outputs",
            ["model"],
            [replace(OUTPUT, status="partial", reason="too large")],
            "`m.bin` was not stored",
        ),
        ("outputs", ["model"], [replace(OUTPUT, written=False)], "`m.bin` was there before"),
        ("outputs", ["model"], [], "what came of it is not recorded"),
    ],
)
def test_outputs_count_when_they_were_written_and_stored(field, declared, outputs, reason):
    specs = [OutputSpec(role, "m.bin") for role in declared]
    found = lacks(field, {"outputs": specs}, {"outputs": outputs})
    assert found is None if reason is None else found.startswith(reason)


def test_metrics_are_there_by_name_whatever_their_labels():
    assert lacks("metrics.val/acc") is None
    assert lacks("metrics.val") == "no metric of that name came out"
    assert lacks("metrics.f1", None, {"metrics": [Metric("f1", 0.5, "x", labels={"digit": "8"})]}) is None
    assert lacks("metrics", None, {"metrics": []}) == "no metric came out"


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_reached_by_itself_and_every_better_one(level):
    for at, wanted in enumerate(evidence.REQUIRABLE):
        reached = LEVELS.index(level) <= at
        assert (lacks(f"level.{wanted}", verified=verified(level)) is None) == reached
    assert (lacks("level", verified=verified(level)) is None) == (level not in ("divergent", "unverifiable"))
    assert lacks("level") == lacks("level.consistent") == "it was not verified"


def test_a_run_that_has_not_ended_has_nothing_that_comes_out():
    for field in ("outputs", "outputs.model", "metrics", "metrics.loss"):
        assert why_not(field, RUN.snapshot, None, None) == "the run has not come to an end"


@pytest.mark.parametrize("field", fields())
def test_every_field_is_known_hinted_and_judged(field):
    name = field.replace("NAME", "lr")
    assert known(name)
    assert hint(name)
    why_not(name, RUN.snapshot, RUN.result, None)
    assert list(nonsense(Settings(evidence=EvidenceSettings([name])))) == []


@pytest.mark.parametrize(
    "field",
    ["", ".", "purpos", "params.", "inputs.", "inputs.modle", "inputs.revision", "inputs.data.x", "env.gpu",
     "outputs.data", "level.divergent", "level.", "code.dirty", "facts.", "PURPOSE", "tests",
     "metrics.val/*", "params.a\nb"],
)  # fmt: skip
def test_other_fields_are_not(field):
    assert not known(field)
    (fault,) = nonsense(Settings(task={"t": TaskSettings(required=["seed", field])}))
    assert fault[0] == ("task", "t", "required", 1)


names = st.sampled_from(["lr", "a.b", "registry", "registry.model", "x"])
roles = st.sampled_from(["data", "model", "prompts"])
values = st.sampled_from([None, "", " ", 0, False, "v", [], ["a"]])
records = st.builds(
    lambda inputs, params, facts, outputs, metrics, purpose, seed, code: builders.record(
        builders.snapshot(
            inputs=inputs,
            params=params,
            facts=facts,
            outputs=[OutputSpec(item.role, "x") for item in outputs],
            seed=Seed(seed, "declared", {}),
            context=builders.context(purpose=purpose),
            code=code,
        ),
        builders.result(outputs=outputs, metrics=metrics),
    ),
    st.lists(
        st.builds(
            lambda role, content, revision: Input(
                role, "x", "uri", "unverified", digest=content, revision=revision
            ),
            roles, st.none() | st.just(digest("1")), st.none() | st.just("r1"),
        ),
        max_size=4,
    ),
    st.lists(st.builds(Param, names, values, st.just("argv")), max_size=3),
    st.lists(st.builds(Param, names, values, st.just("--fact")), max_size=3),
    st.lists(
        st.builds(
            lambda role, status, written: Output(role, "x", "file", status, written=written),
            st.sampled_from(["model", "report"]),
            st.sampled_from(["stored", "missing", "partial", "skipped"]),
            st.sampled_from([None, True, False]),
        ),
        max_size=3,
    ),
    st.lists(st.builds(Metric, names, st.just(1.0), st.just("x")), max_size=3),
    st.none() | st.sampled_from(["", "why"]),
    st.none() | st.just(7),
    st.sampled_from([builders.code(), builders.code(dirty=False, changed_total=0, changed=[])]),
)  # fmt: skip
EVERY = [
    name
    for field in fields()
    for name in ([field.replace("NAME", one) for one in ("lr", "a.b", "model", "x", "none")])
]


@settings(max_examples=150, deadline=None)
@given(records, st.none() | st.sampled_from(LEVELS))
def test_a_list_says_what_the_record_says(record, level):
    said = verified(level) if level is not None else None
    truth = [field for field in EVERY if why_not(field, record.snapshot, record.result, said) is not None]
    summary = Summary.of(record)
    assert lacking(EVERY, summary, said) == truth
    if level is not None:
        assert lacking(EVERY, replace(summary, level=level, required="equivalent")) == truth


def test_names_are_capped_and_what_the_row_cannot_show_does_not_pass():
    many = [Param(f"p{number:04}", 1, "config.yaml") for number in range(MOST + 1)]
    record = builders.record(builders.snapshot(params=many))
    has = present(record.snapshot, record.result)
    assert "params.…" in has
    assert len([field for field in has if field.startswith("params.")]) == MOST + 1
    last = f"params.{many[-1].name}"
    assert lacking([last, "params.p0000"], Summary.of(record)) == [last]


def test_a_name_of_several_lines_is_not_taken_for_several_names():
    record = builders.record(res=builders.result(metrics=[Metric("x\nmetrics.loss\n", 1.0, "m.json")]))
    assert [name for name in present(record.snapshot, record.result) if "loss" in name] == []
    assert "metrics" in present(record.snapshot, record.result)


def test_a_record_of_before_there_were_facts_is_read():
    data = json.loads(codec.encode(RUN))
    for field in ("facts", "required"):
        del data["snapshot"][field]
    record = codec.decode(json.dumps(data).encode(), Record, "it")
    assert record == RUN
    assert {"purpose", "inputs.data", "outputs.model"} <= set(Summary.of(record).has)


def test_a_task_requires_its_own_besides():
    both = Settings(
        evidence=EvidenceSettings(["purpose", "seed"]),
        task={"train": TaskSettings(required=["seed", "inputs.data"])},
    )
    assert required(both, "train") == ["purpose", "seed", "inputs.data"]
    assert required(both, None) == required(both, "gone") == ["purpose", "seed"]
    rows = [
        replace(builders.summary(), task="train", has=["purpose", "seed"]),
        replace(builders.summary(), has=["purpose", "seed"]),
        replace(builders.summary(), status="running"),
    ]
    assert [row.lacking for row in marked(rows, both)] == [["inputs.data"], [], []]


@pytest.mark.parametrize(
    ("field", "request_", "lacks_it"),
    [
        ("outputs.model", RunRequest(["x"], "/"), True),
        ("outputs.model", RunRequest(["x"], "/", outputs=[OutputRequest("report", "r", "/")]), True),
        ("outputs.model", RunRequest(["x"], "/", outputs=[OutputRequest("model", "m", "/")]), False),
        ("metrics.loss", RunRequest(["x"], "/"), True),
        ("metrics.loss", RunRequest(["x"], "/", metrics=[MetricSpec("loss", "m.json", None, None)]), False),
        ("metrics.loss", RunRequest(["x"], "/", metrics=[MetricSpec("acc", "m.json", None, None)]), True),
        ("metrics.loss", RunRequest(["x"], "/", outputs=[OutputRequest("metrics", "m", "/")]), False),
        ("metrics.loss", RunRequest(["x"], "/", goals={"l*": MetricGoal("min")}), False),
        ("metrics", RunRequest(["x"], "/", goals={"acc": MetricGoal("max")}), False),
        ("metrics.loss", RunRequest(["x"], "/", goals={"acc": MetricGoal("max")}), True),
        ("level.identical", RunRequest(["x"], "/"), False),
    ],
)
def test_before_the_start_it_counts_what_was_declared(field, request_, lacks_it):
    assert bool(missing([field], request_, RUN.snapshot)) == lacks_it
