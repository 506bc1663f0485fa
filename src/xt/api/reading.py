"""`xt.open`: the runs of a store, for programs. Nothing is written but caches."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

from xt.api.run import Run
from xt.context import Outside
from xt.errors import UsageError
from xt.model.delta import Comparison
from xt.ops.find import open_store, project_settings, resolve
from xt.ops.search import Searching, Wanted, select
from xt.store import Store as Files

if TYPE_CHECKING:
    import pandas
    import polars


def open(path: str | os.PathLike[str] | None = None) -> Store:  # noqa: A001
    """Open the store of a project for reading.

    Args:
        path: a folder or file in the project, or the store itself. Without it the working directory, and
            `XT_STORE` is heeded as on the command line.

    Raises:
        UsageError: there is no such path.
        NoSuchRunError: there is no store yet.
        StoreError: it cannot be used.
    """
    outside = Outside.real()
    # A copy: what a program does to its variables later is no matter of an open store.
    environ, folder = dict(outside.environ), outside.cwd
    if path is not None:
        place = os.path.abspath(os.path.join(folder, os.fspath(path)))
        if not os.path.exists(place):
            raise UsageError(f"there is no `{place}`")
        folder = place if os.path.isdir(place) else os.path.dirname(place)
        environ.pop("XT_STORE", None)
        if os.path.isfile(f"{folder}/format") and os.path.isdir(f"{folder}/objects"):
            environ["XT_STORE"] = folder
            folder = os.path.dirname(folder)
    outside = Outside(folder, environ, outside.umask)
    return Store(open_store(outside), outside)


class Store:
    """The runs of one project. `xt.open` makes one.

    Nothing is kept open between two calls, so it can be used by several threads, and for as long as the
    store is there; `with` is a matter of taste.
    """

    def __init__(self, files: Files, outside: Outside) -> None:
        """Take an open store.

        Args:
            files: what is read.
            outside: the project it is of.
        """
        self._files = files
        self._outside = outside

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __repr__(self) -> str:
        return f"<xt store {self.path}>"

    @property
    def path(self) -> str:
        """Where it is."""
        return self._files.path

    def runs(
        self,
        query: str = "",
        limit: int | None = None,
        sort: str | None = None,
        *,
        reverse: bool = False,
        trials: bool = False,
    ) -> Runs:
        """Search runs, as `xt ls` does.

        Args:
            query: `tag:gold metric.val/acc>0.9 since:7d`; all runs by default.
            limit: runs at most.
            sort: a property, `metric.val/acc`, `param.lr`, `time`: the best first. The newest is first by
                default.
            reverse: the other way round.
            trials: with the repeats that `xt verify` made.

        Raises:
            QueryError: the query cannot be read; it is a `UsageError`.
            UsageError: there is no such property, or the limit is negative.
        """
        if limit is not None and limit < 0:
            raise UsageError(f"a limit of {limit} makes no sense", "None is no limit")
        wanted = Wanted(query, limit, trials, sort, reverse)
        with Searching(self._files, self._outside) as search:
            rows = search.listing(wanted).rows
        return Runs([Run(self, row) for row in rows])

    def run(self, reference: str = "@") -> Run:
        """Find one run.

        Args:
            reference: the beginning of an id, `@` (the newest), `@~1`, `baseline` or another pinned name, a
                name, a tag.

        Raises:
            NoSuchRunError: none has it, or more than one.
        """
        return self._run(resolve(self._files, reference, self._outside))

    def diff(self, left: str | Run | None = None, right: str | Run | None = None) -> Comparison:
        """Compare two runs, as `xt diff` does.

        Args:
            left: a run, or a reference to it, to compare with.
            right: the one to judge. With one run alone it is compared with the baseline, with none
                the newest is.

        Returns:
            What was changed, what moved, and a `verdict`: the values of `xt diff --json`.

        Raises:
            NoSuchRunError: a reference names none, or no baseline is pinned.
            NotRecordedError, DamagedError: a run cannot be read.
        """
        from xt.ops.diff.verb import chosen, compare
        from xt.ops.diff.wanted import Options

        one, other = (side.id if isinstance(side, Run) else side for side in (left, right))
        one, other = chosen(self._files, one, other, self._outside)
        settings = project_settings(self._outside)
        return compare(self._files, one, other, Options(), settings, self._outside)

    def _run(self, run_id: str) -> Run:
        return Run(self, select(self._files, self._outside, [run_id])[0])


class Runs(Sequence["Run"]):
    """Runs that were found, in their order. Of each a summary is held; its record is read when asked for."""

    def __init__(self, runs: list[Run]) -> None:
        """Hold these."""
        self._runs = runs

    def __len__(self) -> int:
        return len(self._runs)

    @overload
    def __getitem__(self, at: int) -> Run: ...
    @overload
    def __getitem__(self, at: slice) -> Runs: ...
    def __getitem__(self, at: int | slice) -> Run | Runs:
        return Runs(self._runs[at]) if isinstance(at, slice) else self._runs[at]

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    def __repr__(self) -> str:
        return f"<{len(self)} run{'' if len(self) == 1 else 's'}>"

    def to_polars(self) -> polars.DataFrame:
        """Make a table: one row a run, with `param.NAME`, `fact.NAME` and `metric.NAME` for all that any has.

        Columns before these: id, when, status, purpose, name, task, tags, time (seconds).

        Raises:
            UnsupportedError: Polars is not installed: `pip install 'xt[polars]'`.
        """
        from xt.api.frames import to_polars

        return to_polars(self._runs)

    def to_pandas(self) -> pandas.DataFrame:
        """Make the same table for pandas.

        Raises:
            UnsupportedError: pandas is not installed: `pip install 'xt[pandas]'`.
        """
        from xt.api.frames import to_pandas

        return to_pandas(self._runs)
