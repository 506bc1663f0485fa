"""Two runs that exist: their repeats, and what differs among their causes."""

from __future__ import annotations

from xt.compare.tolerances import metric_name
from xt.context import Outside
from xt.model.delta import Delta
from xt.model.result import Record
from xt.model.text import from_text
from xt.model.verification import Diagnosis
from xt.ops.diff import causes
from xt.ops.diff.code import Patch
from xt.ops.diff.sides import both, share
from xt.ops.series import number
from xt.ops.verify.lines import Values
from xt.store import Store

#: Cause of a comparison → what a diagnosis calls it.
SOURCES = {"inputs": "input"}
#: Parts of a cause that are named.
TOLD = 3


def others(store: Store, left: Record, right: Record) -> tuple[Values, Values]:
    """Values of the metrics of other runs of the same recipes.

    Args:
        store: that has them.
        left: one run.
        right: the other; if both have one recipe, the others count for it.

    Returns:
        By path of a metric: of the left recipe, and of the right one.
    """
    one, other = both(store, left.id, right.id)
    if share(one, other):
        return {}, _values(one.repeats)
    return _values(one.repeats), _values(other.repeats)


def _values(records: list[Record]) -> Values:
    found: Values = {}
    for record in records:
        for metric in record.result.metrics:
            path = f"metrics/{metric_name(metric.name, metric.labels)}"
            found.setdefault(path, []).append(number(metric.value))
    return found


def sources_of(store: Store, left: Record, right: Record, outside: Outside) -> Diagnosis:
    """Say which causes of two runs differ; whether they are the reason was not tried.

    Args:
        store: that has both.
        left: one run.
        right: the other.
        outside: for git.
    """
    written = [
        [from_text(item.path) for item in record.result.outputs if item.path is not None]
        for record in (left, right)
    ]
    found = causes.compare(
        store, left.snapshot, right.snapshot, (written[0], written[1]), Patch(False, False), outside
    )
    differing = [child for child in found.children if child.relation == "changed"]
    if not differing:
        return Diagnosis(
            sources=[],
            sentence="No recorded cause differs.",
            hint=f"`xt verify {left.id[:8]} --repeat 5` makes repeats, and finds out why they differ",
        )
    named = [SOURCES.get(child.path, child.path) for child in differing]
    parts = "; ".join(_parts(child) for child in differing)
    return Diagnosis(
        sources=named,
        sentence=f"The causes of the two differ, so one is no repeat of the other: {parts}.",
        hint=f"`xt diff {left.id[:8]} {right.id[:8]}` shows how",
    )


def _parts(cause: Delta) -> str:
    names = [part.path.partition("/")[2] for part in cause.children if part.relation == "changed"]
    if not names:
        return cause.path
    more = f" and {len(names) + cause.more - TOLD} more" if len(names) + cause.more > TOLD else ""
    return f"{cause.path} ({', '.join(names[:TOLD])}{more})"
