"""Make repeats of one run and read their records; count them for whoever shows how far it is."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from xt.errors import XtError
from xt.model.result import Record
from xt.ops.away.fan import Fan
from xt.ops.repeat.wish import Wish
from xt.ops.verify.nursery import Nursery
from xt.ops.verify.trials import Answer, Trials
from xt.store import Store

#: Gets what is done (`repeating`, `diagnosing`), the run's id, steps done, and steps in all as far as known.
Step = Callable[[str, str, int, int], None]


class Count:
    """Trials done and to come, over all runs of one `xt verify`."""

    def __init__(self, step: Step, planned: int) -> None:
        """Begin.

        Args:
            step: told at each change, and now and then between.
            planned: trials there will be.
        """
        self._step = step
        self.done, self.planned = 0, planned
        self.suspects: tuple[int, int] | None = None
        """While a diagnosis goes on: suspects that were tried, and all. Trials for each nobody knows."""

    def tell(self, run_id: str) -> None:
        """Say how far it is."""
        if self.suspects is not None:
            self._step("diagnosing", run_id, *self.suspects)
        else:
            self._step("repeating", run_id, self.done, max(self.planned, self.done))


class Repeats:
    """Makes repeats of one run."""

    def __init__(
        self, store: Store, record: Record, nursery: Nursery, jobs: int, count: Count, fan: Fan | None = None
    ) -> None:
        """Prepare.

        Args:
            store: that has the run, and gets the repeats.
            record: the run.
            nursery: begins them.
            jobs: how many at a time.
            count: of all trials.
            fan: makes them elsewhere; None: they are made here.
        """
        self._store, self._run, self._count = store, record.id, count
        command = record.snapshot.command
        self._terminals = (command.stdout == "terminal", command.stderr == "terminal")
        self._trials = Trials(store.path, nursery, jobs, self._tell)
        self._fan = fan

    def make(
        self, wishes: Sequence[Wish], *, planned: bool = False
    ) -> Generator[tuple[int, Answer, Record | None]]:
        """Make them; a caller that has seen enough closes the iterator.

        Args:
            wishes: one for each.
            planned: whether they are counted among those to come already.

        Yields:
            In the order in which they end: number of the wish, the answer, and the record if there is one.
        """
        left = len(wishes)
        self._count.planned += 0 if planned else left
        making = (
            self._fan.run(iter(wishes), self._terminals, self._tell)
            if self._fan is not None
            else self._trials.run(iter(wishes), self._terminals)
        )
        try:
            for number, answer in making:
                left -= 1
                self._count.done += 1
                self._count.tell(self._run)
                yield number, *self._read(answer)
        finally:
            making.close()
            self._count.planned -= left

    def _tell(self) -> None:
        self._count.tell(self._run)

    def _read(self, answer: Answer) -> tuple[Answer, Record | None]:
        if answer.run is None:
            return answer, None
        try:
            return answer, self._store.record(answer.run)
        except XtError as error:  # it was damaged since
            return Answer(error=error.message, hint=error.hint, died=True), None

    def more(self, wishes: Sequence[Wish]) -> Generator[tuple[Answer, Record | None]]:
        """Make some that were not planned, for a diagnosis."""
        making = self.make(wishes)
        try:
            for _, answer, record in making:
                yield answer, record
        finally:
            making.close()
