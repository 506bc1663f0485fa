"""What is looked at once the causes of a repeat are known, and before its command starts."""

from __future__ import annotations

from collections import Counter

from xt.context import Outside
from xt.errors import UnverifiableError
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_shown
from xt.ops.diff import code
from xt.ops.diff.code import Patch
from xt.ops.drift import drift
from xt.ops.repeat.wish import Wish
from xt.store import Store

#: Names of files and clauses that are told one by one.
TOLD = 6


class Checks:
    """The checks of one repeat, and what they found."""

    def __init__(self, store: Store, wish: Wish, recorded: Snapshot) -> None:
        """Prepare.

        Args:
            store: that has the run.
            wish: what was asked.
            recorded: causes of the run.
        """
        self._store, self._wish, self._recorded = store, wish, recorded
        self.drift: list[str] = []
        self.remarks: list[str] = []

    def check(self, now: Snapshot, outside: Outside) -> None:
        """Compare the causes of the repeat with the recorded ones.

        Args:
            now: causes of the repeat.
            outside: for git.

        Raises:
            UnverifiableError: an input is not the recorded one, or the environment under `--env strict`.
        """
        if self._wish.recompute:
            return  # it is done again for what differs
        if self._wish.environment == "docker" and self._recorded.environment.container.started_by is None:
            self.remarks.append(
                "its environment was recorded inside of the container, now it is from outside"
            )
        elif not self._wish.varied and not self._wish.pinned:
            self.drift = drift(self._recorded, now)
        if self.drift and self._wish.environment == "strict":
            raise UnverifiableError(
                f"the environment is not as recorded: {'; '.join(self.drift[:TOLD])}",
                "`--env recreate` builds it again; `--env check` goes on and says what differs",
            )
        self._inputs(now)
        self._code(now, outside)

    def _inputs(self, now: Snapshot) -> None:
        have = Counter((item.role, item.digest) for item in now.inputs)
        other = []
        for item in self._recorded.inputs:
            if item.digest is None:
                continue
            if have[item.role, item.digest]:
                have[item.role, item.digest] -= 1
            else:
                other.append(to_shown(from_text(item.path if item.path is not None else item.declared)))
        if not other:
            return
        names = ", ".join(f"`{name}`" for name in other[:TOLD]) + (" …" if other[TOLD:] else "")
        if not self._wish.in_place:
            why = next((item.reason for item in now.inputs if item.digest is None and item.reason), None)
            because = f" ({why})" if why else ""
            raise UnverifiableError(
                f"not the recorded content: {names}{because}", "`xt show` names what was recorded"
            )
        self.remarks.append(f"inputs that differ from the recorded ones: {names}")

    def _code(self, now: Snapshot, outside: Outside) -> None:
        """Say in which files the code differs: on purpose with `--set` in a file, and in place."""
        found = code.compare(self._store, self._recorded, now, Patch(False, False), outside)
        if found.relation == "same":
            return
        names = [child.path.removeprefix("code/") for child in found.children if child.relation != "same"]
        shown = ", ".join(f"`{name}`" for name in names[:TOLD]) + (" …" if names[TOLD:] else "")
        count = len(names) + found.more
        noun = "file" if count == 1 else "files"
        self.remarks.append(
            f"the code differs from the recorded one in {count} {noun}: {shown}"
            if names
            else f"whether the code is the recorded one is not known: {found.note}"
        )
