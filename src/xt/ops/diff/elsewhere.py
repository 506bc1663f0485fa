"""Outputs whose content is told elsewhere: files of metrics and of cases, as far as that is all they say."""

from __future__ import annotations

import math
import re

from xt.compare.case_columns import OUTCOMES, SCORES
from xt.config import CaseSettings
from xt.model.delta import Delta
from xt.model.result import Metric, Number, Record
from xt.ops.series import number

#: What a page says of them.
NOTES = {"metrics": "judged above as metrics", "cases": "judged above as cases"}
#: The column or key that numbers the points of a series.
_STEP = "step"
_POSITION = re.compile(r"(/\d+)+$")


class Elsewhere:
    """What two runs say in numbers and cases."""

    def __init__(self, left: Record, right: Record, settings: CaseSettings) -> None:
        """Know the metrics without labels, and the columns that decide a case.

        Args:
            left: one run.
            right: the other.
            settings: names of columns.
        """
        self._sides = _plain(left), _plain(right)
        own = {name for name in (settings.outcome, settings.score) if name is not None}
        self._columns = own or {*OUTCOMES, *SCORES}

    def tells(self, role: str, delta: Delta) -> bool:
        """Whether all that differs in an output is told as metrics or cases, so that it need not count again.

        Args:
            role: of the output.
            delta: what was found comparing its content, `outputs/PATH`.
        """
        parts = delta.children
        if role not in NOTES or not parts:
            return False
        names = [part.path[len(delta.path) :].lstrip(":") for part in parts]
        if role == "cases":
            return not delta.more and all(name.lstrip("/") in self._columns for name in names)
        if delta.more > len(self._sides[0]):
            return False
        return all(self._is_metric(name, part) for name, part in zip(names, parts, strict=True))

    def _is_metric(self, place: str, part: Delta) -> bool:
        name = "/".join(word.replace("~1", "/").replace("~0", "~") for word in place.lstrip("/").split("/"))
        for known in (name, _POSITION.sub("", name)):
            pair = [side.get(known) for side in self._sides]
            if None in pair:
                continue
            one, other = pair
            if one is not None and other is not None and (one.count > 1 or other.count > 1):
                return True
            return all(
                metric is not None and _agrees(value, metric)
                for value, metric in zip((part.left, part.right), pair, strict=True)
            )
        return name == _STEP


def _plain(record: Record) -> dict[str, Metric]:
    return {metric.name: metric for metric in record.result.metrics if not metric.labels}


def _agrees(value: object, metric: Metric) -> bool:
    """Whether the file says what the metric does; a part that gives no value is taken by its name."""
    if value is None:
        return True
    if isinstance(value, bool) or not isinstance(value, (int, float, Number)):
        return False
    found, known = number(value), number(metric.value)
    return found == known or math.isnan(found)
