"""PyTorch checkpoints, tensor by tensor and value by value; never unpickled, and torch is not needed."""

from __future__ import annotations

import hashlib
import math
import zipfile
from functools import partial
from typing import Any

from xt.compare import Content, Rule, UnreadableError
from xt.compare.arrays import compare_arrays
from xt.compare.checkpoint import Parts, Storage
from xt.compare.closeness import close
from xt.compare.named_parts import join, shown
from xt.compare.pickled import LARGEST, read
from xt.compare.zipped import open_member, opened, readable
from xt.model.delta import Delta, Measure

#: Members that say how the file was written, not what is in it.
_PACKAGING = {"byteorder", "version", ".format_version", ".storage_alignment", ".data/serialization_id"}
_LOCAL_HEADER = 30
_PIECE = 1 << 18


def compare(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare two checkpoints as `torch.save` writes them.

    Where a tensor lay when it was saved (CPU or GPU) is packaging. Integers among the other values must be
    equal; floats are held to the rule.

    Raises:
        UnreadableError: a side is not a zip checkpoint (the older form is a bare pickle), or is damaged.
    """
    for content in (left, right):
        with content.open() as file:
            if file.read(4) != b"PK\3\4":
                raise UnreadableError("it is not a zip checkpoint; it is not unpickled")
    with opened(left) as a, opened(right) as b:
        one, others = _parts(a, left)
        two, more = _parts(b, right)
        deltas, identical = compare_arrays(one.tensors, two.tensors, rule, path)
        for own, other in ((one, two), (two, one)):
            _drop_implied(own, other)
        deltas += _compare_values(one.values, two.values, rule, path)
        deltas += _compare_values(others, more, rule, path)
    return join(path, (one.tensors, two.tensors), deltas, identical, rule, "tensor")


def _parts(archive: zipfile.ZipFile, content: Content) -> tuple[Parts, dict[str, Any]]:
    """Read what a checkpoint holds, and digests of the members that are no part of it."""
    members = {info.filename: info for info in archive.infolist() if not info.is_dir()}
    if len(members) != sum(not info.is_dir() for info in archive.infolist()):
        raise UnreadableError("it holds a name twice")
    roots = [name[: -len("data.pkl")] for name in members if name.endswith("/data.pkl")]
    roots = [root for root in roots if root.count("/") == 1]
    if len(roots) != 1:
        raise UnreadableError("it is not a checkpoint: it has no `data.pkl`; it is not unpickled")
    root = roots[0]
    if not all(readable(info) for info in members.values()):
        raise UnreadableError("its members are encrypted or packed by an unknown method")
    order = "<"
    if f"{root}byteorder" in members:
        order = {b"little": "<", b"big": ">"}.get(_bytes(archive, members[f"{root}byteorder"], 16), "")
        if not order:
            raise UnreadableError("it does not say its order of bytes")
    storages = {
        name.removeprefix(f"{root}data/"): _storage(archive, info, content)
        for name, info in members.items()
        if name.startswith(f"{root}data/")
    }
    parts = Parts(storages, order)
    parts.add("", read(_bytes(archive, members[f"{root}data.pkl"], LARGEST)))
    parts.values = {name.removeprefix("/"): value for name, value in parts.values.items()}
    parts.tensors = {name.removeprefix("/"): array for name, array in parts.tensors.items()}
    known = {"data.pkl", *_PACKAGING, *(f"data/{key}" for key in parts.used)}
    others = {name: info for name, info in members.items() if name.removeprefix(root) not in known}
    return parts, {
        f"member {name.removeprefix(root)}": _digest(archive, info) for name, info in others.items()
    }


def _drop_implied(own: Parts, other: Parts) -> None:
    """Leave out what only one side has when it has all of its surroundings alone, which is said already."""
    there = other.values.keys() | other.tensors.keys()
    alone = {name for name in (*own.values, *own.tensors) if name not in there}
    for name in [name for name in own.values if name in alone]:
        steps = name.rstrip("/").split("/")[:-1]
        above = ["/".join(steps[: count + 1]) for count in range(len(steps))]
        if any(place in alone or f"{place}/" in alone for place in above):
            del own.values[name]


def _bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    if info.file_size > limit:
        raise UnreadableError(f"its `{info.filename[-40:]}` is larger than {limit} bytes")
    with open_member(archive, info) as file:
        return file.read(limit)


def _digest(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with open_member(archive, info) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return f"{info.file_size} B, {digest.hexdigest()[:12]}"


def _storage(archive: zipfile.ZipFile, info: zipfile.ZipInfo, content: Content) -> Storage:
    """Place the bytes of a storage: in the file itself where they are stored as they are."""
    if info.compress_type != zipfile.ZIP_STORED:
        return Storage(partial(open_member, archive, info), 0, info.file_size, False)
    with content.open() as file:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER or header[:4] != b"PK\3\4":
        raise UnreadableError("it is not a sound zip file: a member has no header")
    names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    start = info.header_offset + _LOCAL_HEADER + names
    if start + info.file_size > content.size or info.compress_size != info.file_size:
        raise UnreadableError("it is not a sound zip file: a member reaches beyond its end")
    return Storage(content.open, start, info.file_size, True)


def _compare_values(left: dict[str, Any], right: dict[str, Any], rule: Rule, path: str) -> list[Delta]:
    """List the values that differ, by path."""
    found = []
    for name in [*left, *(name for name in right if name not in left)]:
        where = f"{path}:{name.rstrip('/')}".rstrip(":")
        if name not in right:
            found.append(Delta(where, "changed", left=_shown(left[name]), change="removed"))
        elif name not in left:
            found.append(Delta(where, "changed", right=_shown(right[name]), change="added"))
        elif (delta := _compare_value(left[name], right[name], rule, where)) is not None:
            found.append(delta)
    return found


def _compare_value(left: Any, right: Any, rule: Rule, path: str) -> Delta | None:
    if type(left) is not type(right):
        return Delta(path, "changed", _shown(left), _shown(right), "changed", note="the type changed")
    if not isinstance(left, float):
        return None if left == right else Delta(path, "changed", _shown(left), _shown(right), "changed")
    if close(left, right, Rule()):
        return None
    relation = "within" if close(left, right, rule) else "changed"
    measures = [Measure("max |Δ|", abs(left - right))] if math.isfinite(left - right) else []
    return Delta(path, relation, _shown(left), _shown(right), "changed", measures=measures)  # type: ignore[arg-type]  # two literals


def _shown(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, int) and value.bit_length() > 63:
        return f"integer of {value.bit_length()} bits"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return shown(value)
