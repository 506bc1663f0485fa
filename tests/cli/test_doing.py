"""What is said while inputs are hashed and outputs stored, on a terminal alone; and when it is cut short."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import termios

from tests.conftest import SOURCE

LINES = """
import json, os, signal, sys, time
from types import SimpleNamespace
from xt.cli import doing
from xt.render import progress

doing.BEFORE = doing.BETWEEN = 0.005
progress.BEFORE = 0
there = {"TERM": "xterm", "COLUMNS": "60"}

def armed(environ, quiet=False):
    line = doing.Doing(environ, quiet=quiet)
    line.tell("storing")
    timer = signal.getitimer(signal.ITIMER_REAL)[1] != 0
    line.close()
    return timer

def shown(amount):
    line = doing.Doing(there, quiet=False)
    line.tell("storing the outputs", amount)
    while not line._visible:
        time.sleep(0.005)
    line.close()
    os.write(2, b"|")

found = {
    "usual": armed(there),
    "quiet": armed(there, True),
    "dumb": armed(there | {"TERM": "dumb"}),
    "ci": armed(there | {"CI": "true"}),
}
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
found["blocked"] = armed(there)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
signal.setitimer(signal.ITIMER_REAL, 100)
line = doing.Doing(there, quiet=False)
line.tell("storing")
found["taken"] = signal.getitimer(signal.ITIMER_REAL)[1] != 0
line.close()
found["kept"] = signal.getitimer(signal.ITIMER_REAL)[0] > 0
signal.setitimer(signal.ITIMER_REAL, 0)
shown(None)
shown(SimpleNamespace(done=1_000_000, total=4_000_000))
shown(SimpleNamespace(done=0, total=0))
found["after"] = signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
print(json.dumps(found))
"""
MEDDLED = """
import json, os
from xt.cli import run
from xt.store.objects import Objects

told, put = [], Objects.put_file

def waiting(self, doing, amount=None):
    told.append((doing, amount))

def interrupted(self, path, *more):
    if path.endswith("two"):
        raise KeyboardInterrupt
    return put(self, path, *more)

end = run.end
run._Waiting.__call__ = waiting
def ending(report):
    with open("../told", "w") as file:
        json.dump([(doing, amount and [amount.done, amount.total]) for doing, amount in told], file)
    return end(report)

run.end = ending
Objects.put_file = interrupted
from xt.cli.main import main
main()
"""


def test_a_line_on_a_terminal_and_nothing_anywhere_else():
    leader, follower = os.openpty()
    termios.tcsetwinsize(follower, (24, 60))
    done = subprocess.run(
        [sys.executable, "-c", LINES],
        env=os.environ | {"PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
        stderr=follower,
        check=True,
    )
    os.close(follower)
    said = os.read(leader, 65536).decode().split("|")
    os.close(leader)
    silent = dict.fromkeys(("quiet", "dumb", "ci", "blocked", "taken"), False)
    assert json.loads(done.stdout) == {"usual": True, "kept": True, "after": True, **silent}
    assert said[0] == said[2] == "\r\x1b[Kxt: storing the outputs …\r\x1b[K"
    assert said[1].startswith("\r\x1b[Kxt: storing the outputs  1.0 MB of 4.0 MB\x1b[2m  0:00:00 left")
    assert said[1].endswith("\r\x1b[K")


def test_what_was_stored_before_an_interruption_is_kept_and_the_rest_named(folder):
    folder.write("in", "12345")
    words = ["run", "-i", "in", "-o", "one", "-o", "two", "-o", "metrics:m.json", "--"]
    command = ["sh", "-c", "echo 1 > one; echo 2 > two; echo '{\"n\": 1}' > m.json"]
    done = subprocess.run(
        [sys.executable, "-c", MEDDLED, *words, *command],
        cwd=folder.path,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    said = (
        "xt: warning: outputs: storing was interrupted: kept 1 of 3, not `two`, `m.json`"
        " (left where the command wrote it); no metrics were read\n"
    )
    assert (done.returncode, said in done.stderr.decode()) == (0, True)
    result = folder.record()["result"]
    assert result["status"] == "incomplete"
    kept = [(item["declared"], item["status"], item.get("reason")) for item in result["outputs"]]
    assert kept == [
        ("one", "stored", None),
        ("two", "skipped", "interrupted"),
        ("m.json", "skipped", "interrupted"),
    ]
    told = json.loads((folder.path.parent / "told").read_text())
    before, after = told.index(["", None]), told.index(["storing the outputs", [2, 4]])
    assert told[0] == ["hashing the inputs", [5, 5]]
    assert 0 < before < after and told[-1] == ["", None]
