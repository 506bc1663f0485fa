"""What differs in params, command and seed."""

from __future__ import annotations

import pytest

from tests import builders
from xt.model.snapshot import Param, Seed
from xt.ops.diff import settings


def compared(left, right, same_recipe=False):
    return settings.params(left, right, same_recipe=same_recipe)


def command(left, right, changed, same_recipe=False):
    return settings.command(left, right, changed, same_recipe=same_recipe)


def params(**values):
    return [Param(name, value, "argv") for name, value in values.items()]


def test_params_are_compared_by_value():
    found = compared(params(lr=0.1, epochs=10, old=1), params(lr=0.05, epochs=10.0, new="x"))
    assert [(c.path, c.change, c.left, c.right) for c in found.children] == [
        ("params/lr", "changed", 0.1, 0.05),
        ("params/old", "removed", 1, None),
        ("params/new", "added", None, "x"),
    ]
    assert found.relation == "changed"


@pytest.mark.parametrize(("left", "right"), [(1, True), ("1", 1), ([1], [True]), (None, "null")])
def test_values_of_different_types_differ(left, right):
    assert compared(params(x=left), params(x=right)).relation == "changed"


def test_a_command_is_compared_word_by_word():
    left = builders.command("python", "train.py", "--lr", "0.1", "in.csv")
    right = builders.command("python", "train.py", "--lr", "0.1", "-v", "out.csv")
    found = command(left, right, compared([], []))
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
    changed = compared(params(lr=0.1), params(lr=0.05))
    left, right = (builders.command("python", "t.py", *words) for words in (before, after))
    found = command(left, right, changed)
    assert (found.relation, found.counted) == ("changed", False)


def test_a_word_that_happens_to_be_a_params_value_is_a_cause_of_its_own():
    changed = compared(params(epochs=10), params(epochs=20))
    left = builders.command("prog", "10", "--epochs", "10")
    right = builders.command("prog", "20", "--epochs", "20")
    found = command(left, right, changed)
    assert (found.relation, found.counted) == ("changed", True)


def test_masked_words_are_unknown_unless_the_recipe_vouches_for_them():
    left = builders.command("prog", "--api-key", "***", redacted=[2])
    nothing = compared([], [])
    assert command(left, left, nothing).relation == "unknown"
    assert command(left, left, nothing, same_recipe=True).relation == "same"
    masked = [Param("api_key", "***", "--param")]
    assert compared(masked, masked).relation == "unknown"
    assert compared(masked, masked, same_recipe=True).relation == "unknown"
    own = [Param("api-key", "***", "argv")]
    assert compared(own, own).relation == "unknown"
    assert compared(own, own, same_recipe=True).relation == "same"


def test_a_word_beside_a_param_is_a_cause_of_its_own():
    changed = compared(params(lr=0.1), params(lr=0.05))
    left = builders.command("python", "t.py", "--lr", "0.1", "a")
    right = builders.command("python", "t.py", "--lr", "0.05", "b")
    assert command(left, right, changed).relation == "changed"


def test_another_folder_and_another_program_are_causes():
    nothing = compared([], [])
    one = builders.command()
    other = builders.command(cwd="sub")
    assert command(one, other, nothing).relation == "changed"
    found = builders.command(executable=one.executable.__class__("/bin/x", None, None, "unreadable"))
    assert command(one, found, nothing).relation == "unknown"


def test_a_terminal_or_nothing_on_stdin_is_no_cause_and_a_file_is():
    nothing = compared([], [])
    at = {name: builders.command(stdin=name) for name in ("terminal", "null", "file")}
    assert command(at["terminal"], at["null"], nothing).relation == "same"
    assert command(at["terminal"], at["file"], nothing).relation == "changed"


def test_seeds():
    none, seven, eight = Seed(None, "none", {}), Seed(7, "declared", {}), Seed(8, "drawn", {})
    assert settings.seed(none, none).relation == "same"
    assert settings.seed(seven, Seed(7, "inherited", {})).relation == "same"
    assert settings.seed(seven, eight).relation == "changed"
    assert settings.seed(none, seven).relation == "changed"
