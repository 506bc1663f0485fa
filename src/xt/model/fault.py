"""An error, as a program reads it."""

from __future__ import annotations

from typing import Literal

import msgspec


class Fault(msgspec.Struct, frozen=True):
    """The last line of standard error where an answer in JSON was asked for, or with `XT_ERRORS=json`."""

    code: str
    """What kind of error it is: docs/reference/errors.md has them all. Messages may change, codes do not."""
    message: str
    """One line: what happened."""
    hint: str | None
    """One line: what to do."""
    status: int
    """Exit status of the process."""
    schema: Literal["xt.error/1"] = "xt.error/1"
