"""`xt bundle show` and `xt bundle diff`: the files of a version, and what differs between two."""

from __future__ import annotations

from msgspec.structs import replace

from xt.compare import Content as Source
from xt.compare import UnreadableError
from xt.compare.content import read_all
from xt.context import Outside
from xt.errors import NotRecordedError, UsageError, XtError
from xt.model.bundle import BUNDLED, Bundle, Compared, Content, Member, Shown, letters_for
from xt.model.result import Record
from xt.model.text import from_text, to_shown
from xt.ops.bundle_versions import Found, find_used, known, use
from xt.ops.diff.contents import Recorded, find_all
from xt.ops.diff.files import Pair, filled, shown
from xt.ops.diff.inputs import bundle as compare_bundles
from xt.store import Store
from xt.suggest import suggest

#: Bytes of a file whose text is shown.
LARGEST = 10_000_000
NOT_HELD = (
    "its content is not to be had here: only texts of up to 1 MB are stored, and none named like a secret"
)


def show(
    store: Store,
    text: str,
    outside: Outside,
    role: str | None = None,
    *,
    texts: bool = False,
    path: str | None = None,
) -> Shown:
    """Describe a bundle and its files.

    Args:
        store: that has the runs.
        text: see `find_used`.
        outside: for the working directory and git.
        role: where `text` leaves it open.
        texts: with the text of every file.
        path: of one file in the bundle: only it, with its text.

    Raises:
        NoSuchBundleError: no bundle is meant.
        NotRecordedError: there is no such file in it.
    """
    found = find_used(store, text, outside, role)
    members = found.bundle.members if path is None else [_one(found.bundle, path)]
    records = _users(store, found)
    ends = [records[0], records[-1]] if records else []
    letters = store.shown_all([record.id for record in ends])
    uses = [use(record, letters) for record in ends]
    return Shown(
        found.bundle.version(),
        found.bundle.role,
        found.bundle.digest,
        _contents(store, members, found, outside, texts=texts or path is not None),
        found.bundle.doubt,
        len(records),
        uses[0] if uses else None,
        uses[1] if uses else None,
    )


def compare(store: Store, left: str, right: str, outside: Outside, role: str | None = None) -> Compared:
    """Compare two bundles file by file.

    Args:
        store: that has the runs.
        left: see `find_used`.
        right: likewise.
        outside: for the working directory and git.
        role: where both leave it open.

    Raises:
        NoSuchBundleError: one is not there.
        UsageError: they are of different roles.
    """
    role = role or _said_role(left) or _said_role(right)
    one = find_used(store, left, outside, role)
    role = one.bundle.role
    other = find_used(store, right, outside, None if _said_role(right) else role)
    if role != other.bundle.role:
        roles = f"`{left}` is of role `{role}`, `{right}` of role `{other.bundle.role}`"
        raise UsageError(roles, "two bundles of one role can be compared")
    pairs: list[Pair] = []
    found = compare_bundles(role, one.bundle, other.bundle, pairs)
    delta = filled(found, shown(store, (one.snapshot, other.snapshot), pairs, outside))
    doubts = [side.bundle.doubt for side in (one, other) if side.bundle.doubt]
    if doubts and delta.relation == "same":
        delta = replace(delta, relation="unknown")
    if doubts:
        delta = replace(delta, note="; ".join([*([delta.note] if delta.note else []), *doubts]))
    letters = letters_for((one.bundle.digest, other.bundle.digest))
    return Compared(one.bundle.version(letters), other.bundle.version(letters), role, delta)


def _users(store: Store, found: Found) -> list[Record]:
    """The runs that used this version, oldest first: all of them, also where a path or one run was named."""
    if len(found.records) > 1 or found.bundle.digest is None:
        return found.records
    for one in known(store, found.bundle.role).used:
        if one.bundle.digest == found.bundle.digest:
            return one.records
    return found.records


def _said_role(text: str) -> str | None:
    """The role that a version names."""
    role, at, _ = text.partition("@")
    return role if at and role in BUNDLED else None


def _one(found: Bundle, path: str) -> Member:
    known = {to_shown(from_text(member.path)): member for member in found.members}
    by_place = {to_shown(from_text(member.place or "")): member for member in found.members}
    member = known.get(to_shown(path)) or by_place.get(to_shown(path))
    if member is None:
        hint = suggest(to_shown(path), known, "files")
        raise NotRecordedError(f"{found.version()} has no file `{to_shown(path)}`", hint)
    return member


def _contents(
    store: Store, members: list[Member], found: Found, outside: Outside, *, texts: bool
) -> list[Content]:
    known = [member for member in members if member.digest is not None]
    recorded = [
        Recorded(from_text(member.place or member.path), member.digest or "", member.size or 0)
        for member in known
    ]
    sources = dict(
        zip(
            (member.path for member in known),
            find_all(store, recorded, found.snapshot, outside),
            strict=True,
        )
    )
    return [_content(member, sources.get(member.path), texts=texts) for member in members]


def _content(member: Member, source: Source | None, *, texts: bool) -> Content:
    plain = Content(member.path, member.digest, member.size, member.place, member.reason, source is not None)
    if source is None:
        return plain if member.digest is None else replace(plain, reason=member.reason or NOT_HELD)
    if not texts:
        return plain
    try:
        data = read_all(source, LARGEST)
    except UnreadableError:
        return replace(plain, reason="too large to be shown")
    except (OSError, XtError) as error:
        return replace(plain, held=False, reason=f"its content cannot be read: {error}")
    try:
        return replace(plain, text=data.decode())
    except UnicodeDecodeError:
        return replace(plain, reason="it is no UTF-8 text")
