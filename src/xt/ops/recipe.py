"""The recipe: one digest of everything that is meant to determine a result."""

from __future__ import annotations

from xt import codec
from xt.model.code import Code
from xt.model.environment import Environment
from xt.model.files import Input
from xt.model.snapshot import Command, Param, Repeat, Seed

#: Why `collect.selection` leaves out what earlier runs wrote.
OUTPUT = "a declared output"


def doubt(code: Code, inputs: list[Input]) -> str | None:
    """Say why the same recipe need not mean the same causes; None when it does."""
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
) -> str:
    """Digest the causes: the same recipe is a repeat.

    Args:
        command: without secrets.
        hidden: keyed digests of its arguments that were masked, so that different ones are told apart.
        code: and all others, as recorded.
        inputs: declared ones.
        params: named settings.
        environment: whose fingerprint counts.
        seed: whose value counts.
        repeat: whose variations and pins count: a run under them says nothing about the noise without.

    Not in it: who, where, when and why; where the project lies; names of inputs, whose content and role
    count. An input that is not verified counts by what it is called and the revision that is known.
    """
    around = {"varied": repeat.varied, "pinned": repeat.pinned} if repeat is not None else {}
    return codec.digest_of(
        {
            # Only where there is something to say: other recipes stay what they were.
            **{name: value for name, value in around.items() if value},
            "recipe": 1,
            "argv": command.argv,
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
                    "" if item.digest else codec.encode(item.declared).decode(),
                    item.revision or "",
                ]
                for item in inputs
            ),
            "params": {param.name: param.value for param in params},
            "environment": environment.fingerprint,
            "seed": seed.value,
        }
    )
