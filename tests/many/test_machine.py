"""Whatever is done to a store, in any order: it says what is so.

`XT_EXAMPLES=500 pytest tests/many/test_machine.py` looks longer.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.many.machine import Machine

EXAMPLES = int(os.environ.get("XT_EXAMPLES", "6"))


def test_whatever_is_done_to_a_store_it_says_what_is_so():
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
