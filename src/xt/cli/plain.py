"""The everyday forms of commands that answer: words and no options, which need no parser."""

from __future__ import annotations

import sys


def fits(arguments: list[str]) -> bool:
    """Whether a command takes that many words; what it cannot take is for Typer to say."""
    return arguments[0] == "ls" or len(arguments) <= (3 if arguments[0] == "diff" else 2)


def answer(arguments: list[str]) -> int:
    """Do what Typer would: give the words, and write what is still buffered.

    Args:
        arguments: `ls` with any words, `diff` with up to two, `show` and `logs` with one or none.
    """
    name, *words = arguments
    try:
        if name == "ls":
            from xt.cli.ls import ls

            return ls(words or None)
        if name == "diff":
            from xt.cli.diff import diff

            left, right = (*words, None, None)[:2]
            return diff(left, right)
        reference = words[0] if words else "@"
        if name == "show":
            from xt.cli.show import show

            return show(reference)
        from xt.cli.logs import logs

        return logs(reference)
    finally:
        sys.stdout.flush()
