"""Files that tell of all commands of a job: numbers in OpenMetrics, and variables for later jobs.

https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from xt.model.ci import Account, Figure
from xt.model.result import Number
from xt.render.visible import visible

#: Family → what it is. A unit is the end of its name.
FAMILIES = {
    "xt_metric": "A metric of a run, as it was recorded.",
    "xt_metric_change": "By how much a metric moved, against the run it was compared with.",
    "xt_run_passed": "Whether the run ended well.",
    "xt_run_seconds": "Wall time of the run.",
    "xt_run_cpu_seconds": "CPU time of the run.",
    "xt_run_peak_memory_bytes": "Largest resident memory of the run.",
    "xt_verify_passed": "Whether the run reached the level that was required.",
    "xt_verify_repeats": "Repeats it was judged by.",
    "xt_verify_level": "How well the run repeats: 1 at its level.",
    "xt_diff_causes": "Causes that differ from the run it was compared with.",
    "xt_diff_beyond": "Metrics that moved beyond noise or tolerance.",
    "xt_evidence_missing": "Required fields of evidence the run does not have.",
}
_UNITS = ("seconds", "bytes")
#: Characters of a label's value, of a variable's.
LONG, VALUE = 500, 200
#: Bytes of all variables together; GitLab takes 5 KB.
DOTENV = 5_000
_UNFIT = re.compile(r"[^\w.:@/+-]+", re.ASCII)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}


def joined(accounts: list[Account]) -> Mapping[str, bytes]:
    """Write both files.

    Args:
        accounts: of the commands of a job, oldest first.
    """
    return {"metrics.txt": openmetrics(accounts), "xt.env": dotenv(accounts)}


def openmetrics(accounts: list[Account]) -> bytes:
    """Write all figures; of the same number told twice the later is kept."""
    found: dict[str, dict[tuple[tuple[str, str], ...], Figure]] = {}
    for account in accounts:
        for figure in account.figures:
            found.setdefault(figure.name, {})[tuple(sorted(figure.labels.items()))] = figure
    lines: list[str] = []
    for name, told in FAMILIES.items():
        if name not in found:
            continue
        lines.append(f"# TYPE {name} gauge")
        unit = name.rpartition("_")[2]
        lines += [f"# UNIT {name} {unit}"] if unit in _UNITS else []
        lines.append(f"# HELP {name} {told}")
        known: set[str] = set()
        for figure in found[name].values():
            line = f"{name}{_labels(figure.labels)}"
            if line not in known:  # what was cut may be equal by now
                lines.append(f"{line} {_number(figure.value)}")
            known.add(line)
    return ("\n".join([*lines, "# EOF"]) + "\n").encode("utf-8", "replace")


def dotenv(accounts: list[Account]) -> bytes:
    """Write what later jobs can read: values without spaces, the later command's where two say something."""
    values: dict[str, str] = {}
    for account in accounts:
        for name, value in (
            ("XT_CI_RUN", account.run),
            ("XT_CI_STATUS", account.status),
            ("XT_CI_LEVEL", account.level),
            ("XT_CI_VERDICT", account.verdict),
        ):
            if value is not None:
                values[name] = _UNFIT.sub("-", value)[:VALUE]
    passed = [account.passed for account in accounts]
    values["XT_CI_PASSED"] = "false" if False in passed else "unknown" if None in passed else "true"
    return "".join(f"{name}={value}\n" for name, value in values.items()).encode()[:DOTENV]


def _labels(labels: dict[str, str]) -> str:
    inside = ",".join(f'{name}="{_escape(value)}"' for name, value in sorted(labels.items()))
    return f"{{{inside}}}" if inside else ""


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in visible(text[:LONG]))


def _number(value: float | Number) -> str:
    if isinstance(value, Number):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[value.special]
    return repr(value)
