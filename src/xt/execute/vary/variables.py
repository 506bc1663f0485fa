"""Variations and pins that are nothing but variables of the environment."""

from __future__ import annotations

from xt.execute.vary import Around


def hashseed(around: Around) -> str:
    """Give Python another seed for its string hashes than the recorded one."""
    seed = "1" if around.environ.get("PYTHONHASHSEED") != "1" else "2"
    around.environ["PYTHONHASHSEED"] = seed
    return f"PYTHONHASHSEED={seed}"


def pin_hashseed(around: Around) -> str:
    """Switch the randomisation of Python's string hashes off."""
    around.environ["PYTHONHASHSEED"] = "0"
    return "PYTHONHASHSEED=0"
