import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.datatypes import STRIP_HEIGHT_PX, Strip
from edge.locate.strip import cut_strip, flatten_field, normalize_strip, zoom_strip


def written(
    height: int = 60, width: int = 200, ink: tuple[int, int, int, int] = (80, 20, 100, 44), paper: float = 220, dark: float = 60
) -> np.ndarray:
    picture = np.full((height, width), paper, np.float64)
    x0, y0, x1, y1 = ink
    picture[y0:y1, x0:x1] = dark
    return picture


def ink_box(strip: Strip) -> tuple[float, float, float, float]:
    rows, columns = np.nonzero(strip.ink > 127)
    corners = strip.strip_to_picture @ np.array([[columns.min(), columns.max() + 1], [rows.min(), rows.max() + 1], [1, 1]])
    return float(corners[0, 0]), float(corners[1, 0]), float(corners[0, 1]), float(corners[1, 1])


@given(st.integers(30, 120), st.integers(80, 400), st.data())
@settings(max_examples=50, deadline=None)
def test_a_box_survives_normalising_zooming_and_going_back(height: int, width: int, data: st.DataObject) -> None:
    x0 = data.draw(st.integers(5, width - 30))
    y0 = data.draw(st.integers(2, height // 2))
    box = (x0, y0, x0 + 12, y0 + max(12, height // 3))
    picture = written(height, width, box).astype(np.uint8)
    field = flatten_field(picture)
    first = cut_strip(field, 0.0, 1.0)
    per_px = STRIP_HEIGHT_PX / height
    closer = zoom_strip(field, box[1] * per_px, min(box[3], height) * per_px)
    for strip in (first, closer):
        assert ink_box(strip) == pytest.approx((box[0], box[1], box[2], min(box[3], height)), abs=2.5 / per_px if per_px < 1 else 4)


def test_shadow_pattern_and_paper_go_and_the_pen_stays() -> None:
    picture = written()
    picture -= 60 * (np.arange(200) > 120)  # half lies in shadow
    picture -= 12 * (np.arange(60)[:, None] % 5 == 0)  # fine printed lines
    ink = normalize_strip(picture.clip(0, 255).astype(np.uint8)).ink.astype(float)
    pen = ink[12:22, 44:52].mean()
    assert pen > 200
    assert np.median(ink) < 20
    assert ink[:, 75:].mean() < 40


@pytest.mark.parametrize("contrast", [25, 160])
def test_pale_and_dark_ink_come_out_alike(contrast: int) -> None:
    strip = normalize_strip(written(dark=220 - contrast).astype(np.uint8))
    assert strip.ink.max() >= 250
    assert 0.02 < (strip.ink > 127).mean() < 0.08


def test_colour_is_read_as_grey() -> None:
    grey = written().astype(np.uint8)
    colour = np.repeat(grey[..., None], 3, axis=2)
    np.testing.assert_array_equal(normalize_strip(grey).ink, normalize_strip(colour).ink)


def test_empty_paper_has_hardly_any_ink() -> None:
    grain = np.random.default_rng(0).normal(200, 1, (50, 150)).astype(np.uint8)
    assert normalize_strip(grain).ink.mean() < 90


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (300, 2)])
def test_odd_sizes_become_strips(size: tuple[int, int]) -> None:
    strip = normalize_strip(np.full(size, 90, np.uint8))
    assert strip.ink.shape[0] == STRIP_HEIGHT_PX


def test_a_picture_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="no pixels"):
        normalize_strip(np.zeros((0, 10), np.uint8))
