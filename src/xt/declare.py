"""Declarations as they are written on the command line and in `xt.toml` → typed specifications.

Only the text is looked at; whether a file exists is for the collectors to say.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any, Literal

from xt.errors import UsageError
from xt.model.files import INPUT_ROLES, OUTPUT_ROLES
from xt.model.request import FactSpec, InputSpec, OutputRequest, ParamSpec
from xt.model.snapshot import ImportSpec, MetricSpec
from xt.model.text import to_text
from xt.suggest import suggest

#: Kinds of URI that are written without `//`.
OPAQUE_SCHEMES = ("hf", "dvc", "git", "file")
#: Suffixes of files that hold params.
PARAM_SUFFIXES = (".yaml", ".yml", ".toml", ".json")
#: Suffixes of files a metric can be read from; the longer of two that end alike comes first.
METRIC_SUFFIXES = (".jsonl", ".ndjson", ".json", ".yaml", ".yml", ".toml", ".csv", ".tsv")
#: What other tools write that metrics can be taken from, for `--metrics FORMAT:PATH`.
METRIC_FORMATS = (
    *("tensorboard", "wandb", "mlflow", "dvclive", "lightning", "trainer", "lm-eval", "promptfoo"),
)
#: The largest seed: it must fit a signed 64-bit integer, as JSON readers and C libraries have them.
MAX_SEED = 2**63 - 1


def is_uri(path: str) -> bool:
    """Whether the path of a declared input names something elsewhere: `SCHEME://…`, `hf:…`, `dvc:…`, `git:…`.

    A file of such a name is written `./hf:…`.
    """
    head, rest = _prefix(path)
    return bool(rest) and (rest.startswith("//") or head.lower() in OPAQUE_SCHEMES)


def input_spec(text: str, base: str) -> InputSpec:
    """Read `[ROLE:]PATH|GLOB|URI`.

    Args:
        text: as written; without a role it is `data`. What follows a role is taken as it is.
        base: absolute folder that a relative path starts from.

    Raises:
        UsageError: it is empty, or begins with `WORD:` that is neither a role nor a kind of URI.
    """
    role, path = _split("input", text, INPUT_ROLES)
    return InputSpec(role, path, base)


def output_request(text: str, base: str) -> OutputRequest:
    """Read `[ROLE:]PATH|GLOB`; without a role it is `artifact`.

    Raises:
        UsageError: as `input_spec`, and for a URI.
    """
    role, path = _split("output", text, OUTPUT_ROLES)
    if is_uri(path):
        raise UsageError(
            f"output `{text}` is a URI; only files can be stored", f"a file of that name is `./{path}`"
        )
    return OutputRequest(role, path, base)


def param_spec(text: str, base: str, source: str) -> ParamSpec:
    """Read `KEY=VALUE`, or the path of a YAML, TOML or JSON file.

    Args:
        text: as written; a file whose path contains `=` begins with `./`, `../` or `/`.
        base: absolute folder that a relative path starts from.
        source: `--param` or `xt.toml`.

    Raises:
        UsageError: it is neither.
    """
    _no_nul("param", text)
    is_file = text.lower().endswith(PARAM_SUFFIXES)
    key, equals, value = text.partition("=")
    if equals and not (is_file and text.startswith(("./", "../", "/"))):
        if not key or any(character.isspace() or not character.isprintable() for character in key):
            raise UsageError(
                f"param `{text}` has no usable name before `=`", "write `NAME=VALUE`, such as `lr=0.1`"
            )
        return ParamSpec(key, value, None, base, source)
    if is_file:
        return ParamSpec(None, None, text, base, source)
    raise UsageError(
        f"param `{text}` is neither KEY=VALUE nor a .yaml, .yml, .toml or .json file",
        f"a single setting is written `{text or 'NAME'}=VALUE`",
    )


def fact_spec(text: str) -> FactSpec:
    """Read `KEY=VALUE`; the value is typed as that of a param.

    Raises:
        UsageError: it is not that.
    """
    _no_nul("fact", text)
    key, equals, value = text.partition("=")
    if not equals:
        shown = utf8("fact", text)
        raise UsageError(
            f"fact `{shown}` is not KEY=VALUE", f"write `{shown or 'NAME'}=VALUE`, such as `labelling=v3`"
        )
    return FactSpec(fact_name(key), utf8("fact", value), "--fact", written=True)


def fact_name(name: str) -> str:
    """Pass on the name of a fact.

    Raises:
        UsageError: it is empty, or has characters a name cannot have.
    """
    if not name or any(character.isspace() or not character.isprintable() for character in name):
        shown = name.encode("utf-8", "backslashreplace").decode()
        raise UsageError(
            f"fact `{shown}` has no usable name", "a word such as `labelling`, or `decoding.temperature`"
        )
    return utf8("fact", name)


def facts(table: dict[str, Any], source: str, above: str = "") -> Iterator[FactSpec]:
    """Read a table of facts of a settings file; tables inside give dotted names.

    Args:
        table: that was checked.
        source: what to record as the source.
        above: name of the table, with a dot at its end.
    """
    for name, value in table.items():
        if isinstance(value, dict):
            yield from facts(value, source, f"{above}{name}.")
        else:
            yield FactSpec(f"{above}{name}", value, source)


def metric_spec(text: str) -> MetricSpec:
    """Read `NAME=FILE:SELECTOR`, `NAME=FILE` or `NAME=log:REGEX`.

    The file ends at the first known suffix that is followed by `:` or the end, so that its path and
    the selector may hold colons.

    Raises:
        UsageError: no name, a file no metric can be read from, or a pattern that does not compile.
    """
    _no_nul("metric", text)
    name, equals, source = text.partition("=")
    if not equals or not name.strip() or not source:
        raise UsageError(
            f"metric `{text}` has no {'source' if name.strip() else 'name'}",
            "write `NAME=FILE:SELECTOR`, such as `val/acc=metrics.json:/val/acc`, or `NAME=log:REGEX`",
        )
    name = utf8("metric", name.strip())
    if source.startswith("log:"):
        return MetricSpec(name, None, None, _pattern(name, utf8("metric", source[4:])))
    lowered = source.lower()
    for at in range(len(source)):
        suffix = next((suffix for suffix in METRIC_SUFFIXES if lowered.startswith(suffix, at)), "")
        end = at + len(suffix)
        if suffix and at and (end == len(source) or source[end] == ":"):
            return MetricSpec(name, to_text(source[:end]), utf8("metric", source[end + 1 :]) or None, None)
    raise UsageError(
        f"metric `{name}`: `{source}` is not a file that metrics can be read from",
        "files: " + ", ".join(sorted(METRIC_SUFFIXES)) + "; from the log: `NAME=log:REGEX`",
    )


def import_spec(text: str) -> ImportSpec:
    """Read `FORMAT:PATH`.

    Raises:
        UsageError: no such format, or no path.
    """
    _no_nul("metrics", text)
    form, colon, path = text.partition(":")
    if colon and path and form in METRIC_FORMATS:
        return ImportSpec(form, to_text(path))
    if "=" in text:
        raise UsageError(
            f"metrics `{text}` is not FORMAT:PATH", f"a single metric is declared by `--metric {text}`"
        )
    if form in METRIC_FORMATS:
        raise UsageError(f"metrics `{text}` names no path", f"write `{form}:PATH`, a file or folder")
    what = f"`{form}` is no format" if colon else "is not FORMAT:PATH"
    raise UsageError(
        f"metrics `{text}`{':' if colon else ''} {what}", suggest(form, METRIC_FORMATS, "formats")
    )


def seed(text: str) -> int | Literal["auto"]:
    """Read a seed: a whole number, or `auto` to have one drawn.

    Raises:
        UsageError: it is neither, or out of range.
    """
    if text == "auto":
        return "auto"
    # Not `int(text)` alone: that takes `1_000`, ` 7` and the digits of other scripts.
    if not (text.isascii() and text.isdigit()):
        raise UsageError(
            f"seed `{text}` is not a whole number", "write `--seed 7`, or `--seed auto` to have one drawn"
        )
    if len(text) > 19 or int(text) > MAX_SEED:
        raise UsageError(
            f"seed `{text}` is too large", f"the largest is {MAX_SEED}; NumPy takes up to {2**32 - 1}"
        )
    return int(text)


def utf8(noun: str, text: str) -> str:
    """Pass on what a record can hold as text; only paths and arguments may be other bytes.

    Raises:
        UsageError: it is not UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        shown = text.encode("utf-8", "backslashreplace").decode()
        raise UsageError(f"{noun} `{shown}` is not UTF-8 text") from error
    return text


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile the pattern of a metric, keeping Python's warnings about it (nested sets) off the terminal.

    Raises:
        re.error: it is not a regular expression; also RecursionError or OverflowError for absurd ones.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return re.compile(pattern)


