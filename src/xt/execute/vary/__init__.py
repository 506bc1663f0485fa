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

    def __init__(self, environ: dict[str, str], scratch: str) -> None:
        """Begin with the surroundings as they are meant to be.

        Args:
            environ: variables of the command as recorded; what is changed in it is recorded as the
                environment of the repeat.
            scratch: absolute path of an empty private folder for this repeat alone, removed after it.
        """
        self.environ = environ
        self.scratch = scratch
        self.added: dict[str, str] = {}
        """Variables that only the command gets and nothing of xt's own, such as LD_PRELOAD."""
        self.umask: int | None = None
        self.cpus: int | None = None
        """How many of the usable processors it may run on."""
        self.personality = 0
        """Bits for personality(2), such as ADDR_NO_RANDOMIZE."""
        self.namespaces: set[str] = set()
        """`network`, `host` (uts), `mount`: made by `enter`, for this process and the command."""
        self.hostname: str | None = None
        self.own_pids = False
        """Whether the command is the first process of a pid namespace of its own."""
        self.folder_name: str | None = None
        """Name of the workspace's folder instead of the project's: the working path differs."""
        self.moved = False
        """Pin: whether the workspace is to be mounted over the recorded path, so that both are one."""
        self.file_times: int | None = None
        """Modification time of every file of the workspace, in seconds since 1970."""
        self.seed: int | None = None
        """Handed to the command as XT_SEED where the run declared none."""


#: In the order of the columns of `xt verify --vary all`.
VARIATIONS = Table(
    "variation",
    [
        Row("hashseed", "xt.execute.vary.variables:hashseed", "another seed of Python's string hashes"),
    ],
)
#: Suspects of a diagnosis, the most specific first: of two that explain a difference the first is named.
PINS = Table(
    "pin",
    [
        Row("hashseed", "xt.execute.vary.variables:pin_hashseed", "the order of sets and of what is hashed"),
    ],
)
