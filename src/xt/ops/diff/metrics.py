"""What differs in the numbers that came out: metrics, their cohorts and series."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from msgspec.structs import replace

from xt.compare import UnreadableError
from xt.compare.cases import case_row, judged
from xt.compare.judging import RELATION_OF, Row, judge
from xt.compare.series import compare_series
from xt.compare.tolerances import Tolerance, metric_name
from xt.errors import UsageError, XtError
from xt.model.delta import Delta, Judgement, whole
from xt.model.result import Metric, Record
from xt.model.text import from_text, to_shown
from xt.ops.diff import comparability, cost
from xt.ops.diff.rules import Rules
from xt.ops.diff.sides import One, share
from xt.ops.diff.wanted import Options
from xt.ops.series import number, read
from xt.store import Store
from xt.suggest import suggest

#: Series compared point by point, and bytes of each: a picture needs no more.
SERIES, LONGEST = 64, 8_000_000

Key = tuple[str, tuple[tuple[str, str], ...]]
Found = dict[Key, Metric]


def compare(
    store: Store, left: One, right: One, rules: Rules, measured: Delta, cases: Delta | None, options: Options
) -> list[Delta]:
    """Compare metrics, cases and cost; all that is judged by chance is judged together.

    Args:
        store: that has the series.
        left: the run to compare with, finished.
        right: the run to judge, finished.
        rules: tolerances and goals.
        measured: whether the two were measured on the same.
        cases: what the cases say, with a p value of their own.
        options: which metrics, which cohorts.

    Returns:
        `metrics`, `cost`, and `cases` if there are any.

    Raises:
        UsageError: a tolerance of the command line is of nothing that is there.
    """
    assert left.record is not None and right.record is not None
    sides = _found(left.record), _found(right.record)
    every = list(dict.fromkeys([*sides[0], *sides[1]]))
    keys = [key for key in every if _wanted(key, options)]
    known = [metric_name(key[0], dict(key[1])) for key in every]
    if options.metrics and not keys:
        raise UsageError(
            f"--metrics: neither run has a metric `{options.metrics[0]}`",
            suggest(options.metrics[0], known, "metrics"),
        )
    outputs = [
        to_shown(from_text(item.path if item.path is not None else item.declared))
        for side in (left.record, right.record)
        for item in side.result.outputs
    ]
    rules.check([*known, *(key[0] for key in every), *(f"cost/{name}" for name in cost.COSTS)], outputs)

    unwell = _unwell(left, right)
    why = unwell or _incomparable(measured)
    records = _repeats(left, right)
    repeats = tuple([_found(record) for record in side] for side in records)
    n = _counts(cases)
    fixed = any(one.page.snapshot.seed.value is not None for one in (left, right) if one.repeats)
    rows = [
        _row(key, sides, repeats, rules, why, n.get(metric_name("", dict(key[1]))), fixed) for key in keys
    ]
    chance = case_row(cases) if cases is not None else None
    judgements = judge([*rows, *([chance] if chance is not None else [])])
    deltas = {
        key: _delta(key, sides, judgement, rules)
        for key, judgement in zip(keys, judgements[: len(keys)], strict=True)
    }
    _add_series(store, deltas, sides, rules)
    found = [
        whole("metrics", _nested(deltas)),
        cost.compare(left.record, right.record, records, rules, unwell),
    ]
    if cases is not None:
        if chance is not None:
            cases = judged(cases, judgements[-1])
        found.append(cases)
    return found


def plain(left: One, right: One, names: list[str], rules: Rules) -> dict[str, Judgement]:
    """Judge a few metrics of two runs, for a line.

    Args:
        left: the run to compare with.
        right: the run to judge.
        names: of metrics without labels; those that a side lacks are left out.
        rules: tolerances and goals.
    """
    if left.record is None or right.record is None:
        return {}
    measured = comparability.compare(left.page.snapshot, right.page.snapshot, rules.settings.diff.evaluation)
    why = _unwell(left, right) or _incomparable(measured)
    sides = _found(left.record), _found(right.record)
    repeats = tuple([_found(record) for record in side] for side in _repeats(left, right))
    keys = [key for name in names if (key := (name, ())) in sides[0] and key in sides[1]]
    rows = [_row(key, sides, repeats, rules, why, None, False) for key in keys]
    return {key[0]: judgement for key, judgement in zip(keys, judge(rows), strict=True)}


def _found(record: Record) -> Found:
    return {(metric.name, tuple(sorted(metric.labels.items()))): metric for metric in record.result.metrics}


def _wanted(key: Key, options: Options) -> bool:
    name, labels = key
    names = (name, metric_name(name, dict(labels)))
    return not options.metrics or any(fnmatchcase(one, glob) for one in names for glob in options.metrics)


def _unwell(left: One, right: One) -> str | None:
    for side, one in (("left", left), ("right", right)):
        if not one.counts:
            return f"the {side} run did not end well"
    return None


def _incomparable(measured: Delta) -> str | None:
    if measured.relation != "changed":
        return None
    notes = [child.note for child in measured.children if child.relation == "changed" and child.note]
    return notes[0] if notes else "what was measured differs"


def _counts(cases: Delta | None) -> dict[str, int]:
    """How many cases there are, in all (``) and of each cohort (`{digit=8}`), as far as they are listed."""
    if cases is None:
        return {}
    return {
        part.path.removeprefix("cases").removeprefix("/"): tally.fixed
        + tally.broken
        + tally.failing
        + tally.passing
        for part in (cases, *cases.children)
        if (tally := part.tally) is not None
    }


def _repeats(left: One, right: One) -> tuple[list[Record], list[Record], list[Record]]:
    """Repeats of the left run, of the right one, and of both when they are of one recipe."""
    if share(left, right):
        return [], [], left.repeats
    return left.repeats, right.repeats, []


def _row(
    key: Key,
    sides: tuple[Found, Found],
    repeats: tuple[list[Found], ...],
    rules: Rules,
    why: str | None,
    n: int | None,
    fixed: bool,
) -> Row:
    one, other = (side.get(key) for side in sides)
    metric = other or one
    assert metric is not None
    settings, tolerances = rules.metric(metric)
    if one is not None and other is not None and one.unit != other.unit:
        why = why or f"its unit differs: {one.unit or 'none'} → {other.unit or 'none'}"
    declared = settings.goal if settings is not None and settings.goal != "none" else metric.goal

    def values(own: Metric | None, others: list[Found]) -> list[float]:
        same = [own, *(found.get(key) for found in others)]
        return [number(metric.value) for metric in same if metric is not None]

    return Row(
        metric_name(*_split(key)),
        values(one, repeats[0]) if one is not None else [],
        values(other, repeats[1]) if other is not None else [],
        values(None, repeats[2]),
        declared,
        tolerances,
        n,
        why,
        seed_fixed=fixed,
    )


def _split(key: Key) -> tuple[str, dict[str, str]]:
    return key[0], dict(key[1])


def _delta(key: Key, sides: tuple[Found, Found], judgement: Judgement, rules: Rules) -> Delta:
    one, other = (side.get(key) for side in sides)
    metric = other or one
    assert metric is not None
    settings = rules.metric(metric)[0]
    absent = one is None or other is None
    return Delta(
        f"metrics/{metric_name(*_split(key))}",
        "changed" if absent else RELATION_OF[judgement.word],
        one.value if one is not None else None,
        other.value if other is not None else None,
        change="added" if one is None else "removed" if other is None else None,
        unit=(settings.unit if settings is not None else None) or metric.unit,
        judgement=judgement,
    )


def _nested(deltas: dict[Key, Delta]) -> list[Delta]:
    """Put cohorts below the metric they are of."""
    children: dict[str, list[Delta]] = {}
    for (name, labels), delta in deltas.items():
        if labels and (name, ()) in deltas:
            children.setdefault(name, []).append(delta)
    found = []
    for (name, labels), delta in deltas.items():
        if labels:
            if (name, ()) not in deltas:
                found.append(delta)
            continue
        parts = [*delta.children, *children.get(name, [])]
        # The relation of the metric itself: its cohorts are judged beside it.
        found.append(replace(delta, children=parts))
    return found


def _add_series(store: Store, deltas: dict[Key, Delta], sides: tuple[Found, Found], rules: Rules) -> None:
    done = 0
    for key, delta in deltas.items():
        one, other = (side.get(key) for side in sides)
        if one is None or other is None or one.series is None or other.series is None:
            continue
        if one.series == other.series or done == SERIES:
            continue
        done += 1
        series = series_delta(
            store, (one.series, other.series), f"{delta.path}:series", rules.metric(other)[1]
        )
        deltas[key] = replace(delta, children=[series])


def series_delta(store: Store, digests: tuple[str, str], path: str, tolerances: Sequence[Tolerance]) -> Delta:
    """Compare the points of a metric of two runs.

    Args:
        store: that has them.
        digests: of both series.
        path: of the delta.
        tolerances: of the metric.
    """
    try:
        before, after = (read(store, digest, LONGEST) for digest in digests)
        return compare_series(before, after, path, tolerances)
    except (XtError, UnreadableError) as error:
        return Delta(path, "unknown", note=f"the points cannot be read: {error}", counted=False)
