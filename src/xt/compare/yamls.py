"""A YAML file of any number of documents → plain values, or why it is not compared by them."""

from __future__ import annotations

from typing import Any

from xt.compare import UnreadableError
from xt.safe_yaml import YamlFaultError, load_all

#: Values of all documents: what fits in memory twice.
VALUES = 150_000


def parse(data: bytes) -> Any:
    """Read all documents.

    Returns:
        The value of the only document, or the list of them when there are more; None when there are none.

    Raises:
        UnreadableError: it is malformed or passes a bound.
    """
    try:
        documents = load_all(data, VALUES)
    except YamlFaultError as error:
        where = f" (line {error.line})" if error.line is not None else ""
        raise UnreadableError(error.message + where) from error
    return documents if len(documents) > 1 else documents[0] if documents else None
