"""How the causes of a run differ from what they are now, by recompute point."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal, NamedTuple

from msgspec.structs import replace

from xt import fsio
from xt.config import FILE
from xt.context import Outside
from xt.errors import XtError
from xt.model.delta import Delta
from xt.model.files import INPUT_ROLES, Input
from xt.model.snapshot import Snapshot
from xt.model.stale import Reason
from xt.model.text import from_text, to_shown
from xt.ops import drift
from xt.ops.code_trees import CodeFiles
from xt.ops.contents import Contents
from xt.ops.diff import code, environment, inputs, settings
from xt.ops.diff.code import Patch
from xt.ops.stale.meaning import LARGEST, SUFFIXES, same_meaning
from xt.ops.stale.present import Now
from xt.store import Store

#: Files, settings or packages named of one point.
TOLD = 3
#: Parts of the environment that are hardware; the others are the runtime.
_HARDWARE = ("environment/threads/", "environment/gpu/devices", "environment/gpu/status")
_PROCESSOR = ("environment/system/cpu", "environment/system/cpu flags", "environment/system/architecture")


class Apart(NamedTuple):
    """Paths that are not code, relative to the project's root, as they are shown."""

    outputs: list[str]
    """Written by a task."""
    inputs: dict[str, str]
    """Read by a task, and by which."""


class Found(NamedTuple):
    """What differs."""

    reasons: list[Reason]
    passed: list[str]
    """What differs and does not count."""


def differing(
    store: Store, recorded: Snapshot, now: Now, apart: Apart, outside: Outside, *, by_syntax: bool
) -> Found:
    """Compare the causes of a run with what they are now.

    Args:
        store: that has the run, and what was collected now (`Present.store`).
        recorded: its causes.
        now: the same now.
        apart: what is not code.
        outside: for git.
        by_syntax: whether comments and layout of Python files count for nothing.
    """
    return _Comparing(store, recorded, now, apart, outside, by_syntax=by_syntax).all()


class _Comparing:
    def __init__(
        self, store: Store, recorded: Snapshot, now: Now, apart: Apart, outside: Outside, *, by_syntax: bool
    ) -> None:
        self.store, self.recorded, self.now = store, recorded, now
        self.apart, self.outside, self.by_syntax = apart, outside, by_syntax
        self.passed: list[str] = []

    def all(self) -> Found:
        """Every point, in the order of power to explain."""
        left, right = self.recorded, self.now.snapshot
        reasons: list[Reason] = [*self._inputs(), *self._code()]
        params = settings.params(left.params, right.params, same_recipe=True)
        reasons += _several("params", [_setting(child) for child in params.children], params)
        facts = settings.facts(left.facts, right.facts)
        reasons += _several("facts", [_setting(child) for child in facts.children if child.counted], facts)
        whole = environment.compare(left, right)
        hardware = [part for part in whole.children if _is_hardware(part.path)]
        runtime = [part for part in whole.children if not _is_hardware(part.path)]
        reasons += _joined("runtime", [*drift.program(left, right), *drift.told(runtime, whole.more)])
        reasons += _joined("hardware", drift.told(hardware))
        if right.command.executable.digest is None and left.command.executable.digest is not None:
            said = f"the program is {right.command.executable.reason or 'not known'}"
            reasons.append(Reason("runtime", "unknown", said))
        seed = settings.seed(left.seed, right.seed)
        if seed.relation == "changed":
            reasons.append(Reason("seed", "changed", f"{_value(seed.left)} → {_value(seed.right)}"))
        for part, why_not in self.now.unknown.items():
            points = ("runtime", "hardware") if part == "environment" else (part,)
            reasons += [Reason(point, "unknown", why_not) for point in points]
        return Found(reasons, self.passed)

    # --- inputs ------------------------------------------------------------------------------------

    def _inputs(self) -> Iterator[Reason]:
        left, right = self.recorded, self.now.snapshot
        for at, why_not in self.now.missing.items():
            yield Reason(f"inputs.{left.inputs[at].role}", "unknown", why_not)
        there = [item for at, item in enumerate(left.inputs) if at not in self.now.missing]
        pairs = {(item.role, item.declared): item for item in right.inputs}
        left = replace(left, inputs=there)
        found = inputs.compare(self.store, left, right, self.outside)
        by_path = {f"inputs/{i.role}/{to_shown(from_text(i.declared))}": i for i in there}
        for child in found.children:
            if child.relation == "same":
                continue
            role = child.path.split("/")[1]
            name = child.path.removeprefix(f"inputs/{role}/")
            item = by_path.get(child.path)
            other = pairs.get((item.role, item.declared)) if item is not None else None
            if item is not None and other is not None and self._same_program(child, item, other):
                self.passed.append(f"{name}: only comments or layout")
                continue
            relation: Literal["changed", "unknown"] = "changed"
            relation = "unknown" if child.relation == "unknown" else relation
            point = f"inputs.{role}" if role in INPUT_ROLES else "inputs"
            yield Reason(point, relation, _input(name, child, item, other))

    def _same_program(self, child: Delta, item: Input, other: Input) -> bool:
        """Whether an input differs only in comments and layout of Python files."""
        if not self.by_syntax or child.relation != "changed":
            return False
        if item.kind == "file":
            return other.kind == "file" and self._same_file(from_text(item.path or ""), item.digest)
        parts = [part for part in child.children if part.path.startswith(child.path + "/")]
        if not parts or child.more or any(part.change != "changed" for part in parts):
            return False
        return all(
            not (part.note or "").startswith("mode ")
            and self._same_file(
                os.path.normpath(os.path.join(from_text(item.path or ""), part.path[len(child.path) + 1 :])),
                None,
            )
            for part in parts
        )

    def _same_file(self, path: str, digest: str | None) -> bool:
        """Whether a recorded Python file is the same program as what lies there now."""
        if not path.endswith(SUFFIXES):
            return False
        root = os.path.dirname(self.store.path)
        try:
            after = fsio.read_file(os.path.join(root, path), LARGEST)
            with CodeFiles(self.store, self.recorded, self.outside) as files:
                contents = Contents(self.store, self.recorded, files)
                if digest is not None:
                    pieces = contents.pieces(digest, path)
                else:
                    file = contents.in_code(path)
                    pieces = None if file is None else files.pieces(file)
                return pieces is not None and same_meaning(b"".join(pieces), after)
        except (OSError, XtError):
            return False

    # --- code --------------------------------------------------------------------------------------

    def _code(self) -> Iterator[Reason]:
        left, right = self.recorded, self.now.snapshot
        found = code.compare(self.store, left, right, Patch(False, False), self.outside)
        if found.relation == "same":
            return
        if not found.children:
            if "code" not in self.now.unknown:
                yield Reason("code", "unknown", found.note or "it cannot be compared")
            return
        own = [to_shown(path) for path in inputs.paths(left) if path not in (".", "")]
        changed: list[tuple[Delta, str]] = []
        unknown: list[str] = []
        for child in found.children:
            name = child.path.removeprefix("code/")
            path = os.path.normpath(os.path.join(from_text(right.code.root or "."), name))
            if child.relation == "same" or self._passes(path, own):
                continue
            if child.relation == "unknown":
                unknown.append(f"{name}: {child.note}")
            else:
                changed.append((child, name))
        if self.by_syntax and changed:
            changed = self._without_layout(changed)
        names = [_file(child, name) for child, name in changed]
        more = max(len(names) - TOLD, 0) + found.more
        if names or found.more:
            yield Reason("code", "changed", _some(names[:TOLD], more, "file"))
        if unknown:
            yield Reason("code", "unknown", _some(unknown[:1], len(unknown) - 1, "file"))

    def _passes(self, path: str, own: list[str]) -> bool:
        """Whether a file is not code of this run."""
        if any(fsio.is_inside(path, folder) for folder in own):
            return True  # told among the inputs
        if any(fsio.is_inside(path, folder) for folder in self.apart.outputs):
            return True
        if path == FILE:
            self.passed.append(f"{FILE}: its text; what it declares is looked at")
            return True
        for folder, task in self.apart.inputs.items():
            if fsio.is_inside(path, folder):
                self.passed.append(f"{path}: an input of {task}, and not of this")
                return True
        return False

    def _without_layout(self, changed: list[tuple[Delta, str]]) -> list[tuple[Delta, str]]:
        """Leave out Python files that are the same programs."""
        asked = [
            name
            for child, name in changed
            if name.endswith(SUFFIXES) and child.change == "changed" and child.note is None
        ]
        top = from_text(self.recorded.code.root or ".")
        paths = {name: os.path.normpath(os.path.join(top, name)) for name in asked}
        before = code.blobs(self.store, self.recorded, list(paths.values()), self.outside)
        after = code.blobs(self.store, self.now.snapshot, list(paths.values()), self.outside)
        kept = []
        for child, name in changed:
            one, other = (side.get(paths.get(name, "")) for side in (before, after))
            if one is not None and other is not None and same_meaning(one, other):
                self.passed.append(f"{name}: only comments or layout")
            else:
                kept.append((child, name))
        return kept


