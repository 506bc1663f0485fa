"""Metrics: every source, series of any length, and files and logs that would hurt."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import tracemalloc

import msgspec
import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from xt.collect import Capture, metric_log, series
from xt.collect.metrics import collect, prepare
from xt.collect.numbers import number, number_in
from xt.collect.selector import SelectorError, numbers, select, split_row
from xt.config import Settings
from xt.context import Outside
from xt.declare import metric_spec
from xt.fsio import read_pieces
from xt.model.request import MetricGoal, RunRequest
from xt.model.result import Metric, Number


class Keep:
    """What the store promises, in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.full = False

    def put_bytes(self, data):
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        name = blake3(data).hexdigest()
        (self.folder / name).write_bytes(data)
        return "blake3:" + name

    def put_file(self, path):
        digest = blake3().update_mmap(path).hexdigest()
        size = os.path.getsize(path)
        shutil.copyfile(path, self.folder / digest)
        return "blake3:" + digest, size, False

    def hold(self, digest):
        return (self.folder / digest.removeprefix("blake3:")).exists()

    def points(self, digest):
        lines = (self.folder / digest.removeprefix("blake3:")).read_bytes().splitlines()
        return [(point.get("step"), point["value"]) for point in map(json.loads, lines)]


@pytest.fixture
def run(tmp_path):
    """Collect in a project in `tmp_path`; gives metrics by name (and labels), and keeps the capture."""
    (tmp_path / "objects").mkdir()

    class Run:
        keep = Keep(tmp_path / "objects")
        capture = None

        def write(self, name, content):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            return str(path)

        def __call__(self, *specs, outputs=(), sent=None, logs=None, goals=None, started=None):
            declared = [metric_spec(text) for text in specs]
            request = RunRequest(command=["x"], cwd=str(tmp_path), metrics=declared, goals=goals or {})
            outside = Outside(str(tmp_path), {})
            root, store = str(tmp_path), str(tmp_path / ".xt")
            self.capture = Capture(request, outside, root, store, Settings(), self.keep, b"key")
            if sent is not None:
                sent = self.write("sent.jsonl", sent)
            found = collect(
                self.capture, declared, [str(tmp_path / name) for name in outputs], sent, logs or {}, started
            )
            msgspec.json.encode(found)
            assert list(tmp_path.glob(".xt/cache/*")) == []
            keys = [(metric.name, tuple(metric.labels.items())) for metric in found]
            assert keys == sorted(set(keys))
            return {
                name if not labels else (name, *labels): metric
                for (name, labels), metric in zip(keys, found, strict=True)
            }

        def values(self, *specs, **more):
            return {name: metric.value for name, metric in self(*specs, **more).items()}

        @property
        def said(self):
            assert {problem.where for problem in self.capture.problems} <= {"metrics"}
            return [problem.message for problem in self.capture.problems]

        @property
        def hints(self):
            return [problem.hint for problem in self.capture.problems]

        def points(self, metric):
            return self.keep.points(metric.series)

    return Run()


# Numbers and selectors


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1, 1),
        (0.5, 0.5),
        (True, None),
        (None, None),
        ("1", None),
        ([1], None),
        (2**63 - 1, 2**63 - 1),
        (2**63, float(2**63)),
        (-(2**63), -(2**63)),
        (10**400, None),
        (math.nan, Number("nan")),
        (math.inf, Number("inf")),
        (-math.inf, Number("-inf")),
        (Number("nan"), Number("nan")),
    ],
)
def test_numbers(value, found):
    assert number(value) == found
    assert type(number(value)) is type(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1", 1),
        (" 0.5 ", 0.5),
        ("1e-3", 0.001),
        ("-7", -7),
        ("NaN", Number("nan")),
        ("-Infinity", Number("-inf")),
        ("+inf", Number("inf")),
        ("1e999", Number("inf")),
        ("", None),
        ("1_000", None),
        ("٣", None),
        ("1,5", None),
        ("12%", None),
        ("0x10", None),
        ("9" * 30, 1e30),
        ("9" * 5000, None),
        ("true", None),
    ],
)
def test_numbers_in_text(text, found):
    assert number_in(text) == found


