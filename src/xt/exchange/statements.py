"""What is said of a run in statements of in-toto: about its record, and about what it made.

Digests are those that are known: of single files BLAKE3 (`blake3`), of trees that of their manifest
(`xtManifest`), of code git's own (`gitCommit`, `gitTree`). SHA-256 is said of what was read for it.
The URNs name types; nothing has to be there to be fetched.
"""

from __future__ import annotations

import hashlib

from xt import codec
from xt.model.files import Input, Output
from xt.model.result import Record
from xt.model.statement import RecordPredicate, RecordStatement, Resource
from xt.model.text import Text, from_text, to_shown

#: A statement lists so many inputs and outputs at most: it is kept in an event, which is small.
LISTED = 500


def text(value: Text) -> str:
    """A string of the operating system, as text that JSON takes."""
    return to_shown(from_text(value))


def record_statement(record: Record, data: bytes, signed_at: str) -> bytes:
    """Say what a record is, so that a signature over it holds for all it names.

    Args:
        record: sealed.
        data: its bytes, as they lie in the store.
        signed_at: RFC 3339, UTC.
    """
    snapshot, result = record.snapshot, record.result
    inputs = [known for item in snapshot.inputs if (known := resource(item)) is not None]
    outputs = [known for item in result.outputs if (known := resource(item)) is not None]
    logs = [
        Resource(stream.name, digest={"blake3": bare(stream.digest)})
        for stream in result.logs.streams
        if stream.digest is not None
    ]
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
        materials=[*code(record), *inputs[:LISTED]],
        products=outputs[:LISTED],
        byproducts=logs,
        left_out=len(inputs[LISTED:]) + len(outputs[LISTED:]),
    )
    subject = Resource(f"runs/{record.id[:2]}/{record.id}.json", digest=digests(data))
    return codec.encode(RecordStatement([subject], said))


def digests(data: bytes) -> dict[str, str]:
    """Digests of bytes that are at hand."""
    return {"sha256": hashlib.sha256(data).hexdigest(), "blake3": bare(codec.digest(data))}


def bare(digest: str) -> str:
    """A digest without its algorithm."""
    return digest.partition(":")[2]


def resource(item: Input | Output) -> Resource | None:
    """An input or output by what is known of it; None where neither content nor address is."""
    where = item.declared if item.path is None else item.path
    said = {"role": item.role} | ({"kind": item.kind} if item.kind != "file" else {})
    if isinstance(item, Input) and item.kind == "uri":
        noted = said | ({"revision": item.revision} if item.revision else {})
        return Resource(uri=text(item.declared), annotations=noted)
    if item.digest is None:
        return None
    algorithm = "blake3" if item.kind == "file" else "xtManifest"
    return Resource(text(where), digest={algorithm: bare(item.digest)}, annotations=said)


def code(record: Record) -> list[Resource]:
    """The tree that ran, by git's names for it."""
    found = record.snapshot.code
    if found.tree is None:
        return []
    # A commit is named only where its tree is what ran.
    commit = {"gitCommit": found.head} if found.head is not None and found.dirty is False else {}
    noted = {"base": found.head} if found.head is not None and found.dirty is not False else {}
    uri = f"git+{text(found.remote)}" if found.remote is not None else None
    return [Resource("code", uri, {"gitTree": found.tree, **commit}, annotations=noted)]
