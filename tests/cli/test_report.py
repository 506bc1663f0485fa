"""`xt report`: everything about some runs in one file."""

from __future__ import annotations

import json
import re

import pytest

from tests import builders
from tests.conftest import Project
from tests.measured import Runs
from tests.render.test_report import read
from xt.model.files import Output
from xt.model.result import Metric

A, B, C = "kwpztnlqsmvrxoyu", "nrqszzktwvlmopyx", "ytlmkkpzwxrsouvn"
SETTINGS = """\
[evidence]
required = ["ticket", "params"]
[metrics.acc]
goal = "max"
[cases]
cohorts = ["digit"]
"""
HOSTILE = "</script><img src=x onerror=alert(1)>\x1b]0;owned\x07"


def cases(runs: Runs, failing: set[int]) -> Output:
    lines = []
    for at in range(9):
        row = {"id": f"item-{at}", "passed": at not in failing, "digit": at % 3, "prompt": HOSTILE}
        lines.append(json.dumps(row) + "\n")
    digest = runs.store.objects.put_bytes("".join(lines).encode())
    return Output("cases", "cases.jsonl", "file", "stored", "cases.jsonl", digest, 1, 1)


def log(runs: Runs, text: str):
    digest = runs.store.objects.put_bytes(text.encode())
    stream = builders.Stream("stderr", "pipe", len(text.encode()), digest, len(text.encode()))
    return builders.logs(streams=[stream], timing=None)


@pytest.fixture
def measured(tmp_path) -> Project:
    """A reference, a better run that breaks a case, and one that failed with a long log."""
    runs = Runs(tmp_path)
    runs.seal(A, [runs.series("loss", [3.0, 2.0, 1.0]), Metric("acc", 0.9, "x")], {"lr": 0.1},
              outputs=[cases(runs, {3})])  # fmt: skip
    runs.seal(B, [runs.series("loss", [3.0, 1.0, 0.5]), Metric("acc", 0.95, "x")], {"lr": 0.2},
              outputs=[cases(runs, {3, 5})], purpose=HOSTILE, tags=["gold"])  # fmt: skip
    long = "".join(f"line {at}\n" for at in range(5000)) + f"Traceback {HOSTILE}\n"
    runs.seal(C, [], {"lr": 0.3}, status="failed", exit_code=1, logs=log(runs, long))
    project = Project(tmp_path)
    project.write("xt.toml", SETTINGS)
    return project


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", read(page).text)


def test_a_report_of_everything(measured):
    assert measured.xt("baseline", "set", A, "-m", "why").code == 0
    done = measured.xt("report", "-o", "out.html", "--title", "Week <47>")
    assert (done.code, done.err, done.out) == (0, "xt: wrote out.html\n", b"")
    page = (measured.path / "out.html").read_text()
    text = text_of(page)
    assert "Week <47>" in text
    assert "3 runs · written" in text
    assert "◆ kwpz baseline" in text
    assert "baseline kwpz → nrqs" in text
    assert "baseline kwpz → ytlm" in text
    assert "2 of 9 cases fail in at least one run" in text
    assert "item-30✗ fail✗ fail" in text, "cohort, and both runs"
    assert "item-52✗ fail✓ pass" in text
    assert text.count("lacks ticket") == 3, "which is required now"
    assert "the last 6000 bytes: `xt logs ytlm` shows all" in text
    assert "line 4999" in text
    assert "line 100 " not in text
    assert r"Traceback </script><img src=x onerror=alert(1)>\e]0;owned\x07" in text
    assert page.count("<svg") == 2


def test_the_same_but_for_the_time(measured):
    pages = [measured.xt("report", "-o", "-").out.decode() for _ in range(2)]
    one, other = (re.sub(r"written [-\d]+ [\d:]+ UTC", "written", page) for page in pages)
    assert one == other
    assert len(one) < 150_000


def test_runs_are_chosen_by_references_and_queries(measured):
    text = text_of(measured.xt("report", "nrqs", "-o", "-").out.decode())
    assert "1 run " in text
    assert "kwpz" not in text
    text = text_of(measured.xt("report", "status:ok param.lr>0.05", "-o", "-").out.decode())
    assert "kwpz → nrqs" in text, "without a baseline, each against the one before it"
    assert "ytlm" not in text


def test_what_makes_no_sense_is_said(measured, tmp_path):
    assert measured.xt("report", "zzzz").code == 1
    done = measured.xt("report", "tag:none", "-o", "-")
    assert (done.code, done.out) == (1, b"")
    assert "no run fits `" in done.err
    measured.write("index.html", "<h1>mine</h1>")
    done = measured.xt("report", "-o", "index.html")
    assert done.code == 1
    assert "xt did not draw it" in done.err
    assert (measured.path / "index.html").read_text() == "<h1>mine</h1>"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no runs yet" in measured.xt("report", cwd=empty, env={"XT_STORE": str(empty / ".xt")}).err


def test_what_is_damaged_is_said_and_the_rest_is_there(measured):
    (record,) = (measured.path / ".xt" / "runs" / "nr").glob("*.json")
    record.chmod(0o600)
    record.write_text("{}")
    for found in (measured.path / ".xt" / "objects").rglob("*"):
        if found.is_file():
            found.chmod(0o600)
            found.write_bytes(b"x")
    done = measured.xt("report", "-o", "-")
    assert done.code == 0, done.err
    text = text_of(done.out.decode())
    assert "damaged" in text
    assert "loss of kwpz: only its last value is drawn" in text
    assert "cases of kwpz cannot be read" in text


def test_cases_in_several_files_are_told_apart_by_their_file(folder):
    one = '{"id": "same", "passed": false}'
    script = f"mkdir out; echo '{one}' > out/a.jsonl; echo '{one}' > out/b.jsonl"
    assert folder.run("-q", "-o", "cases:out/", "--", "sh", "-c", script).code == 0
    page = folder.xt("report", "-o", "-").out.decode()
    assert "a.jsonl/same" in page and "b.jsonl/same" in page
    assert "2 of 2 cases fail" in page