DOCUMENT = {
    "val": {"acc": 0.9, "per.class": [0.1, {"f1": 0.2}]},
    "flat/key": 1,
    "a.b": 2,
    "a~b": {"/": 3},
    "": 4,
    "list": [[1, 2], [3]],
    5: {True: 6},
}


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("/val/acc", 0.9),
        ("val.acc", 0.9),
        ("$.val.acc", 0.9),
        ("val/acc", 0.9),
        ("flat/key", 1),
        ("/flat~1key", 1),
        ("a.b", 2),
        ("/a.b", 2),
        ("/a~0b/~1", 3),
        ("/", 4),
        ("list[0][1]", 2),
        ("list[-1][0]", 3),
        ("/list/1/0", 3),
        ("/val/per.class/1/f1", 0.2),
        ("list.0.1", 2),
        ("/5/True", 6),
    ],
)
def test_selectors(selector, found):
    assert select(DOCUMENT, selector) == found


@pytest.mark.parametrize(
    "selector",
    [
        "/val/x",
        "val.x",
        "/list/-1",
        "/list/2",
        "list[2]",
        "list[x]",
        "/val/acc/x",
        "nope",
        "/list/٣",
        "list[9" + "9" * 30 + "]",
    ],
)
def test_selectors_that_find_nothing(selector):
    with pytest.raises(SelectorError):
        select(DOCUMENT, selector)


def test_the_whole_document_is_selected_by_nothing():
    assert select(3, "") == 3


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)


@given(TREES)
def test_every_number_is_found_under_its_pointer(tree):
    for pointer, name, found in numbers(tree):
        assert number(select(tree, pointer)) == found
        assert bool(name) or not pointer.strip("/")


@given(st.text(max_size=20), TREES)
def test_any_selector_finds_or_does_not(selector, tree):
    split_row(selector)
    try:
        select(tree, selector)
    except SelectorError as error:
        assert str(error) is not None


# Declared files


def test_a_value_of_a_document(run):
    run.write("out/m.json", '{"val": {"acc": 0.91, "loss": NaN}, "n": 36893488147419103232, "s": "0.5"}')
    run.write("m.yaml", "val: {acc: 1e-3}\n")
    run.write("m.toml", "acc = inf\n")
    found = run(
        "a=out/m.json:/val/acc",
        "b=out/m.json:val.loss",
        "c=out/m.json:n",
        "d=out/m.json:s",
        "e=m.yaml:val.acc",
        "f=m.toml:acc",
    )
    assert found["a"] == Metric("a", 0.91, "out/m.json:/val/acc")
    assert {name: metric.value for name, metric in found.items()} == {
        "a": 0.91,
        "b": Number("nan"),
        "c": float(2**65),
        "d": 0.5,
        "e": 0.001,
        "f": Number("inf"),
    }
    assert run.said == []


def test_without_a_selector_the_name_is_looked_for(run):
    run.write("m.json", '{"val": {"acc": 0.9}, "loss": 1}')
    run.write("one.json", '{"result": {"score": 7}}')
    run.write("bare.json", "3.5")
    found = run("val/acc=m.json", "loss=m.json", "x=one.json", "y=bare.json", "acc=m.json")
    assert {name: (metric.value, metric.source) for name, metric in found.items()} == {
        "val/acc": (0.9, "m.json:val/acc"),
        "loss": (1, "m.json:loss"),
        "x": (7, "one.json:/result/score"),
        "y": (3.5, "bare.json"),
    }
    assert run.said == ["`acc`: there is no `acc` in m.json"]
    assert run.hints == ["did you mean `val/acc`? it holds: val/acc, loss"]


def test_a_list_is_a_series(run):
    run.write("m.json", '{"history": [3, 2.5, NaN, 1]}')
    metric = run("h=m.json:history")["h"]
    assert (metric.value, metric.count) == (1, 4)
    assert run.points(metric) == [(None, 3), (None, 2.5), (None, {"special": "nan"}), (None, 1)]


