"""The recipe: one digest of everything that is meant to determine a result."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from xt import codec
from xt.model.code import Code
from xt.model.environment import Container, Environment
from xt.model.files import Input
from xt.model.snapshot import Command, Param, Repeat, Seed, points
from xt.model.text import Text, from_text, to_text

#: Why `collect.selection` leaves out what earlier runs wrote.
OUTPUT = "a declared output"
#: And why `collect.apart` leaves out what is known by its content.
INPUT = "a declared input"
#: Stands for the project's root in words; no word of a command can hold it.
ROOT = "\0"


def doubt(code: Code, inputs: list[Input], container: Container) -> str | None:
    """Say why the same recipe need not mean the same causes; None when it does."""
    if container.started_by is not None and container.found is None:
        return "the image it runs in is not known"
    if code.tree is None:
        return "the code is not known"
    for item in inputs:
        if item.digest is None and item.revision is None:
            return f"an input is not known by its content: {item.reason or item.kind}"
    if any(inner.tree is None and inner.status == "failed" for inner in code.repositories):
        return "the code of a repository inside is not known"
    return None


def digest(
    command: Command,
    hidden: list[str],
    code: Code,
    inputs: list[Input],
    params: list[Param],
    environment: Environment,
    seed: Seed,
    repeat: Repeat | None = None,
    facts: Sequence[Param] = (),
    *,
    root: str,
    ranks: int | None = None,
) -> str:
    """Digest the causes: the same recipe is a repeat.

    Args:
        command: without secrets.
        hidden: keyed digests of its arguments, params, facts and options of docker that were masked, so that
            different ones are told apart.
        code: and all others, as recorded.
        inputs: declared ones.
        params: named settings.
        environment: whose fingerprint counts.
        seed: whose value counts.
        repeat: whose variations and pins count: a run under them says nothing about the noise without.
        facts: that were declared. They say what nothing else may show (a policy of labelling, the temperature
            of a served model): runs whose facts differ are no repeats of each other. Pointers to a registry
            do not count.
        root: absolute path of the project's root. Where it stands in the command's words, in params or in the
            name of an input (`/proj/x`, `--out=/proj/x`), the recipe has a mark instead, so that the same
            project elsewhere has the same recipe.
        ranks: processes that a launcher started as this one run.

    What standard input held counts when it is known and not empty; of a file or pipe that was not read it is
    not known whether it was the same.

    Not in it: who, where, when and why; where the project lies; names of inputs, whose content and role
    count. An input that is not verified counts by what it is called and the revision that is known.
    """
    around = {"varied": repeat.varied, "pinned": repeat.pinned} if repeat is not None else {}
    stated = {fact.name: _value(fact.value, root) for fact in facts if not points(fact.name)}
    options = [_elsewhere(word, root) for word in environment.container.options]
    more = {"facts": stated, "ranks": ranks, "docker": options}
    held = {"stdin": command.stdin_digest} if command.stdin_digest and command.stdin_size else {}
    return codec.digest_of(
        {
            # Only where there is something to say: other recipes stay what they were.
            **{name: value for name, value in {**around, **more}.items() if value},
            "recipe": 1,
            "argv": [_elsewhere(word, root) for word in command.argv],
            "hidden": hidden,
            "cwd": command.cwd,
            "executable": command.executable.digest,
            "tree": code.tree,
            "repositories": sorted(
                [codec.encode(inner.path).decode(), inner.tree or inner.recorded_head or ""]
                for inner in code.repositories
            ),
            # Content that is not stored is known by its size and time alone.
            "left out": sorted(
                [codec.encode(entry.path).decode(), entry.size, entry.mtime_ns]
                for entry in code.left_out
                if entry.mtime_ns is not None and entry.reason != OUTPUT
            ),
            "inputs": sorted(
                [
                    item.role,
                    item.digest or "",
                    "" if item.digest else codec.encode(_elsewhere(item.declared, root)).decode(),
                    item.revision or "",
                ]
                for item in inputs
            ),
            "params": {param.name: _value(param.value, root) for param in params},
            "environment": environment.fingerprint,
            "seed": seed.value,
            **held,
        }
    )


def _elsewhere(word: Text, root: str) -> Text:
    """Write a word so that it is the same where the project lies in another folder."""
    text = from_text(word)
    if root not in text or root == "/":
        return word
    # A path begins and ends there: `/proj` is not in `/old/proj` nor in `/projects`.
    return to_text(re.sub(rf"(?<![\w./~@%+-]){re.escape(root)}(?![^/:;,=\s'\"()|&<>])", ROOT, text))


def _value(value: Any, root: str) -> Any:
    if isinstance(value, str):
        return _elsewhere(value, root)
    return [_value(item, root) for item in value] if isinstance(value, list) else value
