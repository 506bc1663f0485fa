"""Modules that take a second to load: by the worker that runs a test with them, not by all that collect."""

from __future__ import annotations

import importlib
from typing import Any


class Late:
    """Stands for a module until something of it is used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith(("_", "pytest")):
            raise AttributeError(attribute)  # pytest looks whether this is a fixture
        return getattr(importlib.import_module(self._name), attribute)


stats = Late("scipy.stats")
integrate = Late("scipy.integrate")
