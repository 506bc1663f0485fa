"""`xt.log`: what a program sends is what is recorded; a program is never hurt by it."""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import threading
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xt
from tests.conftest import SOURCE
from xt.api import sending
from xt.collect.metric_lines import point


@pytest.fixture
def sent(tmp_path, monkeypatch):
    """Lines as `xt run` understands them."""
    monkeypatch.setattr(sending, "_warned", False)
    monkeypatch.setattr(sending, "_torn", False)
    path = tmp_path / "metrics.jsonl"
    monkeypatch.setenv("XT_METRICS", str(path))

    def read():
        lines = path.read_bytes().splitlines(keepends=True)
        path.unlink()
        assert all(line.endswith(b"\n") for line in lines)
        return [point(line) for line in lines]

    read.path = path
    return read


def test_by_name_or_as_a_dict(sent):
    xt.log(loss=0.5, n=3, step=7)
    xt.log({"val/acc": 0.9, "ünï": 1}, acc=2, labels={"digit": 8, "deep": True})
    loss, n, acc, odd, plain = sent()
    assert loss == ("loss", 0.5, 7, {})
    assert n == ("n", 3, 7, {}) and isinstance(n.value, int)
    assert acc == ("val/acc", 0.9, None, {"digit": "8", "deep": "true"})
    assert (odd.name, plain.name) == ("ünï", "acc")
    xt.log()
    xt.log({})
    assert not sent.path.exists()


def test_whatever_has_a_number_is_one(sent):
    class Tensor:
        """As PyTorch's and JAX's behave."""

        def __init__(self, value):
            self.value = value

        def item(self):
            return self.value

        def __float__(self):
            return float(self.value)

    xt.log(
        a=np.float32(0.5), b=np.int64(3), c=np.array([7]), d=Tensor(2), e=Decimal("0.25"), f=Fraction(1, 2)
    )
    xt.log(g=np.float64("nan"), h=float("inf"), i=-math.inf, step=np.int64(4))
    read = sent()
    assert [one.value for one in read[:6]] == [0.5, 3, 7, 2, 0.25, 0.5]
    assert [type(one.value) for one in read[1:4]] == [int, int, int]
    assert [one.value.special for one in read[6:]] == ["nan", "inf", "-inf"]
    assert read[6].step == 4


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ({"loss": "0.5"}, TypeError),
        ({"loss": None}, TypeError),
        ({"loss": True}, TypeError),
        ({"loss": np.bool_(True)}, TypeError),
        ({"loss": 1j}, TypeError),
        ({"loss": [1]}, TypeError),
        ({"loss": np.array(["a"])}, TypeError),
        ({"loss": np.array([1, 2])}, ValueError),
        ({"loss": 10**400}, ValueError),
        ({"loss": 1, "step": "3"}, TypeError),
        ({"loss": 1, "step": math.nan}, ValueError),
        ({"loss": 1, "labels": "digit=8"}, TypeError),
        ({"loss": 1, "labels": {8: "digit"}}, TypeError),
        ({"loss": 1, "labels": {"digit": None}}, TypeError),
        ({"x" * 70_000: 1}, ValueError),
    ],
)  # fmt: skip
@pytest.mark.parametrize("inside", [True, False])
def test_what_makes_no_sense_is_an_error_inside_a_run_and_outside(sent, monkeypatch, words, error, inside):
    if not inside:
        monkeypatch.delenv("XT_METRICS")
    with pytest.raises(error):
        xt.log(**words)
    assert not sent.path.exists()


def test_dicts_that_make_no_sense(sent):
    for values, error in (([1], TypeError), ({1: 2}, TypeError), ({"": 2}, ValueError)):
        with pytest.raises(error):
            xt.log(values)
    with pytest.raises(ValueError, match="`a` is given twice"):
        xt.log({"a": 1}, a=2)
    with pytest.raises(TypeError, match="`loss` is no number: numpy"):
        xt.log(loss=np.array(None))
    assert not sent.path.exists()


