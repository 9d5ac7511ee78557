"""The MICR line as a shape: whole where its groups stand far apart, and not to be taken for what borders the paper."""

import numpy as np
import pytest

from edge.datatypes import U8, Box
from edge.locate.micr_line import find_micr_line
from train.data.e13b import set_line

_INCH_PX = 200.0


def page_with(text: str) -> tuple[U8, Box]:
    """Return the ink of an empty page with one MICR line, and the line's box."""
    line, boxes = set_line(text, _INCH_PX, np.random.default_rng(3))
    ink = np.zeros((560, 1280), np.uint8)
    x, y = 60, 490
    ink[y : y + line.shape[0], x : x + line.shape[1]] = line
    shown = boxes[boxes.any(axis=1)]
    x0, x1 = x + float(shown[:, 0].min()), x + float(shown[:, 2].max())
    return ink, (x0, y + float(shown[:, 1].min()), x1 - x0, float(shown[:, 3].max() - shown[:, 1].min()))


@pytest.mark.parametrize("space", [1, 4, 9])
def test_a_line_is_found_whole_however_far_its_groups_stand_apart(space: int) -> None:
    ink, (x, _, w, _) = page_with(f"A123456780A{' ' * space}1234567890C{' ' * space}1002")
    line = find_micr_line(ink)
    assert line is not None
    assert line.page_box[0] == pytest.approx(x, abs=3)
    assert line.page_box[0] + line.page_box[2] == pytest.approx(x + w, abs=3)
    assert line.pitch_px == pytest.approx(_INCH_PX / 8, rel=0.02)


def test_a_border_beside_the_line_is_no_part_of_it() -> None:
    ink, (x, _, w, _) = page_with("A123456780A 1234567C 1002")
    for top in range(382, 540, 20):
        ink[top : top + 16, round(x) - 56 : round(x) - 38] = 255
    line = find_micr_line(ink)
    assert line is not None
    assert line.page_box[0] > x - 4
    assert line.page_box[0] + line.page_box[2] < x + w + 4


@pytest.mark.parametrize("width", [12, 18])
def test_a_row_of_ornaments_is_no_line(width: int) -> None:
    ink = np.zeros((560, 1280), np.uint8)
    for left in range(40, 1240, 19):
        ink[500:517, left : left + width] = 255
    line = find_micr_line(ink)
    assert line is None or line.confidence < 0.1


@pytest.mark.parametrize(("rows", "is_grain"), [(2, False), (7, True)])
def test_a_line_below_grain_is_not_looked_for(rows: int, is_grain: bool) -> None:
    ink, _ = page_with("A123456780A 1234567890C 1002")
    for top in range(372, 372 + 15 * rows, 15):
        for left in range(4, 1270, 16):
            ink[top : top + 12, left : left + 6] = 255
    assert (find_micr_line(ink) is None) == is_grain
