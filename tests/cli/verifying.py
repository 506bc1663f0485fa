"""What tests of `xt verify` share: verifications as values, and what must be left behind."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path

from tests.conftest import SOURCE
from tests.schemas import validator

#: Runs a piece of code that knows, as `n`, how many calls came before: 0 in the run, 1 in its first repeat.
TURN = """
import json, os, sys, time
counter, code = sys.argv[1:]
n = os.path.getsize(counter) if os.path.exists(counter) else 0
with open(counter, "a") as file:
    file.write(".")
def metric(**values):
    json.dump(values, open("metrics.json", "w"))
def cases(*rows):
    open("cases.jsonl", "w").write("".join(json.dumps(row) + "\\n" for row in rows))
exec(code)
"""
ACC = "[metrics.acc]\nabs = 0.02\n"
METRICS = ("-o", "metrics:metrics.json")
OUT = 'open("out.txt", "w").write'


def verified(folder, *words, reference="@", code=None, **more):
    """Verify, as JSON; every answer fits its schema."""
    done = folder.xt("verify", reference, "--json", *words, **more)
    assert done.out, done.err
    assert done.err == ""
    found = json.loads(done.out)
    validator("verify").validate(found)
    if code is not None:
        assert done.code == code
    return found["verifications"][-1]


def line(found, path):
    return next(line for line in found["lines"] if line["path"] == path)


def clean(folder):
    """No workspace is left, nothing is mounted and nothing goes on."""
    assert not [path for path in (folder.path / ".xt/work").glob("*") if path.suffix != ".lock"]
    assert str(folder.path) not in Path("/proc/self/mounts").read_text()
    wait_for(lambda: str(folder.path.parent) not in processes() and not trials(folder))


def trials(folder):
    """Processes of trials, and the one that begins them, that go on in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            ours = b"xt.cli.trial" in (process / "cmdline").read_bytes()
            if ours and str((process / "cwd").readlink()).startswith(str(folder.path)):
                found.append(int(process.name))
    return found


def processes():
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def events(folder):
    return list((folder.path / ".xt/events").rglob("*.verified.json"))


def lose_an_input(folder):
    """Record a run with an input that is not stored, and change it."""
    folder.sh("git init -q && echo data.csv > .gitignore && git add -A && git commit -qm one")
    folder.write("data.csv", "1,2\n")
    assert folder.run("-q", "-i", "data.csv", "--", "wc", "data.csv").code == 0
    folder.write("data.csv", "changed")


def started(folder, *words, env=None):
    return subprocess.Popen(
        folder.command(*words),
        cwd=folder.path,
        env={**os.environ, "PYTHONPATH": SOURCE, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def wait_for(met):
    end = time.monotonic() + 60
    while not met():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)
