"""Evaluated examples of two runs: which were fixed, which broke, and whether that is chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from xt.compare.case_chance import outcome_chance, score_chance
from xt.compare.case_columns import CaseColumns
from xt.compare.case_join import LISTED, MOST_COHORTS, Cohort, Join, Move
from xt.compare.jsonable import written
from xt.compare.judging import RELATION_OF, Chance, Row, judge
from xt.compare.tolerances import metric_name
from xt.model.delta import Delta, Judgement, Measure, Relation, Tally, worst

_JOINED = "cases on both sides"
TWICE = "ids that occur twice"
#: Counts that leave open what became of some cases.
_DOUBTS = (TWICE, "rows without an id", "cases that cannot be read")


def compare_cases(
    left: Iterable[Mapping[str, Any]],
    right: Iterable[Mapping[str, Any]],
    columns: CaseColumns,
    path: str,
    by: list[str],
) -> Delta:
    """Join the cases of two runs by id and tally what became of them.

    Args:
        left: rows by column, read once.
        right: likewise.
        columns: where id, outcome and score are.
        path: of the whole, such as `cases`.
        by: columns that group cases; each is a family of cohorts of its own.

    Returns:
        `left` and `right` are the share that passes (or the mean score) over the cases of both sides.
        Children are cohorts and the worst cases; they inform and do not count. The judgement is made for
        itself: `case_row` gives it to the family of the whole comparison, `judged` takes the answer back.

    Raises:
        UnreadableError: there are more cases than memory allows for.
    """
    join = Join(columns, by)
    join.read(left, right)
    tally = join.whole.tally
    read = join.joined - join.unread
    chance = None
    before = after = None
    if columns.outcome is not None and read:
        before, after = (tally.broken + tally.passing) / read, (tally.fixed + tally.passing) / read
        if tally.fixed or tally.broken:
            chance = outcome_chance(tally.fixed, tally.broken, read)
    elif columns.outcome is None and read:
        before, after = join.left_sum / read, join.right_sum / read
        if join.moved:
            chance = score_chance(join.scores)
    cohorts = [_cohort(cohort, path) for cohort in join.cohorts()]
    delta = Delta(
        path,
        "same",
        left=before,
        right=after,
        measures=_measures(join),
        note=_note(join),
        tally=tally,
        children=[*cohorts[:LISTED], *(_example(move, path) for move in join.moves[:LISTED])],
        more=sum(cohort.relation != "same" for cohort in cohorts[LISTED:]) + max(0, join.moved - LISTED),
    )
    if before is None or after is None:
        reason = "no case on both sides has a result"
        return judged(delta, Judgement("cannot tell", reason=reason, goal="max"))
    return judged(delta, judge([Row(path, [before], [after], goal="max", chance=chance)])[0])


def case_row(delta: Delta) -> Row | None:
    """Give the cases to the family of the whole comparison; None when there is nothing to judge.

    Args:
        delta: of `compare_cases`.
    """
    judgement = delta.judgement
    if judgement is None or judgement.p is None or judgement.method is None:
        return None
    chance = Chance(judgement.p, judgement.method, judgement.detectable)
    return Row(delta.path, [delta.left], [delta.right], goal="max", chance=chance)


def judged(delta: Delta, judgement: Judgement) -> Delta:
    """Replace the judgement of cases by that of the whole comparison.

    Args:
        delta: of `compare_cases`.
        judgement: of its `case_row`.

    Returns:
        With a relation that is at best `unknown` when cases are on one side only, unreadable or ambiguous.
    """
    tally = delta.tally or Tally()
    doubtful = any(measure.what in _DOUBTS for measure in delta.measures)
    least: Relation = "unknown" if doubtful or tally.only_left or tally.only_right else "same"
    return replace(delta, judgement=judgement, relation=worst([RELATION_OF[judgement.word], least]))


def same_case_set(delta: Delta, path: str = "cases") -> Delta:
    """Say whether both runs were evaluated on the same cases, for the comparability of the whole.

    Args:
        delta: of `compare_cases`.
        path: of what is returned.
    """
    tally = delta.tally or Tally()
    joined = next((measure.value for measure in delta.measures if measure.what == _JOINED), 0)
    noun = "case" if joined == 1 else "cases"
    sides = ((tally.only_left, "left"), (tally.only_right, "right"))
    lone = [f"{count} only on the {side}" for count, side in sides if count]
    if lone:
        return Delta(path, "changed", note=f"{joined} {noun} on both sides, {', '.join(lone)}")
    return Delta(path, "same", note=f"the same {joined} {noun}")


def _measures(join: Join) -> list[Measure]:
    measures = [Measure(_JOINED, join.joined)]
    if join.scores:
        measures += [
            Measure("scores higher", sum(move > 0 for move in join.scores)),
            Measure("scores lower", sum(move < 0 for move in join.scores)),
            Measure("mean Δ score", join.whole.mean_move),
        ]
    counts = zip(_DOUBTS, (join.twice, join.nameless, join.unread), strict=True)
    return measures + [Measure(what, count) for what, count in counts if count]


def _note(join: Join) -> str | None:
    counts = (
        (join.twice, "with an id that was there before, not counted"),
        (join.nameless, "without an id, not counted"),
        (join.unread, "without a result that can be read on both sides, not counted"),
    )
    clauses = [f"{count} {what}" for count, what in counts if count]
    clauses += [
        f"`{column}` has over {MOST_COHORTS} values and does not group" for column in sorted(join.ungrouped)
    ]
    return ", ".join(clauses) or None


def _cohort(cohort: Cohort, path: str) -> Delta:
    return Delta(
        f"{path}/{metric_name('', {cohort.column: cohort.value})}",
        "changed" if cohort.moved else "same",
        tally=cohort.tally,
        measures=[Measure("mean Δ score", cohort.mean_move)] if cohort.rescored else [],
        counted=False,
    )


def _example(move: Move, path: str) -> Delta:
    worse = move.kind <= 1
    return Delta(
        f"{path}/{written(move.name)}",
        "changed",
        left=move.left,
        right=move.right,
        change="down" if worse else "up",
        measures=[Measure("Δ score", move.score)] if move.score else [],
        counted=False,
    )
