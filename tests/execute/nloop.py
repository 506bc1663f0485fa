"""Run one command again and again, each time with an error of our own at the next call; say what came of it.

`nloop.py WHERE FOLDER`: WHERE is `pump`, the threads that carry streams, or `main`, the thread that waits.
Prints a line of JSON for each error that was injected.
"""

import json
import os
import sys

WHERE, FOLDER = sys.argv[1:]
SCRIPT = "echo 1; echo 2 >&2; head -c 70000 /dev/zero; sleep 0.01; echo 3; exit 7"


def main() -> None:
    from xt.execute import Job, pump
    from xt.execute import local as module

    said = os.dup(1)
    state = {"n": 0, "count": 0, "where": ""}

    def hook(frame, event, arg):
        # Not where errors are caught, which is in `local`, nor at the entry of a thread.
        code = frame.f_code
        inside = f"{os.sep}execute{os.sep}" in code.co_filename and code.co_filename != module.__file__
        if event == "call" and inside and code is not real_pump.__code__:
            state["count"] += 1
            if state["count"] == state["n"]:
                sys.setprofile(None)
                state["where"] = frame.f_code.co_qualname
                raise RuntimeError("injected")

    real_pump, real_start = pump.Pump._run, module._start

    def carried(self):
        sys.setprofile(hook)
        try:
            real_pump(self)
        finally:
            sys.setprofile(None)

    def started(*words):
        pid = real_start(*words)
        sys.setprofile(hook)  # from here on the command runs
        return pid

    if WHERE == "pump":
        pump.Pump._run = carried
    else:
        module._start = started
    missed = 0
    while missed < 3:
        state.update(n=state["n"] + 1, count=0, where="")
        out = os.open(f"{FOLDER}/out", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.close(out)
        err = os.open(f"{FOLDER}/err", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(err, 2)
        os.close(err)
        trouble = None
        try:
            ended = module.run(Job(["sh", "-c", SCRIPT], dict(os.environ), FOLDER, {}, 2.0, 0.25, 10**9))
        except BaseException as error:
            ended, trouble = None, repr(error)
        sys.setprofile(None)
        if not state["where"]:
            missed += 1
            continue
        line = {
            "where": state["where"],
            "trouble": trouble,
            "exit": ended and ended.exit_code,
            "out": os.stat(f"{FOLDER}/out").st_size,
            "err": os.stat(f"{FOLDER}/err").st_size,
            "problems": [problem.message for problem in ended.problems] if ended else [],
        }
        os.write(said, json.dumps(line).encode() + b"\n")


main()
