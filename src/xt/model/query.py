"""A question about runs, parsed: what `xt ls QUERY` asks."""

from __future__ import annotations

from typing import Literal

import msgspec

Operator = Literal[":", "=", "!=", "<", "<=", ">", ">=", "has"]


class Term(msgspec.Struct, frozen=True):
    """One condition: `metric.val/acc>0.9`."""

    field: str
    """Of `xt.query.FIELDS`."""
    key: str | None
    """What follows the dot, of fields that have one."""
    operator: Operator
    """`has`: nothing followed the name; the run has it at all."""
    value: str
    at: int = 0
    """Column of the value in the query, from 0."""


class Words(msgspec.Struct, frozen=True):
    """Words to be found anywhere in what was written about a run."""

    text: str
    phrase: bool = False
    """In quotes: these words in this order."""


class Not(msgspec.Struct, frozen=True):
    """The opposite."""

    of: Query


class Both(msgspec.Struct, frozen=True):
    """All of them."""

    of: list[Query]


class Either(msgspec.Struct, frozen=True):
    """At least one of them."""

    of: list[Query]


Query = Term | Words | Not | Both | Either
