"""Run one command with variations or pins in force, each trial in a workspace and a process of its own.

    python surrounded.py '{"table": "pins", "trials": [[], ["clock"]], "project": "/p", "cache": "/c",
                           "argv": ["./prog"], "output": "out.txt", "environ": {}}'

Prints a JSON list: of each trial what was done, `impossible` with the reasons, the exit code, and the
output in hex. With `times` it is a list of each trial, which is made so often, unless outputs differ before.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import traceback

from xt.execute import mounts
from xt.execute.spawn import start
from xt.execute.vary import PINS, VARIATIONS, Around, ImpossibleError
from xt.execute.vary.enter import enter


def main(wanted: dict) -> list:
    if "times" not in wanted:
        return [apart(wanted, names) for names in wanted["trials"]]
    return [repeated(wanted, names) for names in wanted["trials"]]


def repeated(wanted: dict, names: list[str]) -> list[dict]:
    done: list[dict] = []
    while len(done) < wanted["times"] and len({each["output"] for each in done}) < 2:
        done.append(apart(wanted, names))
    return done


def apart(wanted: dict, names: list[str]) -> dict:
    """Make one trial in a child, for a process that was entered is good for one run."""
    reader, writer = os.pipe()
    with tempfile.TemporaryDirectory(prefix="trial-") as folder:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.write(writer, json.dumps(trial(wanted, names, folder)).encode())
                status = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(writer)
        with open(reader, "rb") as file:
            said = file.read()
        assert os.waitpid(pid, 0)[1] == 0
    return json.loads(said)


def trial(wanted: dict, names: list[str], folder: str) -> dict:
    table = PINS if wanted["table"] == "pins" else VARIATIONS
    os.mkdir(f"{folder}/scratch")
    around = Around({**os.environ, **wanted["environ"]}, f"{folder}/scratch", wanted["cache"])
    around.started = 1_700_000_000
    did, impossible = {}, {}
    for name in names:
        try:
            did[name] = table.get(name)(around)
        except ImpossibleError as error:
            impossible[name] = str(error)
    workspace = f"{folder}/{around.folder_name or os.path.basename(wanted['project'])}"
    shutil.copytree(wanted["project"], workspace, symlinks=True, copy_function=shutil.copy)
    if around.file_times is not None:
        for place, _, files in os.walk(workspace):
            for name in files:
                os.utime(f"{place}/{name}", (around.file_times, around.file_times))
    try:
        enter(around)
        there = workspace
        if around.moved:
            mounts.bind(workspace, wanted["project"], read_only=False)
            there = wanted["project"]
        os.chdir(there)
        pid = start(wanted["argv"], around.environ | around.added, {}, [], around.own_pids)
    except ImpossibleError as error:
        return {"did": did, "impossible": {"enter": str(error)}, "code": None, "output": None}
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    path = f"{workspace}/{wanted['output']}"
    output = None
    if os.path.exists(path):
        with open(path, "rb") as file:
            output = file.read().hex()
    return {"did": did, "impossible": impossible, "code": code, "output": output}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
