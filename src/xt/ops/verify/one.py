"""The verification of one run: repeats as it was, then with variations, then why they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from xt.context import Outside
from xt.execute.vary import PINS
from xt.model.level import LEVELS, Level, lowest, reaches
from xt.model.result import Record
from xt.model.verification import Column, Diagnosis, Line
from xt.ops.away.fan import Fan
from xt.ops.diff.rules import Rules
from xt.ops.drift import drift
from xt.ops.repeat.wish import Mode, Wish
from xt.ops.verify import sentences
from xt.ops.verify.agreement import Agreement, Point, ended
from xt.ops.verify.diagnose import Diagnose, Seen
from xt.ops.verify.differences import first, last_words
from xt.ops.verify.existing import others, sources_of
from xt.ops.verify.lines import Group, overall, table
from xt.ops.verify.making import Count, Repeats
from xt.ops.verify.nursery import Nursery
from xt.ops.verify.outcomes import Outcomes
from xt.ops.verify.trials import Answer
from xt.store import Store

#: Repeats when nobody says how many, and at least so many before a diagnosis.
REPEATS, DIAGNOSED = 5, 3
#: Name of the column of repeats as the run was, of all variations together, and of an existing run.
PLAIN, ALL, AGAINST = "repeat", "all", "against"


class Asked(NamedTuple):
    """What `xt verify` is asked."""

    repeats: int = REPEATS
    required: Level = "equivalent"
    vary: tuple[str, ...] = ()
    """Names of variations, in order."""
    against: str | None = None
    """Whole id of an existing run."""
    jobs: int = 1
    environment: Mode = "check"
    early_stop: bool = True
    diagnose: bool = True

    @property
    def planned(self) -> int:
        """Trials of one run when all goes well."""
        return 0 if self.against is not None else self.repeats + len(self.varied)

    @property
    def varied(self) -> list[list[str]]:
        """Sets of variations to try: each alone, and all together."""
        return [[name] for name in self.vary] + ([list(self.vary)] if len(self.vary) > 1 else [])


class Found(NamedTuple):
    """What it comes to."""

    level: Level
    columns: list[Column]
    lines: list[Line]
    diagnosis: Diagnosis | None


class One:
    """The verification of one run."""

    def __init__(
        self,
        store: Store,
        record: Record,
        asked: Asked,
        rules: Rules,
        outside: Outside,
        nursery: Nursery,
        count: Count,
        fan: Fan | None = None,
    ) -> None:
        """Prepare.

        Args:
            store: that has the run.
            record: the run.
            asked: how.
            rules: tolerances.
            outside: of the caller.
            nursery: begins trials.
            count: of all trials.
            fan: makes repeats elsewhere; None: they are made here.
        """
        self._store, self._record, self._asked, self._rules = store, record, asked, rules
        self._outside, self._count = outside, count
        self._agreement = Agreement(store, record, rules)
        self._repeats = Repeats(store, record, nursery, asked.jobs, count, fan)
        self._wish = Wish(run=record.id, environment=asked.environment, trial=True)
        self._cache: dict[str, list[Point]] = {}
        """Points by id of a repeat: each is compared once."""
        self.notes: list[str] = []
        self.missing: list[str] = []
        self.hint: str | None = None
        """What to do about the first that is missing."""
        self.drift: list[str] = []

    def verify(self) -> Found:
        """Make repeats, and judge them."""
        asked = self._asked
        plain = self._plain()
        if not plain:
            self._count.planned -= len(asked.varied)
            return Found("unverifiable", [], [], None)
        if self._agreement.bare:
            self.notes.append("no output and no metric is declared: what it printed is compared")
        groups = [self._group(Column(PLAIN, "identical"), plain)]
        base = overall(*table(groups))
        if asked.vary and base in ("divergent", "unverifiable"):
            self._count.planned -= len(asked.varied)
            self.notes.append(
                "no variation was tried: the run does not repeat as it is"
                if base == "divergent"
                else "no variation was tried: how well the run repeats as it is cannot be told"
            )
        elif asked.vary:
            groups += self._variations(base)
        columns, lines = table(groups)
        level = overall(columns, lines)
        self._remark(lines, len(plain))
        if self.missing and level != "divergent":
            level = "unverifiable"
        return Found(level, columns, lines, self._why(base, columns, lines, plain, groups[0].points))

    def _remark(self, lines: list[Line], n: int) -> None:
        """Note what a reader must know of the repeats."""
        how = ended(self._record)
        if how != "ok" and all(line.level == "identical" for line in lines if line.path == "status"):
            repeats = "its repeat" if n == 1 else "its repeats"
            self.notes.append(f"the run itself ended with {how}, and so did {repeats}")
        open_ = sentences.undecided(lines) if self._asked.required == "consistent" else []
        if open_:
            most = max(test.needed or 0 for test in open_)
            short = self._record.id[: self._store.shown(self._record.id)]
            self.hint = self.hint or f"xt verify {short} --level consistent --repeat {most}"

    def against(self, other: Record) -> Found:
        """Hold the run against an existing one, without making any."""
        self.drift = drift(self._record.snapshot, other.snapshot)
        before, after = others(self._store, self._record, other)
        group = self._group(Column(AGAINST, "identical"), [other])
        columns, lines = table([group], before, after)
        level = overall(columns, lines)
        diagnosis = None
        if not reaches(level, self._asked.required):
            diagnosis = sources_of(self._store, self._record, other, self._outside)
        return Found(level, columns, lines, diagnosis)

    def _plain(self) -> list[Record]:
        """Repeats of the run as it was; stops when no further one could change the verdict."""
        asked = self._asked
        found: dict[int, Record] = {}
        made = 0
        enough = DIAGNOSED if asked.diagnose else 1
        making = self._repeats.make([self._wish] * asked.repeats, planned=True)
        try:
            for number, answer, record in making:
                made += 1
                if record is None:
                    self._miss(answer)
                    if not answer.died:
                        break  # what is missing is missing for the next one too
                    continue
                found[number] = record
                # On other machines repeats need not differ from the run in the same.
                self.drift = list(dict.fromkeys([*self.drift, *answer.drift]))
                done = asked.early_stop and len(found) >= enough and made < asked.repeats
                if done and self._final(self._points(list(found.values()))):
                    self.notes.append(
                        f"stopped after {made} of {asked.repeats} repeats:"
                        " no further one could change the verdict"
                    )
                    break
        finally:
            making.close()
        return [found[number] for number in sorted(found)]

    def _miss(self, answer: Answer, name: str | None = None) -> None:
        why = answer.error or answer.impossible or "no answer"
        said = f"{name}: {why}" if name is not None else why
        if said not in self.missing:
            self.missing.append(said)
            self.hint = self.hint or answer.hint

    def _group(self, column: Column, records: Sequence[Record]) -> Group:
        return Group(replace(column, runs=[record.id for record in records]), self._points(records))

    def _points(self, records: Sequence[Record]) -> list[list[Point]]:
        for record in records:
            if record.id not in self._cache:
                self._cache[record.id] = self._agreement.points(record)
        return [self._cache[record.id] for record in records]

    def _final(self, points: list[list[Point]]) -> bool:
        """Whether the repeats made so far decide that the run does not repeat.

        One that differs by more than its tolerance decides it, with two exceptions, as long as metrics have a
        declared bound: such a metric itself, and what may be excused when these agree in the mean.
        """
        wrong = [
            point
            for found in points
            for point in found
            if point.counted and point.level in ("divergent", "unverifiable")
        ]
        if not wrong:
            return False
        # What never moves excuses nothing; and only where `consistent` is enough may it still begin to.
        bounded = any(
            point.bound is not None and (point.level != "identical" or self._asked.required == "consistent")
            for found in points
            for point in found
        )
        return not bounded or any(point.fixed for point in wrong)

    def _variations(self, base: Level) -> Iterator[Group]:
        """Repeat with variations; as often as without if single repeats say little."""
        asked, impossible = self._asked, set[str]()
        times = asked.repeats if base == "consistent" else 1
        self._count.planned += (times - 1) * len(asked.varied)
        for chosen in asked.varied:
            possible = [name for name in chosen if name not in impossible]
            column = Column(ALL if len(chosen) > 1 else chosen[0], "identical")
            if len(chosen) > 1 and len(possible) < 2:
                self._count.planned -= times
                why = "only one variation is possible here" if possible else "no variation is possible here"
                yield _skipped(column, why)
                continue
            records, what, why_not = [], None, None
            making = self._repeats.make([replace(self._wish, varied=possible)] * times, planned=True)
            try:
                for _, answer, record in making:
                    if record is None:
                        why_not = answer.impossible or answer.error or "no answer"
                        if answer.impossible is None:
                            self._miss(answer, column.name)
                        elif len(chosen) == 1:
                            impossible.add(chosen[0])
                        break
                    records.append(record)
                    if len(chosen) == 1:
                        what = "; ".join(answer.adjusted[-1:]) or None
            finally:
                making.close()
            if why_not is not None:
                yield _skipped(column, why_not)
            else:
                yield self._group(replace(column, what=what), records)

    def _why(
        self,
        base: Level,
        columns: list[Column],
        lines: list[Line],
        plain: list[Record],
        points: list[list[Point]],
    ) -> Diagnosis | None:
        """Why the required level is not reached, if differences are the reason."""
        required = self._asked.required
        if not reaches(base, required) and base == "divergent":
            # That too few repeats were made explains it; what makes numbers random was declared.
            if required == "consistent" and sentences.undecided(lines):
                return None
            return self._diagnose(plain, points) if self._asked.diagnose else None
        return sentences.of_variations(
            columns, lines, [level for level in LEVELS if not reaches(level, required)]
        )

    def _diagnose(self, plain: list[Record], points: list[list[Point]]) -> Diagnosis:
        levels = [lowest(point.level for point in found if point.counted) for found in points]
        differing = max(range(len(levels)), key=lambda at: (LEVELS.index(levels[at]), -at))
        where = first(self._store, self._record, plain[differing], points[differing])
        control = list(plain)
        if len(control) < DIAGNOSED:
            more = self._repeats.more([self._wish] * (DIAGNOSED - len(control)))
            control += [record for _, record in more if record is not None]
        required: Level = "equivalent" if self._asked.required == "consistent" else self._asked.required

        def told(done: int, total: int) -> None:
            self._count.suspects = (done, total)
            self._count.tell(self._record.id)

        told(0, len(PINS.rows))
        try:
            return Diagnose(
                Seen(self._wish, self._record, control, where, self.drift),
                self._repeats.more,
                Outcomes(lambda record: Agreement(self._store, record, self._rules), required),
                lambda record: last_words(self._store, record),
                told,
            ).run()
        finally:
            self._count.suspects = None


def _skipped(column: Column, why: str) -> Group:
    return Group(replace(column, skipped=why, level="unverifiable"), [])
