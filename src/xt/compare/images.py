"""Images, pixel by pixel, with Pillow, whose decoders are C code: it meets files in a child process."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

from PIL import Image, UnidentifiedImageError

from xt.compare import Content, Rule, UnreadableError
from xt.compare.counts import counted, share_differs
from xt.compare.pixels import Pixels, comparable, difference
from xt.model.delta import Delta, Measure, Relation
from xt.model.result import Number

#: Only these decoders are asked; none of them starts a program.
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
#: Pixels of an image, at 4 bytes each on both sides; and of all its frames.
MOST_PIXELS = 16_000_000
MOST_IN_FRAMES = 400_000_000
MOST_FRAMES = 1_000
#: Entries of metadata that are named.
_MOST_NAMED = 5


def compare(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare two images in a process of its own; see `compare_here`.

    Raises:
        UnreadableError: as `compare_here`, or the process was ended by its limits.
    """
    isolated: Any = import_module("xt.compare.isolated")
    delta: Delta = isolated.call("xt.compare.images:compare_here", left, right, rule, path)
    return delta


def compare_here(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Compare two images in this process.

    Args:
        left: an image of any format known here.
        right: an image; the format may be another.
        rule: `atol` is in levels (0 to 255 for 8 bit bands) that the bands of a pixel may differ by;
            `rtol` and `ulp` say nothing of pixels.
        path: of the image.

    Raises:
        UnreadableError: a side cannot be decoded, or has more than 16 million pixels.
    """
    with _decoding(), ExitStack() as stack:
        images = [stack.enter_context(_opened(content)) for content in (left, right)]
        a, b = images
        labels = [_label(image) for image in images]
        if a.size != b.size or _frames(a) != _frames(b):
            what = "size" if a.size != b.size else "number of frames"
            note = f"the {what} changed, so pixels are not compared"
            return Delta(path, "changed", labels[0], labels[1], "changed", note=note)
        pixels = Pixels(rule.atol)
        for frame in range(_frames(a)):
            for image in images:
                image.seek(frame)
                _check_size(image)
            if a.size != b.size or not comparable(a, b):
                what = "size" if a.size != b.size else "mode"
                note = f"the {what} of frame {frame} changed, so pixels are not compared"
                note = note if _frames(a) > 1 else f"the {what} changed, so pixels are not compared"
                return Delta(path, "changed", labels[0], labels[1], "changed", note=note)
            pixels.add(a, b, frame)
        metadata = [key for key in sorted({*a.info, *b.info}, key=str) if a.info.get(key) != b.info.get(key)]
    return _said(path, labels, pixels, [str(key)[:40] for key in metadata], rule)


def difference_image(left: Content, right: Content, target_path: str) -> None:
    """Write a PNG of the left image in grey with what differs in red, the more the brighter.

    Args:
        left: an image; of several frames, the first.
        right: an image of the same size.
        target_path: the file to write; one that is there is replaced.

    Raises:
        UnreadableError: a side cannot be decoded, is too large, or the sizes differ.
        OSError: the file cannot be written.
    """
    with _decoding(), ExitStack() as stack:
        a, b = (stack.enter_context(_opened(content)) for content in (left, right))
        if a.size != b.size or not comparable(a, b):
            raise UnreadableError("the sizes or modes differ")
        picture = difference(a, b)
    with open(target_path, "wb") as file:
        picture.save(file, "PNG")


def draw_here(left: Content, right: Content, rule: Rule, path: str) -> Delta:
    """Draw where two images differ into a file; for `isolated.call`, which bounds it.

    Args:
        left: an image.
        right: an image of the same size and mode.
        rule: nothing in it matters: whatever differs is drawn.
        path: absolute, of the PNG to write, in a folder that is there. A file of that name is replaced
            at once when the picture is complete.

    Returns:
        `changed`, with `path`.

    Raises:
        UnreadableError: as `difference_image`, or the file cannot be written.
    """
    if not os.path.isabs(path):
        raise UnreadableError(f"the difference cannot be written to `{path}`: the path is not absolute")
    try:
        fd, unfinished = tempfile.mkstemp(prefix=".xt-", suffix=".tmp", dir=os.path.dirname(path))
        os.close(fd)
        try:
            difference_image(left, right, unfinished)
            os.replace(unfinished, path)
        except BaseException:
            os.unlink(unfinished)
            raise
    except OSError as error:
        raise UnreadableError(f"the difference cannot be written: {error.strerror or error}") from error
    return Delta(path, "changed")


@contextmanager
def _decoding() -> Iterator[None]:
    """Turn whatever a decoder raises over a hostile file into one error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnreadableError:
        raise
    except Exception as error:
        # Decoders raise whatever their code meets: SyntaxError, struct.error, IndexError, …
        text = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise UnreadableError(f"it cannot be decoded: {text}") from error


@contextmanager
def _opened(content: Content) -> Iterator[Image.Image]:
    """Open an image without decoding its pixels yet."""
    with content.open() as file:
        try:
            image = Image.open(file, formats=_FORMATS)
        except UnidentifiedImageError:
            raise UnreadableError("it is not an image of a known format") from None
        with image:
            _check_size(image)
            frames = _frames(image)
            if frames > MOST_FRAMES or frames * image.width * image.height > MOST_IN_FRAMES:
                raise UnreadableError(f"too large to compare by its pixels: {frames} frames")
            yield image


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise UnreadableError(
            f"too large to compare by its pixels: {image.width}×{image.height}, "
            f"more than {MOST_PIXELS // 1_000_000} million"
        )


def _frames(image: Image.Image) -> int:
    return int(getattr(image, "n_frames", 1))


def _label(image: Image.Image) -> str:
    """As shown: `PNG 640×480 RGB`."""
    frames = _frames(image)
    return f"{image.format} {image.width}×{image.height} {image.mode}" + (
        f", {frames} frames" if frames > 1 else ""
    )


def _said(path: str, labels: list[str], pixels: Pixels, metadata: list[str], rule: Rule) -> Delta:
    """Say how two images of one size differ."""
    if not pixels.differing:
        note = "only the packaging differs: all pixels are identical"
        if metadata:
            rest = ", …" if len(metadata) > _MOST_NAMED else ""
            note += f"; metadata differs: {', '.join(metadata[:_MOST_NAMED])}{rest}"
        return Delta(path, "within", labels[0], labels[1], "changed", note=note)
    psnr, ssim = pixels.psnr(), pixels.ssim()
    measures = [
        Measure("max |Δ|", pixels.largest, pixels.largest_at or None, rule.atol or None),
        Measure("pixels differing", pixels.differing, f"inside {pixels.box_text()}"),
    ]
    if rule.atol:
        measures.append(Measure("pixels beyond tolerance", pixels.beyond))
    if psnr is not None:
        measures.append(Measure("PSNR dB", psnr if psnr != float("inf") else Number("inf")))
    if ssim is not None:
        measures.append(Measure("SSIM", ssim))
    relation: Relation = "changed" if pixels.beyond else "within"
    levels = f"max |Δ| {pixels.largest:g}" + (f" at {pixels.largest_at}" if pixels.largest_at else "")
    if rule.atol and not pixels.beyond:
        note = f"{levels}, within atol {rule.atol:g}"
    else:
        count = pixels.beyond if rule.atol else pixels.differing
        over = f"{count} of {counted(pixels.total, 'pixel')} over atol {rule.atol:g}"
        note = f"{over if rule.atol else share_differs(count, pixels.total, 'pixel')}, {levels}"
        note += f", SSIM {ssim:.4f}" if ssim is not None else ""
    return Delta(path, relation, labels[0], labels[1], "changed", measures=measures, note=note)
