"""What `xt tag`, `name` and `rm` answer, and what everyone who reads later statements has to say."""

from __future__ import annotations

import contextlib
import sys

from xt.context import Outside
from xt.errors import NoSuchRunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from xt.model.standing import Labelled


def told(run: Labelled, outside: Outside) -> str:
    """Name and tags of a run as they are now."""
    from xt.render.labels import line
    from xt.render.terminal import colour, width

    return line(run, width(sys.stdout, outside.environ), colour(sys.stdout, outside.environ))


def warn(paths: list[str]) -> None:
    """Say that tags, names or notes may be missing, because events cannot be read."""
    if paths:
        from xt.render.visible import visible

        events = "an event cannot be read" if len(paths) == 1 else f"{len(paths)} events cannot be read"
        said = f"{events}, and what was said there is missing here: {paths[0]}"
        print(visible(f"xt: warning: {said}" + (", …" if len(paths) > 1 else "")), file=sys.stderr)


def warn_of_unread(messages: list[str]) -> None:
    """Say what the disk, or the server behind it, failed to read, so that it is not in its place here."""
    if messages:
        from xt.render.visible import visible

        more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
        print(visible(f"xt: warning: {messages[0]}{more}"), file=sys.stderr)
        hint = "it may be whole: look again when it can be read; `xt fsck` says what else cannot"
        print(f"xt: hint: {hint}", file=sys.stderr)


@contextlib.contextmanager
def run_first(*line: str) -> Iterator[None]:
    """Where no run is meant by the first word, say that it stands there, and how the line was probably meant.

    Args:
        line: its words, from `xt` on.
    """
    try:
        yield
    except NoSuchRunError as error:
        import shlex

        error.hint = f"the run stands first: `{shlex.join(line)}`; {error.hint}"
        raise
