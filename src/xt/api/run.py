"""One run, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

from xt.columns import figure
from xt.errors import NotRecordedError, UsageError
from xt.model.delta import Comparison
from xt.model.files import Input, Output
from xt.model.level import Level
from xt.model.result import Metric, Record
from xt.model.snapshot import Param, Snapshot
from xt.model.summary import Shown, Summary
from xt.store.index.rows import shown_name

if TYPE_CHECKING:
    from xt.api.reading import Store
    from xt.ops.logs import Name
    from xt.store import Store as Files

#: How runs are that have no record.
UNSEALED = ("running", "lost", "unknown")


class Series(NamedTuple):
    """The points of one metric, in the order they came: `steps`, None where none was said, and `values`."""

    steps: list[int | float | None]
    values: list[float]


class Run:
    """One run, as it stood when it was found; what is more than a line of `xt ls` is read when asked for.

    Asking for what cannot be read raises `NotRecordedError` or `DamagedError`.
    """

    def __init__(self, store: Store, row: Summary) -> None:
        """Take a row of a list."""
        self._store = store
        self._row = row

    def __repr__(self) -> str:
        words = (self.id, self.status, *([repr(self.purpose)] if self.purpose else []))
        return f"<run {' '.join(words)}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and (self.id, self._files.path) == (other.id, other._files.path)

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def id(self) -> str:
        """All 16 letters of its id."""
        return self._row.id

    @property
    def status(self) -> Shown:
        """How it ended: `ok`, `failed`, `interrupted`, …; or that it is `running`, `lost`, `damaged`."""
        return self._row.status

    @property
    def purpose(self) -> str | None:
        """Why it was made."""
        return self._row.purpose

    @property
    def name(self) -> str | None:
        """Its name now."""
        return self._row.name

    @property
    def tags(self) -> list[str]:
        """Its tags now."""
        return list(self._row.tags)

    @property
    def task(self) -> str | None:
        """The task of `xt.toml` it was run as."""
        return self._row.task

    @property
    def started_at(self) -> datetime | None:
        """When it was started, in UTC; None when its record is damaged."""
        return None if self._row.started_at is None else datetime.fromisoformat(self._row.started_at)

    @property
    def wall_s(self) -> float | None:
        """Seconds it took, or has been going on."""
        return self._row.wall_s

    @property
    def level(self) -> Level | None:
        """How well it repeats, as `xt verify` found last: `identical`, `equivalent` and so on."""
        return self._row.level

    @cached_property
    def record(self) -> Record:
        """All that was recorded: `xt.model.result.Record`, the values of `xt show --json`.

        Raises:
            NotRecordedError: it has none, for it is still running, or was lost.
        """
        return self._files.record(self.id)

    @property
    def params(self) -> dict[str, Any]:
        """Settings by name: text, numbers, truth values, None, lists."""
        return settings(self._snapshot.params)

    @property
    def facts(self) -> dict[str, Any]:
        """Declared facts by name."""
        return settings(self._snapshot.facts)

    @property
    def metrics(self) -> dict[str, int | float]:
        """Metrics by name, `val/acc` or `val/acc{digit=8}`; of a series the last value."""
        return figures(self._metrics)

    @property
    def inputs(self) -> list[Input]:
        """What it was declared to read, with digests."""
        return list(self._snapshot.inputs)

    @property
    def outputs(self) -> list[Output]:
        """What it was declared to write, with digests; none as long as it has no record."""
        return [] if self._unsealed else list(self.record.result.outputs)

    def series(self, metric: str) -> Series:
        """All points of a metric.

        Args:
            metric: its name, as in `metrics`.

        Raises:
            NotRecordedError: it has no such metric, or its points are not in the store.
            DamagedError: the points are not those that were recorded.
        """
        from xt.ops.series import number, read
        from xt.suggest import suggest

        by_name = {shown_name(one): one for one in self._metrics}
        found = by_name.get(metric)
        if found is None:
            raise NotRecordedError(
                f"run {self.id} has no metric `{metric}`", suggest(metric, by_name, "metrics")
            )
        if found.series is None:
            return Series([found.step], [number(found.value)])
        points = list(read(self._files, found.series))
        return Series([step for step, _ in points], [value for _, value in points])

    def log(self, stream: Literal["stdout", "stderr"] | None = None) -> str:
        """What it wrote; bytes that are not UTF-8 become �.

        Args:
            stream: one of the two; both by default, in the order they came.

        Raises:
            UsageError: there is no such stream.
            NotRecordedError: the log is not in the store.
            DamagedError: it is not what was recorded.
        """
        from xt.ops.logs import pieces

        both: set[Name] = {"stdout", "stderr"}
        if stream is not None and stream not in both:
            raise UsageError(f"no stream `{stream}`", "streams: stdout, stderr")
        wanted = both if stream is None else {stream}
        data = b"".join(piece.data for piece in pieces(self._files, self.id, wanted, follow=False))
        return data.decode("utf-8", "replace")

    def read(self, output: str) -> bytes:
        """Read a stored output.

        Args:
            output: its path, as it was declared or relative to the project's root; also of a file in a folder
                that is one.

        Raises:
            NotRecordedError: it has no such output, or its content is not in the store.
            DamagedError: the content is not what was recorded.
        """
        with self.open(output) as file:
            return file.read()

    def open(self, output: str) -> BinaryIO:
        """Open a stored output for reading, as `read` does; the content is verified before."""
        from xt.api.outputs import opened

        return opened(self._files, self.record, output, self._store._outside)

    def diff(self, other: str | Run) -> Comparison:
        """Compare another run with this one: `store.diff(this, other)`."""
        return self._store.diff(self, other)

    # --- behind it ---------------------------------------------------------------------------------

    @property
    def _files(self) -> Files:
        return self._store._files

    @property
    def _unsealed(self) -> bool:
        return self._row.status in UNSEALED

    @cached_property
    def _snapshot(self) -> Snapshot:
        if self._unsealed:
            try:
                return self._files.live(self.id)[0].snapshot
            except NotRecordedError:
                pass  # it has ended since
        return self.record.snapshot

    @property
    def _metrics(self) -> list[Metric]:
        return [] if self._unsealed else self.record.result.metrics


def settings(params: Sequence[Param]) -> dict[str, Any]:
    """Params by name."""
    return {param.name: param.value for param in params}


def figures(metrics: Sequence[Metric]) -> dict[str, int | float]:
    """Metrics by name and labels."""
    return {shown_name(metric): figure(metric.value) for metric in metrics}
