"""The shortcut parser never disagrees with Typer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xt.cli.run
from xt.cli import fast
from xt.cli.app import invoke
from xt.errors import UsageError

OPTIONS = [*fast.VALUES, *fast.LISTS, *fast.FLAGS, *fast.OPTIONAL, "-C"]
ODD = [
    "--",
    "-",
    "--help",
    "-mwhy",
    "--name=x",
    "--see",
    "-qq",
    "--no",
    "-1",
    "--strict=1",
    "-x",
    "--reuse=any",
    "--reuse=verified",
    "--reuse=",
    "--reuse=x",
    "-qm",
    "-mC",
    "--reuses",
]
WORDS = st.sampled_from([*OPTIONS, *ODD, "true", "python", "a b", "", "x=1", "é", "run"])


@pytest.fixture
def typed(monkeypatch):
    """What Typer makes of words, as `fast.Words`, or the error."""

    def parse(arguments):
        seen = []
        monkeypatch.setattr(xt.cli.run, "execute", lambda words: seen.append(words) or 0)
        invoke(["run", *arguments])
        return seen[0] if seen else None

    return parse


@settings(max_examples=150, deadline=None)
@given(arguments=st.lists(WORDS, max_size=7))
def test_it_gives_what_typer_gives_or_gives_up(arguments):
    quick = fast.parse(arguments)
    if quick is None:
        return
    monkeypatch = pytest.MonkeyPatch()
    seen = []
    monkeypatch.setattr(xt.cli.run, "execute", lambda words: seen.append(words) or 0)
    try:
        invoke(["run", *arguments])
    finally:
        monkeypatch.undo()
    assert seen == [quick]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-mwhy", "true"], ["--name=x", "true"], ["-m"], ["--nope", "true"]]
)
def test_it_gives_up_on_what_it_does_not_know(arguments):
    assert fast.parse(arguments) is None


def test_both_know_all_options(typed):
    from typer.main import get_command

    from xt.cli.app import build

    command = get_command(build(["run"])).commands["run"]
    known = {word for param in command.params if param.param_type_name == "option" for word in param.opts}
    assert known == {*fast.VALUES, *fast.LISTS, *fast.FLAGS, *fast.OPTIONAL, "-C"}


@pytest.mark.parametrize(
    ("arguments", "reuse"),
    [
        (["--reuse", "-mwhy", "true"], "any"),
        (["-qm", "--reuse", "true"], None),
        (["-qm", "--reuse", "--reuse", "true"], "any"),
        (["-mC", "--reuse", "true", "--reuse"], "any"),
        (["-m--reuse", "true"], None),
        (["--purpose=x", "--reuse", "--", "--reuse"], "any"),
        (["--purpose=x", "--", "true", "--reuse"], None),
        (["--purpose", "--", "--reuse", "--name=x", "true"], "any"),
        (["--name=x", "true", "--reuse=verified"], None),
        (["--name=x", "--reuse=verified", "true"], "verified"),
    ],
)
def test_reuse_alone_is_one_of_its_own_options_and_no_word_of_the_command(typed, arguments, reuse):
    seen = typed(arguments)
    assert seen.asked.reuse == reuse
    assert seen.command[:1] == ["true"] or seen.command == ["--reuse"]


def test_an_unknown_option_is_wrong_usage(typed):
    with pytest.raises(UsageError, match="--nope"):
        typed(["--nope", "true"])
