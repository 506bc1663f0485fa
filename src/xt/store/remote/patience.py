"""How long a remote may take to answer."""

from __future__ import annotations

import math
from collections.abc import Mapping

from xt.errors import UsageError

VARIABLE = "XT_REMOTE_TIMEOUT"
#: Seconds for one request, of which none moves more than 8 MB: less than 50 kB/s is no connection.
USUAL = 180.0


def patience(environ: Mapping[str, str]) -> float:
    """Seconds after which an answer is not waited for any more.

    Raises:
        UsageError: the variable is no such number.
    """
    said = environ.get(VARIABLE)
    if not said:
        return USUAL
    try:
        seconds = float(said)
    except ValueError:
        seconds = math.nan
    if not 0.1 <= seconds <= 86_400:
        raise UsageError(f"`{VARIABLE}={said}` is no number of seconds", "0.1 to 86400")
    return seconds
