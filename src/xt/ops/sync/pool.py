"""Many transfers at once; one thread waits for them, tells how far they are, and can be interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from xt.errors import RemoteError, WrongContentError, XtError

#: Transfers at a time.
JOBS = 8
#: Seconds between looks at the progress.
LOOK = 0.1

Item = TypeVar("Item")
Result = TypeVar("Result")
#: Takes what is done, how much of it, and of how many.
Step = Callable[[str, int, int], None]


class Pool:
    """Threads that transfer. Use `close` at the end."""

    def __init__(self, step: Step) -> None:
        """Begin.

        Args:
            step: is told how far it is, now and then, by the thread that waits.
        """
        self._step = step
        self._threads = ThreadPoolExecutor(JOBS, "xt-sync")

    def each(
        self, doing: str, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> list[tuple[Item, Result | XtError]]:
        """Do something with each of many; as `stream`, when all is done."""
        return list(self.stream(doing, function, items))

    def stream(
        self, doing: str, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result | XtError]]:
        """Do something with each of many, in no order, and give each as soon as it is done.

        Args:
            doing: what, for the progress.
            function: is called by many threads at once. It moves bytes and decodes nothing: msgspec prepares
                a type when it is first used, and two threads that do so at once end the process.
            items: what with.

        Yields:
            Each with what came of it: what was returned, or why it is wrong.

        Raises:
            RemoteError: the remote failed; what had been begun is waited for, the rest is not begun.
            OSError: the store cannot be written.
        """
        todo = list(items)
        total, done = len(todo), 0
        running: dict[Future[Result], Item] = {}
        failed: BaseException | None = None
        todo.reverse()
        self._step(doing, 0, total)
        try:
            while running or (todo and failed is None):
                while todo and failed is None and len(running) < 2 * JOBS:
                    item = todo.pop()
                    running[self._threads.submit(function, item)] = item
                ended, _ = wait(running, LOOK, FIRST_COMPLETED)
                for future in ended:
                    item = running.pop(future)
                    done += 1
                    try:
                        result: Result | XtError = future.result()
                    except WrongContentError as error:
                        result = error
                    except (RemoteError, OSError) as error:
                        failed = failed or error
                        continue
                    except XtError as error:
                        result = error
                    yield item, result
                self._step(doing, done, total)
        except BaseException:
            # Interrupted: nobody waits for what goes on; it is of no use any more, and harms nothing.
            self._threads.shutdown(wait=False, cancel_futures=True)
            raise
        if failed is not None:
            raise failed

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
