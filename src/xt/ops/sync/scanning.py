"""What looks like a secret in what is about to leave, read to its end in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable

from xt.redact_scan import Settings, Sighting, sightings


def suspect(pieces: Iterable[bytes], *, allowing: bool = False, settings: Settings = None) -> Sighting | None:
    """Find the first place in a text that looks like a secret.

    Args:
        pieces: of the text, of any length.
        allowing: whether it is somebody's own, and a line of it can say that it is no secret.
        settings: which names decide, for a file of settings.

    Returns:
        Line and what it looks like; None when there is none, or it is no text.
    """
    return min(sightings(pieces, allowing=allowing, settings=settings), default=None)
