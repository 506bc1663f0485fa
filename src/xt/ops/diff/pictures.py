"""Pictures of how images differ, drawn on request into a folder of the user's."""

from __future__ import annotations

import os

from xt.compare import Content, Rule, UnreadableError
from xt.compare.contents import row_for
from xt.errors import NotWrittenError

#: What draws: pixel by pixel, dark where both agree.
DRAW = "xt.compare.images:draw_here"


class Pictures:
    """Draws a picture for every pair of images that differs."""

    def __init__(self, folder: str) -> None:
        """Make the folder if it is not there.

        Args:
            folder: absolute.

        Raises:
            NotWrittenError: it cannot be made.
        """
        self._folder = folder
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise NotWrittenError(f"`{folder}` cannot be made: {error.strerror}") from error

    def draw(self, name: str, left: Content, right: Content) -> str | None:
        """Draw one picture.

        Args:
            name: path of the output, which the picture is named after.
            left: one image.
            right: the other.

        Returns:
            What to say of it; None for what is no image.
        """
        row = row_for(name)
        if row is None or row.name != "image":
            return None
        from xt.compare.isolated import call

        # One flat folder: no name of a record decides where something is written.
        target = os.path.join(self._folder, name.replace("/", "__").lstrip(".") + ".diff.png")
        try:
            call(DRAW, left, right, Rule(), target)
        except UnreadableError as error:
            return f"no picture could be drawn: {error}"
        return f"drawn in `{target}`"