def test_outside_a_run_nothing_happens(tmp_path, monkeypatch, capfd):
    monkeypatch.delenv("XT_METRICS", raising=False)
    monkeypatch.chdir(tmp_path)
    xt.log(loss=1)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@settings(deadline=None)
@given(
    st.text(min_size=1, max_size=20),
    st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)
def test_any_name_and_number_arrives(tmp_path_factory, name, value, labels):
    path = tmp_path_factory.getbasetemp() / f"any-{os.getpid()}.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XT_METRICS", str(path))
        xt.log({name: value}, labels=labels)
    (line,) = path.read_bytes().splitlines(keepends=True)
    path.unlink()
    read = point(line)
    assert (read.name, read.value, read.labels) == (name, value, labels)
    assert type(read.value) is type(value)


def test_threads_and_processes_do_not_mix_their_lines(sent):
    program = "import xt\nfor step in range(300): xt.log({'from/' + 'x' * 2000: 1}, step=step)"
    environ = {**os.environ, "PYTHONPATH": SOURCE}
    others = [subprocess.Popen([sys.executable, "-c", program], env=environ) for _ in range(2)]

    def many():
        for step in range(300):
            xt.log(a=step, b=step, step=step)

    threads = [threading.Thread(target=many) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait() for other in others] == [0, 0]
    read = sent()
    assert None not in read
    assert len(read) == 2 * 300 + 3 * 600
    assert sorted(one.step for one in read if one.name == "a") == sorted([*range(300)] * 3)


def test_a_full_disk_is_told_once_and_harms_nobody(sent, monkeypatch, capfd):
    monkeypatch.setenv("XT_METRICS", "/dev/full")
    xt.log(loss=1)
    xt.log(loss=2)
    assert capfd.readouterr().err == "xt: warning: metrics are not recorded: No space left on device\n"


def test_a_line_that_was_cut_spoils_no_other(sent, tmp_path):
    """The limit of a file's size stands in for a disk that fills up and is freed again."""
    program = (
        "import resource, signal, xt\n"
        "xt.log(a=1)\n"
        "hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40, hard))\n"
        "xt.log(b=2); xt.log(c=3)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))\n"
        "xt.log(d=4)\n"
    )
    if resource.getrlimit(resource.RLIMIT_FSIZE)[1] != resource.RLIM_INFINITY:
        pytest.skip("the size of files is limited here: what happens at a limit is not tried")
    environ = {**os.environ, "PYTHONPATH": SOURCE}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert "in part only" in done.stderr
    read = sent()
    assert [one.name for one in read if one] == ["a", "d"]
    assert len(read) == 3


def test_nothing_to_write_to_harms_nobody(sent, monkeypatch, capfd, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for place in (tmp_path / "none" / "metrics", tmp_path, tmp_path / "fifo"):
        monkeypatch.setattr(sending, "_warned", False)
        monkeypatch.setenv("XT_METRICS", str(place))
        xt.log(loss=1)
        assert "xt: warning: metrics are not recorded: " in capfd.readouterr().err
    monkeypatch.setattr(sending, "_warned", False)
    monkeypatch.setattr(sys, "stderr", None)
    xt.log(loss=1)


def test_it_is_recorded(folder):
    folder.write(
        "train.py",
        "import os, xt\nfor step in range(3): xt.log(loss=1 / (step + 1), step=step)\n"
        "xt.log({'acc': 0.9}, labels={'digit': 8})\nif os.fork() == 0:\n"
        "    xt.log(child=1)\n    os._exit(0)\n"
        "os.wait()\n",
    )
    assert folder.run("--", sys.executable, "train.py").code == 0
    with xt.open(folder.path) as store:
        run = store.run()
        assert run.metrics == {"loss": 1 / 3, "acc{digit=8}": 0.9, "child": 1}
        assert run.series("loss") == ([0, 1, 2], [1, 0.5, 1 / 3])
    assert json.dumps(run.metrics)
