"""How far the pixels of two images are apart, strip by strip, with nothing but Pillow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageChops, ImageMath

#: Pixels of a strip: what is computed of it takes some 30 MB.
_STRIP = 500_000
#: Side of a window of the structural similarity, in pixels.
_WINDOW = 8
#: Its constants (K1 * L)² and (K2 * L)² for 255 levels.
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
#: Modes with more than 8 bits a band.
_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
#: Modes that one of them, RGBA, holds without loss.
_PLAIN = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
#: Modes with a lightness.
_LIGHT = ("L", "RGB", "RGBA", "CMYK", "YCbCr")


def comparable(left: Image.Image, right: Image.Image) -> bool:
    """Whether the pixels of two images have a mode in common that loses nothing."""
    modes = (left.mode, right.mode)
    return left.mode == right.mode or all(mode in _PLAIN for mode in modes)


class Pixels:
    """The comparison of two images, so far."""

    def __init__(self, atol: float) -> None:
        """Begin with none.

        Args:
            atol: levels that a band of a pixel may differ by.
        """
        self.atol = atol
        self.total = 0
        self.differing = 0
        self.beyond = 0
        """Pixels with a band that differs by more than `atol`."""
        self.largest: float = 0
        """Levels of the band that differs most."""
        self.largest_at = ""
        self.box: tuple[int, int, int, int] | None = None
        """Left, top, right, bottom around all that differs; the latter two are outside."""
        self._squares = 0
        self._samples = 0
        self._similarity = 0.0
        self._windows = 0
        self._deep = False

    def add(self, left: Image.Image, right: Image.Image, frame: int) -> None:
        """Compare a frame; both are of the same size, and are decoded by it."""
        mode = _common_mode(left, right)
        self._deep |= mode in ("I", "F")
        left.load()
        right.load()
        several = getattr(left, "n_frames", 1) > 1
        for top, one, two in _strips(left, right, mode):
            self.total += one.width * one.height
            if one.tobytes() == two.tobytes():
                if not self._deep:
                    self._samples += one.width * one.height * len(one.getbands())
                    self._similar(one, two, same=True)
            elif self._deep:
                self._note(_apart(one, two), _differs(one, two), top, frame if several else None)
            else:
                apart = self._eight_bits(one, two)
                self._note(apart, _above(apart, 0), top, frame if several else None)

    def _eight_bits(self, one: Image.Image, two: Image.Image) -> Image.Image:
        """Distances of the band that differs most, pixel by pixel."""
        apart = ImageChops.difference(one, two)
        counts = apart.histogram()
        self._squares += sum((level % 256) ** 2 * count for level, count in enumerate(counts))
        self._samples += sum(counts)
        self._similar(one, two)
        return _most(apart)

    def _note(self, apart: Image.Image, differs: Image.Image, top: int, frame: int | None) -> None:
        """Count what differs in a strip, and keep where.

        Args:
            apart: distances.
            differs: 255 where there is a difference; of floats it may be one to or from NaN.
            top: row the strip begins at.
            frame: its number where there are several.
        """
        box = differs.getbbox()
        if box is None:
            return
        self.differing += differs.histogram()[255]
        over = _above(apart, self.atol) if self.atol else differs
        self.beyond += over.histogram()[255]
        left, upper, right, lower = box
        box = (left, top + upper, right, top + lower)
        if self.box is not None:
            known = self.box
            box = (*map(min, known[:2], box[:2]), *map(max, known[2:], box[2:]))  # type: ignore[assignment]
        self.box = box
        largest = float(apart.getextrema()[1])  # type: ignore[arg-type]  # one band
        if largest > self.largest:
            self.largest = largest
            rows = _at_least(apart, largest)
            place = rows.getbbox()
            assert place is not None
            row = rows.crop((0, place[1], rows.width, place[1] + 1)).getbbox()
            assert row is not None
            self.largest_at = f"x {row[0]}, y {top + place[1]}" + (
                "" if frame is None else f", frame {frame}"
            )

    def box_text(self) -> str:
        """Write the box: `x 3 to 7, y 2 to 2`, both ends inside."""
        left, top, right, bottom = self.box or (0, 0, 0, 0)
        return f"x {left} to {right - 1}, y {top} to {bottom - 1}"

    def psnr(self) -> float | None:
        """Peak signal to noise ratio over all bands, `10 log10(255² / MSE)` in dB; None for deep modes."""
        if self._deep or not self._samples:
            return None
        if not self._squares:
            return math.inf
        return 10 * math.log10(255**2 * self._samples / self._squares)

    def ssim(self) -> float | None:
        """Mean structural similarity of the lightness, 1 for identical images.

        Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment", equation 13, with K1 = 0.01 and
        K2 = 0.03, over windows of 8 by 8 pixels of equal weight side by side; rows and columns that fill
        no window are left out. None for deep modes, and for images without a whole window.
        """
        return self._similarity / self._windows if self._windows and not self._deep else None

    def _similar(self, one: Image.Image, two: Image.Image, *, same: bool = False) -> None:
        """Add the structural similarity of a strip, whose top is a multiple of the window."""
        columns, rows = one.width // _WINDOW, one.height // _WINDOW
        if not columns or not rows or one.mode not in _LIGHT:
            return
        self._windows += columns * rows
        if same:
            self._similarity += columns * rows
            return
        inside = (0, 0, columns * _WINDOW, rows * _WINDOW)
        a, b = (image.convert("L").crop(inside).convert("F") for image in (one, two))

        def mean(image: Any) -> Image.Image:
            # The box filter gives the plain mean of every window.
            small: Image.Image = image.resize((columns, rows), Image.Resampling.BOX)
            return small

        def product(x: Image.Image, y: Image.Image) -> Any:
            return ImageMath.lambda_eval(lambda of: of["x"] * of["y"], x=x, y=y)

        values = {"a": mean(a), "b": mean(b)}
        values |= {"aa": mean(product(a, a)), "bb": mean(product(b, b)), "ab": mean(product(a, b))}
        similarity = ImageMath.lambda_eval(_similarity, **values)
        self._similarity += sum(memoryview(similarity.tobytes()).cast("f"))


def _similarity(of: dict[str, Any]) -> Any:
    """Equation 13 from the means of both sides, of their squares, and of their product."""
    a, b = of["a"], of["b"]
    joint = of["ab"] - a * b
    spread = (of["aa"] - a * a) + (of["bb"] - b * b)
    return ((a * b * 2 + _C1) * (joint * 2 + _C2)) / ((a * a + b * b + _C1) * (spread + _C2))


def difference(left: Image.Image, right: Image.Image) -> Image.Image:
    """Draw the left image in grey with what differs in red.

    Args:
        left: an image.
        right: an image of the same size.
    """
    mode = _common_mode(left, right)
    left.load()
    right.load()
    picture = Image.new("RGB", left.size)
    for top, one, two in _strips(left, right, mode):
        if mode in ("I", "F"):
            apart = _differs(one, two)
            grey = Image.new("L", one.size, 64)
        else:
            # The smallest difference must show as well.
            apart = _most(ImageChops.difference(one, two)).point(
                [0, *(min(255, 96 + level) for level in range(1, 256))]
            )
            grey = one.convert("L").point([64 + level // 3 for level in range(256)])
        rest = ImageChops.subtract(grey, apart)
        picture.paste(Image.merge("RGB", (ImageChops.lighter(grey, apart), rest, rest)), (0, top))
    return picture


def _common_mode(left: Image.Image, right: Image.Image) -> str:
    """The mode both are compared in: what they share, or what holds both without loss."""
    if left.mode in _DEEP:
        return "F" if left.mode == "F" else "I"
    if left.mode not in _PLAIN:
        return left.mode
    if any(image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info for image in (left, right)):
        return "RGBA"
    return "L" if {left.mode, right.mode} <= {"1", "L"} else "RGB"


def _strips(
    left: Image.Image, right: Image.Image, mode: str
) -> Iterator[tuple[int, Image.Image, Image.Image]]:
    """Cut both into strips of whole windows and make them of one mode.

    Yields:
        The row a strip begins at, and the strip of each side.
    """
    rows = max(1, _STRIP // left.width)
    rows = rows // _WINDOW * _WINDOW if rows > _WINDOW else rows
    for top in range(0, left.height, rows):
        box = (0, top, left.width, min(top + rows, left.height))
        one, two = (_in_mode(image.crop(box), mode) for image in (left, right))
        yield top, one, two


def _in_mode(strip: Image.Image, mode: str) -> Image.Image:
    return strip if strip.mode == mode else strip.convert(mode)


def _most(apart: Image.Image) -> Image.Image:
    """The band that differs most, pixel by pixel."""
    first, *others = apart.split()
    for band in others:
        first = ImageChops.lighter(first, band)
    return first


def _apart(one: Image.Image, two: Image.Image) -> Any:
    """Distances of two deep images."""
    return ImageMath.lambda_eval(lambda of: abs(of["x"] - of["y"]), x=one, y=two)


def _differs(one: Image.Image, two: Image.Image) -> Any:
    """255 where two deep images differ; NaN differs from everything."""
    return ImageMath.lambda_eval(lambda of: of["convert"]((of["x"] != of["y"]) * 255, "L"), x=one, y=two)


def _at_least(apart: Image.Image, level: float) -> Any:
    """255 where a distance is a level or more."""
    if apart.mode == "L":
        return apart.point([255 if value >= level else 0 for value in range(256)])
    bound = int(level) if apart.mode == "I" else level
    return ImageMath.lambda_eval(lambda of: of["convert"]((of["x"] >= bound) * 255, "L"), x=apart)


def _above(apart: Image.Image, level: float) -> Any:
    """255 where a distance is above a level, or is none: of NaN, or one that overflows."""
    if apart.mode == "L":
        return apart.point([255 if value > level else 0 for value in range(256)])

    # Integers are compared as integers.
    level = math.floor(level) if apart.mode == "I" else level

    def above(of: dict[str, Any]) -> Any:
        x = of["x"]
        far = (x > level) + (x < 0) + (x != x)  # noqa: PLR0124  # NaN
        return of["convert"]((far > 0) * 255, "L")

    return ImageMath.lambda_eval(above, x=apart)
