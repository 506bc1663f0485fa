"""The page of a comparison goes through a pager on a terminal, and nowhere else."""

from __future__ import annotations

import os

import pexpect
import pytest

from tests.conftest import SOURCE


@pytest.fixture
def compared(project):
    for word in ("one", "two"):
        assert project.run("-q", "--", "echo", word).code == 0
    return project


def on_terminal(project, *words, **variables):
    environ = {**os.environ, "PYTHONPATH": SOURCE, "TERM": "xterm", **variables}
    command, *rest = project.command("diff", "@~1", "@", *words)
    child = pexpect.spawn(command, rest, cwd=str(project.path), env=environ, timeout=60, dimensions=(50, 90))
    shown = child.read().decode()
    child.close()
    return child.exitstatus, shown


def test_the_pager_gets_the_page_with_its_colours(compared):
    status, shown = on_terminal(compared, XT_PAGER="cat > page; echo PAGED", PAGER="false")
    assert status == 0
    assert shown.strip() == "PAGED"
    page = (compared.path / "page").read_text()
    assert "Verdict:" in page
    assert "\x1b[" in page


def test_the_general_pager_comes_second(compared):
    assert on_terminal(compared, PAGER="cat > page; echo PAGED")[1].strip() == "PAGED"


@pytest.mark.parametrize("name", ["", "cat"])
def test_no_pager_when_none_is_wanted(compared, name):
    status, shown = on_terminal(compared, XT_PAGER=name, PAGER="echo PAGED")
    assert status == 0
    assert "Verdict:" in shown


def test_a_pager_that_is_not_there_costs_no_page(compared):
    status, shown = on_terminal(compared, XT_PAGER="no-such-pager")
    assert status == 0
    assert "Verdict:" in shown


def test_a_pager_that_is_left_early_is_no_error(compared):
    status, shown = on_terminal(compared, "--exit-code", XT_PAGER="head -n 1 >/dev/null; exit 0")
    assert status == 1
    assert "Broken" not in shown


def test_a_pipe_and_other_formats_have_none(compared):
    piped = compared.xt("diff", "@~1", "@", env={"XT_PAGER": "echo PAGED", "COLUMNS": "80"})
    assert b"Verdict:" in piped.out
    assert "Verdict" not in on_terminal(compared, "--json", XT_PAGER="echo PAGED")[1]
    assert "PAGED" not in on_terminal(compared, "--json", XT_PAGER="echo PAGED")[1]
