"""YAML → plain values: safe tags only, and no document makes it crash or run for ever. A leaf."""

from __future__ import annotations

import re
from typing import Any

import yaml

from xt.collect.documents import DocumentError

#: Nesting. The C parser recurses without a limit of its own: 200,000 brackets end the process.
DEPTH = 100
#: Aliases (`*name`) of one document, and pairs of one mapping after merging (`<<`): merging a merged
#: mapping twice, 30 times over, would make a thousand million pairs.
ALIASES = 1_000
PAIRS = 5_000

_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Fast):  # type: ignore[misc]
    """PyYAML's safe loader, with a bound on merging and YAML 1.2's floats."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > PAIRS:
            raise yaml.constructor.ConstructorError(
                None, None, f"merging makes more than {PAIRS} keys", node.start_mark
            )


# YAML 1.1, which PyYAML follows, takes `1e-3` for a string; everybody who writes it means the number,
# as YAML 1.2 has it (https://yaml.org/spec/1.2.2/#1032-tag-resolution).
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def parse(data: bytes) -> Any:
    """Read one document.

    Raises:
        DocumentError: it is malformed, holds more than one document, or passes a bound.
    """
    try:
        _check(data)
        return yaml.load(data, Loader=_Loader)  # noqa: S506  (it is a safe loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "malformed"
        # A bound of the parser's own (PyYAML 6.0.4), met before ours.
        deep = "nesting depth" in problem
        said = f"it is nested more than {DEPTH} deep" if deep else f"it is not YAML: {problem}"
        raise DocumentError(said, mark.line + 1 if mark is not None else None) from error
    except RecursionError as error:
        raise DocumentError("it is nested too deeply") from error
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        # PyYAML lets these out for malformed scalars: `2026-13-40`, `!!float ""`, `!!bool x`.
        raise DocumentError(f"it holds a value YAML cannot read: {error}") from error


def _check(data: bytes) -> None:
    """Count over the events, which come from a state machine without recursion."""
    depth = aliases = 0
    for event in yaml.parse(data, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH:
                raise DocumentError(f"it is nested more than {DEPTH} deep", _line(event))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
            if aliases > ALIASES:
                raise DocumentError(f"it has more than {ALIASES} aliases", _line(event))


def _line(event: yaml.Event) -> int | None:
    return None if event.start_mark is None else event.start_mark.line + 1
