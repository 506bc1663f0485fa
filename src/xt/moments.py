"""Times as people write them: `7d`, `2026-11-20`, `yesterday`; and lengths of time: `5min`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

#: Seconds of each unit.
UNITS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3_600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
    **dict.fromkeys(("w", "week", "weeks"), 604_800.0),
    "ms": 0.001,
}
_LENGTH = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)", re.ASCII)
HINT = "write a time as `7d`, `12h`, `30min`, `today`, `yesterday`, `2026-11-20` or `2026-11-20T14:30`"


def length(text: str) -> float:
    """Read a length of time in seconds: `90`, `90s`, `5min`, `2h`, `7d`, `1w`.

    Raises:
        ValueError: it is none.
    """
    found = _LENGTH.fullmatch(text.strip().lower())
    if found is None or (found[2] and found[2] not in UNITS):
        raise ValueError(f"`{text}` is no length of time")
    return float(found[1]) * (UNITS[found[2]] if found[2] else 1.0)


def moment(text: str, now: datetime) -> datetime:
    """Read a moment: a length of time before now, a day, or a time; without a zone it is local time.

    Args:
        text: `7d` or `-7d` (before now), `now`, `today`, `yesterday`, or ISO 8601.
        now: with a zone.

    Returns:
        In UTC.

    Raises:
        ValueError: it is none, or so long ago that no calendar has it.
    """
    word = text.strip().lower()
    here = now.astimezone()
    if word == "now":
        return now.astimezone(UTC)
    if word in ("today", "yesterday"):
        day = here.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        return (day - timedelta(days=word == "yesterday")).astimezone(UTC)
    try:
        if word.removeprefix("-")[-1:].isalpha() and not word.endswith("z"):
            return now.astimezone(UTC) - timedelta(seconds=length(word.removeprefix("-")))
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"`{text}` is no time") from None
