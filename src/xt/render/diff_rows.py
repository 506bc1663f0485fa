"""Which metrics and costs make the table of effects, in which order, and what is folded into a count."""

from __future__ import annotations

import re
from typing import NamedTuple

from xt.model.delta import Comparison, Delta, Relation, Side
from xt.render.cells import clip, clip_front
from xt.render.diff_numbers import SCALED, Figures, figures, is_finite
from xt.render.diff_view import View
from xt.render.diff_words import last, outcome, part, short, unjudged
from xt.render.quantities import count
from xt.render.styled import Line, Span, say

#: Rows of the table, cohorts of one metric, equal metrics that are still named; `--only metrics` has all.
ROWS, COHORTS, EQUAL = 30, 8, 3
#: Rows within their bounds that are listed when not all can be.
WITHIN = 5
#: Remarks below the table, each about some rows.
REMARKS = 6
#: Cells of a name.
LONG_NAME = 40
#: Of a unit.
LONG_UNIT = 12
#: What moved comes first, what is equal last; as declared within each.
_ORDER: tuple[Relation, ...] = ("changed", "unknown", "within", "same")
_IN_WORDS = {"changed": "moved", "unknown": "not told", "within": "within tolerance or noise", "same": "same"}
_COSTS = {"wall": "time", "cpu": "CPU time"}
_LABEL = re.compile(r"(?:^|[{,])([^={},]+)=")


#: In the note of a tolerance that only equality can meet, which a reader who declared it does not expect.
_FINER = "is finer than the metric's resolution"


class Row(NamedTuple):
    """One line of the table."""

    found: Delta
    name: Line
    figures: Figures
    outcome: Line
    kind: str
    """`metric`, `cohort`, `cost`."""
    curves: tuple[Delta, ...] = ()
    """Series over steps to draw below it."""


class Rows(NamedTuple):
    """The table, and what is not in it."""

    rows: list[Row]
    folded: str
    """`12 more within, 3 more not told`, or ''."""
    equal: int
    """Metrics that are the same and not listed."""
    reasons: list[Line]
    """Why nothing can be told of some, and what is said of all, below the table."""


def table_rows(found: Comparison, options: View) -> Rows:
    """Choose the rows of metrics, then those of costs.

    Args:
        found: whose effects may have children `metrics` and `cost`.
        options: what is wanted.
    """
    sides = (found.left, found.right)
    metrics = part(found.effects, "metrics") if options.shows("metrics") else None
    cost = part(found.effects, "cost") if options.shows("cost") else None
    everything = options.asks("metrics")
    ordered = sorted(metrics.children if metrics else [], key=lambda row: _ORDER.index(_worst(row)))
    equal = [row for row in ordered if _worst(row) == "same" and not _asked_of(row, options)]
    folds_equal = len(equal) > EQUAL and not everything
    listed = [
        row for row in ordered if not (folds_equal and _worst(row) == "same" and not _asked_of(row, options))
    ]
    kept = listed
    if not everything and len(listed) > ROWS:
        bounded = sum(_worst(row) in ("within", "same") for row in listed)
        kept = listed[: min(ROWS, len(listed) - bounded + WITHIN)]
    rows: list[Row] = []
    for metric in kept:
        rows += _of_metric(metric, options, sides)
    more: dict[Relation, int] = {}
    for metric in listed[len(kept) :]:
        more[_worst(metric)] = more.get(_worst(metric), 0) + 1
    folded = [f"{number} more {_IN_WORDS[relation]}" for relation, number in more.items()]
    if metrics is not None and metrics.more:
        folded.append(f"{metrics.more} more that differ{'s' if metrics.more == 1 else ''}")
    for item in cost.children if cost else []:
        name = [_name(row_name(item)), *_unit(item)]
        rows.append(Row(item, name, figures(item), _outcome(item, sides), "cost"))
    reasons = _reasons(rows) + _remarks(rows) + _means(rows, sides)
    for section in (metrics, cost):
        reasons += [_remark(section)] if section is not None and (section.note or section.hint) else []
    return Rows(rows, ", ".join(folded), len(equal) if folds_equal else 0, reasons)


def _remark(section: Delta) -> Line:
    """What is said of all metrics or costs, such as why there are none."""
    texts = " · ".join(text for text in (section.note, section.hint) if text)
    return [say(f"{section.path}: ", "dim"), say(texts, "" if section.relation == "unknown" else "dim")]


def _of_metric(metric: Delta, options: View, sides: tuple[Side, Side]) -> list[Row]:
    name = metric_name(metric)
    cohorts = [child for child in metric.children if not _is_series(child)]
    curves = tuple(child for child in metric.children if _is_series(child))
    told = metric.relation in ("changed", "unknown") or options.asks("metrics") or options.explain
    rows = [
        Row(
            metric,
            [_name(name, "dim" if _worst(metric) == "same" else ""), *_unit(metric)],
            figures(metric),
            _outcome(metric, sides),
            "metric",
            curves if told else (),
        )
    ]
    wanted = [child for child in cohorts if _wanted(child, options)]
    if not (options.asks("metrics") or options.by):
        wanted = sorted(wanted, key=lambda child: _ORDER.index(child.relation))[:COHORTS]
    for child in wanted:
        label = metric_name(child).removeprefix(name).strip("{}") or metric_name(child)
        rows.append(Row(child, [say("  "), _name(label)], figures(child), _outcome(child, sides), "cohort"))
    return rows


