"""What each source of nondeterminism is called in a sentence, and what to do about it."""

from __future__ import annotations

from typing import NamedTuple


class Advice(NamedTuple):
    """For one source."""

    subject: str
    """What reaches the results, as the subject of a sentence."""
    hint: str


#: By name of a pin, and of what pins stand for.
ADVICE = {
    "hashseed": Advice(
        "the order of a set, or of what is keyed by hash,", "sort before writing, or set PYTHONHASHSEED=0"
    ),
    "seed": Advice(
        "randomness that nothing seeds", "seed every generator, from XT_SEED, and declare it: --seed N"
    ),
    "temporary path": Advice(
        "the name of a temporary file or folder", "keep temporary names out of what is written"
    ),
    "clock": Advice(
        "the time of day", 'keep times out of what is written, or let them not count: ignore = ["/time"]'
    ),
    "threads": Advice(
        "the order in which threads add up", "set OMP_NUM_THREADS=1, or declare what it may differ by"
    ),
    "cpus": Advice(
        "the order in which processors get to their work",
        "run it on one worker, or declare what it may differ by",
    ),
    "gpu": Advice(
        "GPU operations that are not deterministic",
        "set CUBLAS_WORKSPACE_CONFIG=:4096:8 and the framework's deterministic mode",
    ),
    "memory": Advice(
        "memory that is used before it is set",
        "run it under valgrind or a sanitizer: this is a mistake in native code",
    ),
    "addresses": Advice("addresses of memory", "do not order by, print or hash addresses (`id()`, `%p`)"),
    "pid": Advice("the number of the process", "keep process numbers out of what is written"),
    "fileorder": Advice("the order in which files are listed", "sort what `os.listdir` and `glob` give"),
    "path": Advice("the path it runs in", "write paths relative to the project"),
    "network": Advice("what comes over the network", "fetch it once, and declare the file as an input"),
    "environment": Advice(
        "the environment, which is not the recorded one,", "`xt rerun --env recreate` builds the recorded one"
    ),
    "input": Advice("an input that changed", "bring back the recorded content, or record a new run"),
    "locale": Advice("the language and sort order of the system", "set LC_ALL=C.UTF-8 in the command"),
    "timezone": Advice("the time zone", "work in UTC"),
    "umask": Advice("the permissions of new files", "set modes explicitly"),
    "home": Advice("the home folder", "keep paths of the home folder out of what is written"),
    "hostname": Advice("the name of the machine", "keep it out of what is written"),
    "times": Advice("modification times of files", "do not order by, or write, modification times"),
    "nogpu": Advice("whether a GPU is to be seen", "refuse to run without, instead of falling back"),
}

#: Kind of text that differs (`compare.neutral`) → the pin to try first.
SOURCES = {"time": "clock", "epoch": "clock", "duration": "clock", "rate": "clock", "pid": "pid"}
SOURCES |= {"address": "addresses", "path": "seed", "uuid": "seed"}