@pytest.mark.parametrize(
    ("content", "selector", "message"),
    [
        ('{"a": 1}', "b", "`x`: there is no `b` in m.json"),
        ('{"a": true}', "a", "`x`: m.json:a is `True`, not a number"),
        ('{"a": {"b": 1}}', "/a", "`x`: m.json:/a is a table, not a number"),
        ('{"a": [1, "x"]}', "a", "`x`: m.json:a is `x`, not a number"),
        ('{"a": []}', "a", "`x`: m.json:a is a list, not a number"),
        ('{"a": [[1]]}', "a", "`x`: m.json:a is a list, not a number"),
        ('{\n"a" 1}', "a", "m.json:2: it is not JSON"),
        ("", "a", "m.json:1: it is not JSON"),
        ('{"a":' * 100_000, "a", "m.json: it is nested too deeply"),
    ],
)
def test_a_document_without_the_number(run, content, selector, message):
    run.write("m.json", content)
    assert run(f"x=m.json:{selector}") == {}
    assert len(run.said) == 1
    assert run.said[0].startswith(message)


def test_files_that_cannot_be_read(run, tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "dir.json").mkdir()
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(10_000_001)
    assert run("a=no.json:a", "b=pipe.json:a", "c=dir.json:a", "d=huge.json:a", outputs=["no.csv"]) == {}
    assert [message.partition(" ")[0] for message in run.said] == [
        "no.json",
        "pipe.json",
        "dir.json",
        "huge.json",
        "no.csv",
    ]
    assert "does not exist" in run.said[0]
    assert "not a regular file" in run.said[1]
    assert "larger than" in run.said[3]


def test_a_file_of_an_earlier_run_is_not_this_runs(run, tmp_path):
    run.write("old.json", '{"a": 1}')
    run.write("old.csv", "a\n1\n")
    started = tmp_path / "start.json"
    started.write_text("{}")
    while started.stat().st_ctime_ns <= (tmp_path / "old.csv").stat().st_ctime_ns:
        started.write_text("{}")
    run.write("new.json", '{"b": 2}')
    found = run.values("a=old.json:a", "b=new.json:b", outputs=["old.csv"], started=str(started))
    assert found == {"b": 2}
    assert run.said == [
        "old.json was not written by this run; its metrics are not recorded",
        "old.csv was not written by this run; its metrics are not recorded",
    ]


CSV = "step,loss, acc ,name,mixed\n1,0.9,0.1,x,1\n2,0.5,,y,bad\n\n3,NaN,0.3,z,3\n"


def test_a_column_of_a_table(run):
    run.write("r.csv", CSV)
    run.write("r.tsv", CSV.replace(",", "\t"))
    run.write("semi.csv", CSV.replace(",", ";"))
    run.write("bom.csv", b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode())
    found = run("a=r.csv:loss", "b=r.tsv:acc", "c=semi.csv:/acc", "d=bom.csv:step", "acc=r.csv")
    assert found["a"].value == Number("nan")
    assert (found["a"].count, found["a"].step, found["a"].source) == (3, 3, "r.csv:loss")
    assert run.points(found["a"]) == [(1, 0.9), (2, 0.5), (3, {"special": "nan"})]
    assert (
        run.points(found["b"]) == run.points(found["c"]) == run.points(found["acc"]) == [(1, 0.1), (3, 0.3)]
    )
    assert found["d"].value == 3
    assert run.said == []


def test_a_row_of_a_column(run):
    run.write("r.csv", CSV)
    found = run("a=r.csv:loss[0]", "b=r.csv:acc[-3]", "c=r.csv:loss[-2]")
    assert {name: (metric.value, metric.count, metric.step) for name, metric in found.items()} == {
        "a": (0.9, 1, 1),
        "b": (0.1, 1, 1),
        "c": (0.5, 1, 2),
    }
    assert run("d=r.csv:loss[9]", "e=r.csv:acc[1]", "f=r.csv:loss[-9]") == {}
    assert [message[:22] for message in run.said] == [
        "`d`: there is no numbe",
        "`e`: there is no numbe",
        "`f`: there is no numbe",
    ]


