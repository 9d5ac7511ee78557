"""Checks of our own: what is labelled is there, frames carry exact corners, refusals."""

from functools import cache

import cv2
import numpy as np
import pytest

from edge.datatypes import FIELD_NAMES
from train.data.checks import DrawnCheck, draw_check
from train.data.desk import place_on_desk


@cache
def check(seed: int) -> DrawnCheck:
    return draw_check(np.random.default_rng(seed), px_per_inch=120.0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_field_has_dark_ink_in_its_box_inside_the_check(seed: int) -> None:
    drawn = check(seed)
    height, width = drawn.pixels.shape[:2]
    paper = np.median(drawn.pixels)
    assert set(drawn.boxes) == {*FIELD_NAMES, "legal", "signature"}
    for x, y, w, h in drawn.boxes.values():
        assert 0 <= x < x + w <= width
        assert 0 <= y < y + h <= height
        assert drawn.pixels[round(y) : round(y + h), round(x) : round(x + w)].min() < paper - 60


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_micr_line_holds_the_check_number_and_a_valid_routing_number(seed: int) -> None:
    drawn = check(seed)
    routing = drawn.micr.split("A")[1]
    assert sum(int(d) * w for d, w in zip(routing, (3, 7, 1) * 3, strict=True)) % 10 == 0
    assert drawn.check_number in drawn.micr


def test_the_same_seed_draws_the_same_check() -> None:
    again = draw_check(np.random.default_rng(1), px_per_inch=120.0)
    assert np.array_equal(again.pixels, check(1).pixels)
    assert again.amount == check(1).amount


def test_the_corners_of_a_frame_lead_back_to_the_check() -> None:
    drawn = check(2)
    frame = place_on_desk(drawn, np.random.default_rng(5), (640, 480), turn_deg=180.0)
    height, width = drawn.pixels.shape[:2]
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    back = cv2.warpPerspective(frame.pixels, cv2.getPerspectiveTransform(frame.corners.astype(np.float32), flat), (width, height))
    inner = np.s_[10:-10, 10:-10]
    grey, wanted = (cv2.GaussianBlur(p, (0, 0), 2).mean(axis=2)[inner] for p in (back, drawn.pixels))
    assert np.corrcoef(grey.ravel(), wanted.ravel())[0, 1] > 0.6


def test_a_frame_without_room_for_a_check_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 320 x 240"):
        place_on_desk(check(1), np.random.default_rng(1), (100, 100))
