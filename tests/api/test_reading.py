"""`xt.open`: what programs read of a store is what was recorded."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
from datetime import UTC

import pytest

import xt
from tests import builders
from tests.api.conftest import IDS
from tests.conftest import SOURCE
from xt import codec
from xt.context import Outside
from xt.errors import DamagedError, NoSuchRunError, NotRecordedError, StoreError, UsageError
from xt.model.event import Pin, Tagged
from xt.ops.statements import state


def tree(folder):
    """Every file below, without caches."""
    return {
        os.path.join(at, name): os.stat(os.path.join(at, name)).st_mtime_ns
        for at, _, names in os.walk(folder)
        if "/.xt/cache" not in at
        for name in names
    }


def test_a_run_says_what_was_recorded(filled):
    with xt.open(filled.path) as store:
        run = store.run("@")
        assert (run.id, run.status, run.purpose) == (IDS[0], "ok", "does a lower learning rate help?")
        assert (run.name, run.tags, run.task, run.level, run.wall_s) == (None, [], None, None, 8.42)
        assert run.started_at.tzinfo is UTC
        assert run.params == {"lr": 0.05, "epochs": 10, "optimizer.name": "adam", "note": "first try"}
        assert run.metrics == {"val/acc": 0.972, "val/acc{a=b,digit=8}": 0.9, "loss": 0.5, "n": 10}
        assert [item.path for item in run.inputs] == ["data", "prompts.md"]
        assert [item.role for item in run.outputs] == ["model", "artifact", "report"]
        assert run.record.snapshot.seed.value == 7
        assert run.facts == {}


def test_runs_are_searched_as_by_ls(filled):
    store = xt.open(filled.path)
    runs = store.runs()
    assert [run.id for run in runs] == list(IDS)
    assert [run.id for run in store.runs("tag:gold or metric.n>5", sort="metric.val/acc")] == [IDS[0], IDS[1]]
    assert [run.id for run in store.runs(limit=1, reverse=True)] == [IDS[2]]
    assert len(store.runs("tag:none")) == 0
    assert runs[-1] == store.run("mmmm")
    assert [run.id for run in runs[1:]] == list(IDS[1:])
    assert {*runs} == {*store.runs()}
    assert repr(runs) == "<3 runs>"
    with pytest.raises(UsageError, match="column 8"):
        store.runs("metric.>3")
    with pytest.raises(UsageError, match="a limit of -1"):
        store.runs(limit=-1)
    assert len(store.runs(limit=0)) == 0
    with pytest.raises(UsageError, match="no property"):
        store.runs(sort="nonsense")


def test_what_was_said_later_counts(filled):
    outside = Outside(str(filled.path), {})
    state(filled.store, outside, Tagged, run=IDS[0], name="best")
    state(filled.store, outside, Pin, run=IDS[2], name="baseline", reason=None)
    store = xt.open(filled.path)
    assert store.run("best").tags == ["best"]
    assert store.run("baseline").id == IDS[2]


def test_a_store_is_found_from_inside_the_project(filled, monkeypatch):
    inside = filled.path / "src"
    inside.mkdir()
    (inside / "train.py").write_text("")
    for path in (inside, inside / "train.py", filled.path / ".xt", str(filled.path) + "/src/../"):
        assert xt.open(path).path == f"{filled.path}/.xt"
    monkeypatch.chdir(inside)
    assert xt.open().path == f"{filled.path}/.xt"
    monkeypatch.setenv("XT_STORE", str(filled.path / "none"))
    with pytest.raises(NoSuchRunError, match="no runs yet"):
        xt.open()
    assert xt.open(inside).path == f"{filled.path}/.xt", "a path is meant, whatever the variable says"


def test_a_path_that_is_not_there_is_no_path_inside(filled):
    with pytest.raises(UsageError, match="there is no"):
        xt.open(filled.path / "scr")


def test_a_run_can_be_given_to_another_process(filled):
    run = xt.open(filled.path).run("@")
    assert pickle.loads(pickle.dumps(run)).read("model.npz") == b"weights"


def test_a_store_of_its_own_is_opened_by_its_path(filled, tmp_path):
    (filled.path / ".xt").rename(tmp_path / "elsewhere")
    assert xt.open(tmp_path / "elsewhere").run().id == IDS[0]


def test_no_store_or_none_that_can_be_used(tmp_path, filled):
    with pytest.raises(NoSuchRunError) as caught:
        xt.open(tmp_path)
    assert caught.value.__notes__ == ["hint: `xt run -- COMMAND` records the first one"]
    (filled.path / ".xt" / "format").write_text("xt-store 99\n")
    with pytest.raises(StoreError, match="format 99"):
        xt.open(filled.path)


def test_points_of_a_series(filled):
    run = xt.open(filled.path).run(IDS[0])
    steps, values = run.series("loss")
    assert steps == [1, 2, None]
    assert values[0] == 3
    assert math.isnan(values[1])
    assert values[2] == 0.5
    assert run.series("n") == ([4], [10])
    assert run.series("val/acc{a=b,digit=8}") == ([None], [0.9])
    with pytest.raises(NotRecordedError, match="no metric `los`") as caught:
        run.series("los")
    assert "`loss`" in caught.value.hint


def test_a_log_is_text(filled):
    store = xt.open(filled.path)
    assert store.run(IDS[0]).log() == "step 1\n�\n"
    assert store.run(IDS[0]).log("stdout") == "step 1\n�\n"
    assert store.run(IDS[0]).log("stderr") == ""
    with pytest.raises(NotRecordedError):
        store.run(IDS[1]).log()
    with pytest.raises(UsageError, match="no stream `out`"):
        store.run(IDS[0]).log("out")


def test_outputs_are_read(filled):
    run = xt.open(filled.path).run(IDS[0])
    assert run.read("model.npz") == b"weights"
    assert run.read("./out/a/w.bin") == b"inner"
    assert run.read("/home/you/digits/out/a/w.bin") == b"inner", "where the project was then"
    with run.open("model.npz") as file:
        file.seek(4)
        assert file.read() == b"hts"
    for path, said in {
        "out": "is a folder",
        "out/link": "is a link to `a/w.bin`",
        "late.html": "was not written",
        "model.npy": "no output `model.npy`",
        "../../etc/passwd": "no output",
    }.items():
        with pytest.raises(NotRecordedError, match=said):
            run.read(path)


def test_a_damaged_output_is_never_given(filled, monkeypatch):
    run = xt.open(filled.path).run(IDS[0])
    path = filled.store.objects.name(run.outputs[0].digest)
    os.chmod(path, 0o600)
    with open(path, "wb") as file:
        file.write(b"WEIGHTS")
    with pytest.raises(DamagedError):
        run.open("model.npz")
    monkeypatch.setattr("xt.store.objects.WHOLE", 3)
    monkeypatch.setattr("xt.api.outputs.WHOLE", 3)
    with pytest.raises(DamagedError):
        run.open("model.npz")


def test_two_runs_are_compared(filled):
    store = xt.open(filled.path)
    a, b = store.run(IDS[2]), store.run(IDS[0])
    found = store.diff(a, "@")
    assert (found.left.id, found.right.id) == (IDS[2], IDS[0])
    assert found.verdict.word == "improved"
    assert any(child.path == "params" and child.relation == "changed" for child in found.causes.children)
    assert a.diff(b) == found
    with pytest.raises(NoSuchRunError, match="baseline"):
        store.diff()


def test_a_run_in_flight_has_causes_and_no_record(filled):
    folder = filled.path / ".xt" / "live" / "nnnnwpztnlqsmvrx"
    folder.mkdir()
    (folder / "lock").touch()
    (folder / "start.json").write_bytes(codec.encode(builders.start(run_id="nnnnwpztnlqsmvrx")))
    (folder / "stdout").write_bytes(b"so far")
    run = xt.open(filled.path).run("nnnn")
    assert run.status in ("lost", "unknown")
    assert run.params["lr"] == 0.05
    assert (run.metrics, run.outputs, run.log()) == ({}, [], "so far")
    with pytest.raises(NotRecordedError):
        run.record  # noqa: B018


def test_a_damaged_run_is_listed_and_says_so(filled):
    path = filled.path / ".xt" / "runs" / IDS[0][:2] / f"{IDS[0]}.json"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-200])
    run = next(run for run in xt.open(filled.path).runs() if run.id == IDS[0])
    assert (run.status, run.started_at) == ("damaged", None)
    with pytest.raises(DamagedError):
        run.params  # noqa: B018


def test_reading_writes_nothing_but_caches(filled):
    before = tree(filled.path)
    store = xt.open(filled.path)
    run = store.run()
    run.series("loss"), run.log(), run.read("model.npz"), run.diff(IDS[2]), len(store.runs("gold"))
    assert tree(filled.path) == before


def loaded(program):
    """Modules that a program has in the end and Python alone had not."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\nbefore = set(sys.modules)\n{program}\n"
         "print(*sorted(set(sys.modules) - before))"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    return set(done.stdout.split())


def test_importing_xt_is_almost_free():
    assert loaded("import xt") == {"xt"}
    heavy = {"msgspec", "typer", "rich", "sqlite3", "re", "typing", "blake3", "subprocess", "logging"}
    names = loaded("import xt; xt.log(loss=1)")
    assert {name for name in names if name.startswith("xt")} == {"xt", "xt.api", "xt.api.sending"}
    assert not names & (heavy - {"re"})
    assert not loaded("import xt; xt.open") & {"typer", "rich", "numpy", "pandas", "polars", "git", "docker"}


def test_only_what_is_offered_is_there():
    assert {"open", "log", "Run", "errors"} <= set(dir(xt))
    for name in xt.__all__:
        getattr(xt, name)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        xt.nonsense  # noqa: B018