def test_a_column_that_is_really_called_like_a_row(run):
    run.write("r.csv", "loss[0],/x\n5,1\n6,2\n")
    assert run.values("a=r.csv:loss[0]", "b=r.csv:/x") == {"a": 6, "b": 2}


def test_columns_that_are_not_there_or_not_numbers(run):
    run.write("r.csv", CSV)
    run.write("only.csv", "step,score\n1,5\n")
    assert run.values("a=r.csv:los", "b=r.csv:mixed", "c=r.csv:name", "d=only.csv") == {"b": 3, "d": 5}
    assert run.said == [
        "`a`: there is no column `los` in r.csv",
        "`b`: r.csv has a cell that is not a number, the first `bad` at line 3; it is left out",
        "`c`: r.csv has 3 cells that are not a number, the first `x` at line 2; it is left out",
    ]
    assert run.hints[0] == "did you mean `loss`? columns: step, loss, acc, name, mixed"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "r.csv:1: it is empty"),
        ("1,2\n3,4\n", "r.csv:1: its first line has no names of columns"),
        ("a\n" + '"' + "x" * 200_000, "r.csv:2: it is not CSV"),
        ("a" * 200_000, "r.csv:1: it is not CSV"),
        (b"\xff\xfe\0\0", "r.csv has the role `metrics` and holds no number"),
        ("a,b\n", "r.csv has the role `metrics` and holds no number"),
    ],
)
def test_tables_that_are_none(run, content, message):
    run.write("r.csv", content)
    assert run(outputs=["r.csv"]) == {}
    assert len(run.said) == 1
    assert run.said[0].startswith(message)


JSONL = """\
{"step": 1, "loss": 0.9, "val": {"acc": 0.1}}
{"step": 2, "loss": 0.5}

broken
{"step": 3, "loss": NaN, "val": {"acc": 0.3}}
"""


def test_json_lines(run):
    run.write("r.jsonl", JSONL)
    found = run(
        "a=r.jsonl:loss",
        "b=r.jsonl:val.acc",
        "c=r.jsonl:/val/acc[0]",
        "d=r.jsonl:loss[-2]",
        "val/acc=r.jsonl",
    )
    assert run.points(found["a"]) == [(1, 0.9), (2, 0.5), (3, {"special": "nan"})]
    assert run.points(found["b"]) == run.points(found["val/acc"]) == [(1, 0.1), (3, 0.3)]
    assert (found["c"].value, found["d"].value, found["d"].step) == (0.1, 0.5, 2)
    assert set(run.said) == {
        "r.jsonl: 1 line is not an object with a number at `loss`; the first is line 4",
        "r.jsonl: 1 line is not an object with a number at `val.acc`; the first is line 4",
        "r.jsonl: 1 line is not an object with a number at `/val/acc`; the first is line 4",
        "r.jsonl: 1 line is not an object with a number at `val/acc`; the first is line 4",
    }


def test_json_lines_without_the_key(run):
    run.write("r.jsonl", '{"loss": 1}\n')
    assert run("a=r.jsonl:los", "b=r.jsonl:loss[4]") == {}
    assert run.said == ["`a`: there is no `los` in r.jsonl", "`b`: there is no `loss[4]` in r.jsonl"]
    assert "did you mean `loss`?" in run.hints[0]


# Outputs of role metrics


def test_every_number_of_an_output(run):
    run.write("m.json", '{"val": {"acc": 0.9, "ok": true, "note": "5"}, "list": [1, [2]], "none": null}')
    run.write("sub/m.yml", "a: {b: 1}\n")
    run.write("n.json", "7")
    found = run(outputs=["m.json", "sub/m.yml", "n.json"])
    assert {name: (metric.value, metric.source) for name, metric in found.items()} == {
        "val/acc": (0.9, "m.json:/val/acc"),
        "list/0": (1, "m.json:/list/0"),
        "list/1/0": (2, "m.json:/list/1/0"),
        "a/b": (1, "sub/m.yml:/a/b"),
        "n": (7, "n.json"),
    }


