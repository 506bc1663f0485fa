"""The example trains for real, well, and the same twice; its xt.toml says what is true of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Project
from xt.collect import Capture
from xt.collect.metrics import collect
from xt.config import load
from xt.context import Outside
from xt.join import Asked, join

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "digits"

np = pytest.importorskip("numpy")


def train(folder, *options, **variables):
    folder.mkdir(exist_ok=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    command = [sys.executable, str(EXAMPLE / "train.py"), *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_it_learns_and_says_so(tmp_path):
    said = train(tmp_path, "--epochs", "8")
    assert len(said) == 8
    assert said[-1].startswith("epoch  8/8  loss 0.")
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert set(metrics) == {"train/loss", "train/acc", "val/loss", "val/acc"}
    assert 0.93 < metrics["val/acc"] <= 1
    with np.load(tmp_path / "model.npz") as model:
        assert {name: array.shape for name, array in model.items()} == {
            "w1": (64, 32),
            "b1": (32,),
            "w2": (32, 10),
            "b2": (10,),
        }


def test_one_seed_gives_one_model_byte_for_byte(tmp_path):
    def model(name, *options, **variables):
        train(tmp_path / name, "--epochs", "2", *options, **variables)
        return (tmp_path / name / "model.npz").read_bytes()

    by_option = model("a", "--seed", "5")
    assert by_option == model("b", "--seed", "5", XT_SEED="6")
    assert by_option == model("c", XT_SEED="5")
    assert by_option != model("d", XT_SEED="6")
    assert model("e") == model("f", XT_SEED="0")


def test_options_reach_the_training(tmp_path):
    train(tmp_path, "--epochs", "1", "--hidden", "8", "--lr", "0.01")
    with np.load(tmp_path / "model.npz") as model:
        assert model["w1"].shape == (64, 8)


def test_the_data_is_what_its_readme_says():
    data = (EXAMPLE / "data" / "digits.csv.gz").read_bytes()
    assert hashlib.sha256(data).hexdigest() in (EXAMPLE / "data" / "README.md").read_text()


class Keep:
    def put_bytes(self, data):
        return f"blake3:{data.count(10)} points"

    put_file = has = put_bytes


def test_its_settings_name_what_it_reads_and_writes(tmp_path):
    config = load(str(EXAMPLE))
    request = join(Asked(), config, str(tmp_path), ["python", "train.py", "--lr", "0.02"])
    assert (request.task, request.seed) == ("train", 7)
    assert [Path(spec.base, spec.path).is_file() for spec in request.inputs] == [True]

    sent = tmp_path / "sent.jsonl"
    train(tmp_path, "--epochs", "3", XT_METRICS=str(sent), XT_SEED=str(request.seed))
    outputs = {spec.role: tmp_path / spec.path for spec in request.outputs}
    assert all(path.is_file() for path in outputs.values())
    capture = Capture(
        request,
        Outside(str(tmp_path), {}),
        str(tmp_path),
        str(tmp_path / ".xt"),
        config.settings,
        Keep(),
        b"",
    )
    found = collect(capture, request.metrics, [str(outputs["metrics"])], str(sent), {})
    assert capture.problems == []
    whole = {metric.name: metric for metric in found if not metric.labels}
    assert whole["val/acc"].value == json.loads(outputs["metrics"].read_text())["val/acc"]
    assert (whole["val/acc"].series, whole["val/acc"].step) == ("blake3:3 points", 3)
    assert {name: metric.goal for name, metric in whole.items()} == {
        "train/acc": "max",
        "train/loss": "min",
        "val/acc": "max",
        "val/loss": "min",
    }
    assert {metric.labels["digit"] for metric in found if metric.labels} == set("0123456789")


def test_it_repeats_and_is_equivalent_with_another_number_of_threads(tmp_path):
    """The bound is for libraries of linear algebra that use threads on matrices as small as these."""
    clone = tmp_path / "digits"
    shutil.copytree(EXAMPLE, clone, ignore=shutil.ignore_patterns(".xt", "*.npz", "*.json*"))
    project = Project(clone)
    project.sh("git init -q && git add -A && git commit -qm first")
    ran = project.run("-q", "--as", "train", "--", sys.executable, "train.py", "--epochs", "4")
    assert ran.code == 0, ran.err
    bounds = [f"--tol={name}=rel:1e-6" for name in ("model.npz", "train/loss", "val/loss")]
    done = project.xt("verify", "@", "--repeat", "2", "--vary", "threads", "--json", *bounds)
    assert done.code == 0, done.out.decode() + done.err
    (found,) = json.loads(done.out)["verifications"]
    columns = {column["name"]: column["level"] for column in found["columns"]}
    assert columns["repeat"] == "identical"
    assert columns["threads"] in ("identical", "equivalent")
    names = {line["path"] for line in found["lines"]}
    assert {"status", "cases", "outputs/model.npz", "metrics/val/acc", "metrics/val/acc{digit=3}"} <= names
