"""What each source of nondeterminism is called in a sentence, and what to do about it."""

from __future__ import annotations

from typing import NamedTuple


class Advice(NamedTuple):
    """For one source."""

    held: str
    """What is held fixed, for `with … held fixed`."""
    subject: str
    """What results depend on."""
    hint: str


#: By name of a pin, and of what pins stand for.
ADVICE = {
    "hashseed": Advice(
        "the seed of string hashes",
        "the order of sets and of hashes",
        "sort before writing, or set PYTHONHASHSEED=0",
    ),
    "seed": Advice(
        "entropy",
        "randomness that nothing seeds",
        "seed every generator, from XT_SEED, and declare it: --seed N",
    ),
    "temporary path": Advice(
        "entropy",
        "the name of a temporary file or folder",
        "keep names of temporary files out of what is written",
    ),
    "clock": Advice(
        "the clock",
        "the time of day or measured time",
        'keep times out of what is written, do not seed by them, or let them not count: ignore = ["/time"]',
    ),
    "threads": Advice(
        "the number of threads",
        "the order in which threads add up",
        "set OMP_NUM_THREADS=1, or declare what results may differ by",
    ),
    "cpus": Advice(
        "the number of processors",
        "what runs at once on several processors",
        "use one worker, order what workers return, or declare what results may differ by",
    ),
    "gpu": Advice(
        "the flags of the GPU libraries",
        "GPU operations that are not deterministic",
        "set CUBLAS_WORKSPACE_CONFIG=:4096:8 and the framework's deterministic mode",
    ),
    "memory": Advice(
        "the content of fresh memory",
        "memory that is used before it is set",
        "run it under valgrind or a sanitizer: it is a mistake in native code",
    ),
    "addresses": Advice(
        "the layout of memory",
        "addresses of memory",
        "do not order by, seed by, print or hash addresses (`id()`, `%p`)",
    ),
    "pid": Advice(
        "the number of the process",
        "the number of the process",
        "keep process numbers out of what is written, and do not seed by them",
    ),
    "fileorder": Advice(
        "the order in which files are listed",
        "the order in which files are listed",
        "sort what `os.listdir` and `glob` give",
    ),
    "times": Advice(
        "the times of files",
        "modification times of files",
        "do not order by, or write, modification times",
    ),
    "path": Advice("the path it runs in", "the path it runs in", "write paths relative to the project"),
    "network": Advice(
        "the network",
        "what comes over the network",
        "fetch it once, and declare the file as an input",
    ),
    "environment": Advice(
        "the environment",
        "the environment, which is not the recorded one",
        "`xt rerun --env recreate` builds the recorded environment",
    ),
    "locale": Advice("the locale", "language and sort order", "set LC_ALL=C.UTF-8 in the command"),
    "timezone": Advice("the time zone", "the time zone", "work in UTC"),
    "umask": Advice("the umask", "the umask", "set the modes of new files explicitly"),
    "home": Advice(
        "the home folder", "the home folder", "keep paths of the home folder out of what is written"
    ),
    "hostname": Advice(
        "the name of the machine", "the name of the machine", "keep the machine's name out of what is written"
    ),
    "nogpu": Advice(
        "GPUs", "whether a GPU is to be seen", "refuse to run without a GPU, instead of falling back"
    ),
}

#: Kind of text that differs (`compare.neutral`) → the pin to try first.
SOURCES = {"time": "clock", "epoch": "clock", "duration": "clock", "rate": "clock", "pid": "pid"}
SOURCES |= {"address": "addresses", "path": "seed", "uuid": "seed"}
