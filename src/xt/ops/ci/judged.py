"""What `xt verify`, `xt diff` and `xt audit` have to tell a job."""

from __future__ import annotations

import os
import re
from typing import Literal

from xt import fsio
from xt.errors import XtError
from xt.model.audit import Audit, Audits
from xt.model.ci import Account, Figure, Remark
from xt.model.delta import Comparison, Delta
from xt.model.level import LEVELS
from xt.model.verification import Verification, Verifications
from xt.ops.ci.around import Around, bounded, named, required_at
from xt.store import Store

#: Figures of one command.
FIGURES = 5_000
_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d{1,9})")
Kind = Literal["error", "warning", "notice"]


def of_verify(found: Verifications, store: Store, around: Around) -> Account:
    """Tell of verifications."""
    remarks = []
    figures = []
    for one in found.verifications:
        title = f"xt verify {one.run[: one.shown]}: {one.level}"
        diagnosis = one.diagnosis.sentence if one.diagnosis is not None else ""
        kind = "notice" if one.reached else "error"
        remarks.append(Remark(kind, f"{one.sentence} {diagnosis}".strip(), title))  # type: ignore[arg-type]
        figures += _of_verification(one, _labels(store, one.run))
    failed = [one for one in found.verifications if not one.reached]
    first = (failed or found.verifications)[0]
    several = f" and {len(found.verifications) - 1} more" if len(found.verifications) > 1 else ""
    return Account(
        command="verify",
        at=around.now,
        title=f"verify {first.run[: first.shown]}{several}",
        sentence=first.sentence,
        passed=None if found.level == "unverifiable" else found.reached,
        run=first.run,
        level=found.level,
        remarks=bounded(remarks),
        figures=figures[:FIGURES],
        job=around.place.job,
    )


def of_diff(found: Comparison, store: Store, around: Around) -> Account:
    """Tell of a whole comparison, and of what it was asked to fail on."""
    left, right = (side.id[: side.shown] for side in (found.left, found.right))
    passed = _passed(found)
    remarks = []
    for gate in found.gates:
        if not gate.passed:
            said = "fails" if gate.passed is False else "cannot be told, which is no pass"
            reasons = "; ".join(gate.reasons)
            remarks.append(Remark("error", f"{reasons} ({gate.name} {said})", f"xt diff {left} {right}"))
    worse = found.verdict.word == "regressed"
    kind = "notice" if passed and not worse else "warning"
    remarks.append(Remark(kind, found.verdict.sentence, f"xt diff {left} {right}"))  # type: ignore[arg-type]
    if found.verdict.relation not in ("same", "within"):
        remarks += _changes(found.causes, left, around)
    figures = [Figure("xt_diff_causes", found.verdict.causes, _labels(store, found.right.id))]
    figures.append(Figure("xt_diff_beyond", found.verdict.beyond, _labels(store, found.right.id)))
    return Account(
        command="diff",
        at=around.now,
        title=f"diff {left} → {right}",
        sentence=found.verdict.sentence,
        passed=passed,
        run=found.right.id,
        verdict=found.verdict.word,
        status=found.right.status,
        remarks=bounded(remarks),
        figures=[*figures, *_moves(found.effects, _labels(store, found.right.id))][:FIGURES],
        job=around.place.job,
    )


def of_audit(found: Audits, store: Store, around: Around) -> Account:
    """Tell of an audit."""
    remarks = []
    figures = []
    lacking = []
    for one in found.audits:
        missing = [item for item in one.fields if not item.present] if one.complete is not None else []
        lacking += [one] if missing else []
        file, line = required_at(around, one.task) if missing else (None, None)
        for item in missing:
            text = f"{item.field} is missing: {item.missing or 'no reason is known'}"
            supply = f" ({item.supply})" if item.supply else ""
            title = f"xt audit {one.run[: one.shown]}"
            remarks.append(Remark("error", text + supply, title, file, line))
        if one.complete is not None:
            figures.append(Figure("xt_evidence_missing", len(missing), _labels(store, one.run)))
    remarks += [Remark("error", f"{one.run}: {one.reason}", "xt audit") for one in found.unreadable]
    sentence = _audited(found, lacking)
    remarks.append(Remark("notice" if found.complete else "warning", sentence, "xt audit"))
    first = (lacking or found.audits or [None])[0]  # type: ignore[list-item]
    many = len(found.audits) != 1
    return Account(
        command="audit",
        at=around.now,
        title="audit" if many or first is None else f"audit {first.run[: first.shown]}",
        sentence=sentence,
        passed=found.complete,
        run=first.run if first is not None else None,
        status=first.status if first is not None and not many else None,
        remarks=bounded(remarks),
        figures=figures[:FIGURES],
        job=around.place.job,
    )


def _of_verification(one: Verification, labels: dict[str, str]) -> list[Figure]:
    repeats = sum(len(column.runs) for column in one.columns)
    levels = [
        Figure("xt_verify_level", int(level == one.level), {"level": level, **labels}) for level in LEVELS
    ]
    return [
        Figure("xt_verify_passed", int(one.reached), labels),
        Figure("xt_verify_repeats", repeats, labels),
        *levels,
    ]


def _moves(effects: Delta, labels: dict[str, str]) -> list[Figure]:
    """By how much each metric moved."""
    figures = []
    for group in effects.children:
        if group.path != "metrics":
            continue
        for row in (inner for child in group.children for inner in (child, *child.children)):
            delta = row.judgement.delta if row.judgement is not None else None
            if delta is not None:
                name = row.path.removeprefix("metrics/")
                figures.append(Figure("xt_metric_change", delta, {"metric": name, **labels}))
    return figures


def _changes(causes: Delta, left: str, around: Around) -> list[Remark]:
    """A remark at the first changed line of each file of the code that is another one."""
    found = []
    for section in causes.children:
        for child in section.children if section.path == "code" else ():
            name = child.path.removeprefix("code/")
            path = os.path.realpath(os.path.join(around.root, name))
            if child.relation == "same" or not fsio.is_inside(path, around.place.top):
                continue
            hunk = next((match for line in child.text if (match := _HUNK.match(line))), None)
            counts = {one.what: one.value for one in child.measures}
            added, removed = counts.get("lines added"), counts.get("lines removed")
            lines = f": +{added} −{removed} lines" if added is not None else ""
            found.append(
                Remark(
                    "notice",
                    f"{child.change or 'changed'} since {left}{lines}",
                    "a cause that differs",
                    fsio.relative_to(path, around.place.top) if os.path.isfile(path) else None,
                    max(int(hunk[1]), 1) if hunk is not None else None,
                )
            )
    return [one for one in found if one.file is not None]


def _passed(found: Comparison) -> bool | None:
    """Whether a job may go on: by what was asked to fail on, else by the verdict."""
    if found.gates:
        passed = [gate.passed for gate in found.gates]
        return False if False in passed else None if None in passed else True
    word = found.verdict.word
    if word == "regressed":
        return False
    return True if word == "improved" or found.verdict.relation in ("same", "within") else None


def _audited(found: Audits, lacking: list[Audit]) -> str:
    if found.complete is None:
        return "nothing is required, so nothing can be told"
    if found.complete:
        return "all required evidence is there"
    bad = [one.run[: one.shown] for one in lacking] + [one.run[: one.shown] for one in found.unreadable]
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    return f"required evidence is missing: {', '.join(bad[:5])}{more}"


def _labels(store: Store, run_id: str) -> dict[str, str]:
    """What a run is called from one job to the next: its task and its name."""
    try:
        context = store.record(run_id).snapshot.context
    except XtError:
        return {}
    return named(context.task, context.name)
