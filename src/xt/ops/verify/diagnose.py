"""What makes repeats differ, found by experiments: hold one suspect fixed at a time, and see what repeats.

Thing by thing, in two situations. Repeats differ from each other: then under the right pin they agree with
each other. Or repeats agree with each other and differ from the run: then something that held still since has
changed, and under the right pin a repeat agrees with the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from xt.execute.vary import PINS
from xt.model.result import Record
from xt.model.verification import Diagnosis, Trial
from xt.ops.repeat.wish import Wish
from xt.ops.verify.advice import SOURCES
from xt.ops.verify.differences import First
from xt.ops.verify.outcomes import Outcomes, UnusableError, accident
from xt.ops.verify.told import Explained, conclude, failing, how
from xt.ops.verify.trials import Answer

#: How often, of diagnoses in which no pin has an effect, one is named all the same.
WRONG = 0.05
#: Runs without a pin, the one that is verified among them: as a rule, and where few outcomes are frequent.
#: Two fixed numbers: to go on until enough was seen would make rare outcomes look frequent.
CONTROL, MORE_CONTROL = 6, 20
#: The second is for outcomes of which one has so many of the first.
FREQUENT = 3
#: Repeats under a pin at most.
MOST = 40
#: Trials and seconds after which a diagnosis ends with what it has.
MOST_TRIALS, LONGEST = 200, 900.0
#: What a pin fixes by making the run fail the same way every time explains nothing, except of these.
FAILING = ("network",)
#: How a repeat is made: a wish in, the record or why there is none out.
Make = Callable[[Sequence[Wish]], Generator[tuple[Answer, Record | None]]]


class Seen(NamedTuple):
    """What the verification found so far."""

    wish: Wish
    """What a plain repeat was asked to be."""
    reference: Record
    repeats: list[Record]
    first: First | None
    drift: list[str]


class _StoppedError(Exception):
    """It took too long."""


class Diagnose:
    """One diagnosis."""

    def __init__(
        self,
        seen: Seen,
        make: Make,
        outcomes: Outcomes,
        words: Callable[[Record], str | None],
        told: Callable[[int, int], None],
    ) -> None:
        """Prepare.

        Args:
            seen: what is known.
            make: makes repeats.
            outcomes: compares them.
            words: the last that a run wrote to standard error.
            told: gets how many suspects were tried, and how many there are.
        """
        self._seen, self._make, self._outcomes = seen, make, outcomes
        self._words, self._told = words, told
        self._repeats = list(seen.repeats)
        self._trials: list[Trial] = []
        self._impossible: dict[str, str] = {}
        self._groups: dict[str, list[list[Record]]] = {}
        """By path: runs without a pin that agree in it."""
        self._chance = WRONG / len(PINS.rows)
        self._settled: set[str] = set()
        """Paths in which repeats agree with each other, and not with the run."""
        self._rare: dict[str, str] = {}
        self._explained: list[Explained] = []
        self._used = 0
        self._until = time.monotonic() + LONGEST

    def run(self) -> Diagnosis:
        """Find out; what was found before it took too long counts."""
        stopped = None
        left: set[str] = set()
        try:
            left = self._control()
            left -= self._environment(left)
            left = self._singles(left)
            if left:
                left -= self._together(left)
        except _StoppedError:
            stopped = f"It was ended after {self._used} trials."
            left = (
                set(self._groups)
                - set(self._rare)
                - {path for found in self._explained for path in found.paths}
            )
        except UnusableError as error:
            stopped = f"Trials cannot be compared ({error}), so it is not known why."
        failed = next((record for record in self._repeats if failing(record)), None)
        never = failed is not None and not failing(self._seen.reference) and "status" in self._settled
        return conclude(
            self._explained,
            sorted(left),
            self._rare,
            first=self._seen.first,
            trials=self._trials,
            impossible=self._impossible,
            settled=self._settled,
            failure=(how(failed), self._words(failed)) if failed is not None and never else None,
            stopped=stopped,
        )

    def _control(self) -> set[str]:
        """See how outcomes are distributed without anything held fixed; give the paths to explain."""
        seen = self._seen
        wanted = CONTROL
        while True:
            paths = {
                path for record in self._repeats for path in self._outcomes.differing(seen.reference, record)
            }
            self._groups = {
                path: self._outcomes.groups([seen.reference, *self._repeats], path) for path in paths
            }
            self._settled = {
                path
                for path, groups in self._groups.items()
                if len(groups) == 2 and any(group == [seen.reference] for group in groups)
            }
            if len(self._repeats) + 1 >= wanted:
                restless = paths - self._settled
                if wanted == MORE_CONTROL or all(len(self._groups[path][0]) < FREQUENT for path in restless):
                    break
                wanted = MORE_CONTROL
            record = self._one(seen.wish)
            if record is None:
                break
            self._repeats.append(record)
        for path in paths - self._settled:
            first, *others = map(len, self._groups[path])
            if accident(others, first, MOST) > self._chance:
                self._rare[path] = f"{sum(others)} of {first + sum(others)}"
        agree = self._settled == paths
        note = "agree with each other, and not with the run" if agree else None
        runs = [record.id for record in self._repeats]
        self._trials.append(Trial([], agree, len(self._repeats), note=note, runs=runs))
        return paths - set(self._rare)

    def _one(self, wish: Wish) -> Record | None:
        """Make a single trial."""
        self._spend()
        for _, record in self._make([wish]):
            return record
        return None

    def _spend(self) -> None:
        self._used += 1
        if self._used > MOST_TRIALS or time.monotonic() > self._until:
            raise _StoppedError

    def _environment(self, paths: set[str]) -> set[str]:
        """Repeats that agree, in an environment that drifted: build the recorded one again."""
        seen, settled = self._seen, paths & self._settled
        if not (seen.drift and settled):
            return set()
        said = "; ".join(seen.drift[:3]) + (" …" if seen.drift[3:] else "")
        self._spend()
        for answer, record in self._make([replace(seen.wish, environment="recreate")]):
            if record is None:
                why = answer.error or answer.impossible or "no answer"
                self._impossible["environment"] = why
                self._explained.append(Explained(["environment"], sorted(settled), 0, said, untried=why))
                return settled
            agreed = {path for path in settled if self._outcomes.agree(seen.reference, record, path)}
            what = "the recorded environment"
            self._trials.append(
                Trial(["environment"], bool(agreed), 1, what, runs=[record.id], explains=sorted(agreed))
            )
            if agreed:
                self._explained.append(Explained(["environment"], sorted(agreed), 1, said, settled=True))
            return agreed
        return set()

    def _singles(self, paths: set[str]) -> set[str]:
        """Hold one suspect after the other fixed; give what is left to explain."""
        pins = self._pins()
        for number, name in enumerate(pins):
            if not paths:
                break
            self._told(number, len(pins))
            trial = self._try([name], paths)
            if trial is not None and trial.explains:
                settled = set(trial.explains) <= self._settled
                found = Explained([name], trial.explains, trial.n, trial.what, trial.note, settled)
                self._explained.append(found)
                paths = paths - set(trial.explains)
        self._told(len(pins), len(pins))
        return paths

    def _pins(self) -> list[str]:
        """Suspects in the order they are tried: those first that the first difference speaks of."""
        names = [row.name for row in PINS]
        kinds = self._seen.first.kinds if self._seen.first is not None else frozenset()
        hinted = ["path", "clock"] if self._settled else []
        hinted += [SOURCES[kind] for kind in sorted(kinds) if kind in SOURCES]
        return list(dict.fromkeys([*(name for name in hinted if name in names), *names]))

    def _together(self, paths: set[str]) -> set[str]:
        """No pin alone does it: all of them; then fewer, the general ones left out first."""
        names = [row.name for row in PINS if row.name not in FAILING and row.name not in self._impossible]
        whole = self._try(names, paths) if len(names) > 1 else None
        if whole is None or not whole.explains:
            return set()
        best, size = whole, len(names) // 2
        while size:
            at = len(best.pins)
            while at > 0:
                fewer = best.pins[: max(0, at - size)] + best.pins[at:]
                trial = self._try(fewer, set(whole.explains)) if fewer else None
                if trial is not None and set(trial.explains) == set(whole.explains):
                    best = trial
                at -= size
            size //= 2
        settled = set(best.explains) <= self._settled
        self._explained.append(Explained(best.pins, best.explains, best.n, best.what, best.note, settled))
        return set(best.explains)

    def _try(self, pins: list[str], paths: set[str]) -> Trial | None:
        """Make repeats under pins, until nothing can be explained by them any more or enough agree."""
        seen = self._seen
        records: list[Record] = []
        alive, note, what = set(paths), None, None
        going = self._make([replace(seen.wish, pinned=pins)] * MOST)
        try:
            self._spend()
            for answer, record in going:
                if record is None:
                    if len(pins) == 1:
                        self._impossible[pins[0]] = answer.impossible or answer.error or "no answer"
                    return None
                what = "; ".join(answer.adjusted[-len(pins) :]) or None
                records.append(record)
                alive = {path for path in alive if self._agrees(records, path)}
                otherwise = failing(record) and not failing(seen.reference)
                if otherwise and pins[0] not in FAILING and "status" not in paths | self._settled:
                    alive, note = set(), f"it ended with {how(record)} instead"
                if all(self._certain(records, path) for path in alive):
                    break
                self._spend()
        finally:
            going.close()
        alive = {path for path in alive if self._certain(records, path)}
        if alive and all(map(failing, records)) and not failing(seen.reference):
            note = f"it ended with {how(records[0])} every time"
            alive = alive - self._settled if pins[0] in FAILING else set()
        runs = [record.id for record in records]
        trial = Trial(pins, bool(alive), len(records), what, note, runs, sorted(alive))
        self._trials.append(trial)
        return trial

    def _agrees(self, records: list[Record], path: str) -> bool:
        """Whether the last of some runs agrees with the one it must agree with."""
        other = self._seen.reference if path in self._settled else records[0]
        return self._outcomes.agree(other, records[-1], path)

    def _certain(self, records: list[Record], path: str) -> bool:
        """Whether it is no accident that runs under a pin agree in something."""
        groups = self._groups[path]
        own = next((group for group in groups if self._outcomes.agree(group[0], records[0], path)), [])
        others = [len(group) for group in groups if group is not own]
        return accident(others, len(own), len(records)) <= self._chance
