"""Find runs: what a reference names, and which runs there are."""

from __future__ import annotations

import os
import re
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from xt import config
from xt.config import Settings
from xt.context import Outside
from xt.errors import NoSuchRunError, XtError
from xt.model import runid
from xt.model.event import BASELINE, Verified
from xt.model.summary import Summary
from xt.store import Store, events, find_root, locate
from xt.store.index import Index

_POSITION = re.compile(r"@(?:~(\d{1,9}))?")


class Listing(NamedTuple):
    """Rows of `xt ls`, newest first."""

    rows: list[Summary]
    shown: dict[str, int]
    """Letters of each id that tell it from all others."""
    total: int
    trials: int = 0
    """Runs made by `xt verify` that are left out."""


def store_path(outside: Outside) -> str:
    """Path of the store of the project that the working directory is in."""
    return locate(outside.cwd, outside.environ)


def project_settings(outside: Outside) -> Settings:
    """What `xt.toml` says now.

    Raises:
        ConfigError: it cannot be read.
    """
    return config.load(find_root(outside.cwd), outside.cwd).settings


def trusts_foreign(outside: Outside) -> bool:
    """Whether stores of other users may be used, as the user said by XT_FOREIGN_STORE."""
    return bool(outside.environ.get("XT_FOREIGN_STORE"))


def open_store(outside: Outside) -> Store:
    """Open that store for reading.

    Raises:
        NoSuchRunError: there is none yet.
        StoreError: it is not usable.
    """
    path = store_path(outside)
    if not os.path.isdir(path):
        raise NoSuchRunError(
            f"no runs yet: there is no `{path}`", "`xt run -- COMMAND` records the first one"
        )
    return Store.open(path, foreign=trusts_foreign(outside))


def listing(store: Store, outside: Outside, limit: int | None, *, trials: bool = False) -> Listing:
    """List runs, those in flight or lost among them, newest first.

    Args:
        store: to read.
        outside: for the time.
        limit: rows at most, None for all.
        trials: with the repeats that `xt verify` made.
    """
    every = live_rows(store, outside)
    live = [row for row in every if trials or not row.trial]
    index = Index(store)
    try:
        found = index.newest(limit, trials=trials)
    finally:
        index.close()
    rows = sorted([*live, *found.rows], key=lambda row: row.started_at or "", reverse=True)
    rows = rows if limit is None else rows[:limit]
    shown = store.shown_all([row.id for row in rows])
    return Listing(rows, shown, found.total + len(live), found.trials + len(every) - len(live))


def with_levels(store: Store, rows: list[Summary]) -> list[Summary]:
    """Add to each row how well it repeats, as last verified; the events are read once for all.

    Args:
        store: that has the runs.
        rows: of a list.
    """
    last = {event.run: event for event in events.every(store.path, Verified)}
    return [_with_level(row, last[row.id]) if row.id in last else row for row in rows]


def _with_level(row: Summary, event: Verified) -> Summary:
    return replace(
        row,
        level=event.level,
        required=event.required,
        verified_at=event.at,
        verified_by=len(event.repeats),
    )


def live_rows(store: Store, outside: Outside) -> list[Summary]:
    """Rows of the runs without a record."""
    rows = []
    for run_id in store.live_ids():
        try:
            start, state = store.live(run_id)
        except XtError as error:
            rows.append(Summary(id=run_id, status="damaged", reason=error.message))
            continue
        wall = None
        if state == "running":
            wall = (outside.now() - datetime.fromisoformat(start.started_at)).total_seconds()
        rows.append(Summary.in_flight(start, state, wall))
    return rows


def resolve(store: Store, reference: str, outside: Outside) -> str:
    """Find the run a reference names: an id or its beginning, `@`, `@~N`, a pinned name, a name, a tag.

    Repeats that `xt verify` made are named by their ids alone: no other reference means one of them.

    Raises:
        NoSuchRunError: none, or more than one.
    """
    position = _POSITION.fullmatch(reference)
    if position:
        back = int(position.group(1) or 0)
        rows = listing(store, outside, back + 1)
        if len(rows.rows) <= back:
            raise NoSuchRunError(
                f"there is no run `{reference}`, there are {rows.total}", "`xt ls` lists them"
            )
        return rows.rows[back].id
    if reference == BASELINE or not runid.is_prefix(reference):
        found = events.pinned(store.path).get(reference)
        if found is not None:
            return found
        if reference == BASELINE:
            raise NoSuchRunError("no baseline is pinned", "`xt baseline set RUN -m WHY` pins one")
    if runid.is_prefix(reference):
        matches = store.ids_like(reference)
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise NoSuchRunError(
                f"`{reference}` is the beginning of {len(matches)} run ids",
                "one letter more: " + ", ".join(match[: store.shown(match)] for match in matches[:8]),
            )
    index = Index(store)
    try:
        found = index.named(reference) or index.tagged(reference)
        if found:
            return found
        names, tags = index.words()
    finally:
        index.close()
    for row in live_rows(store, outside):
        if not row.trial and (reference == row.name or reference in row.tags):
            return row.id
    raise NoSuchRunError(
        f"no run has the id, name or tag `{reference}`", _nearest(reference, [*names, *tags])
    )


def _nearest(reference: str, words: list[str]) -> str:
    import difflib

    close = difflib.get_close_matches(reference, words, n=1)
    return f"did you mean `{close[0]}`?" if close else "`xt ls` lists the runs; `@` is the newest"
