"""Two runs beside each other: whether the second repeats the first, a point for each thing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

from xt.compare.content import Held
from xt.compare.neutral import compare_logs
from xt.compare.tolerances import Tolerance, declared, metric_name, widest
from xt.errors import XtError
from xt.model.delta import Delta, Measure, Relation
from xt.model.level import LEVELS, Level
from xt.model.result import Metric, Number, Record, Stream
from xt.model.text import from_text, to_shown
from xt.ops.diff import cases, outputs
from xt.ops.diff.contents import Stored
from xt.ops.diff.metrics import series_delta
from xt.ops.diff.rules import Rules
from xt.ops.series import number
from xt.ops.verify.permissions import permissions
from xt.store import Store

#: Streams of the log: what is compared when a run declares neither an output nor a metric.
StreamName = Literal["stdout", "stderr"]
#: Bytes of a file of cases whose rows are sorted to see whether they are only in another order.
ROWS = 50_000_000
#: Of a metric, as it is recorded.
Value = int | float | Number


class Point(NamedTuple):
    """One thing of two runs."""

    path: str
    """As in `model.verification.Line`."""
    level: Level
    measure: Measure | None = None
    """How far apart, where that is a number."""
    tolerance: str | None = None
    note: str | None = None
    hint: str | None = None
    counted: bool = True
    fixed: bool = True
    """Whether a difference is final; of a metric with a declared bound more repeats may tell otherwise."""
    values: tuple[float, float] | None = None
    """Of a metric."""
    bound: list[Tolerance] | None = None
    """Of a metric, when something is declared."""
    delta: Delta | None = None
    """What was found, to show where it differs."""


class Agreement:
    """Compares runs with one and the same."""

    def __init__(self, store: Store, reference: Record, rules: Rules) -> None:
        """Prepare.

        Args:
            store: that has the content of all.
            reference: the run that is to be repeated.
            rules: tolerances.
        """
        self._store, self.reference, self._rules = store, reference, rules
        result = reference.result
        self.bare = not result.outputs and not result.metrics
        """Whether nothing is declared, so that what the command printed has to do."""

    def points(self, other: Record) -> list[Point]:
        """Compare a repeat with the run, thing by thing."""
        found = [self._status(other), *self._metrics(other), *self._cases(other), *self._outputs(other)]
        if self.bare:
            found.append(self._stream(other, "stdout"))
            if any(_written(record, "stderr") for record in (self.reference, other)):
                found.append(self._stream(other, "stderr"))
        return found

    def _status(self, other: Record) -> Point:
        before, after = (ended(record) for record in (self.reference, other))
        if before == after:
            return Point("status", "identical")
        return Point("status", "divergent", note=f"{before} → {after}")

    def _metrics(self, other: Record) -> Iterator[Point]:
        one, two = (
            {_key(metric): metric for metric in record.result.metrics} for record in (self.reference, other)
        )
        for name in dict.fromkeys([*one, *two]):
            before, after = one.get(name), two.get(name)
            path = f"metrics/{name}"
            known = before or after
            assert known is not None
            _, tolerances = self._rules.metric(known)
            said = declared(tolerances)
            if before is None or after is None:
                which = "the repeat" if before is None else "the run"
                yield Point(path, "divergent", tolerance=said, note=f"only {which} has it")
                continue
            point = _number(path, before, after, tolerances, said)
            if before.series is not None and after.series is not None and before.series != after.series:
                digests = (before.series, after.series)
                point = _curve(point, series_delta(self._store, digests, f"{path}:series", tolerances))
            yield point

    def _cases(self, other: Record) -> Iterator[Point]:
        found, _ = cases.compare(self._store, self.reference, other, self._rules.settings.cases, ())
        if found is None:
            return
        if found.relation == "same" and found.tally is None:
            yield Point("cases", "identical")
            return
        tally = found.tally
        if tally is None:
            yield Point("cases", "unverifiable", note=found.note, delta=found)
            return
        moved = tally.fixed + tally.broken
        alone = tally.only_left + tally.only_right
        scores = any(measure.what == "mean Δ score" for measure in found.measures)
        if not moved and not alone and not scores:
            yield Point("cases", "equivalent", note="the same outcomes, written differently", delta=found)
            return
        words = [f"{tally.fixed} fixed", f"{tally.broken} broken"] if moved else []
        words += [f"{alone} on one side only"] if alone else []
        words += ["scores moved"] if scores and not moved else []
        yield Point("cases", "divergent", note=" · ".join(words), fixed=False, delta=found)

    def _outputs(self, other: Record) -> Iterator[Point]:
        found = outputs.compare(self._store, self.reference, other, self._rules, ([], []))
        for delta in found.children:
            name = delta.path.partition("/")[2]
            settings = self._rules.output(name)
            level = LEVEL_OF[delta.relation]
            if level == "divergent" and not self._rules.declares(name) and self._reordered(other, name):
                yield Point(delta.path, "equivalent", note="the same rows in another order")
                continue
            if level == "identical":
                modes = permissions(self._store, self.reference, other, name)
                if modes is not None:
                    yield Point(delta.path, "equivalent", note=modes, delta=delta)
                    continue
            told = not delta.counted and delta.relation != "same"
            yield Point(
                delta.path,
                level,
                largest(delta),
                _said(settings.rtol, settings.atol, settings.ulp) if settings is not None else None,
                delta.note,
                delta.hint,
                counted=delta.counted,
                fixed=self._rules.declares(name) or told,
                delta=delta,
            )

    def _reordered(self, other: Record, name: str) -> bool:
        """Whether a file of cases, which are joined by their ids, has the same lines in another order."""
        sides = [
            next(
                (item for item in record.result.outputs if to_shown(from_text(item.path or "")) == name), None
            )
            for record in (self.reference, other)
        ]
        digests = []
        for item in sides:
            if item is None or item.role != "cases" or item.kind != "file" or item.digest is None:
                return False
            if (item.size or 0) > ROWS:
                return False
            digests.append(item.digest)
        try:
            one, two = (sorted(self._store.objects.read(digest).splitlines()) for digest in digests)
        except XtError:
            return False
        return one == two

    def _stream(self, other: Record, name: StreamName) -> Point:
        path = f"logs/{name}"
        one, two = (_stream_of(record, name) for record in (self.reference, other))
        if one is None or two is None:
            return Point(path, "unverifiable", note="what was printed is not recorded on both sides")
        if one.digest == two.digest and one.size == two.size:
            return Point(path, "identical")
        contents = [
            Stored(self._store, name, side.digest, side.stored) if side.digest else Held(name, b"")
            for side in (one, two)
        ]
        try:
            delta = compare_logs(contents[0], contents[1], path)
        except XtError as error:
            return Point(path, "unverifiable", note=error.message)
        if delta.relation in ("same", "within"):
            note = "equal but for times, addresses and the like"
            return Point(path, "equivalent", note=note, delta=delta)
        return Point(path, "divergent", largest(delta), note=delta.note, delta=delta)


#: What a relation of the tree of differences is called between a run and its repeat.
LEVEL_OF: dict[Relation, Level] = {
    "same": "identical",
    "within": "equivalent",
    "unknown": "unverifiable",
    "changed": "divergent",
}


def largest(delta: Delta) -> Measure | None:
    """The largest deviation in a tree of differences that is a number, and where."""
    found: Measure | None = None
    for part in _parts(delta):
        for measure in part.measures:
            if not measure.what.startswith("max") or isinstance(measure.value, Number):
                continue
            if found is None or (found.what == measure.what and measure.value > found.value):  # type: ignore[operator]
                at = measure.at
                inside = part.path[len(delta.path) :].lstrip(":/")
                where = " ".join(word for word in (inside, at) if word) or None
                found = Measure(measure.what, measure.value, where, measure.bound)
    return found


def _parts(delta: Delta) -> Iterator[Delta]:
    yield delta
    for child in delta.children:
        yield from _parts(child)


def _number(path: str, before: Metric, after: Metric, tolerances: list[Tolerance], said: str | None) -> Point:
    left, right = number(before.value), number(after.value)
    if before.unit != after.unit:
        note = f"its unit differs: {before.unit or 'none'} → {after.unit or 'none'}"
        return Point(path, "divergent", tolerance=said, note=note)
    if _equal(before.value, after.value):
        return Point(path, "identical", tolerance=said, values=(left, right), bound=tolerances or None)
    if not (math.isfinite(left) and math.isfinite(right)):
        return Point(path, "divergent", tolerance=said, note=f"{left:g} → {right:g}", values=(left, right))
    allowance = widest(tolerances, left, right)
    measure = Measure("max |Δ|", _apart(before.value, after.value), bound=allowance[0] if allowance else None)
    common = {"tolerance": said, "values": (left, right), "bound": tolerances or None}
    if allowance is not None and allowance[1]:
        return Point(path, "equivalent", measure, **common)  # type: ignore[arg-type]
    hint = None if tolerances else f"declare what it may differ by: [metrics.{_quoted(before.name)}] abs = …"
    return Point(path, "divergent", measure, hint=hint, fixed=not tolerances, **common)  # type: ignore[arg-type]


def _curve(point: Point, series: Delta) -> Point:
    """Hold against a metric what its points over the steps come to, where that is worse than its value."""
    level = LEVEL_OF[series.relation]
    if LEVELS.index(level) <= LEVELS.index(point.level):
        return point
    note = series.note or "its values over the steps differ"
    fixed = level == "unverifiable" or point.bound is None
    return point._replace(
        level=level, measure=largest(series) or point.measure, note=note, fixed=fixed, delta=series
    )


def _equal(before: Value, after: Value) -> bool:
    """Whether two values are the same; whole numbers beyond 2^53 in every digit."""
    if isinstance(before, int) and isinstance(after, int):
        return before == after
    left, right = number(before), number(after)
    return left == right or (math.isnan(left) and math.isnan(right))


def _apart(before: Value, after: Value) -> float:
    if isinstance(before, int) and isinstance(after, int):
        return float(abs(after - before))
    return abs(number(after) - number(before))


def _key(metric: Metric) -> str:
    return metric_name(metric.name, metric.labels)


def _quoted(name: str) -> str:
    """A key as TOML writes it: of what JSON writes as it is, only DEL is not allowed there."""
    return json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")


def _stream_of(record: Record, name: StreamName) -> Stream | None:
    return next((stream for stream in record.result.logs.streams if stream.name == name), None)


def _written(record: Record, name: StreamName) -> bool:
    stream = _stream_of(record, name)
    return stream is not None and stream.size > 0


def _said(rtol: float, atol: float, ulp: int) -> str | None:
    words = [f"rtol {rtol:g}"] if rtol else []
    words += [f"atol {atol:g}"] if atol else []
    words += [f"ulp {ulp}"] if ulp else []
    return ", ".join(words) or None


def ended(record: Record) -> str:
    """How a run ended, in a word or two."""
    result = record.result
    if result.signal is not None:
        return f"signal {result.signal}"
    if result.exit_code:
        return f"exit {result.exit_code}"
    return "ok" if result.status in ("ok", "incomplete") else result.status
