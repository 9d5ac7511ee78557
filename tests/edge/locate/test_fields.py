"""Field regions on generated checks: each field's ink lies in its best region; a blank page has none."""

import numpy as np
import pytest

from edge.datatypes import FIELD_NAMES, Box, Frame
from edge.locate.fields import find_fields
from edge.locate.page import rectify
from train.data.checks import draw_check


def inside(box: Box, region: Box) -> float:
    """Return the share of a box that lies in a region."""
    wide = min(box[0] + box[2], region[0] + region[2]) - max(box[0], region[0])
    high = min(box[1] + box[3], region[1] + region[3]) - max(box[1], region[1])
    return max(0.0, wide) * max(0.0, high) / (box[2] * box[3])


@pytest.mark.parametrize("seed", [21, 22, 23, 24])
def test_every_field_of_a_generated_check_lies_in_one_of_its_regions(seed: int) -> None:
    check = draw_check(np.random.default_rng(seed), px_per_inch=200.0)
    height, width = check.pixels.shape[:2]
    page = rectify(Frame(check.pixels), np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64))
    scale = page.pixels.shape[1] / width
    regions = find_fields(page)
    for name in FIELD_NAMES:
        x, y, w, h = (v * scale for v in check.boxes[name])
        fitting = [r for r in regions if r.name == name and inside((x, y, w, h), r.page_box) > 0.9]
        assert fitting, name
        assert min(r.page_box[3] for r in fitting) < 2.5 * h, name


def test_regions_lie_on_the_page_and_the_best_of_a_field_comes_first() -> None:
    check = draw_check(np.random.default_rng(25), px_per_inch=200.0)
    height, width = check.pixels.shape[:2]
    page = rectify(Frame(check.pixels), np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64))
    regions = find_fields(page)
    for name in FIELD_NAMES:
        confidences = [r.confidence for r in regions if r.name == name]
        assert confidences == sorted(confidences, reverse=True)
    for region in regions:
        x, y, w, h = region.page_box
        assert 0 <= x < x + w <= page.pixels.shape[1]
        assert 0 <= y < y + h <= page.pixels.shape[0]


def test_a_blank_page_has_no_fields() -> None:
    frame = Frame(np.full((560, 1280, 3), 230, np.uint8))
    page = rectify(frame, np.array([[0, 0], [1280, 0], [1280, 560], [0, 560]], np.float64))
    assert find_fields(page) == ()