def test_every_column_of_an_output(run):
    run.write("r.csv", CSV)
    found = run(outputs=["r.csv"])
    assert set(found) == {"loss", "acc"}
    assert run.points(found["acc"]) == [(1, 0.1), (3, 0.3)]
    assert run.said == [
        "column `mixed` of r.csv is not recorded: it has a cell that is not a number,"
        " the first `bad` at line 3"
    ]


def test_every_key_of_json_lines(run):
    run.write("r.jsonl", JSONL)
    run.write(
        "named.jsonl",
        '{"name": "f1", "value": 1, "step": 4}\n'
        '{"name": "f1", "value": 2, "labels": {"d": 8}}\n'
        '{"name": "f1", "value": []}\n',
    )
    found = run(outputs=["r.jsonl", "named.jsonl"])
    assert set(found) == {"loss", "val/acc", "f1", ("f1", ("d", "8"))}
    assert found["val/acc"].source == "r.jsonl:/val/acc"
    assert run.points(found["val/acc"]) == [(1, 0.1), (3, 0.3)]
    assert (found["f1"].value, found["f1"].step) == (1, 4)
    assert [message.partition(":")[0] for message in run.said] == ["r.jsonl", "named.jsonl"]


def test_the_files_of_a_folder(run, tmp_path):
    run.write("res/b/m.json", '{"b": 1}')
    run.write("res/a.CSV", "a\n1\n2\n")
    run.write("res/notes.txt", "3")
    (tmp_path / "res" / "loop").symlink_to(tmp_path / "res")
    assert run.values(outputs=["res"]) == {"a": 2, "b": 1}
    assert run.said == []


def test_outputs_that_hold_nothing(run):
    run.write("m.json", '{"a": "text"}')
    run.write("m.txt", "1")
    assert run(outputs=["m.json", "m.txt"]) == {}
    assert run.said[0] == "m.json has the role `metrics` and holds no number"
    assert run.said[1].startswith(
        "m.txt has the role `metrics` and is not a file that metrics can be read from"
    )


def test_a_document_of_very_many_numbers(run):
    run.write("m.json", json.dumps({f"k{n}": n for n in range(5000)}))
    assert len(run(outputs=["m.json"])) == 1000
    assert run.said == ["m.json holds 5000 numbers; the first 1000 are recorded"]


def test_yaml_that_refers_to_itself(run):
    run.write("m.yaml", "a: &a {b: 1, c: *a}\n")
    run(outputs=["m.yaml"])
    assert run.said == ["m.yaml: it is nested too deeply, refers to itself, or expands without end"]


# XT_METRICS


def test_points_sent_by_the_command(run):
    sent = (
        '{"name": "loss", "value": 0.9, "step": 1}\n'
        '{"name": "loss", "value": NaN, "step": 2.5}\n'
        '{"name": "loss", "value": "-Infinity"}\n'
        '{"name": "acc", "value": 0.5, "labels": {"digit": 8, "ok": true}, "more": [1]}\n'
        '{"name": "acc", "value": 0.6, "labels": {"ok": "true", "digit": "8"}}\n'
        '{"name": "acc", "value": 0.7}\n'
    )
    found = run(sent=sent)
    assert set(found) == {"loss", "acc", ("acc", ("digit", "8"), ("ok", "true"))}
    assert run.points(found["loss"]) == [(1, 0.9), (2.5, {"special": "nan"}), (None, {"special": "-inf"})]
    assert found["acc"] == Metric("acc", 0.7, "XT_METRICS")
    assert found["acc", ("digit", "8"), ("ok", "true")].count == 2
    assert run.said == []


def test_lines_that_are_no_points_are_told_once(run):
    good = '{"name": "a", "value": 1}\n'
    bad = [
        "x",
        "[]",
        "1",
        '{"name": "a"}',
        '{"name": "", "value": 1}',
        '{"name": 1, "value": 1}',
        '{"value": 1}',
        '{"name": "a", "value": null}',
        '{"name": "a", "value": true}',
        '{"name": "a", "value": "x"}',
        '{"name": "a", "value": 1, "labels": {"x": []}}',
        '{"name": "a", "value": 1, "labels": []}',
        "[" * 5000,
        "\x00",
        '{"name": "a", "value": 1, "pad": "' + "x" * 70_000 + '"}',
    ]
    found = run(sent=good + "\n" + "\n".join(bad) + "\n" + good)
    assert found["a"].count == 2
    assert run.said == [
        f'XT_METRICS: {len(bad)} lines are not of the form {{"name": …, "value": …}}; the first is line 3'
    ]


