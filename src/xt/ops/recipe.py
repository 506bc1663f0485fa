"""The recipe: one digest of everything that is meant to determine a result."""

from __future__ import annotations

from xt import codec
from xt.model.code import Code
from xt.model.environment import Environment
from xt.model.files import Input
from xt.model.snapshot import Command, Param, Seed


def digest(
    command: Command,
    code: Code,
    inputs: list[Input],
    params: list[Param],
    environment: Environment,
    seed: Seed,
) -> str:
    """Digest the causes: the same recipe is a repeat.

    Not in it: who, where, when and why; where the project lies; names of inputs, whose content and role
    count. An input that is not verified counts by what it is called and the revision that is known.
    """
    return codec.digest_of(
        {
            "recipe": 1,
            "argv": command.argv,
            "cwd": command.cwd,
            "executable": command.executable.digest,
            "tree": code.tree,
            "repositories": sorted(
                [codec.encode(inner.path).decode(), inner.tree or inner.recorded_head or ""]
                for inner in code.repositories
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
