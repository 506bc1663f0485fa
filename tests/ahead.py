"""Modules of tests are compiled once, not once by every worker of pytest.

Rewriting the asserts of all takes 14 seconds of a processor, and whoever comes first to a module leaves the
result for the others. Workers begin to collect together and go the same way, so that none is ever first;
here each begins somewhere else.
"""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent


def load(config: pytest.Config) -> None:
    """Import what will be collected, where that is all and by several workers."""
    worker = getattr(config, "workerinput", None)
    if worker is None or list(config.args) != config.getini("testpaths"):
        return
    paths = sorted(TESTS.rglob("test_*.py"))
    first = len(paths) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
    for path in (*paths[first:], *paths[:first]):
        words = path.relative_to(TESTS.parent).with_suffix("").parts
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                importlib.import_module(".".join(words))
            except (Exception, pytest.skip.Exception):
                continue  # whoever collects it comes upon that again, and tells
