"""Find runs: what a reference names, and which runs there are."""

from __future__ import annotations

import re
from datetime import datetime

from xt import config
from xt.collect.scalars import json_safe
from xt.config import Settings
from xt.context import Outside
from xt.errors import DamagedError, NoSuchRunError, NotRecordedError, XtError, is_unread
from xt.join import signing_key
from xt.model import runid
from xt.model.event import BASELINE, Removed, Swept
from xt.model.snapshot import Snapshot
from xt.model.standing import fold
from xt.model.summary import Summary
from xt.store import Store, events, find_root, locate
from xt.store.index import Index
from xt.store.live import exit_of

_POSITION = re.compile(r"@(?:~(\d{0,9}))?")
#: Words of other tools for the newest run.
_NEWEST = {"latest", "last", "newest", "current", "head", "0", "@{0}"}


def store_path(outside: Outside) -> str:
    """Path of the store of the project that the working directory is in."""
    return locate(outside.cwd, outside.environ)


def project_settings(outside: Outside) -> Settings:
    """What `xt.toml` says now.

    Raises:
        ConfigError: it cannot be read.
    """
    return config.load(find_root(outside.cwd), outside.cwd).settings


def seal_key(outside: Outside, given: str | None) -> str | None:
    """Absolute path of the key that signs: the one that was typed, else that of `[seal]`.

    Raises:
        ConfigError: the settings cannot be read.
    """
    known = config.load(find_root(outside.cwd), outside.cwd)
    return signing_key(given, known, outside.cwd)


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
    try:
        return Store.open(path, foreign=trusts_foreign(outside))
    except (FileNotFoundError, NotADirectoryError):
        raise NoSuchRunError(
            f"no runs yet: there is no `{path}`", "`xt run -- COMMAND` records the first one"
        ) from None


def live_rows(store: Store, outside: Outside) -> list[Summary]:
    """Rows of the runs without a record."""
    return [row for row, _ in in_flight(store, outside)]


def in_flight(
    store: Store, outside: Outside, unread: list[str] | None = None
) -> list[tuple[Summary, Snapshot | None]]:
    """Rows of the runs without a record, and their causes where they can be read.

    Args:
        store: that has them.
        outside: for the time.
        unread: gets a sentence for each that the disk, or the server behind it, failed to read.
    """
    rows: list[tuple[Summary, Snapshot | None]] = []
    ids = store.live_ids()
    said = fold(events.every(store.path, Removed)).runs if ids else {}
    for run_id in ids:
        if run_id in said and said[run_id].removed is not None:
            continue
        try:
            start, state = store.live(run_id)
        except NotRecordedError:
            continue  # it ended meanwhile: who looks at records after this finds it there
        except XtError as error:
            rows.append((Summary(id=run_id, status="damaged", reason=error.message), None))
            if unread is not None and is_unread(error):
                unread.append(error.message)
            continue
        wall = None
        if state == "running":
            wall = (outside.now() - datetime.fromisoformat(start.started_at)).total_seconds()
        ended = exit_of(store.live_folder(run_id))
        rows.append((Summary.in_flight(start, state, wall, ended), start.snapshot))
    return rows


def resolve(store: Store, reference: str, outside: Outside) -> str:
    """Find the run a reference names: an id or its beginning, `@`, `@~N`, a pinned name, a name, a tag.

    Repeats that `xt verify` made are named by their ids alone: no other reference means one of them.

    Raises:
        NoSuchRunError: none, or more than one.
    """
    reference = json_safe(reference)  # bytes that are not UTF-8 are in no name
    position = _POSITION.fullmatch(reference)
    if position:
        back = 1 if reference == "@~" else int(position.group(1) or 0)
        return _at(store, reference, back, outside)
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
        _check_swept(store, reference)
    index = Index(store)
    try:
        found = index.named(reference) or index.tagged(reference)
        _certain(reference, index.unread)
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


def _check_swept(store: Store, prefix: str) -> None:
    """Say of a run that was dropped when and why that was."""
    for event in reversed(events.every(store.path, Swept)):
        for run_id, reason in event.runs.items():
            if run_id.startswith(prefix):
                by = f" by {event.by}" if event.by else ""
                raise NoSuchRunError(
                    f"`{run_id}` was dropped by `xt gc` on {event.at[:10]}{by}: {reason}",
                    f"`xt pull {run_id}` brings it back, if it was pushed",
                )


def _at(store: Store, reference: str, back: int, outside: Outside) -> str:
    """Count back from the newest run."""
    unread: list[str] = []
    live = [row for row, _ in in_flight(store, outside, unread) if not row.trial]
    index = Index(store)
    try:
        found = index.newest(back + 1)
        _certain(reference, [*unread, *index.unread])
    finally:
        index.close()
    ended = {row.id for row in found.rows}  # some, after those in flight were looked at
    live = [row for row in live if row.id not in ended]
    rows = sorted([*live, *found.rows], key=lambda row: row.started_at or "", reverse=True)
    if len(rows) <= back:
        total = found.total + len(live)
        raise NoSuchRunError(f"there is no run `{reference}`, there are {total}", "`xt ls` lists them")
    return rows[back].id


def _certain(reference: str, unread: list[str]) -> None:
    """End it where a run that cannot be read for now may be the one that is meant.

    Raises:
        DamagedError: so it is.
    """
    if unread:
        raise DamagedError(
            f"which run `{reference}` means is not certain: {unread[0]}",
            "name the run by its id, or look again when that can be read",
        )


def _nearest(reference: str, words: list[str]) -> str:
    import difflib

    close = difflib.get_close_matches(reference, words, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    if reference.lower() in _NEWEST or re.fullmatch(r"(?i)(head|latest|last|@)[-~^]*\d*", reference):
        return "`@` is the newest run, `@~1` the one before it"
    if re.fullmatch(r"[\w@~-]+(\.\.\.?|,)[\w@~-]+", reference):
        return "two runs are two words; `xt ls` lists the runs"
    if re.search(r"[:<>=]", reference):
        return "that looks like a query, which `xt ls` takes; `@` is the newest run"
    return "`xt ls` lists the runs; `@` is the newest"
