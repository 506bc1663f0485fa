"""Images, pixel by pixel. The comparison itself is tested in this process."""

from __future__ import annotations

import io
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.compare.contents_of import Held
from xt.compare import Rule, UnreadableError
from xt.compare.images import compare_here, difference_image
from xt.model.delta import Delta
from xt.model.result import Number


def encoded(values: np.ndarray | Image.Image, format_: str = "PNG", **options: Any) -> Held:
    image = values if isinstance(values, Image.Image) else Image.fromarray(values)
    file = io.BytesIO()
    image.save(file, format_, **options)
    return Held(file.getvalue(), f"x.{format_.lower()}")


def compared(a: Held, b: Held, rule: Rule | None = None) -> Delta:
    return compare_here(a, b, rule or Rule(), "x.png")


def measures(delta: Delta) -> dict[str, Any]:
    return {measure.what: measure.value for measure in delta.measures}


RNG = np.random.default_rng(3)
NOISE = RNG.integers(20, 200, (50, 70, 3), dtype=np.uint8)


def test_pixels_that_differ_are_counted_and_placed() -> None:
    other = NOISE.copy()
    other[12, 4, 1] += 40
    other[30, 60, 0] -= 3
    delta = compared(encoded(NOISE), encoded(other))
    assert delta.relation == "changed"
    assert (delta.left, delta.right) == ("PNG 70×50 RGB", "PNG 70×50 RGB")
    assert delta.note is not None
    assert delta.note.startswith("2 of 3500 pixels differ, max |Δ| 40 at x 4, y 12, SSIM 0.99")
    assert [measure.at for measure in delta.measures][:2] == ["x 4, y 12", "inside x 4 to 60, y 12 to 30"]


def test_the_signal_to_noise_ratio_is_that_of_its_definition() -> None:
    other = (NOISE + RNG.integers(0, 20, NOISE.shape)).astype(np.uint8)
    error = np.mean((NOISE.astype(float) - other) ** 2)
    found = measures(compared(encoded(NOISE), encoded(other)))
    assert found["PSNR dB"] == pytest.approx(10 * math.log10(255**2 / error))


def test_the_structural_similarity_is_that_of_its_definition() -> None:
    a, b = (RNG.integers(0, 256, (41, 26), dtype=np.uint8) for _ in range(2))
    total = []
    for y in range(0, 40, 8):
        for x in range(0, 24, 8):
            p, q = (image[y : y + 8, x : x + 8].astype(float) for image in (a, b))
            joint = ((p - p.mean()) * (q - q.mean())).mean()
            c1, c2 = 0.01**2 * 255**2, 0.03**2 * 255**2
            above = (2 * p.mean() * q.mean() + c1) * (2 * joint + c2)
            total.append(above / ((p.mean() ** 2 + q.mean() ** 2 + c1) * (p.var() + q.var() + c2)))
    assert measures(compared(encoded(a), encoded(b)))["SSIM"] == pytest.approx(np.mean(total), abs=1e-5)


def test_a_tolerance_is_in_levels() -> None:
    other = NOISE.copy()
    other[0, 0] += 2
    assert compared(encoded(NOISE), encoded(other), Rule(atol=2)).relation == "within"
    delta = compared(encoded(NOISE), encoded(other), Rule(atol=1))
    assert delta.relation == "changed"
    assert measures(delta)["pixels beyond tolerance"] == 1


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (encoded(NOISE), encoded(NOISE, compress_level=0)),
        (encoded(NOISE), encoded(NOISE, "BMP")),
        (encoded(NOISE), encoded(NOISE, "TIFF")),
        (encoded(NOISE), encoded(NOISE, "WEBP", lossless=True)),
        (encoded(NOISE[..., 0]), encoded(np.stack([NOISE[..., 0]] * 3, 2))),
        (encoded(Image.fromarray(NOISE[..., 0] // 4).convert("P")), encoded(NOISE[..., 0] // 4)),
        (encoded(NOISE), encoded(Image.fromarray(NOISE).convert("RGBA"))),
    ],
)
def test_another_encoding_of_the_same_pixels_is_packaging(left: Held, right: Held) -> None:
    delta = compared(left, right)
    assert delta.relation == "within"
    assert delta.note is not None
    assert delta.note.startswith("only the packaging differs: all pixels are identical")


def test_metadata_that_differs_is_named() -> None:
    delta = compared(encoded(NOISE, dpi=(72, 72)), encoded(NOISE, dpi=(300, 300)))
    assert delta.relation == "within"
    assert delta.note == "only the packaging differs: all pixels are identical; metadata differs: dpi"


def test_transparency_is_compared_too() -> None:
    one = Image.fromarray(NOISE).convert("RGBA")
    two = one.copy()
    two.putpixel((5, 6), (*one.getpixel((5, 6))[:3], 0))  # type: ignore[index]
    delta = compared(encoded(one), encoded(two))
    assert measures(delta)["max |Δ|"] == 255


def test_a_change_of_size_or_mode_or_frames_is_said() -> None:
    assert (
        compared(encoded(NOISE), encoded(NOISE[:-1])).note == "the size changed, so pixels are not compared"
    )
    deep = encoded(NOISE[..., 0].astype(np.uint16))
    assert compared(encoded(NOISE), deep).note == "the mode changed, so pixels are not compared"
    frames = [Image.fromarray(NOISE[..., number]) for number in range(3)]
    film = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    short = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:2])
    assert compared(film, short).note == "the number of frames changed, so pixels are not compared"


