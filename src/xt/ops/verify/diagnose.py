"""What makes repeats differ, found by experiments: hold one suspect fixed at a time, and see if it repeats.

Two situations. Repeats differ from each other: then under the right pin they agree with each other. Or
repeats agree with each other and differ from the run: then something that held still since has changed, and
under the right pin a repeat agrees with the run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from xt.execute.vary import PINS
from xt.model.level import Level, lowest, reaches
from xt.model.result import Record
from xt.model.verification import Diagnosis, Trial
from xt.ops.repeat.wish import Wish
from xt.ops.verify.advice import ADVICE, SOURCES
from xt.ops.verify.agreement import Agreement
from xt.ops.verify.differences import First
from xt.ops.verify.trials import Answer

#: Repeats that must agree under a pin: so many that without it they would agree by chance this rarely.
CHANCE = 0.1
LEAST, MOST = 3, 8
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


class Diagnose:
    """One diagnosis."""

    def __init__(
        self,
        seen: Seen,
        make: Make,
        agreement: Callable[[Record], Agreement],
        words: Callable[[Record], str | None],
        required: Level,
    ) -> None:
        """Prepare.

        Args:
            seen: what is known.
            make: makes repeats.
            agreement: compares others with a given run.
            words: the last that a run wrote to standard error.
            required: what counts as agreeing.
        """
        self._seen, self._make, self._agreement, self._words = seen, make, agreement, words
        self._required: Level = "equivalent" if required == "consistent" else required
        self._trials: list[Trial] = []
        self._impossible: dict[str, str] = {}
        self._settled = all(self._agree(seen.repeats[0], other) for other in seen.repeats[1:])
        """Whether repeats agree with each other."""
        self._times = self._needed()

    def run(self) -> Diagnosis:
        """Find out.

        Returns:
            With the smallest set of pins, or none when nothing that was tried explains it.
        """
        seen = self._seen
        self._trials.append(
            Trial(
                [],
                self._settled,
                len(seen.repeats),
                note="agree with each other, and not with the run" if self._settled else None,
                runs=[record.id for record in seen.repeats],
            )
        )
        if self._settled and len(seen.repeats) > 1 and (found := self._environment()):
            return found
        pins = self._pins()
        for name in pins:
            if self._repeats([name]):
                return self._explained([name])
        return self._together([name for name in pins if name not in self._impossible])

    def _together(self, pins: list[str]) -> Diagnosis:
        """No pin alone does it: all of them, then fewer as long as that is enough."""
        safe = [name for name in pins if name not in FAILING]
        if len(safe) < 2 or not self._repeats(safe):
            return self._unexplained()
        kept = list(safe)
        for name in safe:
            fewer = [other for other in kept if other != name]
            if fewer and self._repeats(fewer):
                kept = fewer
        return self._explained(kept)

    def _pins(self) -> list[str]:
        """Suspects in the order they are tried: those first that the first difference speaks of."""
        names = [row.name for row in PINS]
        kinds = self._seen.first.kinds if self._seen.first is not None else frozenset()
        hinted = [SOURCES[kind] for kind in sorted(kinds) if kind in SOURCES]
        if self._settled:
            hinted = ["path", "clock", *hinted]
        return list(dict.fromkeys([*(name for name in hinted if name in names), *names]))

    def _environment(self) -> Diagnosis | None:
        """Repeats agree, and differ from the run, in an environment that drifted: build the old one again."""
        seen = self._seen
        if not seen.drift:
            return None
        said = "; ".join(seen.drift[:3]) + (" …" if seen.drift[3:] else "")
        wish = replace(seen.wish, environment="recreate")
        for answer, record in self._make([wish]):
            if record is None:
                why = answer.error or answer.impossible or "no answer"
                self._impossible["environment"] = why
                return Diagnosis(
                    sources=["environment"],
                    sentence="Repeats agree with each other, and the environment is not the recorded one:"
                    f" {said}. That it is the reason was not tried out.",
                    hint=f"the recorded environment could not be built again: {why}",
                    first=self._first(),
                    trials=self._trials,
                    impossible=self._impossible,
                )
            agrees = self._agree(seen.reference, record)
            self._trials.append(
                Trial(["environment"], agrees, 1, "the recorded environment", runs=[record.id])
            )
            if agrees:
                return Diagnosis(
                    sources=["environment"],
                    pins=["environment"],
                    sentence="In the recorded environment, built again, it repeats; here it drifted:"
                    f" {said}.",
                    hint=ADVICE["environment"].hint,
                    first=self._first(),
                    trials=self._trials,
                    impossible=self._impossible,
                )
        return None

    def _repeats(self, pins: list[str]) -> bool:
        """Whether the run repeats under some pins; stops at the first disagreement."""
        seen = self._seen
        times = 2 if self._settled else self._times
        against = seen.reference if self._settled else None
        records: list[Record] = []
        agree, note, what = True, None, None
        going = self._make([replace(seen.wish, pinned=pins)] * times)
        try:
            for answer, record in going:
                if record is None:
                    why = answer.impossible or answer.error or "no answer"
                    if len(pins) == 1:
                        self._impossible[pins[0]] = why
                    return False
                what = "; ".join(answer.adjusted[-len(pins) :]) or None
                records.append(record)
                if _failed(record) and not _failed(seen.reference) and pins[0] not in FAILING:
                    agree, note = False, f"it ended with {_how(record)} instead"
                    break
                other = against or records[0]
                if record is not other and not self._agree(other, record):
                    agree = False
                    break
        finally:
            going.close()
        if agree and pins[0] in FAILING and _failed(records[0]):
            if self._settled:
                agree = False
            note = f"it ended with {_how(records[0])} every time"
        runs = [record.id for record in records]
        self._trials.append(Trial(pins, agree, len(records), what, note, runs))
        return agree

    def _agree(self, one: Record, other: Record) -> bool:
        if _failed(one) != _failed(other):
            return False
        points = self._agreement(one).points(other)
        return reaches(lowest(point.level for point in points if point.counted), self._required)

    def _needed(self) -> int:
        """How many agreeing repeats are no accident, by the outcomes that were seen."""
        groups: list[list[Record]] = []
        for record in self._seen.repeats:
            home = next((group for group in groups if self._agree(group[0], record)), None)
            if home is None:
                groups.append([record])
            else:
                home.append(record)
        total = len(self._seen.repeats)
        shares = [len(group) / total for group in groups]
        for n in range(LEAST, MOST):
            if sum(share**n for share in shares) < CHANCE:
                return n
        return MOST if len(groups) > 1 else LEAST

    def _explained(self, pins: list[str]) -> Diagnosis:
        kinds = self._seen.first.kinds if self._seen.first is not None else frozenset()
        sources = ["temporary path" if name == "seed" and "path" in kinds else name for name in pins]
        last = self._trials[-1] if self._trials[-1].pins == pins else None
        trial = last or next(trial for trial in reversed(self._trials) if trial.pins == pins and trial.agree)
        subject = " and ".join(ADVICE[name].subject for name in sources)
        if trial.note and pins[0] in FAILING:
            sentence = f"Without a network {trial.note}: the run depends on {subject}."
        else:
            with_ = trial.what or ", ".join(pins)
            does = "it agrees with the run" if self._settled else "it repeats"
            sentence = f"With {with_} {does} ({trial.n}/{trial.n}): {subject} {self._reaches()}."
        return Diagnosis(
            sources=sources,
            pins=pins,
            sentence=sentence,
            hint="; ".join(ADVICE[name].hint for name in sources),
            first=self._first(),
            trials=self._trials,
            impossible=self._impossible,
        )

    def _unexplained(self) -> Diagnosis:
        seen = self._seen
        tried = [trial.pins[0] for trial in self._trials if len(trial.pins) == 1]
        failed = next((record for record in seen.repeats if _failed(record)), None)
        if failed is not None and not _failed(seen.reference) and self._settled:
            said = self._words(failed)
            return Diagnosis(
                sources=[],
                sentence=f"Every repeat ended with {_how(failed)}: the run needs something that is not in its"
                " record." + (f" The last it said: {said}" if said else ""),
                hint="declare what it reads (`-i PATH`); files that git ignores are not in the code",
                first=self._first(),
                trials=self._trials,
                impossible=self._impossible,
            )
        what = "Repeats agree with each other, and not with the run" if self._settled else "Repeats differ"
        return Diagnosis(
            sources=[],
            sentence=f"{what}, and nothing that was held fixed explains it ({', '.join(tried)}).",
            hint="what a run reads that is not declared is not compared: `-i PATH`"
            if self._settled
            else "look where the first difference is",
            first=self._first(),
            trials=self._trials,
            impossible=self._impossible,
        )

    def _first(self) -> str | None:
        return self._seen.first.text if self._seen.first is not None else None

    def _reaches(self) -> str:
        first = self._seen.first
        where = first.text.partition(":")[0].partition(" line ")[0] if first is not None else ""
        return f"reaches {where}" if where else "reaches the results"


def _failed(record: Record) -> bool:
    return record.result.exit_code != 0


def _how(record: Record) -> str:
    result = record.result
    return f"signal {result.signal}" if result.signal is not None else f"exit {result.exit_code}"
