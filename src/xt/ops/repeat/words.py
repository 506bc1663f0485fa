"""The words of a command to repeat: recorded ones, with what the caller changes in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from xt.collect.argv import first_word
from xt.errors import UnverifiableError, UsageError
from xt.model.snapshot import Command, Param
from xt.model.text import from_text
from xt.redact import MASK
from xt.suggest import suggest

_FROM_ENV = "@env:"
#: Sources of params that are declared and stand in no file.
DECLARED = ("--param", "xt.toml")


class Change(NamedTuple):
    """One `--set`."""

    key: str
    value: str


def changes(texts: list[str], environ: Mapping[str, str]) -> list[Change]:
    """Read `KEY=VALUE`; `@env:NAME` stands for the value of a variable, so that a secret is not typed.

    Raises:
        UsageError: there is no `=`, or the variable is not set.
    """
    found = []
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"--set `{text}` is not KEY=VALUE", "such as `--set lr=0.05`")
        if value.startswith(_FROM_ENV):
            name = value[len(_FROM_ENV) :]
            if name not in environ:
                raise UsageError(f"--set {key}: the variable `{name}` is not set")
            value = environ[name]
        found.append(Change(key, value))
    return found


def command(
    recorded: Command, params: list[Param], wanted: list[Change], extra: list[str]
) -> tuple[list[str], list[Change]]:
    """Put the command together.

    Args:
        recorded: of the run.
        params: of the run, to know which settings there are.
        wanted: settings to change.
        extra: words to add at the end.

    Returns:
        argv, and the changes that are of settings elsewhere: declared ones, and those of files.

    Raises:
        UsageError: there is no such setting.
        UnverifiableError: a word was masked when it was recorded, and nobody says what it was.
    """
    words = [from_text(word) for word in recorded.argv]
    hidden = {index for index in recorded.redacted if index < len(words)}
    known = {param.name: param for param in params}
    elsewhere = []
    for change in wanted:
        places = _places(words, change.key)
        for index, prefix in places:
            words[index] = prefix + change.value
            hidden.discard(index)
        if places:
            continue
        if change.key not in known or known[change.key].source == "argv":
            settings = [*known, *_names(words)]
            raise UsageError(
                f"--set: the run has no setting `{change.key}`",
                suggest(change.key, dict.fromkeys(settings), "settings")
                or "words are added to the command with `-- WORD…`",
            )
        elsewhere.append(change)
    if hidden:
        shown = ", ".join(f"`{words[index]}`" for index in sorted(hidden))
        names = [name for index in sorted(hidden) if (name := _name_of(words, index))]
        hint = " ".join(f"--set {name}=@env:VARIABLE" for name in dict.fromkeys(names))
        raise UnverifiableError(
            f"{shown} of the command was masked when it was recorded: its value is not known",
            f"`{hint}` gives it" if hint else "run it with `xt run` and give the secret in a variable",
        )
    return [*words, *extra], elsewhere


def _places(words: list[str], key: str) -> list[tuple[int, str]]:
    """Where the value of a setting stands among the words: index, and what precedes it in the same word."""
    found = []
    at = first_word(words)
    while at < len(words):
        word = words[at]
        name, equals, _ = word.partition("=")
        if _is_key(name, key):
            if equals:
                found.append((at, name + "="))
            elif at + 1 < len(words) and name.startswith("-"):
                found.append((at + 1, ""))
                at += 1
        at += 1
    return found


def _is_key(word: str, key: str) -> bool:
    if word.startswith("-"):
        return word.lstrip("-").replace("_", "-") == key.lstrip("-").replace("_", "-")
    return word.lstrip("+") == key


def _names(words: list[str]) -> list[str]:
    options = [word for word in words[first_word(words) :] if word.startswith("--")]
    return [option.partition("=")[0].lstrip("-") for option in options]


def _name_of(words: list[str], index: int) -> str | None:
    """The setting that a masked word is the value of."""
    name, equals, value = words[index].partition("=")
    if equals and MASK in value:
        return name.lstrip("-+")
    before = words[index - 1] if index else ""
    return before.lstrip("-") if before.startswith("-") and "=" not in before else None
