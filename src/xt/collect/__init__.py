"""Collectors: what is true before a command starts, and after it ended.

A collector is a function `collect(capture) -> value` for one field of the snapshot. It gets one
`Capture` and nothing else; what it cannot find out becomes a `Problem`, never an exception. The one
exception it may raise is `NotStartedError`, for what must prevent the start (a declared input is missing).
Implementations know nothing of each other, of the store or of the executor: they meet in `ops`.
"""

from __future__ import annotations

from typing import Any, Protocol

from xt.config import Settings
from xt.context import Outside
from xt.fsio import is_inside
from xt.model.files import Problem
from xt.model.request import RunRequest
from xt.redact import clean
from xt.registry import Row, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Folder of the store in which repeats run.
WORK = "work"


class Keeper(Protocol):
    """Where a collector puts bytes worth keeping. The store implements it."""

    def put_bytes(self, data: bytes) -> str:
        """Keep bytes; return their digest `blake3:<hex>`."""

    def put_file(self, path: str, told: Callable[[int], object] | None = None) -> tuple[str, int, bool]:
        """Keep a regular file, hashed once while it is copied.

        Args:
            path: of the file.
            told: gets bytes of a large file as they are done with.

        Returns:
            Digest, size in bytes, and whether the file changed while it was read (what is kept is
            then what was read, and the digest is of that).

        Raises:
            OSError: it cannot be read (ELOOP for a link, EINVAL for no regular file), or not kept.
        """

    def hold(self, digest: str) -> bool:
        """Whether the content is kept already; if so, it stays."""


class Amount:
    """How many bytes are to be read, and have been; who tells the user of it looks now and then."""

    def __init__(self) -> None:
        self.done = self.total = 0

    def add(self, count: int) -> None:
        """Count bytes that have been read."""
        self.done += count


class Waiting(Protocol):
    """Gets what is waited for, if that may take long, and an empty text when it is over."""

    def __call__(self, doing: str, amount: Amount | None = None) -> object:
        """Take it, with how much of it is done where that is known."""


def unsaid(doing: str, amount: Amount | None = None) -> None:
    """Tell nobody what is waited for."""


class Capture:
    """All that a collector gets."""

    def __init__(
        self,
        request: RunRequest,
        outside: Outside,
        root: str,
        store: str,
        settings: Settings,
        keep: Keeper,
        key: bytes,
    ) -> None:
        """Bring together one run's facts.

        Args:
            request: what the user asked for.
            outside: the world.
            root: absolute path of the project's root.
            store: absolute path of `.xt`; `store/cache` may be written freely, it is disposable.
            settings: of `xt.toml`.
            keep: where content goes.
            key: secret of this store, for keyed digests.
        """
        self.request = request
        self.outside = outside
        self.root = root
        self.store = store
        self.settings = settings
        self.keep = keep
        self.key = key
        self.problems: list[Problem] = []
        self.found: dict[str, Any] = {}
        """What earlier collectors of the table returned, by field; `code` is collected beside the others."""
        self.secrets: dict[str, str] = {}
        """What the command is given and no record may hold, by where it stands."""
        self.mask: Callable[[], Callable[[bytes], bytes]] | None = None
        """Makes what replaces these in bytes, for one thread; None where there are none."""
        self.amount = Amount()
        """Of the contents of inputs before the start, of outputs after the end."""
        self.noticed: dict[str, str] = {}
        """Further secrets that collectors came upon, to be masked in the record and in logs."""

        self.hidden: list[str] = []
        """Keyed digests of settings whose values are masked, for the recipe."""

    def in_store(self, path: str) -> bool:
        """Whether an absolute path is part of the store, and not of a workspace that a repeat runs in."""
        return is_inside(path, self.store) and not is_inside(path, f"{self.store}/{WORK}")

    def problem(self, where: str, message: str, hint: str | None = None) -> None:
        """Say that something was not captured, or with a doubt."""
        self.problems.append(Problem(where, clean(message), hint))


#: What looks at declared outputs before the start, and fills the result after the end.
AFTER = Table(
    "collector",
    [
        Row("declare", "xt.collect.outputs:declare", "declared outputs as they are before the start"),
        Row("outputs", "xt.collect.outputs:collect", "declared outputs, stored by content"),
        Row("prepare", "xt.collect.metrics:prepare", "what reading the declared metrics will need"),
        Row("metric files", "xt.collect.places:metric_files", "files of outputs of role `metrics`"),
        Row("metrics", "xt.collect.metrics:collect", "named numbers that came out"),
    ],
)
#: What fills the snapshot, by field.
BEFORE = Table(
    "collector",
    [
        Row("code", "xt.collect.code:collect", "the exact tree that runs"),
        Row("inputs", "xt.collect.inputs:collect", "declared inputs, by content"),
        Row("params", "xt.collect.params:collect", "named settings"),
        Row("facts", "xt.collect.facts:collect", "what is declared to be so"),
        Row("environment", "xt.collect.environment:collect", "interpreter, packages, machine, variables"),
        Row("seed", "xt.collect.seed:collect", "whether randomness was controlled"),
        Row("context", "xt.collect.context:collect", "who, where, why"),
    ],
)
