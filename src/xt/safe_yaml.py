"""YAML → plain values: safe tags only, and no document makes it crash, grow or run for ever. A leaf."""

from __future__ import annotations

import re
from typing import Any

import yaml

#: Nesting. The C parser recurses without a limit of its own: 200,000 brackets end the process.
DEPTH = 100
#: Aliases (`*name`) of all documents, and pairs of one mapping after merging (`<<`): merging a merged
#: mapping twice, 30 times over, would make a thousand million pairs.
ALIASES = 1_000
PAIRS = 5_000

_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlFaultError(Exception):
    """A text that is not YAML, or passes a bound: a clause why."""

    def __init__(self, message: str, line: int | None = None) -> None:
        """Keep the clause and the line, from 1, where it is known."""
        super().__init__(message)
        self.message = message
        self.line = line


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


def load(data: bytes) -> Any:
    """Read one document.

    Raises:
        YamlFaultError: it is malformed, holds more than one document, or passes a bound.
    """
    return _guarded(data, None, lambda: yaml.load(data, Loader=_Loader))  # noqa: S506  (it is a safe loader)


def load_all(data: bytes, values: int) -> list[Any]:
    """Read all documents.

    Args:
        data: the text.
        values: scalars, lists and mappings of all documents together, at most.

    Raises:
        YamlFaultError: it is malformed, or passes a bound.
    """
    found: list[Any] = _guarded(data, values, lambda: list(yaml.load_all(data, Loader=_Loader)))
    return found


def _guarded(data: bytes, values: int | None, read: Any) -> Any:
    try:
        _check(data, values)
        return read()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "malformed"
        # A bound of the parser's own (PyYAML 6.0.4), met before ours.
        deep = "nesting depth" in problem
        said = f"it is nested more than {DEPTH} deep" if deep else f"it is not YAML: {problem}"
        raise YamlFaultError(said, mark.line + 1 if mark is not None else None) from error
    except RecursionError as error:
        raise YamlFaultError("it is nested too deeply") from error
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        # PyYAML lets these out for malformed scalars: `2026-13-40`, `!!float ""`, `!!bool x`.
        raise YamlFaultError(f"it holds a value YAML cannot read: {error}") from error


def _check(data: bytes, values: int | None) -> None:
    """Count over the events, which come from a state machine without recursion."""
    depth = aliases = count = 0
    for event in yaml.parse(data, Loader=_Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            continue
        count += 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH:
                raise YamlFaultError(f"it is nested more than {DEPTH} deep", _line(event))
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
            if aliases > ALIASES:
                raise YamlFaultError(f"it has more than {ALIASES} aliases", _line(event))
        if values is not None and count > values:
            raise YamlFaultError(f"it holds more than {values} values", _line(event))


def _line(event: yaml.Event) -> int | None:
    return None if event.start_mark is None else event.start_mark.line + 1
