"""What `xt tag`, `name` and `rm` answer."""

from __future__ import annotations

import sys

from xt.context import Outside
from xt.model.standing import Labelled
from xt.render.labels import line
from xt.render.terminal import colour, width


def told(run: Labelled, outside: Outside) -> str:
    """Name and tags of a run as they are now."""
    return line(run, width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ))
