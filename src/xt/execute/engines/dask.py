"""Dask: tasks of a scheduler that is there already, however its workers came to be.

A worker of Dask is asked for nothing but `subprocess.call`: it needs no xt in its own interpreter. That a
task is done says little, because the scheduler gives a task whose worker died to another one: what counts
stands in the shared folder.
"""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import subprocess
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from xt.errors import EngineError, UsageError
from xt.execute.engines import State, Work

#: Seconds for the scheduler to answer.
LONG = 15.0
#: Status of a work that found that somebody else has it; see `xt.cli.worker`.
CLAIMED = 75


class Dask:
    """One client of a scheduler."""

    pause = 0.5

    def __init__(self, address: str, name: str, options: Sequence[str], environ: Mapping[str, str]) -> None:
        """Connect.

        Args:
            address: `//HOST:PORT`, or another that Dask knows, such as `tls://HOST:PORT`.
            name: begin of the keys of all tasks.
            options: there are none.
            environ: of the caller.

        Raises:
            UsageError: the address is none.
            EngineError: no scheduler answers there.
        """
        if options:
            raise UsageError(f"`{options[0]}`: Dask takes no options", "its workers are there already")
        where = f"tcp:{address}" if address.startswith("//") else address
        if not where.partition("://")[2]:
            raise UsageError("--on dask: which scheduler?", "--on dask://HOST:PORT")
        self._name, self._address = name, where
        _reachable(where)
        # A second of imports: not before it is worth it.
        from distributed import Client

        # What it has to say about a connection that is lost is said by xt, once.
        logging.disable(logging.CRITICAL)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._client = Client(where, timeout=LONG, set_as_default=False, name=name)
        except (OSError, TimeoutError) as error:
            raise EngineError(
                f"no Dask scheduler answers at {where}", "is it up, and is the port its own?"
            ) from error
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"--on dask: `{where}` is no address: {error}", "--on dask://HOST:PORT"
            ) from error
        self._futures: dict[int, Any] = {}

    def submit(self, works: Sequence[Work]) -> None:
        """See `Engine`."""
        for work in works:
            # What it prints goes to the file, whatever the worker does with its own output.
            words = ["sh", "-c", 'exec "$@" >"$0" 2>&1 </dev/null', work.out, *work.argv]
            try:
                self._futures[work.slot] = self._client.submit(
                    subprocess.call, words, key=f"{self._name}-{work.slot}", pure=False, retries=0
                )
            except Exception as error:
                raise EngineError(f"the Dask scheduler at {self._address} takes nothing: {error}") from error

    def taken(self, slot: int) -> bool:
        """See `Engine`."""
        return slot in self._futures

    def look(self, slots: Sequence[int]) -> dict[int, State]:
        """See `Engine`; nobody is asked, the scheduler tells of itself."""
        if self._client.status != "running":
            why = f"the Dask scheduler at {self._address} does not answer"
            return dict.fromkeys(slots, State("unknown", why))
        return {slot: self._state(self._futures[slot]) for slot in slots if slot in self._futures}

    def _state(self, future: Any) -> State:
        if future.status == "pending":
            # It may as well go on: only the claim tells.
            return State("waiting", sure=False)
        if future.status == "finished":
            # It is a number, and here already or on the way.
            try:
                status = future.result(timeout=LONG)
            except Exception:
                return State("ended", "its worker was lost", sure=False)
            if status == CLAIMED:
                return State("ended", "its worker was lost", sure=False)
            how = f"by signal {-status}" if status < 0 else f"with status {status}"
            return State("ended", f"it was ended {how}", failed=status > 0)
        if future.status == "error":
            return State("ended", f"its worker was lost ({type(future.exception()).__name__})", sure=False)
        return State("ended", "the scheduler knows it no more", sure=False)

    def cancel(self, slots: Sequence[int]) -> None:
        """See `Engine`; what has begun goes on until it sees that nobody wants it."""
        futures = [self._futures[slot] for slot in slots if slot in self._futures]
        if not futures or self._client.status != "running":
            return
        try:
            self._client.cancel(futures, force=True)
        except Exception as error:
            raise EngineError(f"the Dask scheduler at {self._address} does not answer: {error}") from error

    def end_all(self) -> None:
        """See `Engine`; a scheduler forgets by itself what a client wanted that is gone."""
        self.cancel(list(self._futures))

    def close(self) -> None:
        """See `Engine`."""
        self._futures.clear()
        with contextlib.suppress(Exception):
            self._client.close(timeout=2)


def _reachable(address: str) -> None:
    """See at once that nobody listens, where that can be seen: Dask itself would try again and again.

    Raises:
        EngineError: nobody does.
    """
    found = re.fullmatch(r"[a-z]+://(?:\[([0-9a-fA-F:]+)\]|([^:/]+)):([0-9]{1,5})/?", address)
    if found is None or int(found[3]) > 65_535:
        raise UsageError(f"--on dask: `{address}` is no address", "--on dask://HOST:PORT")
    try:
        socket.create_connection((found[1] or found[2], int(found[3])), timeout=LONG).close()
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise EngineError(
            f"no Dask scheduler answers at {address}: {why}", "is it up, and is the port its own?"
        ) from error
