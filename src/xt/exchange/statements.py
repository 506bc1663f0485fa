"""What is said of a run in statements of in-toto: about its record, and about what it made.

Digests are those that are known: of single files BLAKE3 (`blake3`), of trees that of their manifest
(`xtManifest`), of code git's own (`gitCommit`, `gitTree`). SHA-256 is said of what was read for it.
The URNs name types; nothing has to be there to be fetched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from xt import codec
from xt.model.files import Input, Output
from xt.model.result import Record
from xt.model.statement import RecordPredicate, RecordStatement, Resource
from xt.model.text import Text, from_text, to_shown

#: Bytes that inputs and outputs take in a statement, at most: it is kept in an event, which is small.
LISTED = 300_000


def plain(value: Text) -> str:
    """A string of the operating system, as text that JSON takes."""
    return to_shown(from_text(value))


def record_statement(
    record: Record, data: bytes, signed_at: str | None, shown: Callable[[Text], str] = plain
) -> bytes:
    """Say what a record is, so that a signature over it holds for all it names.

    Args:
        record: sealed.
        data: its bytes, as they lie in the store.
        signed_at: RFC 3339, UTC.
        shown: writes paths and addresses.
    """
    snapshot, result = record.snapshot, record.result
    inputs = [known for item in snapshot.inputs if (known := resource(item, shown)) is not None]
    outputs = [known for item in result.outputs if (known := resource(item, shown)) is not None]
    products = _within(outputs, LISTED // 2)
    materials = _within(inputs, LISTED // 2)
    said = RecordPredicate(
        run=record.id,
        seal=record.seal,
        recipe=snapshot.recipe,
        recipe_doubt=snapshot.recipe_doubt,
        status=result.status,
        exit_code=result.exit_code,
        signal=result.signal,
        started_at=record.started_at,
        ended_at=result.ended_at,
        signed_at=signed_at,
        xt=snapshot.context.xt,
        materials=[*code(record, shown), *materials],
        products=products,
        byproducts=logs(record),
        left_out=len(inputs) - len(materials) + len(outputs) - len(products),
    )
    return codec.encode(RecordStatement([about_record(record, data)], said))


def _within(items: list[Resource], limit: int) -> list[Resource]:
    """The first of them that take no more than so many bytes."""
    kept: list[Resource] = []
    for item in items:
        limit -= len(codec.encode(item))
        if limit < 0:
            break
        kept.append(item)
    return kept


def about_record(record: Record, data: bytes) -> Resource:
    """The record itself."""
    digest = {"sha256": hashlib.sha256(data).hexdigest(), "blake3": bare(codec.digest(data))}
    return Resource(f"runs/{record.id[:2]}/{record.id}.json", digest=digest)


def bare(digest: str) -> str:
    """A digest without its algorithm."""
    return digest.partition(":")[2]


def resource(item: Input | Output, shown: Callable[[Text], str]) -> Resource | None:
    """An input or output by what is known of it; None where neither content nor address is."""
    where = item.declared if item.path is None else item.path
    said = {"role": item.role} | ({"kind": item.kind} if item.kind != "file" else {})
    if isinstance(item, Input) and item.kind == "uri":
        noted = said | ({"revision": item.revision} if item.revision else {})
        return Resource(uri=shown(item.declared), annotations=noted)
    if item.digest is None:
        return None
    algorithm = "blake3" if item.kind == "file" else "xtManifest"
    return Resource(shown(where), digest={algorithm: bare(item.digest)}, annotations=said)


def code(record: Record, shown: Callable[[Text], str]) -> list[Resource]:
    """The tree that ran, by git's names for it."""
    found = record.snapshot.code
    if found.tree is None:
        return []
    # A commit is named only where its tree is what ran.
    clean = found.head is not None and found.dirty is False
    digest = {"gitTree": found.tree} | ({"gitCommit": found.head} if clean and found.head else {})
    noted = {"base": found.head} if found.head is not None and not clean else {}
    uri = f"git+{shown(found.remote)}" if found.remote is not None else None
    return [Resource("code", uri, digest, annotations=noted)]


def logs(record: Record) -> list[Resource]:
    """What it wrote to its streams, as far as that was stored."""
    return [
        Resource(stream.name, digest={"blake3": bare(stream.digest)})
        for stream in record.result.logs.streams
        if stream.digest is not None
    ]
