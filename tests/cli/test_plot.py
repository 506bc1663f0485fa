"""`xt plot`: which runs and metrics are meant, on which axis, and where it is drawn."""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.builders import start
from tests.conftest import Project
from tests.measured import Runs
from xt import codec
from xt.model.result import Metric
from xt.store import Store, supervisor

A, B, C, D = "kwpztnlqsmvrxoyu", "nrqszzktwvlmopyx", "losswxtnlqmvkoyu", "ytlmkkpzwxrsouvn"


@pytest.fixture
def measured(tmp_path) -> Project:
    """Four runs of three recipes; the id of the third begins like the name of a metric."""
    runs = Runs(tmp_path)

    def metrics(best: float) -> list[Metric]:
        cohorts = [Metric("acc", best - digit / 10, "x", labels={"digit": str(digit)}) for digit in (0, 1)]
        return [
            runs.series("loss", [1 / (1 + step * best) for step in range(10)]),
            Metric("acc", best, "x", goal="max"),
            *cohorts,
        ]

    runs.seal(A, metrics(0.5), {"lr": 0.01, "opt": "adam"}, tags=["gold"])
    runs.seal(B, metrics(0.6), {"lr": 0.1, "opt": "sgd"}, recipe="blake3:" + "a" * 64)
    runs.seal(C, metrics(0.7), {"lr": 0.1, "opt": "sgd"}, recipe="blake3:" + "a" * 64)
    runs.seal(D, [Metric("other", 3, "x")], purpose="another task")
    return Project(tmp_path)


def data(project: Project, *words: str) -> dict:
    done = project.xt("plot", *words, "--json")
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def test_the_newest_run_that_has_the_metric_beside_the_baseline(measured):
    found = data(measured, "loss")
    assert found["schema"] == "xt.plot/1"
    assert found["runs"] == [C]
    assert measured.xt("baseline", "set", A, "-m", "why").code == 0
    found = data(measured, "loss")
    assert found["runs"] == [C, A]
    (panel,) = found["panels"]
    assert panel["x"] == "step"
    assert [line.get("pinned", False) for line in panel["lines"]] == [False, True]
    assert [point["x"] for point in panel["lines"][0]["points"]] == list(range(10))
    assert panel["lines"][0]["points"][1]["y"] == pytest.approx(1 / 1.7)


def test_words_are_told_apart(measured):
    assert data(measured, "loss", "kwpz", "@~2")["runs"] == [A, B]
    both = data(measured, "acc", "loss", "kwpz")
    assert [panel["metric"] for panel in both["panels"]] == ["acc", "loss"], "the metric wins over the id"
    assert both["runs"] == [A]
    assert data(measured, "acc", "-r", "loss")["runs"] == [C], "and `-r` means the run"
    assert data(measured, "loss", "tag:gold")["runs"] == [A]
    assert data(measured, "loss", "-r", "param.lr>0.05")["runs"] == [C, B]
    assert [panel["metric"] for panel in data(measured, "*", "kwpz")["panels"]] == ["loss", "acc"]


def test_cohorts_are_asked_for(measured):
    (panel,) = data(measured, "acc", "kwpz")["panels"]
    assert [line["metric"] for line in panel["lines"]] == ["acc"]
    (panel,) = data(measured, "acc{*}", "kwpz")["panels"]
    assert panel["x"] == "cohort"
    assert panel["categories"] == ["digit=0", "digit=1"]
    (panel,) = data(measured, "acc{digit=1}", "acc", "kwpz", "nrqs")["panels"]
    assert [(line["metric"], line["label"]) for line in panel["lines"]] == [
        ("acc{digit=1}", "digit=1"),
        ("acc", "all"),
    ]
    assert panel["categories"] == ["kwpz", "nrqs"], "the oldest first"


def test_repeats_of_one_recipe_are_one_point(measured):
    (panel,) = data(measured, "acc", "--x", "param.lr")["panels"]
    (line,) = panel["lines"]
    assert [point["x"] for point in line["points"]] == [0.01, 0.1]
    assert "n" not in line["points"][0]
    assert line["points"][1]["n"] == 2
    assert line["points"][1]["y"] == pytest.approx(0.65)
    assert line["points"][1]["sd"] == pytest.approx(math.sqrt(0.005))
    (panel,) = data(measured, "acc", "--x", "param.opt")["panels"]
    assert panel["categories"] == ["adam", "sgd"]
    (panel,) = data(measured, "acc", "--x", "time")["panels"]
    assert [point["x"] - panel["lines"][0]["points"][0]["x"] for point in panel["lines"][0]["points"]] == [
        0,
        60,
        120,
    ]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("los",), 1, "no metric `los` in the newest runs"),
        (("los", "kwpz"), 1, "no metric `los` in this run"),
        (("loss", "zzzz"), 2, "`zzzz` is neither a metric of these runs nor a run"),
        (("loss", "@~9"), 1, "there is no run `@~9`, there are 4"),
        (("loss", "baseline"), 1, "no baseline is pinned"),
        (("", "kwpz"), 1, "no metric `` in this run"),
        (("loss", "-r", "zzzz"), 1, "no run has the id, name or tag `zzzz`"),
        (("loss", "-r", "tag:none"), 1, "no run fits"),
        (("loss", "tag:"), 2, "a value is missing"),
        (("loss", "--x", "steps"), 2, "did you mean `step`?"),
        (("loss", "--x", "param.lrr"), 2, "did you mean `lr`?"),
        (("loss", "-o", "x.gif"), 2, "end it in .svg, .png or .html"),
        (("loss", "-o", "x.svg", "--json"), 2, "exclude each other"),
        ((), 2, "METRIC"),
    ],
)
def test_what_makes_no_sense_is_said(measured, words, status, said):
    done = measured.xt("plot", *words)
    assert done.code == status, done.err
    assert said in done.err
    assert done.out == b""


