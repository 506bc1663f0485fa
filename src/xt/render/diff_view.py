"""What of a comparison is wanted on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

#: Sections in the order of the page; the lead word of `--only`.
CAUSES = ("code", "params", "facts", "command", "inputs", "environment", "seed", "context")
EFFECTS = ("status", "metrics", "cost", "cases", "outputs", "logs")


class View(NamedTuple):
    """The wishes of a reader."""

    code: bool | None = None
    """Patches: True all of them, False none, None those that are short."""
    stat: bool = False
    """Only which files differ and by how much."""
    sections: str = "all"
    """`all`, `causes`, `effects`, or one of `CAUSES` and `EFFECTS`, which is then shown in full."""
    word_diff: bool = False
    """The lines of patches are git's plain word-diff."""
    explain: bool = False
    """How each verdict was found."""
    by: Sequence[str] = ()
    """Labels whose cohorts are all shown, whether they moved or not."""

    def shows(self, section: str) -> bool:
        """Whether a section is on the page."""
        group = "causes" if section in CAUSES else "effects"
        return self.sections in ("all", group, section)

    def asks(self, section: str) -> bool:
        """Whether exactly this section was asked for, which is then shown in full."""
        return self.sections == section

    def any_of(self, group: tuple[str, ...]) -> bool:
        """Whether any of these sections is on the page."""
        return any(self.shows(section) for section in group)

    def whole_patches(self, section: str) -> bool:
        """Whether patches of a section are shown whatever their length."""
        return self.code is True or (self.code is None and not self.stat and self.asks(section))

    def no_patches(self) -> bool:
        """Whether no patch is wanted."""
        return self.code is False or (self.stat and not self.code)
