"""A sample of `python -m tests.faults`, which tries every call of xt that changes something."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import preload

if preload.missing() is not None:
    pytest.skip(f"no fault can be injected: {preload.missing()}", allow_module_level=True)
if shutil.which("git") is None:
    pytest.skip("git is not installed", allow_module_level=True)

#: Each of these is a hundred tests.
pytestmark = pytest.mark.timeout(600)
TOP = Path(__file__).resolve().parents[2]


def nothing_goes_wrong(*words: str, at_least: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", *words], cwd=TOP, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    last = done.stdout.splitlines()[-1:] or [""]
    assert done.returncode == 0, said
    assert last[0].endswith(" attempts, 0 went wrong"), said
    assert int(last[0].split()[0]) >= at_least, "most calls were not tried"


def test_killed_or_told_of_an_error_at_any_call_of_a_run():
    nothing_goes_wrong("--sample", "runs", at_least=130)


def test_killed_or_told_of_an_error_at_calls_of_other_writers():
    nothing_goes_wrong("--sample", "others", at_least=45)


def test_what_cannot_be_read_is_said_and_nothing_is_lost_or_taken_for_gone():
    """`python -m tests.faults --reading` lets every call fail of every command that reads or tidies."""
    nothing_goes_wrong("--sample", "readings", at_least=16)


def test_killed_with_the_processes_of_git():
    """By strace, a few calls of some hundred: `python -m tests.faults --strace` has them all."""
    traced = ["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=rename", "true"]
    if shutil.which("strace") is None or subprocess.run(traced, capture_output=True, check=False).returncode:
        pytest.skip("strace is not installed, or may not trace here")
    nothing_goes_wrong("--strace", "--call", "rename", "--every", "3", at_least=3)