def test_frames_are_compared_one_by_one() -> None:
    frames = [Image.fromarray(NOISE[..., number].copy()) for number in range(3)]
    film = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    frames[2].putpixel((7, 9), 255)
    other = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    delta = compared(film, other)
    assert delta.note is not None and delta.note.startswith("1 of 10500 pixels differs, ")
    assert delta.measures[0].at == "x 7, y 9, frame 2"


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_deep_images_are_compared_in_their_own_levels(dtype: type) -> None:
    a = RNG.integers(0, 60_000, (20, 30)).astype(dtype)
    b = a.copy()
    b[3, 5] += 1000
    format_ = "PNG" if dtype == np.uint16 else "TIFF"
    delta = compared(encoded(a, format_), encoded(b, format_))
    assert (measures(delta)["max |Δ|"], delta.measures[0].at) == (1000, "x 5, y 3")
    assert compared(encoded(a, format_), encoded(b, format_), Rule(atol=1000)).relation == "within"


def test_one_level_in_two_billion_is_a_difference() -> None:
    a = np.full((4, 4), 2**30, np.int32)
    b = a.copy()
    b[1, 1] += 1
    assert compared(encoded(a, "TIFF"), encoded(b, "TIFF")).relation == "changed"


def test_nan_passes_for_nothing() -> None:
    a = np.zeros((4, 4), np.float32)
    b = a.copy()
    b[1, 1] = math.nan
    for rule in (Rule(), Rule(atol=1e9)):
        assert compared(encoded(a, "TIFF"), encoded(b, "TIFF"), rule).relation == "changed"


def test_images_of_opposite_colours_have_no_signal() -> None:
    black, white = np.zeros((8, 8), np.uint8), np.full((8, 8), 255, np.uint8)
    found = measures(compared(encoded(black), encoded(white)))
    assert found["PSNR dB"] == 0
    assert found["SSIM"] < 0.01
    assert Number("inf") not in found.values()


def png(width: int, height: int, data: bytes = b"") -> Held:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\0\0\0\0"
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return Held(b"\x89PNG\r\n\x1a\n" + parts, "x.png")


@pytest.mark.parametrize("side", [5_000, 20_000, 2**31 - 1])
def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(side: int) -> None:
    bomb = png(side, side, zlib.compress(bytes(1000)))
    with pytest.raises(UnreadableError, match=r"too large to compare by its pixels|cannot be decoded"):
        compared(bomb, bomb)


def test_an_image_that_ends_early_is_unreadable() -> None:
    good = encoded(NOISE)
    with pytest.raises(UnreadableError, match="cannot be decoded"):
        compared(Held(good.data[: len(good.data) // 2], "x.png"), good)


@pytest.mark.parametrize("data", [b"", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"\0" * 99])
def test_what_is_no_image_is_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableError, match="not an image of a known format"):
        compared(Held(data, "x.png"), encoded(NOISE))


@given(st.data())
def test_any_damage_is_contained(data: st.DataObject) -> None:
    small = NOISE[:9, :9]
    for good in (encoded(small), encoded(small, "JPEG"), encoded(small, "TIFF"), encoded(small, "GIF")):
        damaged = bytearray(good.data)
        for _ in range(data.draw(st.integers(1, 4))):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        try:
            delta = compared(Held(bytes(damaged)), good)
        except UnreadableError as error:
            assert str(error)
        else:
            assert delta.relation != "same"


def test_a_picture_of_the_difference_shows_what_differs_in_red(tmp_path: Path) -> None:
    other = NOISE.copy()
    other[12, 4, 1] += 1
    difference_image(encoded(NOISE), encoded(other), str(tmp_path / "d.png"))
    with Image.open(tmp_path / "d.png") as picture:
        found = np.asarray(picture).astype(int)
    red = (found[..., 0] - found[..., 1]) > 50
    assert np.argwhere(red).tolist() == [[12, 4]]
