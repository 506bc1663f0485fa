"""The line that says what is being done before the command starts."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess

from tests.conftest import SOURCE


def said(project, tmp_path, *words: str, seconds: float, terminal: bool) -> bytes:
    """Standard error of a repeat whose git is slow."""
    here = tmp_path / "slow"
    here.mkdir(exist_ok=True)
    (here / "git").write_text(
        f'#!/bin/sh\ncase "$*" in *read-tree*) sleep {seconds};; esac\nexec {shutil.which("git")} "$@"\n'
    )
    (here / "git").chmod(0o755)
    env = {**os.environ, "PATH": f"{here}:{os.environ['PATH']}", "PYTHONPATH": SOURCE, "TERM": "xterm"}
    ours, theirs = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        project.command("rerun", "@", *words),
        cwd=project.path,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    found = b""
    try:
        while part := os.read(ours, 65536):
            found += part
    except OSError:
        pass  # the terminal's other end is closed
    os.close(ours)
    process.communicate()
    assert process.returncode == 0
    return found


def test_on_a_terminal_it_is_shown_and_erased(repeated, tmp_path):
    repeated.run("--", "true")
    text = said(repeated, tmp_path, seconds=1, terminal=True)
    line = "xt: making the workspace …".encode()
    assert line in text
    after = text.split(line)[-1]
    assert b"\r\x1b[K" in after
    assert "ok in" in after.split(b"\x1b[K")[-1].decode()


def test_in_a_pipe_and_with_quiet_it_is_not(repeated, tmp_path):
    repeated.run("--", "true")
    assert b"\x1b" not in said(repeated, tmp_path, seconds=1, terminal=False)
    assert said(repeated, tmp_path, "-q", seconds=1, terminal=True) == b""
