"""Params: the named settings of a run, from declarations, files and the command's own words."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from typing import Any

from xt import fsio
from xt.collect import Capture
from xt.collect.scalars import json_safe, scalar
from xt.errors import NotStartedError
from xt.model.request import ParamSpec
from xt.model.snapshot import Param

#: Values visited in one file, so that YAML aliases cannot expand for ever.
MAX_VALUES = 100_000
#: Params of one file; a file of more is data.
MAX_PARAMS = 10_000
#: Nesting of one file.
MAX_DEPTH = 100
#: Characters of one string, elements of one list.
MAX_STRING = 16_384
MAX_LIST = 1_000
#: Conflicts told one by one.
MAX_TOLD = 10
#: What stands for a secret.
MASK = "***"


def collect(capture: Capture) -> list[Param]:
    """Gather the params of a run, one per name, sorted by name, secrets masked.

    Where sources disagree the strongest is recorded: `--param`, then `xt.toml`, then the command's words,
    then declared files (a later file before an earlier). A problem says so, unless it is the command's
    words that win over a file: that is how a program is told otherwise.

    Raises:
        NotStartedError: a declared file is missing or malformed: `FILE:LINE: message`.
    """
    found = candidates(capture)
    if not found:
        return []
    safe = masked(found)
    for param, shown in zip(found, safe, strict=True):
        if shown.value == MASK and isinstance(param.value, str):
            from xt.redact import worth_masking

            if worth_masking(param.name, param.value):
                capture.noticed[f"param {param.name}"] = param.value
    tell_apart(capture, "param", found, safe)
    return resolve(capture, safe)


def tell_apart(capture: Capture, what: str, found: list[Param], safe: list[Param]) -> None:
    """Keep keyed digests of what is masked, so that different values do not make one recipe.

    Not of the command's words, which are told apart as words. What a repeat has from a record is masked
    already: it is the same as in other repeats of that run, and who knows of which others.
    """
    repeat = capture.request.repeat
    for param, shown in zip(found, safe, strict=True):
        if param.source == "argv":
            continue
        if shown.value != param.value:
            from xt import codec
            from xt.collect.variables import keyed

            written = codec.encode([param.name, param.value]).decode()
            capture.hidden.append(keyed(capture.key, what, written))
        elif repeat is not None and param.value == MASK:
            capture.hidden.append(f"{what} of {repeat.of}")


def candidates(capture: Capture) -> list[Param]:
    """Read every source, the strongest last; secrets are still in it.

    Raises:
        NotStartedError: as `collect`.
    """
    from xt.redact import clean_argv

    request = capture.request
    found: list[Param] = []
    for spec in request.params:
        if spec.path is not None:
            found += _of_file(capture, spec.path, spec.base)
    found += _of_argv(clean_argv(request.command)[0])
    for source in ("xt.toml", "--param"):
        found += [_of_pair(spec) for spec in request.params if spec.key is not None and spec.source == source]
    return found


def masked(found: list[Param]) -> list[Param]:
    """Replace the values of params that are named like secrets, and secrets inside other values."""
    from xt.redact import clean, clean_argv, secret_name

    def safe(value: Any) -> Any:
        if isinstance(value, str):
            if "--" in value:  # words of a command line: `args: --token x`
                value = clean_argv([value])[0][0]
            return clean(_named(value, secret_name))
        if not isinstance(value, list):
            return value
        words = [item for item in value if isinstance(item, str)]
        if len(words) == len(value) and any(word.startswith("-") for word in words):
            value = clean_argv(words)[0]  # the same, as a list
        return [safe(item) for item in value]

    # `- name: API_KEY` and below it `value: x`, as of a container: by what stands in front of both.
    called = {
        param.name.rpartition(".")[0]: param.value
        for param in found
        if param.name.lower().endswith((".name", ".key")) and isinstance(param.value, str)
    }

    def is_secret(name: str) -> bool:
        stem, _, last = name.rpartition(".")
        return secret_name(name) or (last.lower() == "value" and secret_name(called.get(stem, "")))

    return [
        Param(
            param.name,
            MASK if _holds(param.value) and is_secret(param.name) else safe(param.value),
            param.source,
        )
        for param in found
    ]


def _named(text: str, secret_name: Callable[[str], bool]) -> str:
    """A text that is a JSON object or list, without the values that stand under names of secrets."""
    if text[:1] not in ("{", "[") or '"' not in text:
        return text
    import msgspec

    def safe(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: MASK if _holds(inner) and secret_name(name) else safe(inner)
                for name, inner in value.items()
            }
        return [safe(item) for item in value] if isinstance(value, list) else value

    try:
        whole = msgspec.json.decode(text)
        cleaned = safe(whole)
        return text if cleaned == whole else msgspec.json.encode(cleaned).decode()
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return text


def _holds(value: Any) -> bool:
    """Whether a value can be a secret: `--use-token`, `auth: none`, `${oc.env:KEY}` are none."""
    if isinstance(value, str):
        return value.lower() not in ("", "none", "null", "true", "false") and not value.startswith("${")
    return not (value is None or isinstance(value, bool))


def resolve(capture: Capture, found: list[Param]) -> list[Param]:
    """Keep the last of each name, and say where an earlier one differs."""
    chosen: dict[str, Param] = {}
    differing: dict[str, list[Param]] = {}
    for param in found:
        before = chosen.get(param.name)
        if before is not None and not same(before.value, param.value):
            differing.setdefault(param.name, []).append(before)
        chosen[param.name] = param
    told = 0
    for name, losers in differing.items():
        winner = chosen[name]
        if winner.source == "argv":
            continue
        # `--param` over the file is how a file is overruled; over the command's words it contradicts them.
        meant = ("xt.toml",) if winner.source == "--param" else ()
        others = [item for item in losers if item.source not in meant and not same(item.value, winner.value)]
        if others and told < MAX_TOLD:
            said = ", ".join(f"{brief(param.value)} by {_source(param)}" for param in others)
            capture.problem(
                "params",
                f"`{name}` is {brief(winner.value)} by {_source(winner)}, which is recorded, and {said}",
            )
        told += bool(others)
    if told > MAX_TOLD:
        capture.problem("params", f"{told - MAX_TOLD} more params have different values in different sources")
    return [chosen[name] for name in sorted(chosen)]


def same(left: Any, right: Any) -> bool:
    """Whether two settings have one value; `1` and `true` are two."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def brief(value: Any) -> str:
    """Quote a setting for a message."""
    import msgspec

    text = msgspec.json.encode(value).decode()
    return f"`{text if len(text) <= 60 else text[:57] + '…'}`"