def test_a_last_line_that_was_cut_off_is_no_mistake(run):
    assert run.values(sent='{"name": "a", "value": 1}\n{"name": "a", "val') == {"a": 1}
    assert run.said == []
    assert run.values(sent='{"name": "a", "value": 1}\n{"name": "a", "value": 2}') == {"a": 2}


def test_nothing_sent(run, tmp_path):
    assert run(sent="") == {}
    request = RunRequest(command=["x"], cwd=str(tmp_path))
    capture = Capture(
        request, Outside(str(tmp_path), {}), str(tmp_path), str(tmp_path), Settings(), run.keep, b""
    )
    assert collect(capture, [], [], str(tmp_path / "never"), {}) == []
    assert collect(capture, [], [], None, {}) == []
    assert capture.problems == []


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_what_is_no_file_in_the_place_of_points_is_said_and_not_waited_for(run, tmp_path, make):
    make(tmp_path / "sent")
    request = RunRequest(command=["x"], cwd=str(tmp_path))
    capture = Capture(
        request, Outside(str(tmp_path), {}), str(tmp_path), str(tmp_path), Settings(), run.keep, b""
    )
    assert collect(capture, [], [], str(tmp_path / "sent"), {}) == []
    assert [problem.message for problem in capture.problems] == [
        "sent cannot be read: it is not a regular file"
    ]


def test_odd_names(run):
    found = run(
        sent=b'{"name": "\\ud800", "value": 1, "labels": {"k\\udc00": "v"}}\n{"name": "\xff", "value": 1}\n'
    )
    assert set(found) == {("\\ud800", ("k\\udc00", "v"))}


@given(st.binary(max_size=200) | st.text('{}[]":,\\name value1eNa.-\n', max_size=200).map(str.encode))
def test_any_bytes_can_be_sent(tmp_path_factory, sent):
    folder = tmp_path_factory.mktemp("s")
    (folder / "sent").write_bytes(sent)
    capture = Capture(
        RunRequest(command=["x"], cwd="/"), Outside("/", {}), "/", str(folder), Settings(), Keep(folder), b""
    )
    msgspec.json.encode(collect(capture, [], [], str(folder / "sent"), {}))


# Logs


def test_patterns(run):
    logs = {
        "stderr": iter([b"loss 0.1\n"]),
        "stdout": [b"epoch 1 lo", b"ss 0.9\repoch 2 loss \x1b[1m0.5\x1b[0m\nlo", b"ss 0.4 loss 0.3"],
    }
    found = run("loss=log:loss (\\S+)", "whole=log:0\\.\\d+$", logs=logs)
    assert run.points(found["loss"]) == [(None, 0.9), (None, 0.5), (None, 0.4), (None, 0.3), (None, 0.1)]
    assert (found["loss"].value, found["loss"].source) == (0.1, "log:loss (\\S+)")
    assert found["whole"].count == 4
    assert run.said == []


def test_patterns_that_match_nothing_or_no_number(run):
    logs = {"stdout": [b"loss: high\nloss: 5\nloss: n/a\n"]}
    assert run.values("a=log:acc (.*)", "b=log:loss: (.*)", "c=log:(x)?loss", logs=logs) == {"b": 5}
    assert run.said == [
        "`a`: the pattern `acc (.*)` matches nothing in the log",
        "`b`: the pattern matched 2 times what is not a number, first `high`",
        "`c`: the pattern `(x)?loss` matches nothing in the log",
    ]


def test_logs_are_left_alone_when_no_pattern_asks(run):
    def never():
        raise AssertionError("it was read")
        yield b""

    run.write("m.json", "1")
    assert run.values("a=m.json", logs={"stdout": never()}) == {"a": 1}


