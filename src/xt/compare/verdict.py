"""What a comparison comes to: one word, one relation, and a sentence that says why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from xt.compare.judging import TOO_FAR
from xt.compare.verdict_method import method_of, p_text
from xt.compare.verdict_rows import Evidence, Judged, Part, evidence_of
from xt.model.delta import Delta, Relation, Side, Verdict, Word, worst

#: Names in a sentence.
_NAMED = 3
#: Statuses from which nothing can be said about a run's results yet, or ever.
_OPEN = {"running": "is still running", "damaged": "cannot be read", "lost": "was lost"}


class _Finding(NamedTuple):
    word: Word | Literal["different"]
    sentence: str


def conclude(causes: Delta, comparability: Delta, effects: Delta, left: Side, right: Side) -> Verdict:
    """Draw the verdict.

    The first that applies, in this order: how the runs ended, whether they can be compared, what got worse,
    what got better, what moved without a goal, what cannot be told, what differs without a judgement, and
    then the best that is left. So what cannot be told never passes, and never hides what is known.

    Args:
        causes: children by kind.
        comparability: whether both were measured on the same.
        effects: with children such as `metrics`, `cost`, `cases`, `outputs`; every row of the first three
            carries a judgement, or a relation when it has none.
        left: the reference.
        right: the run that is judged.
    """
    evidence = evidence_of(effects)
    differing = [child for child in causes.children if child.counted and child.relation == "changed"]
    finding = _status(left, right, effects)
    relation = worst(
        [comparability.relation, effects.relation, *(row.delta.relation for row in _all(evidence))]
    )
    if finding is None:
        finding = _effects(evidence, comparability, len(differing), causes)
        if left.status != "ok":
            finding = finding._replace(sentence=f"{finding.sentence}; both runs ended `{left.status}`")
    else:
        relation = worst([relation, "unknown" if finding.word == "cannot tell" else "changed"])
    return Verdict(
        finding.word,
        relation,
        finding.sentence,
        causes=len(differing),
        beyond=len(evidence.of("improved", "regressed", "beyond noise", "beyond tolerance")),
        method=method_of(evidence, left, right),
    )


def _all(evidence: Evidence) -> list[Judged]:
    return [row for row in evidence.judged if row.counted]


def _status(left: Side, right: Side, effects: Delta) -> _Finding | None:
    """Judge by how the runs ended; None when that leaves the results to be compared."""
    still = [f"{_short(side)} {_OPEN[side.status]}" for side in (left, right) if side.status in _OPEN]
    if still:
        return _Finding("cannot tell", f"cannot tell: {' and '.join(still)}")
    if left.status == right.status:
        # One word has many endings: `failed` with exit 1 and with exit 3.
        ended = next((child for child in effects.children if child.path == "status"), None)
        if ended is None or ended.relation != "changed":
            return None
        both = f"{_short(left)} ended with {ended.left}, {_short(right)} with {ended.right}"
        return _Finding("different", both)
    unfit = "results of a failed run cannot be compared"
    if left.status == "ok":
        return _Finding("regressed", f"{_short(left)} ended ok and {_short(right)} `{right.status}`: {unfit}")
    if right.status == "ok":
        return _Finding("improved", f"{_short(left)} ended `{left.status}` and {_short(right)} ok: {unfit}")
    both = f"{_short(left)} ended `{left.status}`, {_short(right)} `{right.status}`"
    return _Finding("different", both)


def _short(side: Side) -> str:
    return side.id[: side.shown]


def _effects(evidence: Evidence, comparability: Delta, differing: int, causes: Delta) -> _Finding:
    if comparability.relation == "changed":
        return _Finding("not comparable", f"not comparable: {_clauses(comparability, 'changed')}")
    moved = _moved(evidence, differing, causes)
    if moved is not None:
        if comparability.relation == "unknown":
            doubt = _clauses(comparability, "unknown")
            return moved._replace(sentence=f"{moved.sentence}. Whether both are comparable is open: {doubt}")
        return moved
    open_rows = evidence.of("cannot tell", "not comparable")
    if comparability.relation == "unknown":
        doubt = _clauses(comparability, "unknown")
        return _Finding("cannot tell", f"cannot tell whether both are comparable: {doubt}")
    if open_rows or evidence.parts["unknown"]:
        return _Finding("cannot tell", _open(open_rows, evidence.parts["unknown"]))
    number = f"{differing} {'cause differs' if differing == 1 else 'causes differ'}"
    before = number if differing else _none_differs(causes)
    judged = [row for row in evidence.judged if row.counted]
    parts = evidence.parts["changed"]
    if parts:
        still = " and no metric moved" if judged else ""
        known = differing or causes.relation == "unknown"
        decides = "" if known else ": something that is not recorded decides"
        return _Finding("different", f"{before}{still}, but {_differ(parts)}{decides}")
    if evidence.of("within noise"):
        return _Finding("within noise", f"noise: {before} and nothing moved beyond what repeats do")
    if evidence.of("within tolerance") or evidence.parts["within"] or comparability.relation == "within":
        return _Finding("within tolerance", f"{before} and all that moved is within the declared tolerance")
    if not judged and not any(evidence.parts.values()):
        return _Finding("same", f"{before}; no metric, case or output is recorded that could differ")
    return _Finding("same", f"{before}{'' if differing else ','} and no effect does")


def _none_differs(causes: Delta) -> str:
    """Say that no cause differs, as far as that is known."""
    return f"no recorded cause {'is known to differ' if causes.relation == 'unknown' else 'differs'}"


def _moved(evidence: Evidence, differing: int, causes: Delta) -> _Finding | None:
    """Judge by the rows that moved; None when none did."""
    worse, better = evidence.of("regressed"), evidence.of("improved")
    neither = evidence.of("beyond noise", "beyond tolerance")
    rows = [*worse, *better, *neither]
    if not rows:
        return None
    word: Word = "beyond tolerance"
    if worse:
        word = "regressed"
    elif better:
        word = "improved"
    elif evidence.of("beyond noise"):
        word = "beyond noise"
    if not differing and causes.relation != "unknown":
        sentence = (
            f"{_none_differs(causes)}, and {_names(rows)} moved {_past(rows)}: "
            "something that is not recorded decides"
        )
        return _Finding(word, sentence + _why(rows))
    kind = "a deliberate change" if differing else "a change whose cause is not known"
    if worse and all(row.hidden for row in worse):
        sentence = f"{kind} with a regression the average hides: {_names(worse)}"
        others = [("better", better), ("moved without a goal", neither)]
    else:
        labels = [("worse", worse), ("better", better), (f"moved {_past(neither)}", neither)]
        (label, first), *others = [(label, some) for label, some in labels if some]
        sentence = (
            f"{kind}: {label}: {_names(first)}"
            if label.startswith("moved")
            else f"{kind}, {label}: {_names(first)}"
        )
    told = "".join(f"; {label}: {_names(some)}" for label, some in others if some)
    return _Finding(word, sentence + told + _why(rows))


def _past(rows: Sequence[Judged]) -> str:
    noise = any(_p(row) is not None or not _declared(row) for row in rows)
    return "beyond noise" if noise else "beyond tolerance"


def _declared(row: Judged) -> bool:
    """Whether a tolerance is declared for a row."""
    judgement = row.delta.judgement
    return row.word == "beyond tolerance" or (judgement is not None and judgement.tolerance is not None)


def _why(rows: Sequence[Judged]) -> str:
    """Say how sure that is, by the smallest p value."""
    found = [(p, row) for row in rows if (p := _p(row)) is not None]
    if not found:
        return _why_without_repeats(rows)
    p, row = min(found, key=lambda pair: pair[0])
    family = row.delta.judgement.family if row.delta.judgement is not None else None
    over = f", Holm over {family}" if family is not None and family > 1 else ""
    return f". Not explained by noise ({p_text(p)}{over})"


def _why_without_repeats(rows: Sequence[Judged]) -> str:
    """Say by what rows moved that have no p value."""
    judgements = [row.delta.judgement for row in rows if row.delta.judgement is not None]
    over = [each for each in judgements if each.left is not None]
    if any(each.tolerance is not None for each in over):
        return ". Over the declared tolerance; without repeats its noise is not known"
    if any(TOO_FAR in each.notes for each in judgements):
        return f". {TOO_FAR[:1].upper()}{TOO_FAR[1:]}"
    # Without samples there were no two numbers to be held against each other.
    return "" if over else ". A value that is no finite number is no noise"


def _p(row: Judged) -> float | None:
    return row.delta.judgement.p if row.delta.judgement is not None else None


def _open(rows: Sequence[Judged], parts: Sequence[Part]) -> str:
    """Say why it cannot be told, and what would help."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        reason = row.delta.judgement.reason if row.delta.judgement is not None else None
        reasons.setdefault(reason or "no reason is known", []).append(row.name)
    if list(reasons) == ["n=1, no tolerance declared"] and not parts:
        return (
            "cannot tell: one run on each side and no tolerance declared "
            "(repeat each with `xt run`, or declare `abs`)"
        )
    clauses = [f"{_listed(names)}: {reason}" for reason, names in reasons.items()]
    clauses += [f"{part.name}: {part.delta.note or 'it could not be compared'}" for part in parts]
    return f"cannot tell: {_listed(clauses, '; ')}"


