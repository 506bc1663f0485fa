"""Declared outputs, kept by content after the command ended.

The work is in `keeping`, which a run without outputs never imports.
"""

from __future__ import annotations

from xt.collect import Capture
from xt.model.files import Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xt.collect.hashing import Stamp
    from xt.collect.keeping import Before


def declare(capture: Capture) -> Before | None:
    """Look at the declared outputs before the start: a stat of each, nothing is read."""
    if not capture.request.outputs:
        return None
    from xt.collect.keeping import Before
    from xt.collect.places import look, moment, stamps_of

    began = moment(capture)
    stamps: dict[str, dict[bytes, Stamp]] = {}
    for request in capture.request.outputs:
        place = look(request, capture)
        if place.kind != "missing":
            stamps[place.name] = stamps_of(place)
    return Before(began, stamps)


def collect(capture: Capture, before: Before | None) -> list[Output]:
    """Keep every declared output.

    Args:
        capture: of this run.
        before: what `declare` gave before the start; with None nothing is known of the time before.
    """
    if not capture.request.outputs:
        return []
    from xt.collect.keeping import Before, Keeping
    from xt.collect.places import look

    # What comes after walks no tree again.
    places = capture.found["places"] = []
    keeping = Keeping(capture, before or Before(0, {}))
    # There for who goes on when this is interrupted.
    found: dict[tuple[str, str], Output] = {}
    capture.found["kept"] = found
    for request in capture.request.outputs:
        place = look(request, capture)
        places.append((request, place))
        if (request.role, place.name) not in found:
            found[request.role, place.name] = keeping.output(request, place)
    return list(found.values())
