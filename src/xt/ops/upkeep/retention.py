"""Which runs may go, and why each other one stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from xt.model.event import Removed
from xt.ops.upkeep.rules import Rule, is_away
from xt.ops.upkeep.survey import Facts, Survey

#: Contents that are one: each is given as the declared contents, files or folders, in which it is.
Together = Callable[[], Iterable[frozenset[bytes]]]

NOBODY = "nobody put them away"
#: Letters of a reason that somebody gave.
_LONGEST = 200


class Decision:
    """What is to become of each run."""

    def __init__(self, known: Survey, rules: Mapping[str, Rule], together: Together) -> None:
        """Decide.

        Args:
            known: all runs, and what is said of them.
            rules: what is kept; with none at all every run is that nobody put away.
            together: is asked only where lineage can make a difference.

        Raises:
            QueryError: a rule cannot be applied.
        """
        self._known = known
        self._made_for: dict[str, list[str]] | None = None
        self._away = {run.id for run in known.runs.values() if is_away(known, run)}
        self.kept: dict[str, str] = {}
        """Run → the reason why it stays, one that others share."""
        self._beyond_question()
        self.idle: list[str] = []
        """Rules that no run fits."""
        if rules:
            for text, rule in rules.items():
                found = (rule(known) & known.runs.keys()) - self._away
                self._keep(found, f"`{text}`")
                self.idle += [] if found else [text]
        else:
            self._keep(known.runs.keys() - self._away, NOBODY)
        self._trials([*self.kept])
        if len(self.kept) < len(known.runs):
            self._lineage(together)
        self.dropped = {run_id: self._why_not(run_id) for run_id in known.runs if run_id not in self.kept}
        """Run → why it goes."""

    @property
    def unwanted(self) -> bool:
        """Whether runs go that nobody put away, and that are not mere repeats for others."""
        away, runs = self._away, self._known.runs
        return any(run_id not in away and not runs[run_id].trial for run_id in self.dropped)

    def stay(self, reason: str) -> None:
        """Let those stay that could go."""
        self._keep(self.dropped, reason)
        self.dropped = {}

    def _keep(self, runs: Iterable[str], reason: str) -> None:
        for run_id in runs:
            if run_id in self._known.runs:
                self.kept.setdefault(run_id, reason)

    def _beyond_question(self) -> None:
        """What stays whatever anybody wants."""
        known = self._known
        self._keep(known.begun, "in flight")
        pinned = {pin.run: name for name, pin in known.standing.pins.items() if pin.run is not None}
        for run_id, name in pinned.items():
            self._keep([run_id], f"pinned as `{name}`")
        for run_id, places in known.standing.live().items():
            self._keep([run_id], f"live in `{places[0]}`")
        for name, place in known.standing.places.items():
            self._keep((one.run for one in place.deployments), f"was live in `{name}`: a way back")
        for run_id, how in known.busy.items():
            self._keep([run_id], how)
        self._keep(known.named, "named by an event of a newer xt")
        for run_id, name in pinned.items():
            self._keep(self._repeats(run_id), f"a repeat of the run pinned as `{name}`")

    def _repeats(self, run_id: str) -> set[str]:
        """Runs that tell how much the results of a run scatter."""
        known = self._known
        found = {run.id for run in known.runs.values() if run.of == run_id}
        verified = known.standing.of(run_id).verified
        found |= {*verified.repeats} if verified is not None else set()
        recipe = known.runs[run_id].recipe if run_id in known.runs else None
        if recipe is not None:
            found |= {run.id for run in known.runs.values() if run.recipe == recipe}
        return found

    def _trials(self, kept: list[str]) -> list[str]:
        """Keep repeats that `xt verify` made as long as the run that they were made for; which those are."""
        if self._made_for is None:
            self._made_for = {}
            for run in self._known.runs.values():
                if run.trial and run.of is not None and run.id not in self._away:
                    self._made_for.setdefault(run.of, []).append(run.id)
        trials = [trial for run_id in kept for trial in self._made_for.get(run_id, ())]
        trials = [trial for trial in trials if trial not in self.kept]
        self._keep(trials, "made to verify a run that stays")
        return trials

    def _lineage(self, together: Together) -> None:
        """Keep what the inputs of kept runs came from, and what the inputs of that came from."""
        runs = self._known.runs
        made: dict[bytes, list[Facts]] = {}
        read: dict[bytes, list[str]] = {}
        for run in runs.values():
            for content in run.made:
                made.setdefault(content, []).append(run)
            for content in run.read:
                read.setdefault(content, []).append(run.id)
        groups: dict[bytes, list[frozenset[bytes]]] = {}
        for content in made.keys() & read.keys():
            groups.setdefault(content, []).append(frozenset([content]))
        for group in together():
            if any(content in made for content in group):
                for content in group & read.keys():
                    groups.setdefault(content, []).append(group)
        makers: dict[frozenset[bytes], list[Facts]] = {}
        waiting = list(self.kept)
        while waiting:
            reader = runs[waiting.pop()]
            for group in {group for content in reader.read for group in groups.get(content, ())}:
                if group not in makers:
                    makers[group] = [run for one in group for run in made.get(one, ())]
                others = [run for run in makers[group] if run.id != reader.id]
                # What was made again later did not come to this run.
                others = [run for run in others if run.started_at < reader.started_at] or others
                if others and not any(run.id in self.kept for run in others):
                    best = max(others, key=self._rank)
                    self._keep([best.id], "an input of a run that stays came from it")
                    waiting += [best.id, *self._trials([best.id])]

    def _rank(self, run: Facts) -> tuple[bool, bool, bool, str, str]:
        """Sorts the run last that best answers for a content."""
        return run.id not in self._away, run.status == "ok", not run.trial, run.started_at, run.id

    def _why_not(self, run_id: str) -> str:
        said: Removed | None = self._known.standing.of(run_id).removed
        if said is None:
            return "no rule keeps it"
        return f"put away: {said.reason[:_LONGEST]}" if said.reason else "put away"
