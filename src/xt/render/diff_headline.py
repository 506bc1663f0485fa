"""The count at the top of a comparison: how many causes differ, what moved, of what is on the page."""

from __future__ import annotations

from collections.abc import Iterator

from xt.model.delta import Comparison, Delta, Judgement
from xt.render.diff_words import part, shown
from xt.render.quantities import count


def headline(found: Comparison) -> str:
    """Say how much differs: `3 causes differ · 1 metric moved beyond noise`.

    Args:
        found: the comparison; what was taken out of its tree is not counted.

    Returns:
        '' when nothing is left to count.
    """
    status, outputs = part(found.effects, "status"), part(found.effects, "outputs")
    said = _causes(found.causes)
    if status is not None and status.relation == "changed" and status.left != status.right:
        said.append(f"{shown(status.left, True)} → {shown(status.right, True)}")
    judged = list(_judged(found.effects))
    moved = [(kind, by) for kind, row in judged if (by := bound(row))]
    if moved:
        said.append(_moved(moved))
    elif judged:
        said.append(_still(judged))
    differing = (
        sum(child.relation == "changed" and child.counted for child in outputs.children) + outputs.more
        if outputs
        else 0
    )
    if differing and not moved and not (status and status.relation == "changed"):
        said.append(_differ(differing, "output"))
    return " · ".join(said)


def bound(judged: Judgement) -> str:
    """By which bound a metric moved; '' when it did not."""
    if judged.word in ("beyond noise", "beyond tolerance"):
        return judged.word
    if judged.word in ("improved", "regressed"):
        return "beyond noise" if judged.noise is not None or judged.p is not None else "beyond tolerance"
    return ""


def _causes(causes: Delta) -> list[str]:
    """How many causes differ and of how many that is not known; nothing when none is on the page."""
    counted = [child.relation for child in causes.children if child.counted]
    differing, unknown = counted.count("changed"), counted.count("unknown")
    said = [_differ(differing, "cause")] if differing else []
    said += [f"{count(unknown, 'cause')} not known"] if unknown else []
    # Of one section alone nothing can be said of the others.
    only = causes.children[0].path if len(causes.children) == 1 else None
    return said or ([f"no difference in {only}" if only else "no cause differs"] if causes.children else [])


def _differ(number: int, thing: str) -> str:
    return f"{count(number, thing)} differ{'s' if number == 1 else ''}"


def _judged(effects: Delta) -> Iterator[tuple[str, Judgement]]:
    """What counts and was judged, each with its kind: metrics and costs, their cohorts, and the cases."""
    for section in effects.children:
        if section.path not in ("metrics", "cost", "cases") or not section.counted:
            continue
        rows = [section]
        if section.path != "cases":
            rows = [child for child in section.children if child.counted]
            rows += [cohort for row in rows for cohort in row.children if cohort.counted]
        for row in rows:
            if row.judgement is not None:
                yield section.path, row.judgement


def _still(judged: list[tuple[str, Judgement]]) -> str:
    """That nothing moved, or is known to have, said of the most important that is on the page."""
    known = not any(row.word in ("cannot tell", "not comparable") for _, row in judged)
    kinds = [kind for kind, _ in judged]
    if "metrics" in kinds or "cost" in kinds:
        thing = "metric" if "metrics" in kinds else "cost"
        return f"no {thing} moved" if known else f"no {thing} known to have moved"
    if not known:
        return "the cases are not known to have moved"
    # Some may be fixed and some broken, too few of them to tell.
    bounds = {row.word for _, row in judged} - {"same"}
    return f"the cases moved {bounds.pop()}" if bounds else "the cases did not move"


def _moved(moved: list[tuple[str, str]]) -> str:
    kinds = [kind for kind, _ in moved]
    metrics, costs = kinds.count("metrics"), kinds.count("cost")
    said = [count(number, thing) for number, thing in ((metrics, "metric"), (costs, "cost")) if number]
    said += ["the cases"] if "cases" in kinds else []
    bounds = {by for _, by in moved}
    return f"{', '.join(said[:-1])}{' and ' if said[1:] else ''}{said[-1]} moved" + (
        f" {bounds.pop()}" if len(bounds) == 1 else ""
    )
