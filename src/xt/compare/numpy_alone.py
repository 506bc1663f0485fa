"""Numpy without the threads of its linear algebra, which nothing here uses."""

from __future__ import annotations

import sys
import threading
from importlib import import_module

from xt.context import with_variable

_lock = threading.Lock()


def load() -> None:
    """Import numpy, if nobody has; a process of `xt` starts a quarter sooner so.

    In the process of somebody else, who may multiply matrices later, it is imported as it is.
    """
    with _lock:
        if "xt.cli.main" in sys.modules and "numpy" not in sys.modules:
            with_variable("OPENBLAS_NUM_THREADS", "1", lambda: import_module("numpy"))
        else:
            import_module("numpy")
