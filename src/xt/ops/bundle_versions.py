"""All versions of bundles a store knows, and the one that somebody means."""

from __future__ import annotations

import re
from typing import NamedTuple

from xt.context import Outside
from xt.errors import NoSuchBundleError, NoSuchRunError, UsageError, XtError
from xt.model import runid
from xt.model.bundle import (
    BUNDLED,
    Bundle,
    Unversioned,
    Use,
    Version,
    Versions,
    hexadecimal,
    letters_for,
)
from xt.model.result import Record
from xt.model.snapshot import Snapshot
from xt.ops.bundles import lies_there, of_snapshot, on_disk
from xt.ops.diff.sides import project_root
from xt.ops.find import resolve
from xt.ops.walk import Unread, runs
from xt.store import Store

_VERSION = re.compile(r"(?:(?P<role>[a-z]+)@)?(?:blake3:)?(?P<digits>[0-9a-fA-F]{4,64})")
#: Versions and reasons that are listed where one was not found, or is not known.
_LISTED = 8


class Used(NamedTuple):
    """A version, and the runs that used it, oldest first."""

    bundle: Bundle
    records: list[Record]


class Known(NamedTuple):
    """All of them."""

    used: list[Used]
    """The one used last comes first."""
    unknown: list[Unversioned]

    def named(self, text: str, role: str | None) -> list[Used]:
        """Those that a version, or its beginning, means; none when it is no version at all."""
        asked = _VERSION.fullmatch(text)
        if asked is None:
            return []
        role = asked["role"] or role
        digits = asked["digits"].lower()
        return [
            one
            for one in self.used
            if hexadecimal(one.bundle.digest or "").startswith(digits) and role in (None, one.bundle.role)
        ]


class Found(NamedTuple):
    """What somebody means: a version, the runs that used it, and causes that may have its contents."""

    bundle: Bundle
    records: list[Record]
    snapshot: Snapshot | None
    """Of the run that was named, or of the last one that used it; None where nobody did."""


def known(store: Store, role: str | None = None) -> Known:
    """Read what every run used.

    Args:
        store: that has the runs.
        role: only this one.
    """
    used: dict[tuple[str, str], Used] = {}
    unknown: list[Unversioned] = []
    for record in runs(store, roles=BUNDLED if role is None else (role,)):
        if isinstance(record, Unread):
            unknown.append(Unversioned(record.id, record.reason))
            continue
        for one in of_snapshot(store, record.snapshot):
            if role is not None and one.role != role:
                continue
            if one.digest is None:
                unknown.append(Unversioned(record.id, one.doubt or "not known", one.role))
            else:
                used.setdefault((one.role, one.digest), Used(one, [])).records.append(record)
    for entry in used.values():
        entry.records.sort(key=lambda record: (record.started_at, record.id))
    ordered = sorted(used.values(), key=lambda one: one.records[-1].started_at, reverse=True)
    return Known(ordered, unknown)


def listed(store: Store, role: str | None = None) -> Versions:
    """List all versions, for `xt bundle ls`."""
    found = known(store, role)
    letters = letters_for(one.bundle.digest for one in found.used)
    ends = [record.id for one in found.used for record in (one.records[0], one.records[-1])]
    shown = store.shown_all([*ends, *(one.run for one in found.unknown)])
    return Versions(
        [
            Version(
                one.bundle.version(letters),
                one.bundle.role,
                one.bundle.digest or "",
                len(one.bundle.members),
                one.bundle.size,
                len(one.records),
                use(one.records[0], shown),
                use(one.records[-1], shown),
            )
            for one in found.used
        ],
        found.unknown,
    )


def use(record: Record, shown: dict[str, int]) -> Use:
    """Write down a run that used a version."""
    return Use(record.id, shown[record.id], record.started_at, record.snapshot.context.purpose)


def find(store: Store, text: str, outside: Outside, role: str | None = None) -> Bundle:
    """Find the bundle somebody means; see `find_used`."""
    return find_used(store, text, outside, role).bundle


def find_used(store: Store, text: str, outside: Outside, role: str | None = None) -> Found:
    """Find the bundle somebody means.

    Args:
        store: that has the runs.
        text: a version (`prompts@3f9a2c`) or its digits, 4 or more; a run that used one; or the path of a
            file or folder, which is read.
        outside: for the working directory.
        role: where a run has bundles of several roles, or a path is to get one (`prompts` by default).

    Raises:
        NoSuchBundleError: nothing is meant, or more than one thing could be.
        UsageError: `text` says another role than `role`.
    """
    asked = _VERSION.fullmatch(text)
    if asked is not None and role is not None and asked["role"] not in (None, role):
        raise UsageError(f"`{text}` is no bundle of role `{role}`", f"`{role}@{asked['digits']}`")
    if asked is not None and (found := _by_version(store, text, role)) is not None:
        return found
    if "/" not in text and (found := _of_reference(store, text, outside, role)) is not None:
        return found
    if lies_there(text, outside):
        try:
            return Found(on_disk(text, role or BUNDLED[0], outside, project_root(store)), [], None)
        except (OSError, XtError) as error:
            raise NoSuchBundleError(f"`{text}` cannot be read: {_said(error)}") from error
    near = "`xt bundle ls` lists the versions; a run or a path will do too"
    raise NoSuchBundleError(f"no bundle `{text}`", near)


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _by_version(store: Store, text: str, role: str | None) -> Found | None:
    found = known(store).named(text, role)
    if len(found) > 1:
        letters = letters_for(one.bundle.digest for one in found)
        names = ", ".join(one.bundle.version(letters) for one in found[:_LISTED])
        raise NoSuchBundleError(f"`{text}` can be {len(found)} bundles", f"one of: {names}")
    if not found:
        return None
    return Found(found[0].bundle, found[0].records, found[0].records[-1].snapshot)


def _of_reference(store: Store, reference: str, outside: Outside, role: str | None) -> Found | None:
    """Find the bundle of a run; None when no run is meant."""
    try:
        run_id = resolve(store, reference, outside)
    except NoSuchRunError as error:
        if runid.is_prefix(reference) and store.ids_like(reference):
            raise NoSuchBundleError(error.message, error.hint) from error
        return None
    whole = store.whichever(run_id)
    record = None if isinstance(whole, tuple) else whole
    snapshot = whole[0].snapshot if isinstance(whole, tuple) else whole.snapshot
    short = run_id[: store.shown(run_id)]
    found = [one for one in of_snapshot(store, snapshot) if role in (None, one.role)]
    if not found:
        what = f"inputs of role `{role}`" if role else "inputs of role `prompts` or `policy`"
        raise NoSuchBundleError(f"run {short} has no {what}", "`xt run --input prompts:PATH` declares them")
    if len(found) > 1:
        names = ", ".join(one.version() for one in found)
        hint = f"`--role` says which, or its version: {names}"
        raise NoSuchBundleError(f"run {short} has {len(found)} bundles", hint)
    return Found(found[0], [record] if record is not None else [], snapshot)
