"""Members of two archives, by name: added, removed, changed; what changed is compared by what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from importlib import import_module
from typing import BinaryIO, Literal, NamedTuple

from xt.compare import Rule, UnreadableError
from xt.compare.named_parts import ignored, join
from xt.compare.spooled import Spool
from xt.model.delta import Delta, Measure, Relation, worst

Kind = Literal["file", "folder", "link", "hard link", "device"]

#: Archives inside each other that are looked into.
DEEPEST = 3
#: Changed members of one archive that are looked into; of the others only the bytes are compared.
MOST_NESTED = 200
_PIECE = 1 << 18

_depth: ContextVar[int] = ContextVar("depth", default=0)


class Entry(NamedTuple):
    """One member of an archive."""

    name: str
    """As the archive has it; absolute names and `..` are only shown."""
    kind: Kind
    size: int
    mode: int | None
    """Permission bits; None where the archive has none."""
    target: str
    """Of a link; never followed."""
    open: Callable[[], BinaryIO] | None
    """None for what has no bytes, or none that can be unpacked."""
    why: str | None = None
    """Why a file cannot be unpacked: `encrypted`."""

    @property
    def label(self) -> str:
        """As shown: `file of 12 B`, `link to x`."""
        if self.kind in ("link", "hard link"):
            return f"{self.kind} to `{self.target[:200]}`"
        return f"file of {self.size} B" if self.kind == "file" else self.kind


def compare_members(left: Sequence[Entry], right: Sequence[Entry], rule: Rule, path: str) -> Delta:
    """Compare two archives by their members; times and order are packaging.

    Files of one size are compared byte by byte: a CRC-32 that agrees proves nothing, since anyone can make
    two files that share it.

    Raises:
        UnreadableError: a name occurs twice, or a member is damaged.
    """
    sides = _by_name(left), _by_name(right)
    deltas, identical, nested = [], 0, 0
    for name, a in sides[0].items():
        b = sides[1].get(name)
        if b is None:
            continue
        delta = _compare_entry(a, b, f"{path}:{name}", rule, deep=nested < MOST_NESTED)
        identical += delta is None
        if delta is not None:
            nested += 1
            deltas.append(delta)
    return join(path, sides, deltas, identical, rule, "member")


def _by_name(entries: Sequence[Entry]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.name in found:
            raise UnreadableError(f"it holds `{entry.name[:80]}` twice")
        found[entry.name] = entry
    return found


def _compare_entry(left: Entry, right: Entry, path: str, rule: Rule, *, deep: bool) -> Delta | None:
    """Compare one member; None when nothing but its time differs."""
    if left.kind != right.kind or left.target != right.target:
        return Delta(path, "changed", left.label, right.label, "changed")
    modes = None
    if left.mode != right.mode and None not in (left.mode, right.mode):
        modes = f"mode {left.mode:o} → {right.mode:o}"
    delta = None if left.kind != "file" else _compare_files(left, right, path, rule, deep=deep)
    if modes is None:
        return delta
    if delta is None:
        return Delta(path, "changed", left.label, right.label, "changed", note=f"{modes}, same content")
    note = f"{modes}; {delta.note}" if delta.note else modes
    mode = Delta(f"{path}/mode", "changed", f"{left.mode:o}", f"{right.mode:o}", "changed")
    relation = worst([delta.relation, "changed"])
    fields = {name: getattr(delta, name) for name in delta.__struct_fields__}
    return Delta(**{**fields, "relation": relation, "note": note, "children": [mode, *delta.children]})


def _compare_files(left: Entry, right: Entry, path: str, rule: Rule, *, deep: bool) -> Delta | None:
    if left.open is None or right.open is None:
        note = f"not compared: the member is {left.why or right.why}"
        return Delta(path, "unknown", left.label, right.label, note=note)
    first = _first_difference(left.open, right.open)
    if first is None and left.size == right.size:
        return None
    if not deep:
        return _by_bytes(left, right, path, first, f"more than {MOST_NESTED} members changed")
    if _depth.get() + 1 > DEEPEST:
        return _by_bytes(left, right, path, first, f"archives inside each other, more than {DEEPEST}")
    if ignored(left.name, rule):
        return _by_bytes(left, right, path, first, "it is ignored")
    return _nested(left.open, right.open, left.name, rule, path)


def _by_bytes(left: Entry, right: Entry, path: str, first: int | None, why: str) -> Delta:
    measures = [] if first is None else [Measure("first byte", first)]
    note = f"the bytes differ; not looked into: {why}"
    return Delta(path, "changed", left.label, right.label, "changed", measures=measures, note=note)


def _nested(
    left: Callable[[], BinaryIO], right: Callable[[], BinaryIO], name: str, rule: Rule, path: str
) -> Delta:
    """Compare two members by what their name says they are."""
    with Spool(name) as a, Spool(name) as b:
        for spool, reopen in ((a, left), (b, right)):
            with reopen() as file:
                try:
                    spool.fill(_pieces(file))
                except OSError as error:
                    raise UnreadableError(f"`{name[:80]}` cannot be unpacked: {error}") from error
        token = _depth.set(_depth.get() + 1)
        try:
            # Named as the comparators are: the front finds them by name, this one among them.
            delta: Delta = import_module("xt.compare.contents").compare(a, b, rule, path)
        finally:
            _depth.reset(token)
    # The bytes are known to differ.
    relation: Relation = worst([delta.relation, "within"])
    fields = {field: getattr(delta, field) for field in delta.__struct_fields__}
    return Delta(**{**fields, "relation": relation, "change": delta.change or "changed"})


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _first_difference(left: Callable[[], BinaryIO], right: Callable[[], BinaryIO]) -> int | None:
    """Offset of the first byte that differs; None when one side begins with all of the other."""
    at = 0
    with left() as a, right() as b:
        while True:
            one, two = a.read(_PIECE), b.read(_PIECE)
            length = min(len(one), len(two))
            if one[:length] != two[:length]:
                return at + next(i for i in range(length) if one[i] != two[i])
            if length == 0 or len(one) != len(two):
                return None
            at += length