def _file(child: Delta, name: str) -> str:
    """A file that differs; or that the code does, where what of it cannot be told."""
    if child.change is None:
        return child.note or name
    return name if child.change == "changed" else f"{name} {child.change}"


def _is_hardware(path: str) -> bool:
    return path in _PROCESSOR or path.startswith(_HARDWARE)


def _input(name: str, child: Delta, item: Input | None, other: Input | None) -> str:
    if item is None or other is None:
        return f"{name} {child.change or 'changed'}"
    if item.kind != other.kind:
        return f"{name}: a {item.kind}, now a {other.kind}"
    if child.relation == "unknown" or item.kind not in ("tree", "glob"):
        digests = [side.digest for side in (item, other)]
        if None in digests:
            return f"{name}: {child.note or 'its content is not known'}"
        return f"{name} " + " → ".join((digest or "").partition(":")[2][:6] for digest in digests)
    return f"{name}: {child.note}" if child.note else name


def _setting(child: Delta) -> tuple[str, bool]:
    name = child.path.partition("/")[2]
    if child.relation == "unknown":
        return f"{name}: {child.note}", True
    if child.change in ("added", "removed"):
        return f"{name} {child.change}", False
    return f"{name} {_value(child.left)} → {_value(child.right)}", False


def _value(value: object) -> str:
    import json

    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 24 else text[:23] + "…"


def _several(point: str, parts: list[tuple[str, bool]], whole: Delta) -> Iterator[Reason]:
    for unknown in (False, True):
        names = [name for name, is_unknown in parts if is_unknown == unknown]
        if whole.relation != "same" and names:
            more = len(names) - TOLD + (whole.more if not unknown else 0)
            yield Reason(point, "unknown" if unknown else "changed", _some(names[:TOLD], more, "setting"))


def _joined(point: str, clauses: list[str]) -> list[Reason]:
    return [Reason(point, "changed", _some(clauses[:TOLD], len(clauses) - TOLD, "thing"))] if clauses else []


def _some(names: list[str], more: int, noun: str) -> str:
    text = ", ".join(names)
    if more <= 0:
        return text
    rest = f"{more} more {noun}" + ("" if more == 1 else "s")
    return f"{text} and {rest}" if text else rest
