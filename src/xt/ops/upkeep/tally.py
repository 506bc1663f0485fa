"""What is counted while a store is swept."""

from __future__ import annotations

from collections.abc import Callable

from xt.errors import XtError
from xt.model.upkeep import Kind
from xt.ops.sync.pool import Step
from xt.ops.upkeep.inventory import File

#: In the order in which they are told.
SORTS = (
    *("records", "contents", "code", "events", "runs in flight", "workspaces", "jobs"),
    *("temporary files", "trash", "caches"),
)
#: What went wrong is told so often, and then counted.
_TOLD = 5


class Tally:
    """One sweep: what went, what waits, what went wrong."""

    def __init__(self, step: Step, *, dry: bool) -> None:
        """Begin with nothing.

        Args:
            step: is told how far it is.
            dry: nothing is to be done.
        """
        self.step, self.dry = step, dry
        self._went: dict[str, list[int]] = {}
        self.waiting = [0, 0]
        """Files, and bytes of them."""
        self.newest = 0
        """The newest that waits: nanoseconds since 1970."""
        self.notes: list[str] = []
        self.failures = 0

    def take(self, sort: str, file: File, remove: Callable[[], bool]) -> bool:
        """Remove something, unless nothing is to be done; count it.

        Args:
            sort: one of `SORTS`.
            file: what goes.
            remove: does it; False when it stays after all.
        """
        if not self.dry:
            try:
                if not remove():
                    return False
            except (OSError, XtError) as error:
                why = error.message if isinstance(error, XtError) else error.strerror
                self.fail(f"`.xt/{file.name}` could not be removed: {why}")
                return False
        self.count(sort, file)
        return True

    def count(self, sort: str, file: File) -> None:
        """Count something that went."""
        went = self._went.setdefault(sort, [0, 0])
        went[0] += not file.is_folder
        # Of a file with several names the space is free when the last one is gone.
        went[1] += file.disk if file.is_folder or file.inode[2] <= 1 else 0

    def wait(self, file: File) -> None:
        """Count something that is too new."""
        self.waiting[0] += 1
        self.waiting[1] += file.disk
        self.newest = max(self.newest, file.mtime)

    def fail(self, text: str) -> None:
        """Say what went wrong."""
        self.failures += 1
        if self.failures <= _TOLD:
            self.notes.append(text)

    def freed(self) -> list[Kind]:
        """What went, by sort."""
        return [Kind(sort, *self._went[sort]) for sort in SORTS if sort in self._went]
