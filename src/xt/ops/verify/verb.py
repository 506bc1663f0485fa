"""`xt verify`: how well a run repeats, as an event on the run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from xt.collect.context import user
from xt.context import Outside, timestamp
from xt.errors import NotRecordedError, UsageError
from xt.execute.vary import VARIATIONS
from xt.model.event import Verified
from xt.model.level import LEVELS, Level, lowest, reaches
from xt.model.result import Record
from xt.model.verification import Column, Diagnosis, Line, Verification, Verifications
from xt.ops.diff.rules import Rules
from xt.ops.drift import drift
from xt.ops.repeat.wish import Mode, Wish
from xt.ops.verify import sentences
from xt.ops.verify.agreement import Agreement, Point
from xt.ops.verify.diagnose import Diagnose, Seen
from xt.ops.verify.differences import first, last_words
from xt.ops.verify.existing import others, sources_of
from xt.ops.verify.lines import Group, overall, table
from xt.ops.verify.trials import Answer, Trials
from xt.store import Store, events
from xt.suggest import suggest

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


def variations(text: str) -> tuple[str, ...]:
    """Read a list of variations.

    Args:
        text: names with commas between, `all` for every one.

    Raises:
        UsageError: there is none of a name.
    """
    found: list[str] = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name != ALL and name not in VARIATIONS.rows:
            names = [ALL, *VARIATIONS.rows]
            raise UsageError(f"--vary: no variation `{name}`", suggest(name, names, "variations"))
        found += list(VARIATIONS.rows) if name == ALL else [name]
    return tuple(dict.fromkeys(found))


#: Gets the run's id, trials done, and trials there will be at most.
Step = Callable[[str, int, int], None]


def verify(
    store: Store, runs: Sequence[str], asked: Asked, rules: Rules, outside: Outside, step: Step
) -> Verifications:
    """Verify runs, one after the other, and write down each result.

    Args:
        store: that has the runs.
        runs: whole ids.
        asked: how.
        rules: tolerances.
        outside: of the caller.
        step: gets the progress.

    Raises:
        NotRecordedError, DamagedError: a run has no record, or it cannot be read.
    """
    found = [_One(store, run_id, asked, rules, outside, step).verify() for run_id in runs]
    level = lowest(item.level for item in found)
    return Verifications(found, level, all(item.reached for item in found))


class _One:
    """The verification of one run."""

    def __init__(
        self, store: Store, run_id: str, asked: Asked, rules: Rules, outside: Outside, step: Step
    ) -> None:
        self.store, self.asked, self.rules, self.outside = store, asked, rules, outside
        self.record = store.record(run_id)
        self.agreement = Agreement(store, self.record, rules)
        self.trials = Trials(store.path, outside, asked.jobs)
        self.wish = Wish(run=run_id, environment=asked.environment, trial=True)
        self.terminal = self.record.snapshot.command.stdout == "terminal"
        self.notes: list[str] = []
        self.missing: list[str] = []
        self.drift: list[str] = []
        self._step = step
        self._done = 0
        self._cache: dict[str, list[Point]] = {}
        """Points by id of a repeat: each is compared once."""
        self._most = asked.repeats + len(asked.vary) + (len(asked.vary) > 1)

    def verify(self) -> Verification:
        if self.record.result.status == "not-started":
            raise NotRecordedError(f"run {self.record.id} did not start: there is nothing to repeat")
        if self.asked.against is not None:
            return self._against(self.asked.against)
        if self.agreement.bare:
            self.notes.append("no output and no metric is declared: what it printed is compared")
        plain = self._plain()
        groups = [Group(Column(PLAIN, "identical", [record.id for record in plain]), self._points(plain))]
        if not plain:
            return self._write("unverifiable", [], [], None, None)
        settled = self._final(groups[0].points)
        if settled and self.asked.vary:
            self.notes.append("variations were not tried: the run does not repeat as it is")
        elif self.asked.vary:
            groups += self._variations()
        columns, lines = table(groups)
        level = overall(columns, lines)
        diagnosis = None
        base = lowest(line.level for line in lines if line.counted)
        if self.asked.diagnose and not reaches(base, self.asked.required) and base != "consistent":
            diagnosis = self._diagnose(plain, groups[0].points)
        elif not reaches(level, self.asked.required):
            diagnosis = sentences.of_variations(columns, lines, _below(self.asked.required))
        return self._write(level, columns, lines, diagnosis, None)

    def _plain(self) -> list[Record]:
        """Repeats of the run as it was; stops when no further one could change the verdict."""
        found: list[Record] = []
        enough = max(DIAGNOSED, 1) if self.asked.diagnose else 1
        making = self._make([self.wish] * self.asked.repeats)
        try:
            for answer, record in making:
                if record is None:
                    self.missing.append(_why(answer))
                    break
                found.append(record)
                self.drift = self.drift or answer.drift
                left = self.asked.repeats - len(found)
                if (
                    self.asked.early_stop
                    and left
                    and len(found) >= enough
                    and self._final(self._points(found))
                ):
                    self.notes.append(
                        f"stopped after {len(found)} of {self.asked.repeats} repeats:"
                        " no further one could change the verdict"
                    )
                    self._most -= left
                    break
        finally:
            making.close()
        return found

    def _points(self, records: list[Record]) -> list[list[Point]]:
        return [self._compared(record) for record in records]

    def _compared(self, record: Record) -> list[Point]:
        """Compare one repeat once."""
        if record.id not in self._cache:
            self._cache[record.id] = self.agreement.points(record)
        return self._cache[record.id]

    def _final(self, points: list[list[Point]]) -> bool:
        """Whether the repeats made so far decide that the run does not repeat."""
        wrong = [
            point
            for found in points
            for point in found
            if point.counted and point.level in ("divergent", "unverifiable")
        ]
        if not wrong:
            return False
        # Where the means of metrics may still be shown to agree, what has no tolerance may be excused.
        open_ = any(point.bound is not None for found in points for point in found)
        return not open_ or any(point.fixed for point in wrong)

    def _variations(self) -> Iterator[Group]:
        names = list(self.asked.vary)
        sets = [[name] for name in names] + ([names] if len(names) > 1 else [])
        impossible: dict[str, str] = {}
        for chosen in sets:
            possible = [name for name in chosen if name not in impossible]
            column = Column(ALL if len(chosen) > 1 else chosen[0], "identical")
            if not possible or (len(chosen) > 1 and len(possible) < 2):
                yield Group(_skipped(column, "no two variations are possible here"), [])
                continue
            wish = Wish(run=self.wish.run, environment=self.asked.environment, trial=True, varied=possible)
            for answer, record in self._make([wish]):
                if answer.impossible is not None and len(chosen) == 1:
                    impossible[chosen[0]] = answer.impossible
                if record is None:
                    yield Group(_skipped(column, _why(answer)), [])
                    continue
                what = "; ".join(answer.adjusted[-len(possible) :]) if len(chosen) == 1 else None
                yield Group(Column(column.name, "identical", [record.id], what), [self._compared(record)])

    def _make(self, wishes: Sequence[Wish]) -> Generator[tuple[Answer, Record | None]]:
        """Make repeats; their records as they come."""
        making = self.trials.run(iter(wishes), self.terminal)
        try:
            for _, answer in making:
                self._done += 1
                self._most = max(self._most, self._done)
                self._step(self.record.id, self._done, self._most)
                yield answer, self.store.record(answer.run) if answer.run is not None else None
        finally:
            making.close()

    def _diagnose(self, plain: list[Record], points: list[list[Point]]) -> Diagnosis:
        differing = next(
            (at for at, found in enumerate(points) if any(point.level == "divergent" for point in found)), 0
        )
        where = first(self.store, self.record, plain[differing], points[differing])
        seen = Seen(self.wish, self.record, plain, where, self.drift)
        return Diagnose(
            seen,
            self._make,
            lambda record: Agreement(self.store, record, self.rules),
            lambda record: last_words(self.store, record),
            self.asked.required,
        ).run()

    def _against(self, other_id: str) -> Verification:
        """Hold the run against an existing one, without making any."""
        other = self.store.record(other_id)
        self.drift = drift(self.record.snapshot, other.snapshot)
        before, after = others(self.store, self.record, other)
        group = Group(Column(AGAINST, "identical", [other.id]), [self.agreement.points(other)])
        columns, lines = table([group], before, after)
        level = overall(columns, lines)
        diagnosis = None
        if not reaches(level, self.asked.required):
            diagnosis = sources_of(self.store, self.record, other, self.outside)
        return self._write(level, columns, lines, diagnosis, other.id)

    def _write(
        self,
        level: Level,
        columns: list[Column],
        lines: list[Line],
        diagnosis: Diagnosis | None,
        against: str | None,
    ) -> Verification:
        """Conclude, and record it as an event."""
        purpose = self.record.snapshot.context.purpose
        shown = self.store.shown(self.record.id)
        sentence = sentences.conclusion(self.record.id[:shown], level, columns, lines, self.missing)
        found = Verification(
            run=self.record.id,
            shown=shown,
            required=self.asked.required,
            level=level,
            sentence=sentence,
            against=against,
            purpose=purpose,
            columns=columns,
            lines=lines,
            diagnosis=diagnosis,
            drift=self.drift,
            missing=self.missing,
            notes=self.notes,
            wanted=0 if against is not None else self.asked.repeats,
        )
        return self._recorded(found)

    def _recorded(self, found: Verification) -> Verification:
        at = timestamp(self.outside.now())
        event = Verified(
            id=events.event_id(at, self.outside.random_bytes(4)),
            at=at,
            by=user(self.outside.environ),
            run=found.run,
            level=found.level,
            required=found.required,
            repeats=found.columns[0].runs if found.columns and found.against is None else [],
            against=found.against,
            varied={column.name: column.level for column in found.columns[1:] if column.runs},
            sentence=found.sentence,
            sources=found.diagnosis.sources if found.diagnosis is not None else [],
            pins=found.diagnosis.pins if found.diagnosis is not None else [],
        )
        try:
            events.append(self.store.path, event)
        except OSError as error:
            note = f"it is not recorded: {error.strerror}: {error.filename or self.store.path}"
            return replace(found, notes=[*found.notes, note])
        return replace(found, event=event.id)


def _below(required: Level) -> list[Level]:
    return [level for level in LEVELS if not reaches(level, required)]


def _skipped(column: Column, why: str) -> Column:
    return replace(column, skipped=why, level="unverifiable")


def _why(answer: Answer) -> str:
    return answer.impossible or answer.error or "no answer"