def _wanted(cohort: Delta, options: View) -> bool:
    """Whether a cohort is shown: it moved, nothing can be told of it, or it is asked for."""
    if options.by:
        return bool(set(_LABEL.findall(cohort.path)) & set(options.by))
    return options.asks("metrics") or cohort.relation in ("changed", "unknown")


def _asked_of(metric: Delta, options: View) -> bool:
    """Whether cohorts of a metric were asked for by label, so that it cannot be folded."""
    return bool(options.by) and any(_wanted(child, options) for child in metric.children)


def metric_name(found: Delta) -> str:
    """The name of a metric with its labels, without the path to it."""
    return last(found.path, 1)


def row_name(found: Delta) -> str:
    """The name of a metric or a cost."""
    name = last(found.path, 1)
    return _COSTS.get(name, name) if found.path.startswith("cost/") else name


def _name(text: str, style: str = "") -> Span:
    said = say(text, style)
    return Span(clip_front(said.text, LONG_NAME), said.style)


def _unit(found: Delta) -> Line:
    """The unit beside the name, where it is no part of the numbers."""
    return [say(f" {clip(found.unit, LONG_UNIT)}", "dim")] if found.unit and found.unit not in SCALED else []


def _is_series(found: Delta) -> bool:
    return found.path.endswith(":series") and isinstance(found.left or found.right, list)


def _worst(metric: Delta) -> Relation:
    """How a metric stands with all its cohorts."""
    return min([metric.relation, *(child.relation for child in metric.children)], key=_ORDER.index)


def _outcome(found: Delta, sides: tuple[Side, Side]) -> Line:
    return outcome(found.judgement) if found.judgement is not None else unjudged(found, sides)


def _reasons(rows: list[Row]) -> list[Line]:
    """The reasons why nothing can be told, each once, with whom it is about when there are several."""
    known: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        judged = row.found.judgement
        if judged is not None and judged.reason and judged.word in ("cannot tell", "not comparable"):
            known.setdefault((judged.word, judged.reason), []).append(row)
    lines = []
    for (word, reason), about in known.items():
        line = [say(f"{word}: ", "dim"), say(reason, "dim")]
        if len(known) > 1:
            line.append(say(f" ({_names(about)})", "dim"))
        lines.append(line)
    return lines


def _remarks(rows: list[Row]) -> list[Line]:
    """What a reader must know of a row to read it rightly, each once, after whom it is about."""
    known: dict[str, list[Row]] = {}
    for row in rows:
        for note in row.found.judgement.notes if row.found.judgement is not None else []:
            if _FINER in note or not is_finite(row.found):
                known.setdefault(note, []).append(row)
    lines = [[say(f"{_names(about)}: "), say(note)] for note, about in known.items()]
    left = len(lines) - REMARKS
    return lines[:REMARKS] + (
        [[say(f"and {count(left, 'more remark')}: --explain", "dim")]] if left > 0 else []
    )


def _names(about: list[Row]) -> str:
    names = ", ".join(_name(row_name(row.found)).text for row in about[:3])
    return f"{names} and {count(len(about) - 3, 'more row')}" if len(about) > 3 else names


def _means(rows: list[Row], sides: tuple[Side, Side]) -> list[Line]:
    """What a number behind a run's id means."""
    judged = [row.found.judgement for row in rows if row.found.judgement is not None]
    counts = ([one.left.n for one in judged if one.left], [one.right.n for one in judged if one.right])
    marked = [short(side) + _times(many) for side, many in zip(sides, counts, strict=True) if _times(many)]
    if not marked:
        return []
    return [[say(f"{', '.join(marked)}: means of the runs of one recipe", "dim")]]


def column_names(found: Comparison, rows: list[Row]) -> tuple[str, str, str]:
    """The heads of both sides and of the noise: `nrqs ×5`, `kwpz`, `noise (n=5)`."""
    samples = [row.found.judgement for row in rows if row.found.judgement is not None]
    lefts = [judged.left.n for judged in samples if judged.left is not None]
    rights = [judged.right.n for judged in samples if judged.right is not None]
    counts = {
        (judged.left.n, judged.right.n)
        for judged in samples
        if judged.noise is not None and judged.left and judged.right
    }
    noise = "noise"
    # Of two single runs the noise comes from others, which the heads do not count.
    counts.discard((1, 1))
    if len(counts) == 1:
        first, second = counts.pop()
        # Of two sides with repeats the heads say how many there are.
        noise = f"noise (n={max(first, second)})" if first == second or 1 in (first, second) else "noise"
    elif counts:
        noise = f"noise (n≤{max(max(pair) for pair in counts)})"
    a, b = short(found.left), short(found.right)
    return a + _times(lefts), b + _times(rights), noise


def _times(counts: list[int]) -> str:
    """How many runs the values of a side are means of."""
    least, most = min(counts, default=1), max(counts, default=1)
    if most <= 1:
        return ""
    return f" ×{most}" if least == most else f" ×{least}–{most}"
