"""The rows of a comparison that a verdict is drawn from, sorted by what they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from xt.compare.judging import RELATION_OF
from xt.model.delta import RELATIONS, Delta, Relation, Word

#: Parts of the effects whose children are numbers with a judgement.
JUDGED = ("metrics", "cost", "cases")


class Judged(NamedTuple):
    """One number, or one set of cases."""

    name: str
    """`val/acc{digit=8}`, `cases`."""
    delta: Delta
    whole: Delta | None
    """The metric it is a cohort of."""
    counted: bool

    @property
    def word(self) -> Word | None:
        """Its judgement, None when it has none."""
        return self.delta.judgement.word if self.delta.judgement is not None else None

    @property
    def hidden(self) -> bool:
        """Whether it is a cohort that moved while its metric did not."""
        whole = self.whole.judgement if self.whole is not None else None
        return (
            self.whole is not None
            and RELATION_OF.get(self.word or "same") == "changed"
            and (whole is None or whole.word != self.word)
        )


class Part(NamedTuple):
    """Something without a judgement: an output, a metric that is only on one side."""

    name: str
    delta: Delta


class Evidence(NamedTuple):
    """All effects, sorted."""

    judged: list[Judged]
    parts: dict[Relation, list[Part]]
    """Counted, by relation."""

    def of(self, *words: Word) -> list[Judged]:
        """List the counted rows with one of these words."""
        return [row for row in self.judged if row.counted and row.word in words]


def evidence_of(effects: Delta) -> Evidence:
    """Sort the effects of a comparison.

    Args:
        effects: with children such as `metrics`, `cost`, `cases`, `outputs`, `logs`; `status` is left out,
            since it is told by the two sides.
    """
    judged: list[Judged] = []
    parts: dict[Relation, list[Part]] = {relation: [] for relation in RELATIONS}
    for group in effects.children:
        name = group.path.rpartition("/")[2]
        if name == "status":
            continue
        if name not in JUDGED:
            for part in _parts(group):
                parts[part.delta.relation].append(part)
            continue
        for row in _rows(group):
            if row.word is not None:
                judged.append(row)
            if row.counted and _says_more(row):
                parts[row.delta.relation].append(Part(row.name, row.delta))
    return Evidence(judged, parts)


def _rows(group: Delta) -> Iterator[Judged]:
    """Walk over a group, its rows and their cohorts."""
    if group.judgement is not None or not group.children:
        yield Judged(_name(group), group, None, group.counted)
    for child in group.children:
        counted = group.counted and child.counted
        # Cohorts and examples of cases inform only.
        if child.judgement is not None or counted:
            yield Judged(_name(child), child, None, counted)
        for cohort in child.children:
            if cohort.judgement is not None or (counted and cohort.counted):
                yield Judged(_name(cohort), cohort, child, counted and cohort.counted)


def _says_more(row: Judged) -> bool:
    """Whether a row is worse than its judgement says, or has none."""
    said: Relation = RELATION_OF[row.word] if row.word is not None else "same"
    return RELATIONS.index(row.delta.relation) > RELATIONS.index(said) and not _from_children(row)


def _from_children(row: Judged) -> bool:
    """Whether a row is worse only because of its parts, which speak for themselves."""
    return any(child.counted and child.relation == row.delta.relation for child in row.delta.children)


def _parts(group: Delta) -> Iterator[Part]:
    # A group of nothing says nothing.
    if not group.counted or (group.relation == "same" and not group.children):
        return
    told = [child for child in group.children if child.counted and child.relation == group.relation]
    if not told:
        yield Part(group.path, group)
    for child in group.children:
        if child.counted:
            yield Part(child.path, child)


def _name(delta: Delta) -> str:
    """Write a row as its metric is called: `metrics/val/acc` is `val/acc`."""
    group, slash, rest = delta.path.partition("/")
    return rest if slash and group in ("metrics", "cost") else delta.path
