"""What `--help` writes, and `xt help`."""

from __future__ import annotations

import re
import shlex

import pytest
import typer

from tests.at_once import call
from xt.cli.app import COMMANDS, build
from xt.cli.examples import EXAMPLES
from xt.cli.fast import spelled_out
from xt.cli.helping import SECTIONS


@pytest.mark.parametrize("name", COMMANDS.rows)
def test_help_shows_examples_that_can_be_typed(name, tmp_path):
    """Its options are there; no range, type or bracket of the parser is shown."""
    code, out, _ = call(["help", name], str(tmp_path), {"COLUMNS": "80"})
    text = out.decode()
    assert code == 0
    assert text.startswith(f"Usage: xt {name} [OPTIONS]")
    assert not re.search(r"<str>|<int|x[<>]=|<=x|[{}]|\[required\]", text), text
    command = typer.main.get_command(build([name])).commands[name]
    for typed, _ in EXAMPLES[name]:
        assert typed in text
        words = shlex.split(typed)
        assert words[:2] == ["xt", name]
        command.make_context(name, spelled_out(words[2:]) if name == "run" else words[2:])


def test_all_commands_are_listed_by_what_they_are_for(tmp_path):
    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(COMMANDS.rows)
    for columns in (80, 40):
        _, out, _ = call([], str(tmp_path), {"COLUMNS": str(columns)})
        lines = out.decode().splitlines()
        assert max(map(len, lines)) <= columns
        assert not [line for line in lines if line.endswith("...") and "[ARGS]..." not in line]
        assert {line.split()[0] for line in lines if line.startswith("  ")} >= set(COMMANDS.rows)
