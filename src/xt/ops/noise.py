"""How much the results of a recipe scatter, from all runs of it that ended well."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xt.compare.equivalence import bound_of
from xt.compare.judging import SEED_FIXED
from xt.compare.noise import Spread, noise_of, spread_of, unseen
from xt.compare.resolution import resolution
from xt.compare.tolerances import Tolerance, declared, finer_than, metric_name
from xt.config import Settings
from xt.model.files import Output
from xt.model.noise import Agreement, Band, Noise
from xt.model.result import Metric, Record
from xt.model.summary import headline
from xt.model.text import Text
from xt.ops.diff.cost import COSTS
from xt.ops.diff.rules import Rules
from xt.ops.diff.sides import REPEATS, One, alone
from xt.ops.series import number
from xt.store import Store

#: Of the prediction bands.
LEVEL = 0.95
#: Costs that are shown.
_COSTS = ("wall",)
#: Repeats that are worth advising: a band of 5 runs is 1.3 times that of 50, one of 2 is 7 times.
ADVISED = 5


def noise(store: Store, run_id: str, settings: Settings) -> Noise:
    """Collect what is known of the noise of a run's recipe.

    Trials of `xt verify` in which something was varied or pinned have recipes of their own and do not count.

    Args:
        store: that has the runs.
        run_id: whole; the run itself counts too if it ended well.
        settings: of the project, for tolerances and units.

    Raises:
        NotRecordedError, DamagedError: the run is not there, or not readable.
    """
    found = alone(store, run_id)
    records = _counted(found)
    rules = Rules(settings, [])
    notes = []
    if found.record is None:
        notes.append("the run itself has not ended and does not count")
    elif found.record.id not in {record.id for record in records}:
        notes.append(f"the run itself is `{found.record.result.status}` and does not count")
    if len(found.repeats) == REPEATS:
        notes.append(f"only the newest {REPEATS} repeats were read")
    if len(records) > 1 and found.page.snapshot.seed.value is not None:
        notes.append(SEED_FIXED)
    repeats = [record.snapshot.repeat for record in records]
    hosts = [record.snapshot.context.host for record in records]
    ids = [record.id for record in records]
    return Noise(
        run=run_id,
        shown=max(store.shown_all([run_id, *ids]).values()),
        recipe=found.page.snapshot.recipe,
        n=len(records),
        level=LEVEL,
        runs=ids,
        newest=records[0].started_at if records else None,
        reruns=sum(repeat is not None and not repeat.trial for repeat in repeats),
        trials=sum(repeat is not None and repeat.trial for repeat in repeats),
        hosts=sorted({host for host in hosts if host}),
        metrics=_metrics(records, rules),
        cost=_costs(records, rules),
        outputs=_outputs(records, rules),
        doubt=found.doubt,
        notes=notes,
        hint=_hint(found, len(records)),
    )


def _counted(found: One) -> list[Record]:
    own = [found.record] if found.record is not None and found.record.result.status == "ok" else []
    return sorted([*own, *found.repeats], key=lambda record: (record.started_at, record.id), reverse=True)


def _hint(found: One, n: int) -> str | None:
    short = found.page.id[: found.page.shown]
    if found.doubt is not None:
        return f"`xt show {short}` says what was not captured"
    if n >= 2 or found.record is None:
        return None
    if n == 0 and found.record.result.status == "failed":
        return f"`xt logs {short}` shows why it failed"
    return f"`xt verify {short} --repeat {ADVISED}` repeats it, and tells how much it scatters"


def _metrics(records: list[Record], rules: Rules) -> list[Band]:
    """All metrics of any run, the most telling first, cohorts below what they are of."""
    values: dict[str, list[float]] = {}
    about: dict[str, Metric] = {}
    for record in records:
        for metric in record.result.metrics:
            name = metric_name(metric.name, metric.labels)
            about.setdefault(name, metric)
            values.setdefault(name, []).append(number(metric.value))
    every = list(about.values())
    plain = headline(every)
    names = [metric.name for metric in plain]
    cohorts = sorted(
        (metric for metric in every if metric.labels),
        key=lambda metric: names.index(metric.name) if metric.name in names else len(names),
    )
    ordered: list[Metric] = []
    for metric in plain:
        ordered += [metric, *(cohort for cohort in cohorts if cohort.name == metric.name)]
    ordered += [cohort for cohort in cohorts if cohort.name not in names]
    bands = []
    for metric in ordered:
        name = metric_name(metric.name, metric.labels)
        settings, tolerances = rules.metric(metric)
        unit = (settings.unit if settings is not None else None) or metric.unit
        bands.append(
            _band(f"metrics/{name}", name, values[name], len(records), tolerances, unit, bool(metric.labels))
        )
    return bands


def _costs(records: list[Record], rules: Rules) -> list[Band]:
    bands = []
    for name in _COSTS:
        unit, metered = COSTS[name]
        known = [value for record in records if (value := metered(record.result.usage)) is not None]
        if known:
            path = f"cost/{name}"
            bands.append(_band(path, name, known, len(records), rules.cost(path)[1], unit, cohort=False))
    return bands


def _band(
    path: str,
    name: str,
    values: Sequence[float],
    runs: int,
    tolerances: Sequence[Tolerance],
    unit: str | None,
    cohort: bool,
) -> Band:
    finite = [value for value in values if math.isfinite(value)]
    notes = []
    if len(values) < runs:
        notes.append(f"{runs - len(values)} of {runs} runs did not give it")
    for odd in sorted({str(value) for value in values if not math.isfinite(value)}):
        notes.append(f"{sum(str(value) == odd for value in values)} of {runs} runs gave `{odd}`")
    plain = Band(path, name, len(finite), cohort, unit, tolerance=declared(tolerances), notes=notes)
    if not finite:
        return plain
    spread = spread_of(finite)
    step = resolution(finite)
    sd = None if spread.sd is None else max(spread.sd, step.step / 2)
    band = _half(spread, finite)
    if not all(map(math.isfinite, (spread.mean, spread.sd or 0.0, band or 0.0))):
        return Band(
            *(path, name, len(finite), cohort, unit),
            low=min(finite),
            high=max(finite),
            tolerance=plain.tolerance,
            notes=[*notes, "the values are further apart than a number can say"],
        )
    allowed = bound_of(tolerances, spread.mean, sd)
    if allowed is not None and (warning := finer_than(tolerances, allowed, step)):
        notes.append(warning)
    return Band(
        *(path, name, len(finite), cohort, unit, spread.mean, spread.sd, min(finite), max(finite)),
        band=band,
        tolerance=plain.tolerance,
        allowed=allowed,
        fits=None if band is None or allowed is None else band <= allowed,
        notes=[*notes, *unseen([spread], step)],
    )


def _half(spread: Spread, values: Sequence[float]) -> float | None:
    """Half width of the band that one more run lies in: t sd √(1 + 1/n); None for one value.

    It is what `xt diff` holds one run against, so a spread below half a step is not believed here either.
    """
    found = noise_of(spread, Spread(1, spread.mean, None), None, resolution(values))
    return None if found is None else found.band(1 - LEVEL)


def _outputs(records: list[Record], rules: Rules) -> list[Agreement]:
    """Hold every output of the newest run against those of the others."""
    if not records:
        return []
    newest, *others = records
    known = [{(item.role, _path(item)): item for item in record.result.outputs} for record in others]
    found = []
    for item in newest.result.outputs:
        path = _path(item)
        content = _content(item)
        counterparts = [outputs.get((item.role, path)) for outputs in known]
        contents = [_content(other) for other in counterparts if other is not None]
        counted = [other for other in contents if other is not None and content is not None]
        settings = rules.output(path) if isinstance(path, str) else None
        note = None
        if content is None:
            note = f"its content in the newest run is not known: {item.reason or item.status}"
        elif len(counted) < len(others):
            note = f"not known of {len(others) - len(counted)} of {len(others)} others"
        elif settings is not None and settings.ignore is True:
            note = "ignored by rule"
        differ = sum(other != content for other in counted)
        found.append(Agreement(path, item.role, len(counted), differ, note))
    return found


def _path(item: Output) -> Text:
    return item.path if item.path is not None and item.kind != "glob" else item.declared


def _content(item: Output) -> tuple[str, Text] | None:
    """What tells it from another; None when it is not known as a whole."""
    if item.kind == "link" and item.target is not None:
        return "link", item.target
    return (item.kind, item.digest) if item.status == "stored" and item.digest is not None else None
