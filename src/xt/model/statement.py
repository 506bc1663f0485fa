"""Statements of in-toto: what a signature over a record says."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

#: Of every statement.
STATEMENT = "https://in-toto.io/Statement/v1"
#: Predicate of a statement about a record: what was signed when a run was signed.
RECORD = "urn:xt:record:1"


class Resource(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Something a statement is about or refers to: in-toto's ResourceDescriptor."""

    name: str | None = None
    uri: str | None = None
    digest: dict[str, str] = {}
    """Hexadecimal digest by algorithm."""
    media_type: str | None = None
    annotations: dict[str, Any] = {}


class RecordPredicate(msgspec.Struct, frozen=True, rename="camel"):
    """What is said of a record: which run it is, its seal, what went in and what came out."""

    run: str
    seal: str
    """As in the record: `blake3:<hex>`."""
    recipe: str
    recipe_doubt: str | None
    status: str
    exit_code: int | None
    signal: int | None
    started_at: str
    ended_at: str
    signed_at: str | None
    """RFC 3339, UTC, by the clock of the signer; None where it is exported, since it says no more than the
    record."""
    xt: str
    """Version of the xt that made the record."""
    materials: list[Resource]
    """Inputs whose content is known, and the code."""
    products: list[Resource]
    """Outputs whose content is known."""
    byproducts: list[Resource]
    """Logs."""
    left_out: int = 0
    """Inputs and outputs beyond those that are listed; the record, whose digest is signed, has them."""


class RecordStatement(msgspec.Struct, frozen=True):
    """A statement about one record."""

    subject: list[Resource]
    """The record: SHA-256 of its bytes as they lie in the store."""
    predicate: RecordPredicate
    predicate_type: Literal["urn:xt:record:1"] = msgspec.field(
        name="predicateType", default="urn:xt:record:1"
    )
    type: Literal["https://in-toto.io/Statement/v1"] = msgspec.field(
        name="_type", default="https://in-toto.io/Statement/v1"
    )
