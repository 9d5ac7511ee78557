"""A line of characters made of bars is told from E-13B, and E-13B never from itself."""

import cv2
import numpy as np
import pytest

from edge.datatypes import U8
from edge.locate.cmc7 import find_cmc7_line
from edge.locate.micr_line import ink_of_page
from train.data.e13b import set_line

_FINE = 8
_LEFT_PX, _TOP_PX = 60, 490


def bars(rng: np.random.Generator, inch_px: float) -> U8:
    """Print three groups of CMC-7 characters: seven bars each, two of the six gaps wide, holes in the bars."""
    mm = inch_px * _FINE / 25.4
    ink = np.zeros((round(2.85 * mm), round(3.175 * mm * 36)), np.uint8)
    for place in [*range(9), *range(11, 20), *range(22, 32)]:
        x, wide = place * 3.175 * mm, rng.permutation(6)[:2]
        for bar in range(7):
            ink[:, round(x) : round(x + 0.15 * mm)] = 255
            if rng.random() < 0.5:
                hole = round(float(rng.uniform(0.1, 0.6)) * ink.shape[0])
                ink[hole : hole + round(0.3 * ink.shape[0]), round(x) : round(x + 0.15 * mm)] = 0
            x += (0.5 if bar in wide else 0.3) * mm
    return np.asarray(cv2.resize(ink, None, fx=1 / _FINE, fy=1 / _FINE, interpolation=cv2.INTER_AREA), np.uint8)


def page_ink(line: U8, blur_px: float, rng: np.random.Generator) -> U8:
    pixels = np.full((560, 1280), 235, np.float32)
    pixels[_TOP_PX : _TOP_PX + line.shape[0], _LEFT_PX : _LEFT_PX + line.shape[1]] -= 0.8 * line
    if blur_px:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), blur_px), np.float32)
    return ink_of_page(np.clip(pixels + rng.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8))


@pytest.mark.parametrize(("inch_px", "blur_px"), [(183, 0.0), (183, 0.4), (210, 0.0), (210, 0.7)])
def test_a_line_of_seven_bars_a_character_is_found_where_it_stands(inch_px: float, blur_px: float) -> None:
    rng = np.random.default_rng(2)
    line = bars(rng, inch_px)
    box = find_cmc7_line(page_ink(line, blur_px, rng))
    assert box is not None
    assert box[0] == pytest.approx(_LEFT_PX, abs=4)
    assert box[0] + box[2] == pytest.approx(_LEFT_PX + line.nonzero()[1].max(), abs=4)
    assert box[1] == pytest.approx(_TOP_PX, abs=6)


@pytest.mark.parametrize("text", ["A123456780A 1234567890C 1002", "A000000000A 000000000C 0000", "C8888888C B0000088888B"])
@pytest.mark.parametrize("blur_px", [0.0, 0.6])
def test_a_line_in_e13b_is_not_taken_for_bars(text: str, blur_px: float) -> None:
    rng = np.random.default_rng(2)
    line, _ = set_line(text, 190.0, rng)
    assert find_cmc7_line(page_ink(line, blur_px, rng)) is None


def test_a_page_without_a_line_has_none_in_bars() -> None:
    assert find_cmc7_line(np.zeros((560, 1280), np.uint8)) is None
