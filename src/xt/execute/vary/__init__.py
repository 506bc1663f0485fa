"""Variations and pins: ways to change what surrounds a command, or to hold it fixed, one thing at a time.

A variation is a function `vary(around: Around) -> str` that changes the surroundings and says what it did
(`PYTHONHASHSEED=1`), or raises `ImpossibleError` with the reason it cannot be done here. A pin is the same
for a suspect of nondeterminism. They write down what is wanted; `enter.enter` makes it so, for the process
it is called in, which is then good for one run only. Nothing here knows of stores or records.
"""

from __future__ import annotations

from xt.registry import Row, Table


class ImpossibleError(Exception):
    """It cannot be done here: a clause why, such as `libfaketime is not installed`."""


class Around:
    """What surrounds a command that is about to be repeated."""

    def __init__(self, environ: dict[str, str], scratch: str, cache: str | None = None) -> None:
        """Begin with the surroundings as they are meant to be.

        Args:
            environ: variables of the command as recorded; what is changed in it is recorded as the
                environment of the repeat.
            scratch: absolute path of an empty private folder for this repeat alone, removed after it.
            cache: absolute path of a private folder that outlives it, for what is compiled once; None:
                the scratch folder serves.
        """
        self.environ = environ
        self.scratch = scratch
        self.cache = cache or scratch
        self.added: dict[str, str] = {}
        """Variables that only the command gets and nothing of xt's own, such as LD_PRELOAD."""
        self.umask: int | None = None
        """As recorded, if that is written here before anything is varied; None: that of the process."""
        self.cpus: int | None = None
        """How many of the usable processors it may run on."""
        self.personality = 0
        """Bits for personality(2), such as ADDR_NO_RANDOMIZE."""
        self.namespaces: set[str] = set()
        """`network`, `host` (uts), `mount`: made by `enter`, for this process and the command."""
        self.hostname: str | None = None
        self.own_pids = False
        """Whether the command is the first process of a pid namespace of its own; see `execute.Job`."""
        self.folder_name: str | None = None
        """Name of the workspace's folder instead of the project's: the working path differs."""
        self.moved = False
        """Pin: whether the workspace is mounted over the recorded path, so that the path is the same."""
        self.file_times: int | None = None
        """Modification time of every file of the workspace, in seconds since 1970."""
        self.seed: int | None = None
        """Handed to the command as XT_SEED where the run declared none."""
        self.started: int | None = None
        """When the recorded run started, in seconds since 1970; a clock that is held begins then."""


#: In the order of the columns of `xt verify --vary all`.
VARIATIONS = Table(
    "variation",
    [
        Row("hashseed", "xt.execute.vary.variables:hashseed", "another seed of Python's string hashes"),
        Row(
            "threads",
            "xt.execute.vary.variables:threads",
            "another number of threads for OpenMP, BLAS and the like",
        ),
        Row("cpus", "xt.execute.vary.system:cpus", "fewer processors to run on"),
        Row("locale", "xt.execute.vary.locales:locale", "another language and sort order"),
        Row(
            "timezone",
            "xt.execute.vary.variables:timezone",
            "another timezone, where it is mostly another day",
        ),
        Row("clock", "xt.execute.vary.preloads:clock", "another date, more than a year on"),
        Row("umask", "xt.execute.vary.system:umask", "other permissions of new files"),
        Row(
            "home", "xt.execute.vary.variables:home", "another path of the home folder, with the same content"
        ),
        Row("hostname", "xt.execute.vary.system:hostname", "another name of the machine"),
        Row("path", "xt.execute.vary.system:path", "another working path"),
        Row("fileorder", "xt.execute.vary.preloads:fileorder", "files of a folder listed in reverse order"),
        Row("times", "xt.execute.vary.system:times", "other modification times of the files"),
        Row("environment", "xt.execute.vary.variables:environment", "a few KB of unused variables"),
        Row("network", "xt.execute.vary.system:network", "no network but the loopback"),
        Row("gpu", "xt.execute.vary.variables:gpu", "flags for deterministic GPU operations switched over"),
        Row("nogpu", "xt.execute.vary.variables:nogpu", "no GPU to be seen"),
        Row("memory", "xt.execute.vary.variables:memory", "other bytes in memory that was not initialised"),
        Row("addresses", "xt.execute.vary.system:addresses", "addresses of memory not randomised"),
    ],
)
#: Suspects of a diagnosis, the most specific first: of two that explain a difference the first is named.
#: What holds more than its own name says comes after what it holds besides:
#: `seed` (all entropy of the system) also holds hash seeds and the names of temporary files, so it is after
#: `hashseed`; `cpus` (one processor) also makes most libraries start one thread, so it is after `threads`;
#: `addresses` also holds what is left in memory where that is an address, so it is after `memory`; under
#: `network` a program may agree with itself because it fails every time, so it is last.
PINS = Table(
    "pin",
    [
        Row("hashseed", "xt.execute.vary.variables:pin_hashseed", "the order of sets and of what is hashed"),
        Row("seed", "xt.execute.vary.preloads:pin_seed", "random numbers that nothing seeds"),
        Row("clock", "xt.execute.vary.preloads:pin_clock", "the time of day, and time that was measured"),
        Row("threads", "xt.execute.vary.variables:pin_threads", "the order in which threads add up"),
        Row("cpus", "xt.execute.vary.system:pin_cpus", "what runs at once on several processors"),
        Row("gpu", "xt.execute.vary.variables:pin_gpu", "GPU operations that are not deterministic"),
        Row("memory", "xt.execute.vary.variables:pin_memory", "memory that is used uninitialised"),
        Row(
            "addresses", "xt.execute.vary.system:pin_addresses", "addresses of memory, and the order by them"
        ),
        Row("pid", "xt.execute.vary.system:pin_pid", "the number of the process"),
        Row(
            "fileorder",
            "xt.execute.vary.preloads:pin_fileorder",
            "the order in which a folder's files are listed",
        ),
        Row("times", "xt.execute.vary.system:pin_times", "the modification times of files"),
        Row("path", "xt.execute.vary.system:pin_path", "the working path"),
        Row("network", "xt.execute.vary.system:pin_network", "what comes over the network"),
    ],
)
