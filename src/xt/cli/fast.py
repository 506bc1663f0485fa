"""A shortcut for the everyday `xt run [options] [--] COMMAND…`, which saves loading a parser (25 ms).

It knows the plainest spellings only and returns None when in doubt; then Typer parses. A property
test shows that the two never disagree.
"""

from __future__ import annotations

from typing import NamedTuple

from xt.join import Asked

#: Option → field of `Asked`, for those that take a value.
VALUES = {
    "-m": "purpose",
    "--purpose": "purpose",
    "-n": "name",
    "--name": "name",
    "--ticket": "ticket",
    "--as": "task",
    "--seed": "seed",
    "--docker": "docker",
    "--sign": "sign",
    "--ci": "ci",
    "--ci-dir": "ci_dir",
}
#: The same for those that may be given many times.
LISTS = {
    "-t": "tags",
    "--tag": "tags",
    "-i": "inputs",
    "--input": "inputs",
    "-o": "outputs",
    "--output": "outputs",
    "-p": "params",
    "--param": "params",
    "--fact": "facts",
    "--metric": "metrics",
    "--docker-opt": "docker_options",
    "--metrics": "metrics_from",
}
#: Those with a value that may be left out, which then is this one.
OPTIONAL = {"--reuse": "any"}
FLAGS = {"--strict": "strict", "--per-rank": "per_rank", "-q": "quiet", "--quiet": "quiet"}


class Words(NamedTuple):
    """What was typed after `xt run`."""

    asked: Asked
    directory: str | None
    command: list[str]


def parse(arguments: list[str]) -> Words | None:
    """Parse what follows `xt run`, or give up.

    Args:
        arguments: decoded with the file system's encoding, as in `sys.argv`.
    """
    single: dict[str, str] = {}
    many: dict[str, list[str]] = {}
    flags: dict[str, bool] = {}
    directory: str | None = None
    position = 0
    while position < len(arguments):
        word = arguments[position]
        if word == "--":
            position += 1
            break
        if not word.startswith("-") or word == "-":
            break
        position += 1
        if word in FLAGS:
            flags[FLAGS[word]] = True
            continue
        name, equals, value = word.partition("=")
        if name in OPTIONAL:
            single[name[2:]] = value if equals else OPTIONAL[name]
            continue
        if position == len(arguments):
            return None
        if word == "-C":
            directory = arguments[position]
        elif word in VALUES:
            single[VALUES[word]] = arguments[position]
        elif word in LISTS:
            many.setdefault(LISTS[word], []).append(arguments[position])
        else:
            return None
        position += 1
    return Words(Asked(**single, **many, **flags), directory, arguments[position:])  # type: ignore[arg-type]


def spelled_out(arguments: list[str]) -> list[str]:
    """Give every option its value, as Typer needs it: `--reuse` → `--reuse=any`, but no word of the command.

    Args:
        arguments: what follows `xt run`.
    """
    written = list(arguments)
    position = 0
    while position < len(written):
        word = written[position]
        if word in ("--", "-") or not word.startswith("-"):
            break
        if word in OPTIONAL:
            written[position] = f"{word}={OPTIONAL[word]}"
        position += 2 if _takes_the_next(word) else 1
    return written


def _takes_the_next(word: str) -> bool:
    """Whether the next word is the value of this one, which may be several letters such as `-qm`."""
    if word.startswith("--"):
        return word in VALUES or word in LISTS
    for at, letter in enumerate(word[1:], 2):
        if f"-{letter}" in (*VALUES, *LISTS, "-C"):
            return at == len(word)
    return False
