"""`xt diff --fail-on`: whether a comparison may pass. What cannot be told never does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from xt.compare.verdict_rows import Evidence, Judged, evidence_of
from xt.errors import UsageError
from xt.model.delta import Comparison, Delta, Gate, Side
from xt.suggest import suggest

Name = Literal["regression", "divergent", "incomplete"]
NAMES: tuple[Name, ...] = get_args(Name)
#: Statuses that say nothing of how a run ended.
_OPEN = ("running", "damaged", "unknown")
#: Names in one clause.
_NAMED = 6


def names(text: str) -> list[Name]:
    """Read what is written behind `--fail-on`.

    Raises:
        UsageError: it names something else, or nothing.
    """
    found: list[Name] = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        if word not in NAMES:
            raise UsageError(f"--fail-on: there is no `{word}`", suggest(word, NAMES, "it can be"))
        found.append(word)
    if not found:
        raise UsageError("--fail-on: nothing is named", f"it takes {', '.join(NAMES)}, with commas between")
    return list(dict.fromkeys(found))


def gates(found: Comparison, wanted: Iterable[Name]) -> list[Gate]:
    """Judge a whole comparison by each thing that was named.

    Args:
        found: as `compare` gives it; one that was narrowed lacks what has to be looked at.
        wanted: names.
    """
    made = {"regression": _regression, "divergent": _divergent, "incomplete": _incomplete}
    return [made[name](found) for name in wanted]


def status_of(gates_found: list[Gate]) -> int:
    """What to end with: 0 when all passed, 1 when one failed, 3 when one cannot be told."""
    from xt.errors import EXIT_UNVERIFIABLE

    if any(gate.passed is False for gate in gates_found):
        return 1
    return EXIT_UNVERIFIABLE if any(gate.passed is None for gate in gates_found) else 0


def _regression(found: Comparison) -> Gate:
    """Nothing with a goal got worse; numbers without one cannot."""
    failed, doubts = _ends(found)
    if failed or doubts:
        return _gate("regression", failed, doubts)
    evidence = evidence_of(found.effects)
    worse = evidence.of("regressed")
    # A number that no goal is known of, and one whose goal nobody declared, has no worse.
    told = [row for row in evidence.judged if row.counted and _goal(row) != "none"]
    open_rows = [row for row in told if row.word in ("cannot tell", "not comparable")]
    open_parts = [
        part
        for relation in ("unknown", "changed")
        for part in evidence.parts[relation]
        if part.delta.path.partition("/")[0] in ("metrics", "cases") and part.delta.judgement is None
    ]
    failed = [f"worse: {_listed([row.name for row in worse])}"] if worse else []
    doubts = _comparable(found) + _why(open_rows)
    doubts += [f"{part.name}: {part.delta.note or 'it could not be compared'}" for part in open_parts]
    if not told and not failed and not doubts:
        doubts = ["no metric with a goal was measured in both runs (`[metrics.NAME] goal` in xt.toml)"]
    unknown = [row.delta.path for row in open_rows] + [part.delta.path for part in open_parts]
    return _gate("regression", failed, doubts, [row.delta.path for row in worse], unknown)


def _divergent(found: Comparison) -> Gate:
    """Everything that came out is the same, within tolerance or within noise."""
    failed, doubts = _ends(found)
    if failed or doubts:
        return _gate("divergent", failed, doubts)
    evidence = evidence_of(found.effects)
    moved = evidence.of("improved", "regressed", "beyond noise", "beyond tolerance")
    parts = evidence.parts["changed"]
    paths = list(dict.fromkeys([*(row.delta.path for row in moved), *(part.delta.path for part in parts)]))
    names_found = list(dict.fromkeys([*(row.name for row in moved), *(part.name for part in parts)]))
    failed = [f"not the same: {_listed(names_found)}"] if paths else []
    open_rows = evidence.of("cannot tell", "not comparable")
    open_parts = evidence.parts["unknown"]
    doubts = _comparable(found) + _why(open_rows)
    doubts += [f"{part.name}: {part.delta.note or 'it could not be compared'}" for part in open_parts]
    if not _anything(found, evidence) and not failed and not doubts:
        doubts = ["no metric, case or output of both runs is recorded"]
    if not failed and not doubts and found.effects.relation not in ("same", "within"):
        # Whatever the rows say, what is not known to agree does not pass.
        doubts = [f"the effects are `{found.effects.relation}`"]
    unknown = [row.delta.path for row in open_rows] + [part.delta.path for part in open_parts]
    return _gate("divergent", failed, doubts, paths, unknown)


def _incomplete(found: Comparison) -> Gate:
    """The run that is judged ended well, wrote all it declared, and has all evidence that is required."""
    right = found.right
    failed = [f"{_short(right)} has no {field}" for field in right.lacking]
    if right.status in _OPEN:
        return _gate("incomplete", failed, [f"{_short(right)} is `{right.status}`"])
    if right.status != "ok":
        failed.insert(0, f"{_short(right)} ended `{right.status}`")
    return _gate("incomplete", failed, [])


def _ends(found: Comparison) -> tuple[list[str], list[str]]:
    """What the ends of the two runs settle: reasons to fail, and reasons why nothing can be told."""
    still = [f"{_short(side)} is `{side.status}`" for side in (found.left, found.right) if _is_open(side)]
    if still:
        return [], still
    if found.left.status != "ok":
        return [], [f"{_short(found.left)}, to compare with, ended `{found.left.status}`"]
    if found.right.status != "ok":
        return [f"{_short(found.right)} ended `{found.right.status}`"], []
    return [], []


def _is_open(side: Side) -> bool:
    return side.status in _OPEN


def _comparable(found: Comparison) -> list[str]:
    if found.comparability.relation in ("same", "within"):
        return []
    children = [child for child in found.comparability.children if child.counted]
    notes = [child.note for child in children if child.relation in ("unknown", "changed") and child.note]
    return [f"whether both are comparable: {note}" for note in notes] or ["they are not comparable"]


def _why(rows: list[Judged]) -> list[str]:
    """Rows of which it cannot be told, by reason."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        reason = row.delta.judgement.reason if row.delta.judgement is not None else None
        reasons.setdefault(reason or "no reason is known", []).append(row.name)
    return [f"{_listed(named)}: {reason}" for reason, named in reasons.items()]


def _goal(row: Judged) -> str:
    return row.delta.judgement.goal if row.delta.judgement is not None else "none"


def _anything(found: Comparison, evidence: Evidence) -> bool:
    def counts(group: Delta) -> bool:
        return group.path not in ("status", "cost", "logs") and bool(group.children or group.tally)

    return any(counts(group) for group in found.effects.children) or any(
        row.counted for row in evidence.judged
    )


def _gate(
    name: Name,
    failed: list[str],
    doubts: list[str],
    paths: list[str] | None = None,
    unknown: list[str] | None = None,
) -> Gate:
    passed = False if failed else None if doubts else True
    return Gate(name, passed, [*failed, *doubts], paths or [], unknown or [])


def _listed(found: list[str]) -> str:
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more


def _short(side: Side) -> str:
    return side.id[: side.shown]
