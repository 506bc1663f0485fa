"""Whatever is done to a store, in any order: it says what is so.

`XT_EXAMPLES=500 pytest tests/many/test_machine.py` looks longer.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from tests.many.machine import Machine

EXAMPLES = int(os.environ.get("XT_EXAMPLES", "6"))

TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
