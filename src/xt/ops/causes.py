"""Everything that is true before a command starts."""

from __future__ import annotations

import threading
from typing import Any

from xt.collect import AFTER, BEFORE, Capture
from xt.collect.command import describe
from xt.model.snapshot import OutputSpec, Snapshot
from xt.model.text import to_text
from xt.ops import recipe
from xt.redact import too_common


def snapshot(capture: Capture) -> Snapshot:
    """Collect all causes; the code, which waits for git, beside the others.

    Raises:
        NotStartedError: a declared input is missing.
    """
    request = capture.request
    found: dict[str, Any] = {}
    failures: list[BaseException] = []

    def code() -> None:
        try:
            found["code"] = BEFORE.get("code")(capture)
        except BaseException as error:
            failures.append(error)

    worker = threading.Thread(target=code, name="xt-code")
    worker.start()
    try:
        for row in BEFORE:
            if row.name == "inputs" and not request.inputs:
                found["inputs"] = capture.found["inputs"] = []
            elif row.name != "code":
                found[row.name] = capture.found[row.name] = BEFORE.get(row.name)(capture)
        command = describe(capture)
    finally:
        worker.join()
    common = too_common(capture.outside.environ, capture.settings.env.secrets)
    if common:
        capture.problem("log", f"too short or too common to be masked: the value of {', '.join(common)}")
    if failures:
        raise failures[0]
    return Snapshot(
        command=command,
        outputs=[OutputSpec(item.role, to_text(item.path)) for item in request.outputs],
        metrics=request.metrics,
        recipe=recipe.digest(
            command, found["code"], found["inputs"], found["params"], found["environment"], found["seed"]
        ),
        problems=capture.problems,
        **found,
    )


def before_outputs(capture: Capture) -> Any:
    """Look at declared outputs before the start, for `effects`.

    What reading them will need is loaded here: the command may replace xt itself.
    """
    request = capture.request
    if request.metrics or request.outputs:
        metrics = [item.path for item in request.outputs if item.role == "metrics"]
        AFTER.get("prepare")(request, metrics)
    return AFTER.get("declare")(capture) if request.outputs else None
