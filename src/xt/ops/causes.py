"""Everything that is true before a command starts."""

from __future__ import annotations

import threading
from typing import Any

import msgspec

from xt.collect import AFTER, BEFORE, Capture, Waiting, unsaid
from xt.collect.child import stop_all
from xt.collect.command import describe
from xt.collect.variables import keyed
from xt.context import deaf
from xt.model.snapshot import Command, OutputSpec, Snapshot
from xt.model.text import to_text
from xt.ops import recipe
from xt.ops.scrub import Scrubber
from xt.redact import clean_argv, too_common

#: Seconds for which the code alone is waited for without a word about it.
_PATIENCE = 0.1
#: Seconds after which it is said why, where that is known.
_LONG = 2.0
#: Bytes of standard input in which secrets are looked for: the command waits meanwhile.
LOOKED_AT = 1 << 20


def snapshot(capture: Capture, scrubber: Scrubber, waiting: Waiting = unsaid) -> Snapshot:
    """Collect all causes; the code, which waits for git, beside the others.

    Args:
        capture: of the run.
        scrubber: masks secrets, before anything is digested: the recipe is no oracle for them.
        waiting: gets what is waited for.

    Raises:
        NotStartedError: a declared input is missing.
    """
    request = capture.request
    found: dict[str, Any] = {}
    failures: list[BaseException] = []
    collected = threading.Event()

    def code() -> None:
        try:
            found["code"] = BEFORE.get("code")(capture)
        except BaseException as error:
            failures.append(error)
        finally:
            deaf()  # and not before: git, started from here, must hear
            collected.set()

    worker = threading.Thread(target=code, name="xt-code")
    worker.start()
    try:
        if request.inputs:
            waiting("hashing the inputs", capture.amount)
        for row in BEFORE:
            if row.name in ("inputs", "facts") and not getattr(request, row.name):
                found[row.name] = capture.found[row.name] = []  # nothing to load for it
            elif row.name != "code":
                found[row.name] = capture.found[row.name] = BEFORE.get(row.name)(capture)
        command = _with_stdin(describe(capture), capture, scrubber)
    except KeyboardInterrupt:
        stop_all()  # git is not told by a signal to us alone
        raise
    finally:
        # Not `join`: interrupted once, it believes ever after that the thread has ended (bpo-45274).
        try:
            if not collected.wait(_PATIENCE):
                waiting("storing the code")
                if not collected.wait(_LONG):
                    # What is warned of at the end is most likely why it takes so long.
                    known = next((one for one in capture.problems if one.where == "code"), None)
                    if known is not None:
                        waiting(known.message)
                    collected.wait()
        except KeyboardInterrupt:
            stop_all()
            collected.wait()  # what it writes must not come after what is taken away
            raise
        finally:
            waiting("")
    common = too_common(capture.outside.environ, capture.settings.env.secrets)
    if common:
        capture.problem("log", f"too short or too common to be masked: the value of {', '.join(common)}")
    if failures:
        raise failures[0]
    scrubber.add(capture.noticed)
    if scrubber.halves:
        capture.problem(
            "log",
            f"{len(scrubber.halves)} secrets are masked as they are, not in every encoding: too many",
        )
    found = {name: scrubber.clean(value) for name, value in found.items()}
    command = scrubber.clean(command)
    hidden = [keyed(capture.key, "argument", request.command[index]) for index in command.redacted]
    hidden += capture.hidden
    if request.docker is not None:
        hidden += [
            keyed(capture.key, "docker option", request.docker.options[index])
            for index in clean_argv(request.docker.options)[1]
        ]
    outputs = [OutputSpec(item.role, to_text(item.path)) for item in request.outputs]
    return Snapshot(
        command=command,
        outputs=scrubber.clean(outputs),
        metrics=scrubber.clean(request.metrics),
        imports=scrubber.clean(request.imports),
        recipe=recipe.digest(
            command,
            hidden,
            found["code"],
            found["inputs"],
            found["params"],
            found["environment"],
            found["seed"],
            request.repeat,
            found["facts"],
            root=capture.root,
            ranks=found["context"].ranks,
        ),
        recipe_doubt=recipe.doubt(found["code"], found["inputs"], found["environment"].container),
        problems=scrubber.clean(capture.problems),
        repeat=scrubber.clean(request.repeat),
        **found,
    )


def _with_stdin(command: Command, capture: Capture, scrubber: Scrubber) -> Command:
    """Keep what standard input holds, if that can be known and no secret is in it."""
    if command.stdin in ("terminal", "null", "closed"):
        return command
    from xt.collect.stdin import look

    held = look(command.stdin)
    digest, reason = None, held.reason
    if held.data is not None and scrubber.holds(held.data):
        reason = "a secret is in it: not kept"
    elif held.data is not None:
        if held.data and _looks_secret(held.data, capture):
            reason = "something that looks like a secret is in it: not kept, as `strict` wants it"
        else:
            digest = capture.keep.put_bytes(held.data)
    return msgspec.structs.replace(command, stdin_digest=digest, stdin_size=held.size, stdin_reason=reason)


def _looks_secret(data: bytes, capture: Capture) -> bool:
    """Say what looks like a secret in standard input; give whether it is not to be kept for that."""
    from xt.redact_scan import sightings

    for seen in sorted(sightings([data[:LOOKED_AT]]))[:3]:
        capture.problem("command", f"standard input:{seen.line}: looks like a secret: {seen.what}")
        if capture.request.strict or capture.settings.run.strict:
            return True
    return False


def before_outputs(capture: Capture) -> Any:
    """Look at declared outputs before the start, for `effects`.

    What reading them will need is loaded here: the command may replace xt itself.
    """
    request = capture.request
    if request.metrics or request.outputs:
        metrics = [item.path for item in request.outputs if item.role == "metrics"]
        AFTER.get("prepare")(request, metrics)
    if request.imports:
        from xt.ops.imports import prepare as prepare_imports

        prepare_imports(request)
    return AFTER.get("declare")(capture) if request.outputs else None
