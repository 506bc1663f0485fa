"""`xt stale`: which evidence no longer holds, why, and doing it again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from tests.conftest import SOURCE
from xt import codec
from xt.context import Outside
from xt.ops.find import open_store
from xt.ops.lineage import Uses
from xt.ops.search import select
from xt.ops.stale.verb import stale as verb

TOML = """\
[task.train]
command = "sh train.sh"
inputs = ["data.csv"]
outputs = ["model:model.bin"]
[task.evaluate]
command = "sh evaluate.sh"
inputs = ["model:model.bin", "harness:evaluate.sh", "benchmark:cases.txt"]
outputs = ["score.txt"]
"""


@pytest.fixture
def evidence(project):
    """A training and its evaluation, in git."""
    project.write("xt.toml", TOML)
    project.write("train.sh", "sort data.csv > model.bin\n")
    project.write("evaluate.sh", "cat model.bin cases.txt | wc -l > score.txt\n")
    project.write("data.csv", "b\na\n")
    project.write("cases.txt", "1\n")
    project.write(".gitignore", "model.bin\n")
    project.sh("git add -A && git commit -qm more")
    for task in ("train", "evaluate"):
        assert project.run("-q", "-m", f"{task} it", "--as", task).code == 0
    return project


def stale(project, *runs, code=1):
    """What `xt stale --json` says, without a process of its own."""
    outside = Outside(str(project.path), {**os.environ, "PYTHONPATH": SOURCE})
    store = open_store(outside)
    ids = [row.id for row in select(store, outside, list(runs))] if runs else None
    found = verb(store, Uses(store), ids, outside)
    assert {"fresh": 0, "stale": 1, "unknown": 3}[found.state] == code
    return json.loads(codec.encode(found))


def plan(found):
    """Task, what to do, and the points that changed, of each step."""
    return [
        (row["task"], row["action"], [reason["point"] for reason in row.get("reasons", [])])
        for row in found["plan"]
    ]


def test_nothing_is_stale_where_nothing_changed(evidence):
    found = stale(evidence, code=0)
    assert found["schema"] == "xt.stale/1"
    assert found["plan"] == found["unknown"] == []
    assert {row["task"] for row in found["fresh"]} == {"train", "evaluate"}
    # What runs write is no code: the score is not ignored by git.
    done = evidence.xt("stale")
    assert (done.code, done.err) == (0, "")
    assert "nothing is stale" in done.out.decode()
    assert json.loads(evidence.xt("stale", "--json").out)["fresh"] == found["fresh"]


def test_another_harness_asks_for_the_evaluation_alone(evidence):
    evidence.write("evaluate.sh", "cat model.bin cases.txt | wc -c > score.txt\n")
    found = stale(evidence)
    assert plan(found) == [("evaluate", "evaluate", ["inputs.harness"])]
    assert [row["task"] for row in found["fresh"]] == ["train"]
    assert found["training"] == 0
    assert found["fresh"][0]["passed"] == ["evaluate.sh: an input of evaluate, and not of this"]
    text = evidence.xt("stale").out.decode()
    assert "1 of 2 runs stale · 1 to evaluate again" in text
    assert "harness  evaluate.sh " in text


def test_other_data_asks_for_the_training_and_then_the_evaluation(evidence):
    evidence.write("data.csv", "c\n")
    evidence.write("xt.toml", TOML + '[cost]\nhour = 3600\ncurrency = "EUR"\n')
    found = stale(evidence)
    assert plan(found) == [("train", "train", ["inputs.data"]), ("evaluate", "evaluate", [])]
    assert found["plan"][1]["after"] == [found["plan"][0]["run"]]
    assert found["wall_s"] == pytest.approx(sum(row["wall_s"] for row in found["plan"]))
    assert found["money"] == pytest.approx(found["wall_s"])
    # The evaluation is looked at alone, and with it what made its model.
    assert plan(stale(evidence, "@")) == plan(found)
    assert plan(stale(evidence, "task:train")) == plan(found)[:1]
    text = evidence.xt("stale").out.decode()
    assert "train again" in text
    assert f"evaluate again after {found['plan'][0]['run'][:4]}" in text
    assert "EUR last time" in " ".join(text.split())


def test_points_say_what_counts(evidence):
    evidence.write("train.sh", "sort -r data.csv > model.bin\n")
    assert [task for task, _, _ in plan(stale(evidence))] == ["train", "evaluate"]
    evidence.write("xt.toml", TOML + '[recompute]\non = ["harness", "inputs.data"]\n')
    found = stale(evidence, code=0)
    assert found["fresh"][0]["points"] == ["inputs.harness", "inputs.data"]
    assert "code: train.sh" in found["fresh"][0]["passed"]
    own = TOML.replace("[task.evaluate]", 'recompute = ["code"]\n[task.evaluate]')
    evidence.write("xt.toml", own + '[recompute]\non = ["harness"]\n')
    assert plan(stale(evidence)) == [("train", "train", ["code"]), ("evaluate", "evaluate", [])]
    evidence.write("xt.toml", TOML + '[recompute]\non = ["hraness"]\n')
    done = evidence.xt("stale")
    assert "unknown recompute point `hraness`" in done.err
    assert "did you mean `harness`?" in done.err
    assert done.code == 3


def test_comments_of_python_need_not_count(project):
    project.write("train.py", "rate = 0.1\nprint(rate)\n")
    project.write("harness.py", "score = 1\n")
    project.sh("git add -A && git commit -qm more")
    project.run("-q", "-i", "harness:harness.py", "--", "python3", "train.py")
    project.write("train.py", "# how fast\nrate = (0.1)\n\nprint( rate )\n")
    project.write("harness.py", "score = 1  # the best\n")
    found = stale(project)
    assert [reason["point"] for reason in found["plan"][0]["reasons"]] == ["inputs.harness", "code"]
    project.write("xt.toml", '[recompute]\ncode = "ast"\n')
    found = stale(project, code=0)
    assert set(found["fresh"][0]["passed"]) >= {
        "train.py: only comments or layout",
        "harness.py: only comments or layout",
    }
    project.write("train.py", "rate = 0.2\nprint(rate)\n")
    project.write("harness.py", "score = 2\n")
    found = stale(project)
    assert [reason["point"] for reason in found["plan"][0]["reasons"]] == ["inputs.harness", "code"]


def test_what_the_task_declares_now_counts(evidence):
    rated = TOML.replace("[task.evaluate]", 'params = ["rate=1"]\n[task.evaluate]')
    evidence.write("xt.toml", rated)
    found = stale(evidence)
    assert plan(found) == [("train", "train", ["params"]), ("evaluate", "evaluate", [])]
    # It is made again with what is declared today.
    assert evidence.xt("stale", "--run", "-y").code == 0
    (param,) = evidence.record("@")["snapshot"]["params"]
    assert (param["name"], param["value"]) == ("rate", 1)
    assert stale(evidence, code=0)["plan"] == []
    for old, new, point, what in (
        ("rate=1", "rate=2", "params", "rate 1 → 2"),
        ("[task.train]", "facts.labelling = 3\n[task.train]", "facts", "labelling added"),
        ('["data.csv"]', '["data.csv", "prompts:cases.txt"]', "inputs.prompts", "cases.txt added"),
        ('["data.csv"]', '["data.csv", "prompts:nix.txt"]', "inputs.prompts", "`nix.txt` is gone"),
        ("[task.train]", "[task.train]\nseed = 7", "seed", "none → 7"),
        ('"sh train.sh"', '"sh -e train.sh"', "command", "sh train.sh → sh -e train.sh"),
    ):
        evidence.write("xt.toml", rated.replace(old, new))
        found = stale(evidence, code=3 if "nix" in new else 1)
        row = next(row for row in (*found["plan"], *found["unknown"]) if row["task"] == "train")
        assert [(reason["point"], reason["what"]) for reason in row["reasons"]] == [(point, what)]
    # Another command is another run: `--run` begins nothing.
    done = evidence.xt("stale", "--run", "-y")
    assert done.code == 3
    assert "`xt run --as train` makes it" in done.err
    assert "again:" not in done.err


def test_what_is_gone_is_not_fresh(evidence):
    (evidence.path / "model.bin").unlink()
    (evidence.path / "cases.txt").unlink()
    found = stale(evidence, code=3)
    (row,) = found["unknown"]
    train = found["fresh"][0]["run"][:4]
    assert {(reason["point"], reason["what"]) for reason in row["reasons"]} == {
        ("inputs.model", f"`model.bin` is gone; `xt restore {train} model.bin` brings it back"),
        ("inputs.benchmark", "`cases.txt` is gone"),
    }
    done = evidence.xt("stale")
    assert done.code == 3
    assert "of 1 run it cannot be told" in done.out.decode()
    # What will be made again is not missed.
    evidence.write("cases.txt", "1\n")
    evidence.write("data.csv", "c\n")
    assert plan(stale(evidence)) == [("train", "train", ["inputs.data"]), ("evaluate", "evaluate", [])]


def test_the_plan_is_done_with_todays_causes(evidence):
    old = {row["task"]: row["run"] for row in stale(evidence, code=0)["fresh"]}
    evidence.write("data.csv", "c\nb\na\n")
    evidence.write("evaluate.sh", "cat model.bin cases.txt | wc -l | tr -d ' ' > score.txt\n")
    (evidence.path / "model.bin").unlink()
    refused = evidence.xt("stale", "--run")
    assert refused.code == 2
    assert "`-y` begins without asking" in refused.err
    done = evidence.xt("stale", "--run", "-y")
    assert done.code == 0, done.err
    assert (evidence.path / "score.txt").read_text() == "4\n"
    assert [line.split(" again")[0] for line in done.err.splitlines() if "again:" in line] == [
        "xt: 1/2 train",
        "xt: 2/2 evaluate",
    ]
    assert done.err.splitlines()[-1] == "xt: done: 2 made again"
    for reference, task in (("@~1", "train"), ("@", "evaluate")):
        record = evidence.record(reference)
        repeat, context = record["snapshot"]["repeat"], record["snapshot"]["context"]
        assert (repeat["of"], repeat["recompute"], repeat["in_place"]) == (old[task], True, True)
        assert (context["task"], context["purpose"]) == (task, f"{task} it")
    assert stale(evidence, code=0)["plan"] == []
    assert evidence.xt("stale", "--run", "-y").code == 0


def test_what_comes_out_the_same_holds_what_was_made_from_it(evidence):
    evidence.write("data.csv", "a\nb\n")  # sorted, it is the same
    done = evidence.xt("stale", "--run", "-y")
    assert done.code == 0
    assert "holds: all that it reads came out as it was" in done.err
    assert done.err.splitlines()[-1] == "xt: done: 1 made again, 1 still held"
    assert stale(evidence, code=0)["plan"] == []


def test_another_model_at_the_same_path_is_not_taken_for_that_of_the_baseline(evidence):
    evidence.write("xt.toml", TOML + '[recompute]\non = ["harness", "model"]\n')
    pinned = evidence.record("@")["id"]
    assert evidence.xt("baseline", "set", "@", "-m", "the best").code == 0
    evidence.write("data.csv", "c\nb\na\n")
    for task in ("train", "evaluate"):
        evidence.run("-q", "--as", task)
    assert stale(evidence, pinned, code=0)["plan"] == []
    evidence.write("evaluate.sh", "cat model.bin cases.txt | wc -l | tr -d ' ' > score.txt\n")
    found = stale(evidence, pinned)
    assert plan(found) == [("evaluate", "evaluate", ["inputs.harness"])]
    assert "`xt restore" in found["plan"][0]["by_hand"]
    refused = evidence.xt("stale", "--baseline", "--run", "-y")
    assert refused.code != 0 and "brings back what it read" in refused.err
    maker = found["fresh"][0]["run"]
    assert evidence.xt("restore", maker, "model.bin", "--force").code == 0
    done = evidence.xt("stale", "--baseline", "--run", "-y")
    assert (done.code, (evidence.path / "score.txt").read_text()) == (0, "3\n")
    assert f"baseline is {pinned[:4]} still" in done.err


def test_what_is_gone_of_a_run_that_holds_can_be_brought_back(project):
    project.write("xt.toml", '[recompute]\non = ["inputs.data"]\n')
    project.write("raw", "b\na\n")
    for purpose, read, wrote, how in (
        ("sort", "raw", "sorted", "sort raw"),
        ("count", "sorted", "counted", "wc -l < sorted"),
        ("report", "counted", "told", "cat counted"),
    ):
        done = project.run("-q", "-m", purpose, "-i", read, "-o", wrote, "--", "sh", "-c", f"{how} > {wrote}")
        assert done.code == 0
    project.write("raw", "a\nb\n")
    (project.path / "counted").unlink()
    done = project.xt("stale", "--run", "-y")
    assert done.code == 1
    assert "counted` brings it back" in done.err


def test_code_that_is_lost_differs_and_says_so(evidence):
    evidence.write("more.sh", "true\n")
    assert evidence.run("-q", "--as", "train").code == 0
    evidence.write("more.sh", "false\n")
    shutil.rmtree(evidence.path / ".xt" / "code.git" / "objects")
    (evidence.path / ".xt" / "code.git" / "objects").mkdir()
    said = [reason["what"] for one in stale(evidence, "@")["plan"] for reason in one["reasons"]]
    assert len(said) == 1 and "cannot be compared" in said[0]


def test_runs_that_are_not_looked_at_are_said(evidence, monkeypatch):
    monkeypatch.setattr("xt.ops.stale.looking.MOST", 0)
    assert len(stale(evidence, code=0)["fresh"]) == 2
    (said,) = stale(evidence, "@", code=3)["doubts"]
    assert said == "1 run further up: not looked at"


def test_the_first_that_fails_ends_the_plan(evidence):
    evidence.write("data.csv", "c\n")
    evidence.write("train.sh", "exit 7\n")
    done = evidence.xt("stale", "--run", "-y")
    assert done.code == 7
    assert "it ended with 7; 1 of the plan is left" in done.err
    # What failed is no evidence: the plan is as it was.
    assert [task for task, _, _ in plan(stale(evidence))] == ["train", "evaluate"]


def test_an_input_that_is_a_copy_of_what_was_made_again_is_not_taken_for_it(project):
    project.write("data.csv", "b\n")
    train = ("sh", "-c", "(echo w; cat data.csv) > model.bin")
    project.run("-q", "-n", "t", "-i", "data.csv", "-o", "model:model.bin", "--", *train)
    project.sh("cp model.bin copy.bin")
    evaluate = ("sh", "-c", "wc -c < copy.bin > score")
    project.run("-q", "-n", "e", "-i", "model:copy.bin", "-o", "score", "--", *evaluate)
    project.write("data.csv", "cc\n")
    done = project.xt("stale", "--run", "-y")
    assert done.code == 1
    assert "`copy.bin` is a copy of `model.bin`" in done.err
    project.sh("cp model.bin copy.bin")
    assert project.xt("stale", "--run", "-y").code == 0
    assert (project.path / "score").read_text().strip() == "5"


def test_ctrl_c_ends_the_run_and_the_plan(evidence):
    evidence.write("data.csv", "c\n")
    evidence.write("train.sh", "echo started > began; exec sleep 60\n")
    command = evidence.command("stale", "--run", "-y")
    going = subprocess.Popen(
        command,
        cwd=evidence.path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    until = time.monotonic() + 60
    while not (evidence.path / "began").exists() and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(going.pid, signal.SIGINT)
    _, said = going.communicate(timeout=60)
    assert going.returncode == 130
    assert "interrupted; 1 of the plan is left" in said
    assert evidence.record("@")["result"]["status"] == "interrupted"
    assert not os.listdir(evidence.path / ".xt" / "live")


def test_the_baseline_and_what_makes_no_sense(evidence, folder):
    assert "no run is pinned" in evidence.xt("stale", "--baseline").err
    evidence.xt("baseline", "set", "@~1", "-m", "first")
    evidence.write("data.csv", "c\n")
    done = evidence.xt("stale", "--baseline")
    assert done.code == 1
    assert "train (baseline)" in done.out.decode()
    for words in (("--baseline", "@"), ("--run", "--json"), ("-y",), ("--format", "xml")):
        assert evidence.xt("stale", *words).code == 2, words
    assert "no run fits `tag:none`" in evidence.xt("stale", "tag:none").err
    assert "no runs yet" in folder.xt("stale").err


def test_outside_of_git_and_with_a_file_of_params(folder):
    folder.write("config.yaml", "lr: 0.1\n")
    folder.write("train.sh", "true\n")
    folder.run("-q", "-p", "config.yaml", "-p", "seed=3", "--", "sh", "train.sh")
    assert stale(folder, code=0)["plan"] == []
    folder.write("config.yaml", "lr: 0.2\n")
    (row,) = stale(folder)["plan"]
    assert {(reason["point"], reason["what"]) for reason in row["reasons"]} == {
        ("code", "config.yaml"),
        ("params", "lr 0.1 → 0.2"),
    }
    (folder.path / "config.yaml").unlink()
    (row,) = stale(folder)["plan"]
    assert ("params", "unknown") in {(reason["point"], reason["relation"]) for reason in row["reasons"]}


def test_another_runtime(evidence):
    found = evidence.xt("stale", "--json", env={"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8"})
    assert found.code == 1
    (reason,) = json.loads(found.out)["plan"][0]["reasons"]
    assert reason["point"] == "runtime"
    assert "PYTHONHASHSEED not set → 1" in reason["what"]


def test_nothing_is_put_into_the_store_by_looking(evidence):
    before = sorted(path for path in (evidence.path / ".xt" / "objects").rglob("*"))
    evidence.write("cases.txt", "2\n")
    assert evidence.xt("stale").code == 1
    assert sorted(path for path in (evidence.path / ".xt" / "objects").rglob("*")) == before
    assert not os.listdir(evidence.path / ".xt" / "live")