def _source(param: Param) -> str:
    return "the command's words" if param.source == "argv" else f"`{param.source}`"


def _of_pair(spec: ParamSpec) -> Param:
    return Param(json_safe(spec.key), scalar(spec.value or ""), spec.source)


def _of_argv(command: list[str]) -> list[Param]:
    if len(command) < 2:
        return []
    from xt.collect.argv import settings

    found: dict[str, Any] = {}
    repeated: dict[str, list[Any]] = {}
    for name, text in settings(command):
        value = text if isinstance(text, bool) else scalar(text)
        if name in found:
            # Whether the last counts or all do is the program's affair: both are in the list.
            repeated.setdefault(name, [found[name]]).append(value)
        else:
            found[name] = value
    return [Param(json_safe(name), repeated.get(name, value), "argv") for name, value in found.items()]


def _of_file(capture: Capture, path: str, base: str) -> list[Param]:
    from xt.collect.documents import DocumentError, read_document

    absolute = os.path.normpath(os.path.join(base, path))
    source = fsio.relative_to(absolute, capture.root)
    try:
        document = read_document(absolute)
        # An empty YAML file is null.
        if document is not None and not isinstance(document, dict):
            raise DocumentError("it must hold names and values at its top, and does not")
        flat = list(flattened(document or {}))
    except DocumentError as error:
        where = path if error.line is None else f"{path}:{error.line}"
        raise NotStartedError(f"{where}: {error.message}", "it was declared as a file of params") from error
    except FileNotFoundError as error:
        raise NotStartedError(f"params file `{path}` not found", f"looked for {absolute}") from error
    except OSError as error:
        reason = "it is not a regular file" if error.errno == errno.EINVAL else (error.strerror or str(error))
        raise NotStartedError(f"params file `{path}` cannot be read: {reason}") from error

    kept = []
    for name, value in flat[:MAX_PARAMS]:
        if (isinstance(value, str) and len(value) > MAX_STRING) or (
            isinstance(value, list) and len(value) > MAX_LIST
        ):
            capture.problem(
                "params", f"`{name}` of {source} is too large to be a param and is not recorded as one"
            )
        else:
            kept.append(Param(name, value, source))
    if len(flat) > MAX_PARAMS:
        capture.problem(
            "params",
            f"{source} holds {len(flat)} params; the first {MAX_PARAMS} are recorded",
            "declare it as an input: its content is then recorded by digest",
        )
    return kept


def flattened(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Name every single value of a document.

    Args:
        value: plain.
        name: of the whole.

    Raises:
        DocumentError: it is nested too deeply, or expands to too much.
    """
    return _Flat().walk(value, name, 0)


class _HoldsTableError(Exception):
    """A list has a table in it, so it is not one value."""


class _Flat:
    """Flattens one document: `optimizer.lr`, `layers[0].units`; a list of scalars is one value."""

    def __init__(self) -> None:
        self.visited = 0

    def walk(self, value: Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
        self.count(depth)
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                part = _key(key)
                yield from self.walk(inner, f"{name}.{part}" if name else part, depth + 1)
        elif isinstance(value, dict):
            if name:
                yield name, {}
        else:
            try:
                yield name, self.plain(value, depth)
            except _HoldsTableError:
                for index, inner in enumerate(value):
                    yield from self.walk(inner, f"{name}[{index}]", depth + 1)

    def plain(self, value: Any, depth: int) -> Any:
        self.count(depth)
        if isinstance(value, dict):
            raise _HoldsTableError
        if isinstance(value, (list, tuple)):
            return [self.plain(item, depth + 1) for item in value]
        if isinstance(value, (set, frozenset)):
            return sorted((self.plain(item, depth + 1) for item in value), key=str)
        return json_safe(value)

    def count(self, depth: int) -> None:
        from xt.collect.documents import DocumentError

        self.visited += 1
        if depth > MAX_DEPTH:
            raise DocumentError(f"it is nested more than {MAX_DEPTH} deep, or refers to itself")
        if self.visited > MAX_VALUES:
            raise DocumentError(f"it expands to more than {MAX_VALUES} values")


def _key(key: Any) -> str:
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return str(json_safe(key))
