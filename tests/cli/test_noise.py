"""`xt noise`: what the runs of one recipe say about its noise, from real runs."""

from __future__ import annotations

import json
import math
import statistics

import pytest

from tests.late import stats

#: Gives other numbers on every call, which are known all the same.
PROGRAM = """\
import json, os, sys
calls = len(open("calls").read()) if os.path.exists("calls") else 0
open("calls", "a").write(".")
loss = [0.0912345678, 0.0902345679, 0.0925345677, 0.0899345671][calls % 4]
by = {"a": 0.25 + calls / 7, "b": 0.5}
json.dump({"acc": [0.97, 0.98, 0.97, 0.97][calls % 4], "loss": loss, "steps": 100, "by": by},
          open("metrics.json", "w"))
open("model.bin", "wb").write(os.urandom(16))
open("same.txt", "w").write("the same")
sys.exit(len(sys.argv) > 1 and calls % 2)
"""
LOSSES = [0.0912345678, 0.0902345679, 0.0925345677, 0.0899345671]
TOML = """\
[task.train]
command = "python3 train.py"
outputs = ["metrics:metrics.json", "model:model.bin", "same.txt"]
[metrics.acc]
goal = "max"
abs = 0.005
[metrics.loss]
goal = "min"
rel = 0.5
unit = "nats"
"""


@pytest.fixture
def scattering(project):
    project.write("train.py", PROGRAM)
    project.write("xt.toml", TOML)
    project.write(".gitignore", "calls\nmetrics.json\nmodel.bin\nsame.txt\n")
    project.sh("git add -A && git commit -qm scattering")
    return project


def again(project, times, *more):
    for _ in range(times):
        done = project.run("-q", *more, "--", "python3", "train.py")
        assert done.code == 0, done.err


def noise(project, *words):
    done = project.xt("noise", *words, "--json")
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def test_the_band_is_students_prediction_interval(scattering):
    again(scattering, 4)
    found = noise(scattering)
    assert found["schema"] == "xt.noise/1"
    assert found["n"] == 4
    assert found["runs"][0] == scattering.record("@")["id"]
    assert found["runs"][3] == scattering.record("@~3")["id"]
    loss = next(band for band in found["metrics"] if band["name"] == "loss")
    sd = statistics.stdev(LOSSES)
    assert loss["n"] == 4
    assert loss["mean"] == pytest.approx(statistics.fmean(LOSSES))
    assert loss["sd"] == pytest.approx(sd)
    assert (loss["low"], loss["high"]) == (min(LOSSES), max(LOSSES))
    assert loss["band"] == pytest.approx(stats.t.isf(0.025, 3) * sd * math.sqrt(1.25))
    assert loss["allowed"] == pytest.approx(0.5 * statistics.fmean(LOSSES))
    assert loss["fits"] is True
    assert found["cost"][0]["path"] == "cost/wall"
    assert found["cost"][0]["n"] == 4


def test_metrics_with_a_goal_come_first_and_notes_say_how_coarse_they_are(scattering):
    again(scattering, 4)
    found = noise(scattering)
    names = [band["name"] for band in found["metrics"]]
    assert names[:2] == ["acc", "loss"]
    acc = found["metrics"][0]
    assert (acc["tolerance"], acc["fits"]) == ("abs 0.005", False)
    assert any("finer than the metric's resolution" in note for note in acc["notes"])
    steps = next(band for band in found["metrics"] if band["name"] == "steps")
    assert "tolerance" not in steps
    assert any("spread was never seen in 4 repeats" in note for note in steps["notes"])
    page = scattering.xt("noise").out.decode()
    assert "acc: the tolerance `abs 0.005` is finer than the metric's resolution" in page
    assert "abs 0.005 too narrow" in page
    assert "rel 0.5 fits" in page


def test_outputs_are_held_against_those_of_the_newest_run(scattering):
    again(scattering, 3)
    outputs = {item["path"]: item for item in noise(scattering)["outputs"]}
    assert outputs["model.bin"]["n"] == 2
    assert outputs["model.bin"]["differ"] == 2
    assert outputs["same.txt"] == {"path": "same.txt", "role": "artifact", "n": 2}
    page = scattering.xt("noise").out.decode()
    assert "differs in 2 of 2 others" in page
    assert "the same in all 2 others" in page


def test_one_run_says_what_to_do(scattering):
    again(scattering, 1)
    done = scattering.xt("noise", "@")
    short = scattering.record()["id"][:4]
    page = done.out.decode()
    assert done.code == 0
    assert "1 run of one recipe" in page
    assert f"xt verify {short}" in page
    assert "--repeat 5" in page
    assert "±" not in page
    assert all("band" not in band for band in noise(scattering)["metrics"])


def test_only_runs_of_the_recipe_that_ended_well_count(scattering):
    again(scattering, 2)
    again(scattering, 1, "--param", "lr=0.1")
    assert noise(scattering)["n"] == 1
    assert noise(scattering, "@~1")["n"] == 2
    codes = [scattering.run("-q", "-o", "same.txt", "--", "python3", "train.py", "x").code for _ in range(4)]
    assert sorted(codes) == [0, 0, 1, 1]
    found = {status: noise(scattering, f"@~{3 - codes.index(status)}") for status in (0, 1)}
    assert found[0]["n"] == found[1]["n"] == 2
    assert found[0]["notes"] == []
    assert found[1]["notes"] == ["the run itself is `failed` and does not count"]


def test_a_run_that_never_ended_well_has_no_noise(project):
    assert project.run("-q", "--", "false").code == 1
    done = project.xt("noise")
    page = done.out.decode()
    assert done.code == 0
    assert "no run of its recipe ended well" in page
    assert "xt logs" in page


def test_a_recipe_in_doubt_has_no_repeats_and_says_why(project):
    for _ in range(2):
        assert project.run("-q", "-i", "s3://bucket/data", "--", "true").code == 0
    found = noise(project)
    assert found["n"] == 1
    assert "not known by its content" in found["doubt"]
    assert "no other run is certain to be a repeat" in project.xt("noise").out.decode()


def test_values_that_are_not_finite_are_counted_and_named(folder):
    program = (
        "import json,os; n=os.path.exists('c'); open('c','a').close();"
        "json.dump({'loss': float('nan') if n else 0.5}, open('m.json','w'))"
    )
    for _ in range(2):
        assert folder.run("-q", "-o", "metrics:m.json", "-o", "c", "--", "python3", "-c", program).code == 0
    found = noise(folder)
    assert found["n"] == 2
    assert found["metrics"][0]["n"] == 1
    assert "1 of 2 runs gave `nan`" in found["metrics"][0]["notes"]


def test_a_seed_that_was_held_fixed_is_said(scattering):
    again(scattering, 2, "--seed", "3")
    assert any("seed was held fixed" in note for note in noise(scattering)["notes"])


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
def test_pages_fit_and_have_no_colours_in_a_pipe(scattering, columns):
    again(scattering, 2)
    page = scattering.xt("noise", "--all", env={"COLUMNS": str(columns)}).out.decode()
    assert "\x1b" not in page
    assert max(map(len, page.splitlines())) <= columns
    assert "by/a" in page


def test_a_store_without_runs_is_an_error(project):
    done = project.xt("noise")
    assert (done.code, done.out) == (1, b"")
    assert "no runs yet" in done.err