def test_a_log_that_cannot_be_read(run, tmp_path):
    found = run.values("a=log:a=(.)", logs={"stdout": read_pieces(str(tmp_path / "no")), "stderr": [b"a=1"]})
    assert found == {"a": 1}
    assert "stdout could not be searched" in run.said[0]


def test_chunks_are_the_bytes_of_the_file(run):
    data = os.urandom(3_000_000)
    assert b"".join(read_pieces(run.write("log", data))) == data


@given(
    st.lists(st.sampled_from([b"a=1", b"a=", b"2", b"\n", b"\r", b"", b"\xff", b"x" * 10]), max_size=30),
    st.data(),
)
def test_how_a_log_is_cut_into_chunks_does_not_matter(parts, data):
    whole = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    def lines(chunked):
        return [line for batch, _ in metric_log._batches(chunked) for line in batch]

    expected = [line.decode("utf-8", "replace") for line in whole.replace(b"\r", b"\n").split(b"\n") if line]
    assert lines(pieces) == lines([whole]) == expected


def test_a_line_of_a_hundred_megabytes(run):
    def log():
        yield b"a=1 "
        for _ in range(100):
            yield b"x" * 1_000_000
        yield b" a=2\na=3\n"

    tracemalloc.start()
    found = run.values("a=log:a=(\\d)", logs={"stdout": log()})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == {"a": 3}
    assert (
        run.capture.problems[0].message == "1 lines of the log were searched in their first 65536 bytes only"
    )
    assert peak < 20_000_000


def test_a_pattern_that_runs_away_is_given_up(run, monkeypatch):
    monkeypatch.setattr(metric_log, "MAX_SECONDS", 0.1)
    before = signal.getsignal(signal.SIGVTALRM)
    logs = {"stdout": [b"aa1\n", b"a" * 5000 + b"\n", b"b=2\n"]}
    found = run.values("slow=log:(a+)+1", "b=log:b=(.)", logs=logs)
    assert found == {"b": 2}
    assert any("was given up" in message for message in run.said)
    assert signal.getsignal(signal.SIGVTALRM) is before
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_patterns_work_in_a_thread(run):
    found = {}
    thread = threading.Thread(
        target=lambda: found.update(run.values("a=log:a=(.)", logs={"stdout": [b"a=1"]}))
    )
    thread.start()
    thread.join()
    assert found == {"a": 1}


# Together


def test_goals_and_units(run):
    run.write("m.json", '{"val": {"acc": 1, "loss": 2}, "x": 3}')
    goals = {
        "val/*": MetricGoal("min", "nat"),
        "val/acc": MetricGoal("max", "%"),
        "*/acc": MetricGoal("none"),
    }
    found = run(outputs=["m.json"], goals=goals)
    assert (found["val/acc"].goal, found["val/acc"].unit) == ("max", "%")
    assert (found["val/loss"].goal, found["val/loss"].unit) == ("min", "nat")
    assert (found["x"].goal, found["x"].unit) == ("none", None)


def test_sources_that_disagree(run):
    run.write("m.json", '{"acc": 0.9, "b": 1}')
    run.write("n.json", '{"b": 2}')
    sent = '{"name": "acc", "value": 0.7}\n{"name": "acc", "value": 0.8}\n'
    found = run("acc=log:acc (.*)", outputs=["m.json", "n.json"], sent=sent, logs={"stdout": [b"acc nan"]})
    assert (found["acc"].value, found["acc"].source) == (Number("nan"), "log:acc (.*)")
    assert (found["b"].value, found["b"].source) == (1, "m.json:/b")
    assert run.said == [
        "`acc` is nan by `log:acc (.*)`, which is recorded, and 0.9 by `m.json:/acc`, 0.8 by `XT_METRICS`",
        "`b` is 1 by `m.json:/b`, which is recorded, and 2 by `n.json:/b`",
    ]


