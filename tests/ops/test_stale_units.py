"""The parts of `xt stale` that are dense: what counts as a change of Python code, and the order of a plan."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xt.model.recompute import DEFAULT, POINTS, counts, full
from xt.ops.stale.meaning import LARGEST, same_meaning
from xt.ops.stale.plan import Step, order

PROGRAM = b'''"""What it does."""
import os


def fit(x, rate=0.1):
    """Fit."""
    for step in range(10):
        x = x - rate * step  # descend
    return {"x": x, "path": os.sep}
'''


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"# descend", b"# go down, slowly"),
        (b"  # descend", b""),
        (b"import os\n\n\n", b"import os\n"),
        (b'"x": x', b"'x': x"),
        (b"x - rate * step", b"(x - (rate * step))"),
        (b"range(10)", b"range(\n        10,\n    )"),
        (b"0.1", b"1e-1"),
        (b"\n", b"\r\n"),
    ],
    ids=["comment", "no comment", "blank lines", "quotes", "parentheses", "line breaks", "spelling", "crlf"],
)
def test_comments_and_layout_change_nothing(before, after):
    assert before in PROGRAM
    assert same_meaning(PROGRAM, PROGRAM.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"0.1", b"0.2"),
        (b"0.1", b"1"),
        (b"range(10)", b"range(11)"),
        (b"Fit.", b"Fit it."),
        (b"What it does.", b"What it does"),
        (b"x - rate", b"x + rate"),
        (b"return {", b"yield {"),
        (b"step", b"stage"),
        (b"    return", b"        return"),
        (b'"x"', b'b"x"'),
    ],
)
def test_what_runs_otherwise_is_a_change(before, after):
    changed = PROGRAM.replace(before, after)
    ast.parse(changed)
    assert not same_meaning(PROGRAM, changed)


def test_what_does_not_parse_is_compared_byte_by_byte():
    for broken in (b"def (:\n", b"print 'two'\n", b"\xff\xfe", b"x = 1\0\n", b"(" * 100_000):
        assert same_meaning(broken, broken)
        assert not same_meaning(broken, broken + b"# a comment\n")
        assert not same_meaning(PROGRAM, broken)
    large = b"x = 1\n" * (LARGEST // 6 + 1)
    assert not same_meaning(large, large + b"\n")


@given(st.lists(st.sampled_from([b"\n", b"# note\n", b"x = 1\n", b"x = 2\n", b"if x:\n    y = x\n"])))
def test_lines_without_a_statement_can_be_anywhere(lines):
    bare = [line for line in lines if line[:1] not in (b"\n", b"#")]
    assert same_meaning(b"".join(lines), b"".join(bare))
    assert same_meaning(b"".join(bare), b"".join(lines))


def test_points_are_written_in_one_way():
    assert full(["harness", "code", "inputs.harness"]) == ["inputs.harness", "code"]
    assert counts("inputs.data", full(["inputs"]))
    assert counts("inputs.data", full(["data"]))
    assert not counts("inputs.data", full(["model", "code"]))
    assert not counts("hardware", full(["runtime"]))
    assert set(DEFAULT) < set(POINTS)


# --- the plan ----------------------------------------------------------------------------------------

RUNS = st.integers(0, 11).map(str)
steps = st.dictionaries(
    RUNS,
    st.tuples(st.frozensets(RUNS, max_size=4), st.booleans(), st.floats(0, 1e6)),
    max_size=12,
).map(lambda found: {run: Step(run, *rest) for run, rest in found.items()})


def circular(found):
    """Runs that need each other, and those that need one of these."""
    left = {run: set(step.needs & found.keys()) - {run} for run, step in found.items()}
    while free := [run for run, needs in left.items() if not needs & left.keys()]:
        for run in free:
            del left[run]
    return left


@given(steps)
def test_every_run_is_there_once(found):
    assert sorted(order(found)) == sorted(found)


@given(steps)
def test_what_is_needed_comes_before(found):
    late = circular(found)
    places = {run: at for at, run in enumerate(order(found))}
    for run, step in found.items():
        for other in step.needs & found.keys() - {run}:
            assert places[other] < places[run] or run in late


@given(steps)
def test_of_what_nothing_holds_up_the_least_work_comes_first(found):
    if circular(found):
        return
    done: set[str] = set()
    for run in order(found):
        free = [
            step
            for step in found.values()
            if step.run not in done and not (step.needs & found.keys() - {step.run}) - done
        ]
        assert (found[run].heavy, found[run].cost) == min((step.heavy, step.cost) for step in free)
        done.add(run)


def test_a_long_chain_is_no_deep_recursion():
    found = {str(at): Step(str(at), frozenset({str(at + 1)}), False, 1.0) for at in range(5_000)}
    assert order(found) == [str(at) for at in reversed(range(5_000))]
