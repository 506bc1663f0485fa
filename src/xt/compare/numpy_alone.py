"""Numpy without the threads of its linear algebra, which nothing here uses."""

from __future__ import annotations

import os
import sys
import threading
from importlib import import_module

_LIMIT = "OPENBLAS_NUM_THREADS"
_lock = threading.Lock()


def load() -> None:
    """Import numpy, if nobody has; a process of `xt` starts a quarter sooner so.

    In the process of somebody else, who may multiply matrices later, it is imported as it is.
    """
    with _lock:
        ours = "xt.cli.main" in sys.modules and "numpy" not in sys.modules and _LIMIT not in os.environ
        if ours:
            os.environ[_LIMIT] = "1"
        try:
            import_module("numpy")
        finally:
            if ours:
                del os.environ[_LIMIT]