def words(command: str) -> list[str]:
    """Split a command line of `xt.toml` as a POSIX shell does.

    Raises:
        ValueError: an open quote.
    """
    from shlex import split

    return split(command)


def docker_words(text: str) -> list[str]:
    """Split one `--docker-opt`, such as `--shm-size=8g` or `-v /data:/data`, into words of `docker run`.

    Raises:
        UsageError: it is none, or takes from xt what it needs to keep its promises.
    """
    from xt.docker_words import refusal

    _no_nul("docker option", text)
    try:
        found = words(text)
    except ValueError as error:
        raise UsageError(f"docker option `{text}`: {error}".lower(), "quotes go in pairs") from error
    wrong = refusal(found)
    if wrong is not None:
        raise UsageError(*wrong)
    return found


def docker_image(text: str) -> str:
    """Check the name of an image.

    Raises:
        UsageError: it can be none.
    """
    if text.startswith("-") or text != text.strip() or any(ord(sign) <= 32 for sign in text):
        raise UsageError(
            f"`{text}` is no name of an image", "such as `python:3.12`, or an id of `docker images`"
        )
    return utf8("image", text)


def _prefix(text: str) -> tuple[str, str]:
    """Split `WORD:REST`; both are empty when it does not begin so."""
    head, colon, rest = text.partition(":")
    plain = head.replace("+", "").replace("-", "").replace(".", "").replace("_", "")
    if colon and head[:1].isalpha() and plain.isascii() and plain.isalnum():
        return head, rest
    return "", ""


