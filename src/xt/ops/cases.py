"""`xt cases`: the evaluated examples of a run: how many passed, in which cohorts, which failed."""

from __future__ import annotations

from xt.compare import UnreadableError
from xt.config import CaseSettings
from xt.context import Outside
from xt.errors import NoSuchRunError, NotRecordedError, UsageError, XtError
from xt.model.cases import Against, CasesOfRun
from xt.model.delta import Tally
from xt.model.event import BASELINE
from xt.model.files import Output
from xt.model.result import Record
from xt.model.text import from_text, to_shown
from xt.ops.case_files import CaseTables, may_have_cases, outputs, shown_path
from xt.ops.case_pass import CasePass, Wish
from xt.ops.find import resolve
from xt.ops.walk import Unread, runs
from xt.store import Store, events
from xt.suggest import suggest


def chosen_run(store: Store, reference: str | None, outside: Outside) -> str:
    """Find the run that is meant: without a reference the newest one that has cases.

    Raises:
        NoSuchRunError: there is none.
    """
    if reference is not None:
        return resolve(store, reference, outside)
    for record in runs(store, may_have_cases):
        if not isinstance(record, Unread) and outputs(record):
            return record.id
    raise NoSuchRunError("no run has an output of role `cases`", "`xt run --output cases:FILE` declares one")


def cases(store: Store, run_id: str, wish: Wish, settings: CaseSettings, outside: Outside) -> CasesOfRun:
    """Read the cases of a run, once.

    Args:
        store: that has it.
        run_id: whole.
        wish: which cases are wanted.
        settings: names of columns.
        outside: to find the run they are compared with.

    Raises:
        NotRecordedError: the run has no cases, or they cannot be read.
        NoSuchRunError: there is nothing to compare them with.
        UsageError: a column is not there.
    """
    record = store.record(run_id)
    item = _output(store, record, wish.output)
    base = _base(store, record, wish, outside) if wish.chosen in ("broken", "fixed") else None
    short = run_id[: store.shown(run_id)]
    try:
        tables = CaseTables(store, item)
        found = CasePass(tables, settings, wish)
        against = None
        if base is None:
            found.alone()
        else:
            others = CaseTables(store, _output(store, base, None))
            tally, is_ambiguous = found.beside(others, by_file=False)
            if is_ambiguous and tables.several and others.several:
                # Several files that count their cases alike: there a case is its file and its id.
                found = CasePass(tables, settings, wish)
                tally, _ = found.beside(others, by_file=True)
            against = _against(store, base, tally)
    except (UnreadableError, XtError) as error:
        if isinstance(error, UsageError | NoSuchRunError | NotRecordedError):
            raise
        why = getattr(error, "message", None) or str(error)
        raise NotRecordedError(f"the cases of {short} cannot be read: {why}", _help(why)) from error
    return found.report(record, store.shown(run_id), item, against)


def _help(why: str) -> str:
    if "no column" in why:
        return "`[cases]` in xt.toml names the columns: `id`, `outcome`, `score`, `cohorts`"
    return "`xt restore RUN PATH --to DIR` brings the file back to look at it"


def _output(store: Store, record: Record, wanted: str | None) -> Output:
    """Choose the output that is meant."""
    short = record.id[: store.shown(record.id)]
    found = outputs(record)
    if not found:
        lost = [item for item in record.result.outputs if item.role == "cases"]
        if lost:
            why = lost[0].reason or lost[0].status
            raise NotRecordedError(f"the cases of {short}, `{shown_path(lost[0])}`, are not stored: {why}")
        raise NotRecordedError(
            f"run {short} has no output of role `cases`", "`xt run --output cases:FILE` declares one"
        )
    if wanted is not None:
        names = {
            name: item for item in found for name in (shown_path(item), to_shown(from_text(item.declared)))
        }
        if wanted not in names:
            hint = suggest(wanted, names, "outputs")
            raise UsageError(f"run {short} has no output `{wanted}` of role `cases`", hint)
        return names[wanted]
    if len(found) > 1:
        names_of = ", ".join(f"`{shown_path(item)}`" for item in found)
        raise UsageError(
            f"run {short} has {len(found)} outputs of role `cases`", f"`--output PATH` says which: {names_of}"
        )
    return found[0]


def _base(store: Store, record: Record, wish: Wish, outside: Outside) -> Record:
    """Read the run that cases are compared with."""
    if wish.against is not None:
        base = resolve(store, wish.against, outside)
    else:
        pinned = events.pinned(store.path).get(BASELINE)
        if pinned is None:
            raise NoSuchRunError(
                f"no baseline is pinned, so nothing is known to be {wish.chosen}",
                "`--against RUN` names a run, `xt baseline set RUN -m WHY` pins one",
            )
        base = pinned
    if base == record.id:
        raise NoSuchRunError(
            f"run {base[: store.shown(base)]} cannot be compared with itself", "`--against RUN` names another"
        )
    return store.record(base)


def _against(store: Store, base: Record, tally: Tally) -> Against:
    names = [name for name, run in events.pinned(store.path).items() if run == base.id]
    name = BASELINE if BASELINE in names else next(iter(names), None)
    return Against(base.id, store.shown(base.id), tally, name)
