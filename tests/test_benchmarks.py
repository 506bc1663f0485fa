"""The benchmarks run, judge rightly and keep what was written by hand; how fast anything is, nobody asks."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import page, rows
from tests.benchmarks.cases import CASES
from tests.benchmarks.cases.peers import Peer, find, version
from tests.benchmarks.clock import FailedError, Sample, Series, Spread, Step, paired, process, rounds
from tests.benchmarks.rows import Row

ROOT = Path(__file__).resolve().parent.parent


def series(*walls):
    return Series([Sample(wall, 0.0, 0) for wall in walls])


def test_a_figure_is_computed_within_a_round():
    slow_machine = paired(lambda xt, bare: xt - bare, series(1.1, 9.1, 2.1), series(1.0, 9.0, 2.0))
    assert slow_machine.median == pytest.approx(0.1)
    assert slow_machine.high == pytest.approx(0.1)


def test_steps_take_turns_and_the_first_rounds_do_not_count():
    order = []
    steps = [
        Step(name, lambda name=name: order.append(name) or Sample(1.0, 0.0, 0), lambda: order.append("ready"))
        for name in "ab"
    ]
    found = rounds(steps, 2, warm=1)
    assert order == ["ready", "a", "ready", "b"] * 3
    assert {name: len(one.samples) for name, one in found.items()} == {"a": 2, "b": 2}


def test_a_command_that_fails_is_no_sample(tmp_path):
    run = process(
        ["sh", "-c", "echo wrong >&2; exit 3"], dict(os.environ), str(tmp_path), f"{tmp_path}/stderr"
    )
    with pytest.raises(FailedError, match=r"ended with 3: wrong"):
        run()


@pytest.mark.parametrize(
    ("value", "unit", "target", "said"),
    [
        (0.100, "ms", 100, "met"),
        (0.112, "ms", 100, "missed by 12.0 ms"),
        (1.75, "×", 1.5, "missed by 0.25×"),
        (99e6, "MB", 100, "met"),
        (1.0, "s", None, ""),
    ],
)
def test_the_verdict(value, unit, target, said):
    assert rows.verdict(Row("it", Spread(value, value, value), unit, target)) == said


def test_a_verdict_says_when_the_machine_was_busy():
    assert rows.verdict(Row("it", Spread(2.0, 1.0, 3.0), "×", 1.5)) == "missed by 0.50×, met in a quarter"


def test_the_page_keeps_what_was_written_by_hand():
    row = Row("a | b", Spread(2.0, 1.0, 3.0), "×", 1.5, missed="because")
    table = page.markdown([("Heading", [row])], ["a machine"])
    old = f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n"
    new = page.put(old, table)
    assert new.startswith(f"before\n{page.BEGIN}\na machine")
    assert new.endswith(f"{page.END}\nafter\n")
    assert (
        "| a \\| b | 2.00× | 1.00 – 3.00 | ≤ 1.50× | **missed by 0.50×, met in a quarter** |  |  | because |"
        in new
    )
    assert "old" not in new
    assert page.put(new, table) == new
    with pytest.raises(ValueError, match="measured"):
        page.put("nothing", table)


def test_a_miss_that_no_case_explains_is_said_for_a_faster_machine():
    python = Row(page.PYTHON, Spread(0.0194, 0.0194, 0.0194), "ms")
    slow = Row("it", Spread(0.3, 0.3, 0.3), "ms", 200)
    table = page.markdown([("Limits", [python]), ("Case", [slow])], ["a machine"])
    assert "**missed by 100 ms** |  |  | Python starts in 19.4 ms here; where it starts in 9.7 ms" in table
    assert "that would be 150 ms |" in table


def test_the_page_says_which_cases_there_are():
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    listed = re.search(r"# one of: (.*?)\npython", text, re.S).group(1)
    assert set(listed.replace("#", " ").split()) == set(CASES)
    for name, (_, module) in CASES.items():
        assert callable(importlib.import_module(f"tests.benchmarks.cases.{module}").measure), name


def test_peers_are_looked_for_where_it_is_said(tmp_path):
    tool = Peer("Tool", "some-tool", lambda project: [])
    assert find(tool, []) == (None, "not installed")
    program = tmp_path / "some-tool"
    program.write_text("#!/bin/sh\necho some-tool 1.2.3\n")
    program.chmod(0o755)
    assert find(tool, [str(tmp_path)]) == (str(program), "")
    assert version(tool, str(program)) == "1.2.3"
    needy = tool._replace(also="no-such-program")
    assert find(needy, [str(tmp_path)]) == (None, "`no-such-program` is not installed, which it needs")
    module = Peer("Module", os.path.basename(sys.executable), lambda project: [], needs="no_such_module")
    assert find(module, [os.path.dirname(sys.executable)])[0] is None


def test_the_page_has_the_markers():
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert text.count(page.BEGIN) == text.count(page.END) == 1


@pytest.mark.skipif(not os.access(Path(sys.executable).parent / "xt", os.X_OK), reason="xt is not installed")
def test_the_one_command_runs(tmp_path):
    words = ["--quick", "--only", "start", "--only", "code", "--dir", tmp_path]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "`xt run" in done.stdout
    assert os.listdir(tmp_path) == []
