"""`docs/reference/python.md`, from the signatures and docstrings of what `import xt` offers."""

from __future__ import annotations

import inspect
import re
from functools import cached_property
from typing import Any

import xt

HEAD = """\
# Python

`import xt` reads a store and, inside a run, sends metrics; [how to use it](../how-to/python.md). Importing xt
costs next to nothing: each part is loaded when it is used. All of it is typed. Errors are those of
[`xt.errors`](errors.md); each has a `message` and, where something is known to help, a `hint`. What `Record`,
`Input` and `Output` hold is in [the schema of a record](record.schema.json), and `Comparison` in
[that of a comparison](diff.schema.json): attributes have the names of the fields.

"""
#: What is described, in order.
NAMES = ("open", "Store", "Runs", "Run", "Series", "log")
_SECTION = re.compile(r"^(Args|Returns|Raises):\n((?:    .*\n|\n)*)", re.M)


def page(mark: str) -> str:
    return f"<!-- {mark} -->\n\n" + HEAD + "".join(_described(name, getattr(xt, name)) for name in NAMES)


def _described(name: str, thing: Any) -> str:
    if not inspect.isclass(thing):
        return f"## `xt.{name}`\n\n{_signature(f'xt.{name}', thing)}{_text(thing)}"
    parts = [f"## `xt.{name}`\n\n{_text(thing)}"]
    members = {key: value for key, value in vars(thing).items() if not key.startswith("_")}
    values = {key: _value(value) for key, value in members.items() if _value(value) is not None}
    if values:
        rows = [f"| `.{key}` | `{kind}` | {about} |\n" for key, (kind, about) in values.items()]
        parts.append("| | | |\n|---|---|---|\n" + "".join(rows) + "\n")
    for key, value in members.items():
        if inspect.isfunction(value):
            parts.append(f"### `.{key}`\n\n{_signature(f'.{key}', value)}{_text(value)}")
    return "".join(parts)


def _value(member: Any) -> tuple[str, str] | None:
    """Type and meaning of a property, or of a field of a named tuple."""
    getter = member.fget if isinstance(member, property) else getattr(member, "func", None)
    if not isinstance(member, property | cached_property) or getter is None:
        return None
    about = inspect.cleandoc(getter.__doc__ or "").partition("\n\n")[0]
    return str(getter.__annotations__["return"]).replace(" | ", " \\| "), " ".join(about.split())


class _Written(str):
    """An annotation that is shown as it is written."""

    __slots__ = ()
    __repr__ = str.__str__


def _signature(shown: str, function: Any) -> str:
    signature = inspect.signature(function)
    words = [
        value.replace(annotation=_Written(value.annotation))
        for name, value in signature.parameters.items()
        if name != "self"
    ]
    result = _Written(signature.return_annotation)
    text = str(signature.replace(parameters=words, return_annotation=result))
    if len(shown + text) > 88:
        inside, arrow, result = text[1:].rpartition(") -> ")
        text = "(\n" + "".join(f"    {word},\n" for word in _parted(inside)) + f"){arrow[1:]}{result}"
    return f"```python\n{shown}{text}\n```\n\n"


def _parted(inside: str) -> list[str]:
    """Parameters, which may have commas in brackets."""
    return [word.strip() for word in re.split(r",(?![^\[]*\])", inside)]


def _text(thing: Any) -> str:
    text = inspect.cleandoc(thing.__doc__ or "") + "\n"
    return _SECTION.sub(_listed, text).rstrip() + "\n\n"


def _listed(section: re.Match[str]) -> str:
    rows = []
    for line in inspect.cleandoc(section[2]).splitlines():
        name, colon, about = line.partition(": ")
        if colon and not line.startswith(" ") and section[1] != "Returns":
            rows.append(f"- {', '.join(f'`{word}`' for word in name.split(', '))}: {about}")
        elif rows:
            rows[-1] += " " + line.strip()
        else:
            rows.append(line)
    heads = {"Args": "", "Returns": "Gives: ", "Raises": "Raises:\n\n"}
    body = "\n".join(rows) if section[1] != "Returns" else " ".join(rows)
    return f"{heads[section[1]]}{body}\n\n"