def _clauses(delta: Delta, relation: Relation) -> str:
    children = [child for child in delta.children if child.counted and child.relation == relation]
    names = [child.path.removeprefix("comparability/") for child in children if not child.note]
    one = len(names) == 1
    verb = (
        ("differs" if one else "differ") if relation == "changed" else ("is" if one else "are") + " not known"
    )
    # A note is a whole clause.
    told = [child.note for child in children if child.note] + ([f"{_listed(names)} {verb}"] if names else [])
    return _listed(told) if told else delta.note or f"what both were measured on {verb}"


def _differ(parts: Sequence[Part]) -> str:
    lone = {"added": "only on the right", "removed": "only on the left"}
    clauses: dict[str, list[str]] = {}
    for part in parts:
        how = lone.get(part.delta.change or "")
        clauses.setdefault(how or "", []).append(part.name.removeprefix("outputs/"))
    told = []
    for how, names in clauses.items():
        one = len(names) == 1
        verb = f"{'is' if one else 'are'} {how}" if how else "differs" if one else "differ"
        told.append(f"{_listed(names)} {verb}")
    return " and ".join(told)


def _names(rows: Sequence[Judged]) -> str:
    return _listed([row.name for row in rows])


def _listed(names: Sequence[str], comma: str = ", ") -> str:
    """Write a list, its end only counted when it is long."""
    if len(names) <= _NAMED + 1:
        return comma.join(names)
    return f"{comma.join(names[:_NAMED])} and {len(names) - _NAMED} more"