def test_sources_that_agree_are_one_metric_with_the_longer_series(run):
    run.write("m.json", '{"acc": 0.8}')
    found = run(
        outputs=["m.json"], sent='{"name": "acc", "value": 0.7}\n{"name": "acc", "value": 0.8, "step": 2}\n'
    )
    assert (found["acc"].value, found["acc"].count, found["acc"].step) == (0.8, 2, 2)
    assert run.said == []


def test_many_disagreements_are_counted(run):
    run.write("m.json", json.dumps({f"k{n}": 1 for n in range(30)}))
    run.write("n.json", json.dumps({f"k{n}": 2 for n in range(30)}))
    assert len(run(outputs=["m.json", "n.json"])) == 30
    assert len(run.said) == 11


def test_long_series_go_through_a_file_and_memory_stays_flat(run, tmp_path, monkeypatch):
    monkeypatch.setattr(series, "MEMORY", 100_000)
    count = 100_000
    with (tmp_path / "sent").open("w") as file:
        file.writelines(f'{{"name": "{"ab"[n % 2]}", "value": {n}, "step": {n}}}\n' for n in range(count))
    request = RunRequest(command=["x"], cwd=str(tmp_path))
    outside = Outside(str(tmp_path), {})
    capture = Capture(request, outside, str(tmp_path), str(tmp_path / ".xt"), Settings(), run.keep, b"")
    tracemalloc.start()
    a, b = collect(capture, [], [], str(tmp_path / "sent"), {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert run.points(a) == [(n, n) for n in range(0, count, 2)]
    assert run.points(b) == [(n, n) for n in range(1, count, 2)]
    assert (b.value, b.count) == (count - 1, count // 2)
    # The points are 3 MB, the pieces they are read and written in 1 MB.
    assert peak < 2_400_000
    assert list((tmp_path / ".xt" / "cache").iterdir()) == []


def test_too_many_metrics(run, monkeypatch):
    monkeypatch.setattr(series, "MAX_SERIES", 10)
    found = run(sent="".join(f'{{"name": "a", "value": 1, "labels": {{"n": {n}}}}}\n' for n in range(50)))
    assert len(found) == 10
    assert run.said[0].endswith("40 points of others are left out")


def test_a_store_that_is_full_keeps_the_values(run):
    run.keep.full = True
    found = run(sent='{"name": "a", "value": 1}\n{"name": "a", "value": 2}\n')
    assert (found["a"].value, found["a"].count, found["a"].series) == (2, 2, None)
    assert "the series of `a` was not kept" in run.said[0]


def test_points_that_cannot_be_written_keep_the_values(run, tmp_path, monkeypatch):
    monkeypatch.setattr(series, "MEMORY", 100)
    (tmp_path / ".xt").write_text("in the way")
    lines = "".join(f'{{"name": "{"ab"[n % 2]}", "value": {n}}}\n' for n in range(100))
    found = run(sent=lines)
    assert (found["b"].value, found["b"].count, found["b"].series) == (99, 50, None)
    assert len(run.said) == 1
    assert "no series is kept, only values" in run.said[0]


def test_what_a_run_needs_afterwards_is_imported_before(tmp_path):
    code = """
import sys
from xt.collect.metrics import collect, prepare
from xt.declare import metric_spec
from xt.model.request import RunRequest
prepare(RunRequest(command=["x"], cwd="/"))
heavy = {"yaml", "tomllib", "json", "csv", "pathlib", "xt.collect.metric_log", "xt.collect.documents"}
print(*(heavy & set(sys.modules)))
specs = [metric_spec(text) for text in ("a=m.yaml:a", "b=r.csv:b", "c=log:x")]
prepare(RunRequest(command=["x"], cwd="/", metrics=specs), ["m.toml"])
print(*sorted(heavy & set(sys.modules)))
"""
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    bare, prepared = done.stdout.split("\n")[:2]
    assert bare == ""
    assert {"yaml", "tomllib", "json", "csv", "xt.collect.metric_log", "xt.collect.documents"} <= set(
        prepared.split()
    )


def test_prepare_takes_any_request(tmp_path):
    prepare(
        RunRequest(command=["x"], cwd="/", metrics=[metric_spec("a=m.json"), metric_spec("b=log:x")]),
        ["*.jsonl"],
    )
