"""`xt run --metrics FORMAT:PATH`: what other tools leave becomes metrics, settings and cases of the run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exchange.test_readers import field, tfrecord
from xt.exchange.importers.tensorboard import masked_crc

FIXTURES = Path(__file__).resolve().parent.parent / "exchange" / "fixtures"


def metrics(record):
    return {
        (item["name"], *sorted(item.get("labels", {}).items())): item["value"]
        for item in record["result"]["metrics"]
    }


def of(record, name):
    return next(item for item in record["result"]["metrics"] if item["name"] == name)


def problems(record):
    return [item["message"] for item in record["result"]["problems"]]


def points(folder, metric):
    digest = metric["series"].removeprefix("blake3:")
    lines = (folder.path / ".xt/objects" / digest[:2] / digest).read_text().splitlines()
    return [(point.get("step"), point["value"]) for point in map(json.loads, lines)]


def copied(folder, *options, what, name=None, tail=()):
    """Run a command that leaves what a tool left."""
    done = folder.run("-q", *options, "--", "cp", "-r", str(FIXTURES / what), name or what, *tail)
    assert done.code == 0, done.err
    return folder.record()


# What each tool writes


def test_dvclive(folder):
    record = copied(folder, "--metrics", "dvclive:dvclive", what="dvclive")
    assert metrics(record) == {("acc",): 0.6, ("test/acc",): 0.61, ("train/loss",): 1 / 3}
    loss = of(record, "train/loss")
    assert loss["source"] == "dvclive:dvclive/metrics.json"
    assert points(folder, loss) == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert {item["name"]: item["value"] for item in record["result"]["reported"]} == {
        "lr": 0.1,
        "model.layers": 2,
        "model.name": "mlp",
    }
    # They came after the start: no causes.
    assert record["snapshot"]["params"] == []
    assert record["snapshot"]["imports"] == [{"format": "dvclive", "path": "dvclive"}]
    shown = folder.xt("show").out.decode()
    assert "reported" in shown
    assert "model.name mlp" in shown


def test_lightning_is_found_among_the_outputs(folder):
    record = copied(folder, "-o", "logs", what="lightning", name="logs")
    assert of(record, "val_loss")["source"] == "lightning:logs/version_0/metrics.csv"
    assert points(folder, of(record, "val_loss")) == [(3, 0.7320556640625), (7, 0.7235510349273682)]
    assert {item["name"] for item in record["result"]["reported"]} == {"lr", "hidden"}


def test_of_checkpoints_the_last_state_counts(folder):
    record = copied(folder, "-o", "metrics:out", what="trainer", name="out")
    assert of(record, "loss")["source"] == "trainer:out/trainer_state.json"
    assert [step for step, _ in points(folder, of(record, "loss"))] == [2, 4, 6, 8]
    assert of(record, "train_loss")["value"] == pytest.approx(0.712, abs=1e-3)
    # No other reader of an output of role `metrics` took them apart.
    assert not any(name.startswith("log_history") for name, *_ in metrics(record))
    assert problems(record) == []


def test_lm_eval_and_its_samples(folder):
    record = copied(folder, "-o", "cases:lm", what="lm-eval", name="lm")
    found = metrics(record)
    assert found["tinyqa/acc",] == pytest.approx(2 / 3)
    assert found["tinygen/exact_match", ("filter", "strict-match")] == 0
    assert of(record, "tinyqa/acc")["goal"] == "max"
    (derived,) = record["result"]["derived"]
    assert (derived["format"], derived["source"], derived["rows"]) == ("lm-eval", "lm", 9)
    cases = json.loads(folder.xt("cases", "--json").out)
    assert (cases["n"], cases["passed"], cases["failed"], cases["output"]) == (9, 2, 7, "lm-eval:lm")
    assert {case["id"] for case in cases["cases"]} >= {"tinyqa/0", "tinygen/strict-match/2"}
    history = folder.xt("cases", "--history", "tinyqa/0")
    assert history.code == 0, history.err


def test_promptfoo_and_what_a_change_broke(folder):
    copied(folder, "--metrics", "promptfoo:out.json", what="promptfoo.json", name="out.json")
    document = json.loads((FIXTURES / "promptfoo.json").read_text())
    for row in document["results"]["results"]:
        if row["testIdx"] == 0 and row["promptIdx"] == 1:
            row["success"] = False
    folder.write("changed.json", json.dumps(document))
    done = folder.run("-q", "-o", "cases:out.json", "--", "cp", "changed.json", "out.json")
    assert done.code == 0, done.err
    record = folder.record()
    assert metrics(record)["passed",] == 2
    assert metrics(record)["score/has", ("prompt", "0"), ("provider", "echo-model")] == 1
    # The table made of it stands in place of the output, of which `xt cases` could make nothing.
    broken = json.loads(folder.xt("cases", "--broken", "--against", "@~1", "--json").out)
    assert [case["id"] for case in broken["cases"]] == ["0/1"]
    assert broken["output"] == "promptfoo:out.json"
    differences = folder.xt("diff", "@~1", "@")
    assert b"1 broken" in differences.out


def test_tensorboard_as_its_own_writer_writes_it(folder):
    pytest.importorskip("tensorboard")
    folder.write(
        "train.py",
        "import sys\n"
        "from tensorboard.summary import Writer\n"
        "from tensorboard.plugins.hparams import summary_v2 as hp\n"
        "from tensorboard.summary.writer.event_file_writer import EventFileWriter\n"
        "from tensorboard.compat.proto.event_pb2 import Event\n"
        "from tensorboard.compat.proto.summary_pb2 import Summary\n"
        "for part in ('train', 'val'):\n"
        "    writer = Writer(f'runs/{part}')\n"
        "    for step in range(3): writer.add_scalar('loss', 0.3 / (step + 1), step)\n"
        "    writer.close()\n"
        "writer = EventFileWriter('runs/val')\n"
        "value = Summary.Value(tag='loss', simple_value=0.05)\n"
        "writer.add_event(Event(step=9, summary=Summary(value=[value])))\n"
        "writer.add_event(Event(summary=hp.hparams_pb({'lr': 0.1, 'opt': 'adam'})))\n"
        "writer.close()\n",
    )
    done = folder.run("-q", "--metrics", "tensorboard:runs", "--", sys.executable, "-Wignore", "train.py")
    assert done.code == 0, done.err
    record = folder.record()
    assert problems(record) == []
    assert metrics(record) == {
        ("loss", ("run", "train")): pytest.approx(0.1),
        ("loss", ("run", "val")): pytest.approx(0.05),
    }
    val = next(item for item in record["result"]["metrics"] if item["labels"] == {"run": "val"})
    assert val["source"] == "tensorboard:runs/val"
    assert [step for step, _ in points(folder, val)] == [0, 1, 2, 9]
    assert {item["name"]: item["value"] for item in record["result"]["reported"]} == {
        "lr": 0.1,
        "opt": "adam",
    }


def test_wandb_offline_as_it_writes_it(folder, hermetic):
    pytest.importorskip("wandb")
    folder.write(
        "train.py",
        "import wandb\n"
        "run = wandb.init(project='p', config={'lr': 0.1, 'opt': {'name': 'adam'}, 'api_key': 'hush-hush'})\n"
        "for step in range(4): run.log({'loss': 1 / (step + 1), 'val': {'acc': step}, 'nan': float('nan')})\n"
        "run.log({'histogram': wandb.Histogram([1, 2, 3])})\n"
        "run.summary['best'] = 0.9\n"
        "run.finish()\n",
    )
    env = {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}
    done = folder.run("-q", "-o", "wandb", "--", sys.executable, "-Wignore", "train.py", env=env)
    assert done.code == 0, done.err
    record = folder.record()
    assert metrics(record) == {
        ("best",): 0.9,
        ("loss",): 0.25,
        ("nan",): {"special": "nan"},
        ("val/acc",): 3,
    }
    assert points(folder, of(record, "loss")) == [(0, 1), (1, 0.5), (2, 1 / 3), (3, 0.25)]
    assert of(record, "loss")["source"].startswith("wandb:wandb/offline-run-")
    reported = {item["name"]: item["value"] for item in record["result"]["reported"]}
    assert reported == {"lr": 0.1, "opt.name": "adam", "api_key": "***"}


def test_mlflow_as_it_writes_it(folder):
    """Its database and its folder, in one process: it takes seconds to start."""
    pytest.importorskip("mlflow")
    folder.write(
        "train.py",
        "import mlflow\n"
        "for uri, name in (('sqlite:///mlflow.db', 'base'), ('file:./mlruns', 'files')):\n"
        "    mlflow.set_tracking_uri(uri)\n"
        "    mlflow.set_experiment('e')\n"
        "    with mlflow.start_run(run_name='first'):\n"
        "        mlflow.log_params({f'{name}.lr': 0.1, f'{name}.opt': 'adam'})\n"
        "        for step in range(3): mlflow.log_metric(f'{name}/loss', 1 / (step + 1), step=step)\n"
        "        mlflow.log_metrics({f'{name}/nan': float('nan'), f'{name}/inf': float('inf')})\n",
    )
    env = {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
    words = ["--metrics", "mlflow:mlflow.db", "--metrics", "mlflow:mlruns", "-p", "base.opt=sgd"]
    done = folder.run("-q", *words, "--", sys.executable, "-Wignore", "train.py", env=env)
    assert done.code == 0, done.err
    record = folder.record()
    reported = {item["name"]: item["value"] for item in record["result"]["reported"]}
    for name in ("base", "files"):
        assert metrics(record)[f"{name}/nan",] == {"special": "nan"}
        assert metrics(record)[f"{name}/inf",] == {"special": "inf"}
        assert points(folder, of(record, f"{name}/loss")) == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
        assert (reported[f"{name}.lr"], reported[f"{name}.opt"]) == (0.1, "adam")
    assert of(record, "base/loss")["source"] == "mlflow:mlflow.db"
    (said,) = problems(record)
    assert said == '`base.opt` is `"sgd"` by `--param`, and `"adam"` as mlflow:mlflow.db reports'


# How it is declared


def test_a_task_declares_it_and_a_repeat_takes_it_over(folder):
    folder.write("xt.toml", '[task.train]\ncommand = "cp -r"\nmetrics_from = ["dvclive:live"]\n')
    record = copied(folder, what="dvclive", name="live")
    assert of(record, "acc")["value"] == 0.6
    assert record["snapshot"]["imports"] == [{"format": "dvclive", "path": "live"}]
    done = folder.xt("rerun", "@")
    assert done.code == 0, done.err
    again = folder.record()
    assert again["id"] != record["id"]
    assert of(again, "train/loss") == of(record, "train/loss")


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("tensorbord:runs", "did you mean `tensorboard`?"),
        ("runs", "is not FORMAT:PATH"),
        ("wandb:", "names no path"),
        ("wandb", "names no path"),
        ("loss=m.json", "--metric loss=m.json"),
    ],
)
def test_a_declaration_that_makes_no_sense(folder, said, wanted):
    done = folder.run("--metrics", said, "--", "true")
    assert done.code == 2
    assert wanted in done.err
    assert "Traceback" not in done.err


def test_a_format_nobody_knows_is_named_with_its_line(folder):
    folder.write("xt.toml", '[task.a]\ncommand = "x"\nmetrics_from = [\n  "wandb:w",\n  "wendb:w",\n]\n')
    done = folder.run("--", "true")
    assert done.code == 125
    assert "xt.toml:5: " in done.err
    assert "did you mean `wandb`?" in done.err


def test_what_is_not_there_or_not_of_this_run_is_said(folder):
    shutil.copytree(FIXTURES / "dvclive", folder.path / "old")
    folder.write("empty/notes.txt", "")
    words = [
        word for form in ("wandb:gone", "dvclive:old", "tensorboard:empty") for word in ("--metrics", form)
    ]
    done = folder.run("-q", *words, "--", "sh", "-c", "exit 3")
    assert done.code == 3
    record = folder.record()
    assert record["result"]["metrics"] == []
    assert problems(record) == [
        "gone does not exist, so its metrics are missing",
        "old was not written by this run; its metrics are not recorded",
        "empty holds nothing of tensorboard: TensorBoard event files",
    ]


def test_what_was_declared_by_name_wins_over_what_is_found(folder):
    options = ("-o", "live", "--metric", "acc=live/metrics.json:/test/acc")
    record = copied(folder, *options, what="dvclive", name="live")
    assert of(record, "acc")["value"] == 0.61
    assert any("`acc` is 0.61 by" in said for said in problems(record))


def test_single_precision_is_no_disagreement(folder):
    value = field(1, field(1, "loss") + field(2, 0.3))
    (folder.path / "events").write_bytes(tfrecord(field(2, 1) + field(5, value)))
    send = 'echo \'{"name": "loss", "value": 0.3}\' >> "$XT_METRICS"; mkdir runs; cp events runs/a.tfevents.1'
    assert folder.run("-q", "-o", "runs", "--", "sh", "-c", send).code == 0
    assert metrics(folder.record()) == {("loss",): 0.3}
    assert problems(folder.record()) == []
    folder.run(
        "-q",
        "-o",
        "runs",
        "--",
        "sh",
        "-c",
        send.replace("0.3", "0.31").replace("mkdir", "rm -r runs; mkdir"),
    )
    assert "by `tensorboard:runs/a.tfevents.1`" in problems(folder.record())[0]


# Files that would hurt


def test_hostile_files_cost_nothing_but_themselves(folder):
    head = (1 << 40).to_bytes(8, "little")
    record = {
        "bad/a/events.out.tfevents.1": os.urandom(100),
        "bad/b/events.out.tfevents.1": head + masked_crc(head).to_bytes(4, "little"),
        "bad/run-1.wandb": b":W&B\xe1\xbe\x00" + b"\xff" * 300,
        "bad/mlflow.db": b"SQLite format 3\0" + bytes(4000),
        "bad/trainer_state.json": b'{"log_history": [{"step": 1, "\\u001b[31mloss": 1e999, "ok": 1}]}',
        "bad/results_2026-01-01T00-00-00.json": b"[" * 5000,
    }
    for name, data in record.items():
        path = folder.path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    os.symlink("/dev/zero", folder.path / "source/bad/events.out.tfevents.2")
    os.mkfifo(folder.path / "source/bad/run-2.wandb")
    done = folder.run("-o", "metrics:bad", "--metrics", "wandb:bad", "--", "cp", "-R", "source/bad", "bad")
    assert done.code == 0
    assert "Traceback" not in done.err
    assert "\x1b" not in done.err
    found = folder.record()
    assert metrics(found)["ok",] == 1
    said = " · ".join(problems(found))
    for part in ("checksum of its first record", "cut off", "SQLite", "run-2.wandb: it cannot be read"):
        assert part in said, part
    assert "a bug in xt" not in said
    assert list((folder.path / ".xt/cache").glob("*.tmp")) == []
    shown = folder.xt("show", env={"COLUMNS": "40"})
    assert shown.code == 0
    assert b"\x1b[31m" not in shown.out


def test_cases_that_are_gone_from_the_store_are_a_message(folder):
    record = copied(folder, "--metrics", "promptfoo:out.json", what="promptfoo.json", name="out.json")
    digest = record["result"]["derived"][0]["digest"].removeprefix("blake3:")
    (held,) = (folder.path / ".xt/objects" / digest[:2]).glob(f"{digest}*")
    held.unlink()
    done = folder.xt("cases")
    assert done.code != 0
    assert "cannot be read" in done.err
    assert "Traceback" not in done.err


def meddled(folder, statements, *words):
    """Run xt after some statements."""
    program = f"{statements}\nfrom xt.cli.main import main\nmain()\n"
    words = ["run", "-q", *words]
    subprocess.run(
        [sys.executable, "-c", program, *words], cwd=folder.path, check=True, stdin=subprocess.DEVNULL
    )
    return folder.record()


def test_secrets_among_settings_are_masked_whatever_interrupts_the_next_file(folder):
    statements = (
        "from xt.exchange.importers import trainer\n"
        "def read(path, sink): raise KeyboardInterrupt\n"
        "trainer.read = read\n"
    )
    command = "mkdir logs; echo 'api_key: hunter2' > logs/hparams.yaml; echo a > logs/metrics.csv; touch t"
    imports = ["--metrics", "lightning:logs", "--metrics", "trainer:t"]
    record = meddled(folder, statements, *imports, "--", "sh", "-c", command)
    assert [(item["name"], item["value"]) for item in record["result"]["reported"]] == [("api_key", "***")]
    assert "collecting was interrupted: metrics not listed are missing" in problems(record)


def test_more_points_than_are_kept(folder):
    """What passes a bound is told, and the last value is right all the same."""
    words = ["--metrics", "dvclive:live", "--", "cp", "-r", str(FIXTURES / "dvclive"), "live"]
    record = meddled(folder, "from xt.ops import import_sink\nimport_sink.MAX_POINTS = 4", *words)
    assert metrics(record) == {("acc",): 0.6, ("test/acc",): 0.61, ("train/loss",): 1 / 3}
    assert "7 points were read; after 4 only the last of each metric is kept" in problems(record)
