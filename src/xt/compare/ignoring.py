"""Parts that a rule leaves out."""

from __future__ import annotations

import re
from fnmatch import translate

from xt.compare import Rule


class Ignoring:
    """The globs of a rule; counts what they leave out."""

    def __init__(self, rule: Rule) -> None:
        """Take the globs; `*` matches any text, `/` and `.` included."""
        self._pattern = re.compile("|".join(map(translate, rule.ignore))) if rule.ignore else None
        self.count = 0

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self._pattern is not None

    def matches(self, *names: str) -> bool:
        """Whether a part is left out, under any of the names it goes by. It is counted then."""
        if self._pattern is None or not any(self._pattern.match(name) for name in names):
            return False
        self.count += 1
        return True

    @property
    def note(self) -> str | None:
        """`2 parts ignored by rule`, None when there are none."""
        return (
            f"{self.count} {'part' if self.count == 1 else 'parts'} ignored by rule" if self.count else None
        )
