"""`xt.log`: send metrics from inside a run. Standard library only, so that it costs a program nothing."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import SupportsFloat

#: Bytes of a line that `xt run` reads, the newline included.
LONGEST = 65_536

_torn = False
"""Whether our last write broke off inside a line, which the next one then has to end."""
_warned = False


def log(
    values: Mapping[str, SupportsFloat] | None = None,
    /,
    *,
    step: SupportsFloat | None = None,
    labels: Mapping[str, str | int | float] | None = None,
    **named: SupportsFloat,
) -> None:
    """Send metrics to the run that this program is in: `xt.log(loss=0.3, step=10)`.

    Outside `xt run` nothing is sent. Any number of threads and processes can do it at the same time. That a
    line cannot be written, because the disk is full say, is told once on standard error and raises nothing.

    Args:
        values: name → value, for names that are no Python names: `xt.log({"val/acc": 0.9})`. A value is a
            number, or whatever has one: a scalar of NumPy, a tensor of one element. NaN and infinities are
            values.
        step: of all of them, such as the number of the epoch.
        labels: of all of them, such as `{"digit": "8"}`: each set of labels is a metric of its own.
        named: further values.

    Raises:
        TypeError: a value or the step is no number (text, a truth value), a name or label no text.
        ValueError: a value has several elements, the step is not finite, a name is empty, given twice or
            too long.
    """
    given = _together(values, named)
    if not given:
        return
    said = None if step is None else _number("step", step)
    if said is not None and said - said != 0:
        raise ValueError(f"the step is {said}, and must be finite")
    kept = _labels(labels)
    lines = [_line(name, _number(f"`{name}`", value), said, kept) for name, value in given.items()]
    path = os.environ.get("XT_METRICS")
    if path:
        _append(path, lines)


def _together(
    values: Mapping[str, SupportsFloat] | None, named: dict[str, SupportsFloat]
) -> dict[str, SupportsFloat]:
    if values is None:
        return named
    if not hasattr(values, "items"):
        raise TypeError(f"metrics are given as NAME=VALUE or as a dict, not as {_kind(values)}")
    given = dict(values.items())
    for name in given:
        if not isinstance(name, str):
            raise TypeError(f"the name of a metric is a text, not {_kind(name)}: {name!r}")
        if not name:
            raise ValueError("the name of a metric is empty")
        if name in named:
            raise ValueError(f"`{name}` is given twice")
    return given | named


def _number(what: str, value: object) -> int | float:
    """A plain number; of an array or tensor of one element, that element."""
    try:
        # What holds whole numbers says so by `item`; `float` alone would lose it.
        found = value.item() if hasattr(value, "item") else value
        if not isinstance(found, (bool, str, bytes)):
            if isinstance(found, int):
                float(found)
                return int(found)
            if hasattr(found, "__float__"):
                return float(found)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{what} is no single number: {error}") from error
    except OverflowError as error:
        raise ValueError(f"{what} is beyond what a float holds") from error
    raise TypeError(f"{what} is no number: {_kind(value)}")


def _labels(labels: Mapping[str, str | int | float] | None) -> dict[str, str]:
    if labels is None:
        return {}
    if not hasattr(labels, "items"):
        raise TypeError(f"labels are given as a dict, not as {_kind(labels)}")
    kept = {}
    for name, value in labels.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of a label is a text, not {_kind(name)}: {name!r}")
        plain = value.item() if hasattr(value, "item") else value
        if not isinstance(plain, (str, int, float)):
            raise TypeError(f"the label `{name}` is no text or number: {_kind(plain)}")
        kept[name] = str(plain).lower() if isinstance(plain, bool) else str(plain)
    return kept


def _line(name: str, value: int | float, step: int | float | None, labels: dict[str, str]) -> bytes:
    import json

    point: dict[str, object] = {"name": name, "value": value}
    if step is not None:
        point["step"] = step
    if labels:
        point["labels"] = labels
    line = json.dumps(point, separators=(",", ":")).encode() + b"\n"
    if len(line) > LONGEST - 1:
        raise ValueError(f"`{name[:40]}…` with its labels is longer than {LONGEST} bytes")
    return line


def _append(path: str, lines: list[bytes]) -> None:
    global _torn
    try:
        # Opened each time: a program may close what it did not open. A FIFO must not make it wait.
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        try:
            for line in lines:
                data = b"\n" + line if _torn else line
                # One write a line: what several processes append does not mix.
                if os.write(fd, data) < len(data):
                    _torn = True
                    raise OSError(0, "a line could be written in part only")
                _torn = False
        finally:
            os.close(fd)
    except OSError as error:
        _warn(error.strerror or str(error))


def _warn(reason: str) -> None:
    global _warned
    if _warned:
        return
    _warned = True
    try:
        sys.stderr.write(f"xt: warning: metrics are not recorded: {reason}\n")
    except (OSError, ValueError, AttributeError):
        # Standard error is closed, or none.
        return


def _kind(value: object) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