def test_a_terminal_and_a_pipe(measured):
    done = measured.xt("plot", "loss", "kwpz", "nrqs", env={"LC_ALL": "C.UTF-8"})
    text = done.out.decode()
    assert (done.code, done.err) == (0, "")
    assert "⠀" < max(text) <= "⣿"
    assert "a kwpz  0.1818  attempt 1" in text
    plain = measured.xt("plot", "loss", "kwpz", env={"LC_ALL": "C"})
    assert plain.out.isascii()


def test_files_are_ours_to_replace_and_others_are_not(measured):
    done = measured.xt("plot", "loss", "-o", "loss.svg")
    assert (done.code, done.err) == (0, "xt: wrote loss.svg\n")
    first = (measured.path / "loss.svg").read_bytes()
    assert measured.xt("plot", "loss", "-o", "loss.svg").code == 0
    assert (measured.path / "loss.svg").read_bytes() == first, "the same bytes for the same points"
    mine = measured.write("mine.svg", "<svg>my own</svg>")
    done = measured.xt("plot", "loss", "-o", "mine.svg")
    assert done.code == 1
    assert done.err.splitlines() == [
        "xt: error: `mine.svg` is there already, and xt did not draw it",
        "xt: hint: `--force` replaces it",
    ]
    assert mine.read_text() == "<svg>my own</svg>"
    assert measured.xt("plot", "loss", "-o", "mine.svg", "--force").code == 0
    assert mine.read_bytes() == first
    assert measured.xt("plot", "loss", "-o", ".xt/loss.svg").code == 2
    os.mkdir(measured.path / "folder.svg")
    assert "is a folder" in measured.xt("plot", "loss", "-o", "folder.svg").err
    assert "cannot be written" in measured.xt("plot", "loss", "-o", "none/x.svg").err
    done = measured.xt("plot", "loss", "-o", "/dev/stdout", cwd=measured.path)
    assert done.code == 2


def test_a_series_that_is_gone_is_said(measured):
    digest = next(
        metric["series"] for metric in measured.record("kwpz")["result"]["metrics"] if "series" in metric
    )
    hexed = digest.removeprefix("blake3:")
    (found,) = (measured.path / ".xt" / "objects" / hexed[:2]).glob(f"{hexed}*")
    found.unlink()
    done = measured.xt("plot", "loss", "kwpz")
    assert done.code == 0
    text = " ".join(done.out.decode().split())
    assert "loss of kwpz: only its last value is drawn: object" in text
    assert "is not in this store" in text


def test_many_points_are_thinned_out_for_the_eye_alone(tmp_path):
    runs = Runs(tmp_path)
    values = [math.sin(at / 50) for at in range(20_000)]
    values[7777] = 9.0
    runs.seal(A, [runs.series("wave", values)])
    project = Project(tmp_path)
    (line,) = data(project, "wave")["panels"][0]["lines"]
    assert len(line["points"]) == line["count"] == 20_000
    assert project.xt("plot", "wave", "-o", "wave.svg").code == 0
    svg = (tmp_path / "wave.svg").read_text()
    assert len(svg) < 60_000
    text = project.xt("plot", "wave", env={"LC_ALL": "C"}).out.decode()
    assert re.search(r"^ *8 ", text, re.M), "the spike"


def test_a_run_in_flight_shows_what_it_sent_so_far(measured):
    live = Store.open(str(measured.path / ".xt")).begin("zzqqvwxtnlqmvkoy")
    live.publish(codec.encode(replace(start(run_id="zzqqvwxtnlqmvkoy"), supervisor=supervisor())))
    points = [{"name": "loss", "value": 1 / (1 + at), "step": at} for at in range(5)]
    sent = "".join(json.dumps(point) + "\n" for point in points) + '{"name": "loss", "val'
    Path(live.path("metrics.jsonl")).write_text(sent)
    found = data(measured, "loss", "zzqq", "kwpz")
    assert found["runs"] == ["zzqqvwxtnlqmvkoy", A]
    line = found["panels"][0]["lines"][0]
    assert [point["y"] for point in line["points"]] == [1 / (1 + at) for at in range(5)]
    assert found["notes"] == ["zzqq is running: what it sent so far"]
    os.close(live.lock)
    assert data(measured, "loss", "zzqq")["notes"] == ["zzqq is lost: what it sent so far"]
