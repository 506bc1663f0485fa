"""`xt stale`: hold recorded evidence against what its causes are now, and plan what to do again."""

from __future__ import annotations

from xt import config
from xt.config import Settings
from xt.context import Outside
from xt.model.stale import Action, Judged, Reason, Staleness, State
from xt.model.standing import Standing
from xt.ops.diff.cost import money
from xt.ops.lineage import Run, Uses
from xt.ops.stale.looking import Look, Looking, Progress, current
from xt.ops.stale.plan import Step, order
from xt.ops.statements import standing
from xt.store import Store, find_root

#: Words of a command.
WORDS = 12


def stale(
    store: Store,
    uses: Uses,
    runs: list[str] | None,
    outside: Outside,
    progress: Progress = lambda done, total: None,
) -> Staleness:
    """Judge runs, and those that made what they read.

    Args:
        store: that has them.
        uses: which run made what.
        runs: whole ids; None for the newest that ended well of each task, or else of each command.
        outside: of the caller.
        progress: told how far it is.

    Raises:
        NotRecordedError: a run that was named has not ended.
        DamagedError, StoreError, ConfigError: it cannot be read, or the store or the settings cannot.
    """
    said = standing(store)
    root = find_root(outside.cwd)
    known = config.load(root, outside.cwd)
    newest = current(store, uses, said, root)
    looking = Looking(store, uses, outside, root, known, newest)
    looked = looking.at(list(newest.values()) if runs is None else runs, progress)
    over = looking.passed_over
    further = [f"{over} {'run' if over == 1 else 'runs'} further up: not looked at"] if over else []
    doubts = [*further, *uses.doubts, *(f"the event `{path}` cannot be read" for path in said.doubts)]
    return _Judging(store, looked, said, known.settings, doubts).whole()


class _Judging:
    """Says what follows."""

    def __init__(
        self, store: Store, looked: dict[str, Look], said: Standing, settings: Settings, doubts: list[str]
    ) -> None:
        self._store, self._looked, self._said, self._settings = store, looked, said, settings
        self._doubts = doubts
        self._states = self._all_states()

    def whole(self) -> Staleness:
        """Put it together."""
        shown = self._store.shown_all(list(self._looked))
        judged = {run: self._judged(look, shown[run]) for run, look in self._looked.items()}
        steps = {
            run: Step(run, frozenset(one.after), one.action == "train", one.wall_s or 0.0)
            for run, one in judged.items()
            if one.state == "stale"
        }
        plan = [judged[run] for run in order(steps)]
        costs = [one.money for one in plan]
        total = sum(cost for cost in costs if cost is not None)
        return Staleness(
            plan=plan,
            unknown=[one for one in judged.values() if one.state == "unknown"],
            fresh=[one for one in judged.values() if one.state == "fresh"],
            wall_s=sum(one.wall_s or 0.0 for one in plan),
            money=total if plan and None not in costs else None,
            currency=self._settings.cost.currency,
            training=sum(one.action == "train" for one in plan),
            doubts=self._doubts,
        )

    def _all_states(self) -> dict[str, State]:
        """By itself, then by what it reads: stale goes before unknown, and both are handed on."""
        states: dict[str, State] = {}
        for run, look in self._looked.items():
            relations = {reason.relation for reason in look.reasons}
            states[run] = "stale" if "changed" in relations else "unknown" if relations else "fresh"
        readers: dict[str, list[str]] = {}
        for run, look in self._looked.items():
            for maker in look.makers:
                readers.setdefault(maker, []).append(run)
        for state in ("stale", "unknown"):
            waiting = [run for run, own in states.items() if own == state]
            while waiting:
                for reader in readers.get(waiting.pop(), []):
                    worse = states[reader] == "fresh" or (state == "stale" and states[reader] == "unknown")
                    if worse:
                        states[reader] = state
                        waiting.append(reader)
        return states

    def _judged(self, look: Look, shown: int) -> Judged:
        record, run = look.record, look.run
        context, usage = record.snapshot.context, record.result.usage
        state = self._states[run.id]
        pins = [name for name, pin in self._said.pins.items() if pin.run == run.id]
        after = [
            maker
            for maker in look.makers
            if maker in self._states and maker != run.id and self._states[maker] == state != "fresh"
        ]
        return Judged(
            run=run.id,
            shown=shown,
            state=state,
            started_at=record.started_at,
            action=_action(run),
            points=look.points,
            reasons=self._reasons(look),
            after=after,
            by_hand=look.by_hand or self._to_restore(look, after),
            passed=look.passed,
            purpose=context.purpose,
            name=self._said.of(run.id).name(context.name),
            task=context.task,
            command=record.snapshot.command.argv[:WORDS],
            pinned=sorted(pins),
            wall_s=usage.wall_s,
            money=money(usage, self._settings.cost),
        )

    def _to_restore(self, look: Look, after: list[str]) -> str | None:
        """What must be brought back first, so that no other artefact is taken for what was read."""
        for maker, path, there in look.other:
            if maker not in after:
                one, two = (run[: self._store.shown(run)] for run in (maker, there))
                bring = f"`xt restore {one} {path} --force` brings back what it read"
                return f"`{path}` is now what {two} made: {bring}"
        return None

    def _reasons(self, look: Look) -> list[Reason]:
        """What is gone and will be made again is no reason; what can be brought back is said so."""
        found = []
        for reason in look.reasons:
            maker, path = look.gone.get(reason, ("", ""))
            if maker and self._states.get(maker) == "stale":
                continue
            if maker:
                short = maker[: self._store.shown(maker)]
                hint = f"{reason.what}; `xt restore {short} {path}` brings it back"
                found.append(Reason(reason.point, reason.relation, hint))
            else:
                found.append(reason)
        return found


def _action(run: Run) -> Action:
    if any(item.role == "model" for item in run.outputs):
        return "train"
    return "evaluate" if any(item.role == "model" for item in run.inputs) else "run"
