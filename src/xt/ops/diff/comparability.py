"""Whether the effects of two runs were measured on the same, so that they can be compared at all."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from xt.model.delta import Delta, whole
from xt.model.files import Input
from xt.model.snapshot import Snapshot
from xt.model.text import from_text, to_shown
from xt.ops.diff.inputs import joined

#: Roles whose content decides what a result means.
ROLES = {"benchmark": "benchmark", "harness": "harness"}
#: A word of a path that says the data is to measure on, not to learn from.
_EVALUATION = re.compile(
    r"(?:^|[/_.\-])(?:eval|evaluation|test|val|valid|validation|dev|holdout|heldout)(?:[/_.\-\d]|$)"
)


def compare(left: Snapshot, right: Snapshot, evaluation: list[str]) -> Delta:
    """Compare what results were measured with and on.

    Args:
        left: causes of one run.
        right: causes of the other.
        evaluation: globs of inputs that are evaluation data, from `[diff] evaluation`.

    Returns:
        `same` when nothing stands against a comparison; `changed` when what was measured on differs;
        `unknown` when that cannot be told.
    """
    children = []
    judged = False
    for one, other in joined(left.inputs, right.inputs):
        item = one or other
        what = item and _what(item, evaluation)
        if item is None or what is None:
            continue
        judged = judged or what == "evaluation data" or item.role == "benchmark"
        name = to_shown(from_text(item.declared))
        path = f"comparability/{name}"
        if one is None or other is None:
            which = "right" if one is None else "left"
            children.append(Delta(path, "changed", note=f"only the {which} run has {name} ({what})"))
        elif one.digest is None or other.digest is None:
            if one.revision is None or one.revision != other.revision:
                note = f"the content of {name} ({what}) was not read"
                children.append(Delta(path, "unknown", note=note))
        elif one.digest != other.digest:
            children.append(Delta(path, "changed", note=f"{name} ({what}) differs"))
    if not judged:
        children += _undeclared(left, right)
    return whole("comparability", children)


def _what(item: Input, evaluation: list[str]) -> str | None:
    if item.role in ROLES:
        return ROLES[item.role]
    names = {to_shown(from_text(name)) for name in (item.declared, item.path) if name is not None}
    if evaluation:
        chosen = any(fnmatchcase(name, pattern) for name in names for pattern in evaluation)
        return "evaluation data" if chosen else None
    if item.role == "data" and any(_EVALUATION.search(name.lower()) for name in names):
        return "evaluation data"
    return None


def _undeclared(left: Snapshot, right: Snapshot) -> list[Delta]:
    """Data that differs, or may, while nobody said which data is for measuring."""
    differing, unread = [], []
    for one, other in joined(left.inputs, right.inputs):
        item = one or other
        if item is None or item.role != "data":
            continue
        name = to_shown(from_text(item.declared))
        if one is None or other is None:
            differing.append(name)
        elif one.digest is not None and other.digest is not None:
            differing += [name] if one.digest != other.digest else []
        elif one.revision is None or one.revision != other.revision:
            unread.append(name)
    hint = "declare it as `-i benchmark:PATH`, or under `[diff] evaluation`"
    found = []
    for names, what in ((differing, "data differs"), (unread, "data was not read")):
        if names:
            which = ", ".join(names[:3]) + (" …" if names[3:] else "")
            note = f"{what} ({which}), and which data the results were measured on is not declared"
            found.append(Delta(f"comparability/{names[0]}", "unknown", note=note, hint=hint))
    return found