def _split(noun: str, text: str, roles: tuple[str, ...]) -> tuple[str, str]:
    _no_nul(noun, text)
    head, rest = _prefix(text)
    role, path = (head, rest) if head in roles else (roles[0], text)
    if not path:
        raise UsageError(f"{noun} `{text}` names no path", f"write `[ROLE:]PATH`; roles: {', '.join(roles)}")
    if head and head not in roles and not is_uri(text):
        known = (*roles, *OPAQUE_SCHEMES) if noun == "input" else roles
        nearest = suggest(head, known, "roles and kinds of URI" if noun == "input" else "roles")
        raise UsageError(
            f"{noun} `{text}`: `{head}` is neither a role nor a kind of URI",
            f"{nearest}; a file of that name is written `./{text}`",
        )
    return role, path


def _no_nul(noun: str, text: str) -> None:
    # Only a TOML file can hold one; no path of the operating system can.
    if "\0" in text:
        raise UsageError(f"{noun} {text!r} contains a NUL character")


def _pattern(name: str, pattern: str) -> str:
    if not pattern:
        raise UsageError(f"metric `{name}` has no pattern after `log:`", f"such as `{name}=log:loss (\\S+)`")
    try:
        compile_pattern(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(
            f"metric `{name}`: the pattern `{pattern}` is not a regular expression: {error}",
            "its first group, or the whole match, is the value; `\\(` is a literal parenthesis",
        ) from error
    return pattern
