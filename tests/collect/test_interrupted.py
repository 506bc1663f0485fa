"""An interruption while git stores the code."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

from tests.conftest import SOURCE

#: Stands for git that stores much: it says when it is asked to, and goes on until it is stopped.
SLOW = """#!/bin/sh
case " $* " in *" update-index --add "*) echo asked >> "{asked}"; exec sleep 100;; esac
exec {git} "$@"
"""


def test_an_interruption_of_xt_alone_ends_git_and_nothing_is_tried_again(folder, tmp_path):
    """Git gets no Ctrl-C of its own here; when one of several files fails, each half of them is tried."""
    asked = tmp_path / "asked"
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").write_text(SLOW.format(asked=asked, git=shutil.which("git")))
    (programs / "git").chmod(0o755)
    for name in ("a.py", "b.py", "c.py"):
        folder.write(name, "print(1)\n")
    call = "import sys; sys.argv[0] = 'xt'; from xt.cli.main import main; main()"
    job = subprocess.Popen(
        [sys.executable, "-c", call, "run", "--", "touch", "started"],
        cwd=folder.path,
        env={**os.environ, "PYTHONPATH": SOURCE, "PATH": f"{programs}:{os.environ['PATH']}"},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        while not asked.exists():
            assert job.poll() is None
            time.sleep(0.01)
        job.send_signal(signal.SIGINT)
        _, said = job.communicate(timeout=60)
    finally:
        job.kill()
    # Died of it, as the command would have: a shell's loop of runs ends only so.
    assert (job.returncode, said) == (-signal.SIGINT, b"xt: interrupted\n")
    assert asked.read_text() == "asked\n"
    assert not (folder.path / "started").exists()
    assert os.listdir(folder.path / ".xt/live") == []
