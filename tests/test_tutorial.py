"""What the pages show is what happens: their blocks are run, and what they print is compared."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import pages

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
RUN = [DOCS / "tutorial.md", *sorted((DOCS / "how-to").glob("*.md"))]

#: Pages whose commands need more than xt itself, and the module by which it is seen.
NEEDS = {"sign": "cryptography"}

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="pages are run by bash")


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_the_page_is_true(page, tmp_path):
    if page.stem in NEEDS:
        pytest.importorskip(NEEDS[page.stem], reason="what the page needs is not installed")
    folder = tmp_path / "here"
    folder.mkdir()
    steps = pages.steps(page.read_text())
    assert steps
    world = pages.world(tmp_path)
    if "import xt" in page.read_text():
        pages.install(tmp_path)
    shown = pages.play([step.command for step in steps], folder, world)
    found = pages.differences(steps, shown)
    assert not found, f"{page.name}, " + f"\n\n{page.name}, ".join(found)


def readme_blocks() -> dict[str, list[str]]:
    """The `sh` blocks of the README, by heading."""
    text = (ROOT / "README.md").read_text()
    sections = re.split(r"^## (.+)\n", text, flags=re.M)
    return {
        head: [step.command for step in pages.steps(body)]
        for head, body in zip(sections[1::2], sections[2::2], strict=True)
    }


def test_the_commands_of_the_readme_work(tmp_path):
    """All but the installation, which needs a network; here xt and NumPy are what runs the tests."""
    pytest.importorskip("numpy")
    clone = tmp_path / "clone"
    clone.mkdir()
    shutil.copytree(DOCS / "examples", clone / "docs" / "examples", ignore=shutil.ignore_patterns(".xt"))
    shutil.copy(ROOT / ".gitignore", clone)
    subprocess.run("git init -q && git add . && git commit -qm all", shell=True, cwd=clone, check=True)
    commands = []
    installs = 0
    for head, blocks in readme_blocks().items():
        if head == "Tests":
            continue
        for block in blocks:
            changed, count = re.subn(r"\Apython3 -m venv .*? pip install [^&]*&&\s*", "", block, flags=re.S)
            installs += count
            commands.append(changed)
    assert installs == 1
    shown = pages.play(commands, clone, pages.world(tmp_path, os.path.dirname(sys.executable)))
    for command, really in zip(commands, shown, strict=True):
        assert really.status == 0, f"{command}\n" + "\n".join(really.lines)
    first = "\n".join(shown[0].lines)
    assert "epoch 20/20" in first
    assert re.search(r"^xt: [k-z]{4} ok in .* val/acc 0\.9", first, re.M)
    assert re.search(r"^  inputs +data +data/digits\.csv\.gz", first, re.M)


def test_the_readme_s_test_command_is_what_ci_runs():
    (command,) = readme_blocks()["Tests"]
    assert "'.[test,integrations]'" in command
    assert "-m pytest" in command
    assert "## Tests" in (ROOT / ".ci" / "run").read_text()


# --- the judge itself --------------------------------------------------------------------------------


def judged(page: str, *really: tuple[str, int]) -> list[str]:
    shown = [pages.Shown(text.splitlines(), status) for text, status in really]
    return pages.differences(pages.steps(page), shown)


def console(*lines: str) -> str:
    return "```console\n" + "".join(f"{line}\n" for line in lines) + "```\n"


def test_what_may_differ_does():
    page = console(
        "$ a", "xt: kwpz ok in 1.2 s · loss 0.5", "run kwpz nopqrstuvwxy", "seal " + "0" * 64, "…", "end"
    )
    page += console("$ b", "xt: nrqs repeats kwpz (2 min ago)")
    first = "xt: llmm ok in 34 ms · loss   0.5\nrun llmm nopqrstuvwzz\nseal " + "f" * 64 + "\nx\n\ny\nend"
    assert judged(page, (first, 0), ("xt: oooo repeats llmm (just now)", 0)) == []
    assert judged(page, (first, 0), ("xt: oooo repeats oooo (just now)", 0)), "another run than above"
    assert judged(page, (first.replace("0.5", "0.6"), 0), ("xt: oooo repeats llmm (just now)", 0))
    assert judged(page, (first.replace("end", "END"), 0), ("xt: oooo repeats llmm (just now)", 0))


def test_what_is_left_out_or_added_is_noticed():
    assert judged(console("$ a", "one", "two"), ("one", 0))
    assert judged(console("$ a", "one"), ("one\ntwo", 0))
    assert judged(console("$ a"), ("one", 0))
    assert judged(console("$ a"), ("", 0)) == []


def test_a_failure_that_is_not_told_is_noticed():
    assert judged(console("$ a"), ("", 1))
    assert judged(console("$ a", "$ echo $?", "1"), ("", 1), ("1", 0)) == []


def test_commands_are_run_in_one_shell_on_a_terminal(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    commands = [
        "cd ..; X=1; false",
        'echo "$? $X $(basename "$PWD")"',
        "test -t 0 -a -t 1 -a -t 2",
        "cat <<'EOF'\n$X\nEOF",
    ]
    shown = pages.play(commands, folder, dict(os.environ))
    assert [really.status for really in shown] == [1, 0, 0, 0]
    assert [really.lines for really in shown] == [[], [f"1 1 {tmp_path.name}"], [], ["$X"]]
