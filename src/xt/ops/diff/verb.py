"""`xt diff`: two runs → causes, effects and a verdict."""

from __future__ import annotations

from msgspec.structs import replace

from xt.compare.verdict import conclude
from xt.config import Settings
from xt.context import Outside
from xt.errors import NoSuchRunError
from xt.model.delta import Comparison, Delta, whole, worst
from xt.model.event import BASELINE
from xt.model.text import from_text
from xt.ops.diff import causes, comparability, effects, environment
from xt.ops.diff.code import Patch
from xt.ops.diff.rules import Rules
from xt.ops.diff.sides import One, both
from xt.ops.diff.wanted import Options
from xt.ops.elsewhere import not_brought
from xt.ops.find import resolve
from xt.store import Store, events, pulled

#: What a section of effects is made of.
NOTHING = {"metrics": "metric", "cases": "case", "outputs": "output", "logs": "log", "cost": "cost"}


def chosen(store: Store, left: str | None, right: str | None, outside: Outside) -> tuple[str, str]:
    """Find the runs that are meant: without any the baseline and the newest, with one the baseline and it.

    Raises:
        NoSuchRunError: a reference names none, or no baseline is pinned, or it would be compared with itself.
    """
    if left is not None and right is not None:
        return resolve(store, left, outside), resolve(store, right, outside)
    base = events.pinned(store.path).get(BASELINE)
    if base is None:
        from xt.ops.baseline import none_pinned

        raise NoSuchRunError(
            none_pinned(None).message, "`xt baseline set RUN -m WHY` pins one; `xt diff @~1 @` names both"
        )
    other = resolve(store, left or "@", outside)
    if other == base:
        what = "the newest run" if left is None else f"`{left}`"
        raise NoSuchRunError(
            f"{what} is the baseline itself: there is nothing to compare",
            "`xt diff A B` compares any two runs",
        )
    return base, other


def compare(
    store: Store, left: str, right: str, options: Options, settings: Settings, outside: Outside
) -> Comparison:
    """Compare two runs.

    Args:
        store: that has both.
        left: whole id of the run to compare with.
        right: whole id of the run to judge.
        options: what to look at.
        settings: tolerances, goals, columns of cases, rates.
        outside: for git.

    Raises:
        NotRecordedError, DamagedError: a run is not there, or not readable.
        UsageError: a tolerance in the options makes no sense.
    """
    rules = Rules(settings, options.tolerances)
    one, other = both(store, left, right)
    snapshots = (one.page.snapshot, other.page.snapshot)
    patch = Patch(options.code, options.words)
    away = not_brought(store, left, "code") or not_brought(store, right, "code")
    before = causes.compare(store, *snapshots, (_written(one), _written(other)), patch, outside, away)
    one_key = pulled.of(store, left) is None and pulled.of(store, right) is None
    times = (one.page.started_at, other.page.started_at)
    around = environment.context(*snapshots, times, one_key=one_key)
    measured = comparability.compare(*snapshots, settings.diff.evaluation)
    after, measured = effects.compare(store, one, other, rules, measured, options)
    sides = (one.described(settings), other.described(settings))
    return Comparison(
        left=sides[0],
        right=sides[1],
        relation=worst([before.relation, measured.relation, after.relation]),
        causes=before,
        context=around,
        comparability=measured,
        effects=after,
        verdict=conclude(before, measured, after, *sides),
    )


def narrowed(found: Comparison, section: str) -> Comparison:
    """Keep one part of a comparison; the relation is then of what is kept, the verdict stays of the whole.

    Args:
        found: the whole.
        section: `all`, `causes`, `effects`, or the name of a child of one of them.

    Returns:
        A comparison that never passes for what is not in it: a section of effects that nobody recorded is
        `unknown`, and how the runs ended stays where it differs.
    """
    if section == "all":
        return found
    before, after = Delta("causes", "same"), Delta("effects", "same")
    measured, around = Delta("comparability", "same"), Delta("context", "same", counted=False)
    if section in ("causes", "context"):
        around = found.context
    if section == "causes":
        before = found.causes
    elif section == "facts" or any(child.path == section for child in found.causes.children):
        before = whole("causes", [child for child in found.causes.children if child.path == section])
    elif section != "context":
        after = found.effects if section == "effects" else _only(found.effects, section)
        measured = found.comparability if section in ("effects", "metrics", "cases") else measured
    return replace(
        found,
        relation=worst([before.relation, measured.relation, after.relation]),
        causes=before,
        context=around,
        comparability=measured,
        effects=after,
    )


def _only(effects: Delta, section: str) -> Delta:
    kept = [child for child in effects.children if child.path == section]
    ended = [child for child in effects.children if child.path == "status" and child.relation != "same"]
    if section != "status":
        empty = not kept or (kept[0].relation == "same" and not kept[0].children and section != "cases")
        if empty:
            kept = [
                Delta(section, "unknown", note=f"no {NOTHING.get(section, section)} of both runs is recorded")
            ]
        kept = [*ended, *kept]
    return whole("effects", kept)


def _written(one: One) -> list[str]:
    outputs = one.record.result.outputs if one.record is not None else []
    return [from_text(item.path) for item in outputs if item.path is not None]
