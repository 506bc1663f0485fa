"""What the tests of comparing share."""

from __future__ import annotations

import importlib

import pytest


@pytest.fixture(scope="module")
def scipy_loaded():
    """Before the first example of a property, which would be too slow with it."""
    importlib.import_module("scipy.stats")
