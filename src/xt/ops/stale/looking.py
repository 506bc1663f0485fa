"""Runs beside what their causes are now, and the runs that made what they read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec.structs import replace

from xt import fsio
from xt.collect.globs import has_magic, split
from xt.config import Config
from xt.context import Outside
from xt.declare import input_spec, output_request
from xt.errors import XtError
from xt.model import recompute
from xt.model.files import Input
from xt.model.result import Record
from xt.model.stale import Reason
from xt.model.standing import Standing
from xt.model.text import Text, from_text, to_shown
from xt.ops.lineage import Run, Uses, label
from xt.ops.repeat.places import was
from xt.ops.repeat.today import another_command
from xt.ops.stale.causes import Apart, differing
from xt.ops.stale.present import Now, Present
from xt.store import Store

#: Says how far it is: runs looked at, and to look at.
Progress = Callable[[int, int], None]
#: Runs that are followed upwards, besides those that are asked for.
MOST = 1_000


class Look(NamedTuple):
    """A run that was looked at, before what it depends on is."""

    run: Run
    record: Record
    reasons: list[Reason]
    passed: list[str]
    points: list[str]
    makers: list[str]
    """Runs that made what it reads."""
    gone: dict[Reason, tuple[str, str]]
    """Inputs that are not there and can be had again: the run that made them, and the path."""
    by_hand: str | None
    other: tuple[tuple[str, str, str], ...] = ()
    """Inputs at whose path lies what another run made since: who made what was read, the path, the other."""


def current(store: Store, uses: Uses, said: Standing, root: str) -> dict[str, str]:
    """The newest run that ended well of each task, or else of each command; put away ones do not count.

    Args:
        store: that has them.
        uses: of it.
        said: what was said of them.
        root: absolute path of the project's root. A store that other projects use too has runs of theirs.
    """
    shared = os.path.dirname(store.path) != root

    def stands(run: Run) -> bool:
        repeat = run.snapshot.repeat
        if repeat is not None and (repeat.varied or repeat.pinned):
            return False
        if said.of(run.id).removed is not None:
            return False
        project = was(run.snapshot).root
        return not shared or project == root or project.startswith(f"{store.path}/")

    return {key: run.id for key, run in sorted(uses.newest(stands).items())}


class Looking:
    """Compares runs with what their causes are now."""

    def __init__(
        self, store: Store, uses: Uses, outside: Outside, root: str, known: Config, newest: dict[str, str]
    ) -> None:
        self._store, self._uses, self._outside = store, uses, outside
        self._settings = known.settings
        self._root = root
        home = os.path.dirname(known.path) if known.path is not None else root
        self._known = known
        outputs = [
            output_request(text, home) for task in known.settings.task.values() for text in task.outputs
        ]
        self.present = Present(store, outside, root, known, outputs)
        self._apart = self._not_code(home, newest.values())
        self._newest = set(newest.values())
        self.passed_over = 0
        """Runs further up that were not looked at: the chain is longer than is followed."""

    def at(self, runs: list[str], progress: Progress) -> dict[str, Look]:
        """Look at runs, and at those that made what they read."""
        found: dict[str, Look] = {}
        waiting = list(dict.fromkeys(runs))
        named = set(waiting)
        while waiting:
            if len(found) >= len(named) + MOST:
                self.passed_over = len({run for run in waiting if run not in found})
                break
            progress(len(found), len(found) + len(waiting))
            run_id = waiting.pop(0)
            run = self._uses.of_run(run_id)
            if run is None:
                self._store.record(run_id)  # says what is wrong with it
                continue
            if run_id in found:
                continue
            try:
                look = self._look(run)
            except XtError:
                if run_id in named:
                    raise
                continue
            found[run_id] = look
            waiting += [maker for maker in look.makers if maker not in found]
        return found

    def _look(self, run: Run) -> Look:
        record = self._store.record(run.id)
        now = self.present.of(record)
        other = {} if run.id in self._newest else self._overwritten(record.snapshot.inputs, now, run)
        if other:
            # What it read is another artefact, which is as it was: judged is what was made of that one.
            kept = {(item.role, item.declared): item for item in record.snapshot.inputs}
            today_there = [
                kept[key] if (key := (item.role, item.declared)) in other else item
                for item in now.snapshot.inputs
            ]
            now = now._replace(snapshot=replace(now.snapshot, inputs=today_there))
        task = self._settings.task.get(record.snapshot.context.task or "")
        own = task.recompute if task is not None else None
        on = own if own is not None else self._settings.recompute.on
        points = recompute.full(recompute.DEFAULT if on is None else on)
        by_syntax = self._settings.recompute.code == "ast"
        # Not the store itself: manifests of today's inputs are only in memory.
        found = differing(
            self.present.store, record.snapshot, now, self._apart, self._outside, by_syntax=by_syntax
        )
        another = another_command(record.snapshot, self._known)
        if another is not None:
            found = found._replace(reasons=[Reason("command", "changed", another), *found.reasons])
        reasons = [reason for reason in found.reasons if recompute.counts(reason.point, points)]
        passed = [
            f"{reason.point}: {reason.what}"
            for reason in found.reasons
            if not recompute.counts(reason.point, points)
        ]
        makers: list[str] = []
        gone: dict[Reason, tuple[str, str]] = {}
        today = {(item.role, item.declared): item.digest for item in now.snapshot.inputs}
        for at, item in enumerate(record.snapshot.inputs):
            digest = today.get((item.role, item.declared)) or item.digest
            maker = self._maker(digest, run)
            if maker is None and digest != item.digest:
                maker = self._maker(item.digest, run)
            if maker is not None:
                makers.append(maker)
            if maker is not None and at in now.missing:
                reason = Reason(f"inputs.{item.role}", "unknown", now.missing[at])
                gone[reason] = (maker, to_shown(from_text(item.path or item.declared)))
        passed = list(dict.fromkeys([*passed, *found.passed]))
        by_hand = None
        if another is not None and recompute.counts("command", points):
            by_hand = (
                f"xt.toml declares another command: `xt run --as {record.snapshot.context.task}` makes it"
            )
        passed += [
            f"{path}: what {there[:8]} made lies there now; this is of {maker[:8]}"
            for maker, path, there in other.values()
        ]
        return Look(
            run,
            record,
            reasons,
            passed,
            points,
            list(dict.fromkeys(makers)),
            gone,
            by_hand,
            tuple(other.values()),
        )

    def _overwritten(
        self, recorded: list[Input], now: Now, reader: Run
    ) -> dict[tuple[str, Text], tuple[str, str, str]]:
        """Inputs at whose path another version of the run that made them has written since."""
        today = {(item.role, item.declared): item.digest for item in now.snapshot.inputs}
        found = {}
        for item in recorded:
            key = item.role, item.declared
            digest = today.get(key)
            if digest is None or digest == item.digest:
                continue
            maker, there = self._maker(item.digest, reader), self._maker(digest, reader)
            if maker is not None and there is not None and self._alike(maker, there):
                found[key] = maker, to_shown(from_text(item.path or item.declared)), there
        return found

    def _alike(self, one: str, other: str) -> bool:
        """Whether two runs are versions of each other."""
        runs = self._uses.of_run(one), self._uses.of_run(other)
        return None not in runs and one != other and len({label(run) for run in runs if run}) == 1

    def _maker(self, digest: str | None, reader: Run) -> str | None:
        """The run that best answers for a content, other than a version of its reader."""
        for use in self._uses.made(digest) if digest is not None else []:
            run = self._uses.of_run(use.run)
            if run is not None and run.status == "ok" and label(run) != label(reader):
                return use.run
        return None

    def _not_code(self, home: str, newest: Iterable[str]) -> Apart:
        """Paths that a task, or the newest run of one, declares."""
        outputs: dict[str, None] = {}
        inputs: dict[str, str] = {}
        for name, task in self._settings.task.items():
            for text in task.outputs:
                outputs[self._relative(output_request(text, home).path, home)] = None
            for text in task.inputs:
                inputs.setdefault(self._relative(input_spec(text, home).path, home), name)
        for run_id in newest:
            run = self._uses.of_run(run_id)
            if run is None:
                continue
            name = run.snapshot.context.task or run_id[: self._store.shown(run_id)]
            for item in run.outputs:
                outputs[item.top] = None
            for item in run.inputs:
                if item.kind != "uri":
                    inputs.setdefault(item.top, name)
        away = (".", "", "..")
        return Apart(
            [to_shown(path) for path in outputs if path not in away],
            {to_shown(path): name for path, name in inputs.items() if path not in away},
        )

    def _relative(self, path: str, home: str) -> str:
        path = split(path)[0] or "." if has_magic(path) else path
        return fsio.relative_to(os.path.normpath(os.path.join(home, path)), self._root)
