"""What differs in params, command and seed."""

from __future__ import annotations

import pytest

from tests import builders
from xt.model.snapshot import Param, Seed
from xt.ops.diff import settings


def params(**values):
    return [Param(name, value, "argv") for name, value in values.items()]


def test_params_are_compared_by_value():
    found = settings.params(params(lr=0.1, epochs=10, old=1), params(lr=0.05, epochs=10.0, new="x"))
    assert [(c.path, c.change, c.left, c.right) for c in found.children] == [
        ("params/lr", "changed", 0.1, 0.05),
        ("params/old", "removed", 1, None),
        ("params/new", "added", None, "x"),
    ]
    assert found.relation == "changed"


@pytest.mark.parametrize(("left", "right"), [(1, True), ("1", 1), ([1], [True]), (None, "null")])
def test_values_of_different_types_differ(left, right):
    assert settings.params(params(x=left), params(x=right)).relation == "changed"


def test_a_command_is_compared_word_by_word():
    left = builders.command("python", "train.py", "--lr", "0.1", "in.csv")
    right = builders.command("python", "train.py", "--lr", "0.1", "-v", "out.csv")
    found = settings.command(left, right, settings.params([], []))
    assert [(c.relation, c.left, c.right) for c in found.children] == [
        ("same", ["python", "train.py", "--lr", "0.1"], ["python", "train.py", "--lr", "0.1"]),
        ("changed", ["in.csv"], ["-v", "out.csv"]),
    ]
    assert found.relation == "changed"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["--lr", "0.1"], ["--lr", "0.05"]),
        (["--lr=0.1"], ["--lr=0.05"]),
        (["lr=0.1"], ["lr=0.05"]),
        (["+lr=0.1"], ["+lr=0.05"]),
    ],
)
def test_words_that_only_give_a_param_its_value_are_no_second_cause(before, after):
    changed = settings.params(params(lr=0.1), params(lr=0.05))
    left, right = (builders.command("python", "t.py", *words) for words in (before, after))
    assert settings.command(left, right, changed).relation == "same"


def test_a_word_beside_a_param_is_a_cause_of_its_own():
    changed = settings.params(params(lr=0.1), params(lr=0.05))
    left = builders.command("python", "t.py", "--lr", "0.1", "a")
    right = builders.command("python", "t.py", "--lr", "0.05", "b")
    assert settings.command(left, right, changed).relation == "changed"


def test_another_folder_and_another_program_are_causes():
    nothing = settings.params([], [])
    one = builders.command()
    other = builders.command(cwd="sub")
    assert settings.command(one, other, nothing).relation == "changed"
    found = builders.command(executable=one.executable.__class__("/bin/x", None, None, "unreadable"))
    assert settings.command(one, found, nothing).relation == "unknown"


def test_a_terminal_or_nothing_on_stdin_is_no_cause_and_a_file_is():
    nothing = settings.params([], [])
    at = {name: builders.command(stdin=name) for name in ("terminal", "null", "file")}
    assert settings.command(at["terminal"], at["null"], nothing).relation == "same"
    assert settings.command(at["terminal"], at["file"], nothing).relation == "changed"


def test_seeds():
    none, seven, eight = Seed(None, "none", {}), Seed(7, "declared", {}), Seed(8, "drawn", {})
    assert settings.seed(none, none).relation == "same"
    assert settings.seed(seven, Seed(7, "inherited", {})).relation == "same"
    assert settings.seed(seven, eight).relation == "changed"
    assert settings.seed(none, seven).relation == "changed"
