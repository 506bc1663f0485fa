"""The causes of a run as they are now: what `xt run` would capture, were the same declared again."""

from __future__ import annotations

import os
from typing import NamedTuple

import msgspec

from xt.collect import BEFORE, Capture
from xt.collect.command import describe
from xt.collect.reading import Reading
from xt.config import Config
from xt.context import Outside
from xt.errors import UnverifiableError, XtError
from xt.model.code import Code
from xt.model.environment import Environment
from xt.model.files import Input
from xt.model.request import InputSpec, OutputRequest, RunRequest
from xt.model.result import Record
from xt.model.snapshot import Repeat, Snapshot
from xt.model.text import from_text, to_shown
from xt.ops.aside import beside, capture
from xt.ops.recipe import INPUT
from xt.ops.repeat.places import Moved, top_of, was
from xt.ops.repeat.request import request
from xt.ops.repeat.today import today
from xt.ops.scrub import Scrubber, secrets_of
from xt.store import Store


class Now(NamedTuple):
    """The causes of one run as they are now."""

    snapshot: Snapshot
    unknown: dict[str, str]
    """Why a part (`params`, `code`, `environment`) could not be collected."""
    missing: dict[int, str]
    """Why an input is not there, by its place in the record; it is not in the snapshot."""


class Present:
    """Collects; the code, every input and every interpreter is looked at once."""

    def __init__(
        self, store: Store, outside: Outside, root: str, known: Config, outputs: list[OutputRequest]
    ) -> None:
        """Look at nothing yet.

        Args:
            store: that has the runs; nothing is put into it.
            outside: of the caller: its variables are those of the runs.
            root: absolute path of the project's root.
            known: settings of the project.
            outputs: declared by any task: not part of the code.
        """
        self.store = beside(store)
        self._outside, self._root = outside, root
        self._known, self._settings = known, known.settings
        idle = RunRequest(command=["xt"], cwd=root, outputs=outputs)
        self._idle = self._capture(idle)
        self._reading = Reading(self._idle)
        self._code: dict[tuple[InputSpec, ...], Code] = {}
        self._inputs: dict[InputSpec, Input | str] = {}
        self._environments: dict[tuple[str, ...], Environment] = {}

    def of(self, record: Record) -> Now:
        """Collect the causes of a run.

        Args:
            record: the run.
        """
        recorded = record.snapshot
        there = was(recorded)
        moved = Moved(there.top, top_of(self._root, there))
        words = [moved.word(from_text(word)) for word in recorded.command.argv]
        repeat = Repeat(of=record.id, in_place=True)
        asked = request(recorded, record, words, [], None, self._root, moved, repeat)
        asked = today(asked, self._known)
        held = self._capture(asked)
        scrubber = Scrubber(secrets_of(asked, self._outside, self._settings))
        unknown: dict[str, str] = {}
        found: dict[str, object] = {}
        for part in ("params", "facts", "environment", "seed"):
            try:
                value = self._environment(held) if part == "environment" else BEFORE.get(part)(held)
                found[part] = held.found[part] = scrubber.clean(value)
            except (XtError, OSError) as error:
                unknown[part] = _why(error)
                held.found[part] = getattr(recorded, part)
        missing: dict[int, str] = {}
        inputs = []
        for at, item in enumerate(recorded.inputs):
            now = self.input(asked.inputs[at])
            if isinstance(now, str):
                missing[at] = now
            else:
                inputs.append(msgspec.structs.replace(now, declared=item.declared))
        for spec in asked.inputs[len(recorded.inputs) :]:
            now = self.input(spec)
            if isinstance(now, str):
                unknown[f"inputs.{spec.role}"] = now
            else:
                inputs.append(now)
        apart = any(entry.reason == INPUT for entry in recorded.code.left_out)
        found["code"] = now_code = self.code(asked.inputs if apart else [])
        if now_code.tree is None:
            unknown["code"] = now_code.reason or "no reason is known"
        executable = describe(held).executable
        snapshot = msgspec.structs.replace(
            recorded,
            command=msgspec.structs.replace(recorded.command, executable=executable),
            inputs=scrubber.clean(inputs),
            **found,
        )
        return Now(snapshot, unknown, missing)

    def code(self, apart: list[InputSpec]) -> Code:
        """The code of the project; inputs that are large and not in git are none of it."""
        key = tuple(apart)
        if key not in self._code:
            idle = msgspec.structs.replace(self._idle.request, inputs=apart)
            self._code[key] = BEFORE.get("code")(self._capture(idle))
        return self._code[key]

    def input(self, spec: InputSpec) -> Input | str:
        """An input, or why it is not there."""
        if spec not in self._inputs:
            found: dict[tuple[str, str], Input] = {}
            known = len(self._reading.missing)
            try:
                self._reading.add(spec, found)
                gone = self._reading.missing[known:]
                name = to_shown(spec.path)
                self._inputs[spec] = next(iter(found.values()), f"`{name}` is gone" if gone else f"`{name}`")
            except (XtError, OSError) as error:
                self._inputs[spec] = _why(error)
        return self._inputs[spec]

    def _environment(self, held: Capture) -> Environment:
        """What decides is how the interpreter is found: by the words of the command, from its folder."""
        inside = held.request.docker
        image = (inside.image, *inside.options) if inside is not None else ()
        key = (held.request.cwd, *held.request.command, "", *image)
        first = held.request.command[0]
        if first.endswith(("docker", "podman")) and inside is None:
            from xt.collect.contained import asks_another

            why = asks_another(held.request.command)
            if why is not None:
                raise UnverifiableError(why)
        if key not in self._environments:
            self._environments[key] = BEFORE.get("environment")(held)
        return self._environments[key]

    def _capture(self, asked: RunRequest) -> Capture:
        cwd = asked.cwd if os.path.isdir(asked.cwd) else self._root
        outside = Outside(cwd, self._outside.environ, self._outside.umask)
        return capture(self.store, asked, outside, self._root, self._settings)


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return error.message if isinstance(error, XtError) else str(error)
