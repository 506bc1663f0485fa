"""Metrics as PNG, with Pillow: drawn large and reduced, so that edges are smooth."""

from __future__ import annotations

import io
import math
from itertools import pairwise

from PIL import Image, ImageColor, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from xt.model.plot import Plot
from xt.render.plot_picture import Dot, Item, Words, picture
from xt.render.plot_svg import colours

#: Pixels of the file for one of the picture, and how many times larger it is drawn.
SCALE, LARGER = 2, 3
_MARGIN = 14
#: Pixels of a side at most: of more, panels are better drawn a few at a time.
MOST = 12_000
#: What is left of a dash when it is over: less is but rounding, and would never come to an end.
_SHORTEST = 1e-6


def render(plot: Plot) -> bytes:
    """Draw the file.

    Args:
        plot: what is drawn.
    """
    drawn = picture(plot)
    wide, high = drawn.width + 2 * _MARGIN, drawn.height + 2 * _MARGIN
    scale = min(SCALE, MOST / max(wide, high))
    sheet = _Sheet(wide, high, scale * LARGER)
    for item in drawn.items:
        sheet.add(item)
    image = sheet.image.resize((math.ceil(wide * scale), math.ceil(high * scale)), Image.Resampling.LANCZOS)
    about = PngInfo()
    about.add_text("Software", "xt")
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=about)
    return file.getvalue()


class _Sheet:
    """White paper and a pen."""

    def __init__(self, wide: float, high: float, scale: float) -> None:
        self._scale = scale
        self._colours = {name: ImageColor.getrgb(colour) for name, colour in colours(False).items()}
        self.image = Image.new("RGB", (math.ceil(wide * scale), math.ceil(high * scale)), "white")
        self._pen = ImageDraw.Draw(self.image)

    def add(self, item: Item) -> None:
        """Draw one thing."""
        if isinstance(item, Words):
            font = ImageFont.load_default(item.size * self._scale)
            anchor = {"start": "ls", "middle": "ms", "end": "rs"}[item.anchor]
            weight = round(self._scale * 0.18) if item.bold else 0
            colour = self._colours[item.style]
            place = self._place(item.x, item.y)
            self._pen.text(place, item.text, colour, font, anchor, stroke_width=weight, stroke_fill=colour)
        elif isinstance(item, Dot):
            if item.style != "unseen":
                self._pen.circle(
                    self._place(item.x, item.y), item.radius * self._scale, self._colours[item.style]
                )
        else:
            width = max(1, round(item.width * self._scale))
            for part in dashed(item.places, item.dash):
                places = [self._place(x, y) for x, y in part]
                self._pen.line(places, self._colours[item.style], width, joint="curve")

    def _place(self, x: float, y: float) -> tuple[float, float]:
        return (x + _MARGIN) * self._scale, (y + _MARGIN) * self._scale


def dashed(places: list[tuple[float, float]], dash: tuple[int, ...]) -> list[list[tuple[float, float]]]:
    """Cut a stroke into its dashes."""
    if not dash:
        return [places]
    lengths = dash if len(dash) % 2 == 0 else dash * 2
    parts: list[list[tuple[float, float]]] = []
    number, left, on = 0, float(lengths[0]), True
    for (x, y), (to_x, to_y) in pairwise(places):
        length = math.hypot(to_x - x, to_y - y)
        done = 0.0
        while done < length:
            end = min(length, done + left)
            one, other = done / length, end / length
            if on:
                a = (x + (to_x - x) * one, y + (to_y - y) * one)
                parts.append([a, (x + (to_x - x) * other, y + (to_y - y) * other)])
            left -= end - done
            done = end
            if left < _SHORTEST:
                number = (number + 1) % len(lengths)
                left, on = float(lengths[number]), number % 2 == 0
    return parts
