"""YAML → plain values: safe tags only, and no document makes it crash, grow or run for ever."""

from __future__ import annotations

import re
from typing import Any

import yaml

from xt.compare import UnreadableError

#: Nesting: the C parser composes by recursion without a limit of its own.
DEPTH = 100
#: Aliases (`*name`) of all documents, values of all documents, and keys of a mapping after merging (`<<`).
ALIASES = 1_000
VALUES = 150_000
PAIRS = 5_000

_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Fast):  # type: ignore[misc]
    """PyYAML's safe loader, with a bound on merging and the floats of YAML 1.2."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > PAIRS:
            raise UnreadableError(f"merging makes more than {PAIRS} keys")


# YAML 1.1 takes `1e-3` for a string; YAML 1.2 (section 10.3.2) has it as the number it is meant to be.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def parse(data: bytes) -> Any:
    """Read all documents.

    Returns:
        The value of the only document, or the list of them when there are more; None when there are none.

    Raises:
        UnreadableError: it is malformed or passes a bound.
    """
    try:
        _check(data)
        documents = list(yaml.load_all(data, Loader=_Loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "malformed"
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise UnreadableError(f"it is not YAML: {problem}{where}") from error
    except RecursionError as error:
        raise UnreadableError("it is nested too deeply") from error
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        # PyYAML lets these out for malformed scalars: `2026-13-40`, `!!float ""`, `!!bool x`.
        raise UnreadableError(f"it holds a value YAML cannot read: {error}") from error
    return documents if len(documents) > 1 else documents[0] if documents else None


def _check(data: bytes) -> None:
    """Count over the events, which come from a state machine without recursion."""
    depth = aliases = values = 0
    for event in yaml.parse(data, Loader=_Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            continue
        values += 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH:
                raise UnreadableError(f"it is nested more than {DEPTH} deep")
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
            if aliases > ALIASES:
                raise UnreadableError(f"it has more than {ALIASES} aliases")
        if values > VALUES:
            raise UnreadableError("it is too large to compare by its parts")
