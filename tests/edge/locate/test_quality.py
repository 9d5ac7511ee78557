"""What makes a frame hard to read: each fault is named, a good frame has none."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.datatypes import FieldName, Frame, Page, Reading
from edge.locate.page import rectify
from edge.locate.quality import judge_frame

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
LABELS = [json.loads(line) for line in (SAMPLES / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
CORNERS = np.array(LABELS[0]["corners"])


@cache
def good() -> Frame:
    return Frame(np.asarray(cv2.imread(str(SAMPLES / LABELS[0]["file"])), np.uint8))


def reading_at(x: float, y: float, width: float, height: float, text: str | None = "1.00") -> Reading:
    return Reading(text, "unsure", 0.9, "why", (x, y, width, height))


READ: dict[FieldName, Reading | None] = {"amount": reading_at(950, 200, 240, 50), "micr": reading_at(60, 500, 700, 30)}


def problems_of(pixels: np.ndarray, corners: np.ndarray = CORNERS, fields: Mapping[FieldName, Reading | None] = READ) -> tuple[str, ...]:
    frame = Frame(np.asarray(pixels, np.uint8))
    quality = judge_frame(frame, rectify(frame, corners), fields)
    assert (quality.verdict == "poor") == bool(quality.problems) == bool(quality.advice)
    return quality.problems


def test_sample_frames_are_good_enough() -> None:
    for label in LABELS:
        pixels = cv2.imread(str(SAMPLES / label["file"]))
        assert problems_of(pixels, np.array(label["corners"])) == ()


def test_a_frame_out_of_focus_is_blurred() -> None:
    assert problems_of(cv2.GaussianBlur(good().pixels, (0, 0), 5)) == ("blur",)


def test_a_frame_in_the_dark_is_dark() -> None:
    assert "dark" in problems_of(good().pixels // 20)


def lit_page(centre: tuple[int, int], radius: int) -> Page:
    """The sample's page with a lamp mirrored in it."""
    page = rectify(good(), CORNERS)
    spot = np.zeros(page.ink.shape, np.uint8)
    cv2.circle(spot, centre, radius, (255.0,), -1)
    soft = cv2.GaussianBlur(spot, (0, 0), 8).astype(np.float64)[:, :, None]
    return replace(page, pixels=np.clip(0.8 * page.pixels + soft, 0, 255).astype(np.uint8))


def test_a_lamp_mirrored_in_a_field_is_glare_and_beside_all_fields_is_not() -> None:
    on_amount, beside = lit_page((1070, 225), 60), lit_page((400, 330), 60)
    assert "glare" in judge_frame(good(), on_amount, READ).problems
    assert "glare" not in judge_frame(good(), beside, READ).problems


def test_a_lamp_anywhere_is_glare_where_the_amount_cannot_be_read() -> None:
    lost = {**READ, "amount": None}
    assert "glare" in judge_frame(good(), lit_page((1000, 330), 80), lost).problems
    assert "glare" not in judge_frame(good(), rectify(good(), CORNERS), lost).problems


def test_a_field_printed_white_is_no_glare() -> None:
    page = rectify(good(), CORNERS)
    pixels = (0.8 * page.pixels).astype(np.uint8)
    pixels[180:270, 930:1210] = 255
    assert "glare" not in judge_frame(good(), replace(page, pixels=pixels), READ).problems


@pytest.mark.parametrize(("share", "is_cut"), [(0.0, False), (0.3, True)])
def test_a_scan_whose_top_is_cut_away_is_cut_off(share: float, is_cut: bool) -> None:
    page = rectify(good(), CORNERS)
    scan = Frame(np.ascontiguousarray(page.pixels[round(share * len(page.pixels)) :]))
    width, height = scan.size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    assert ("cut_off" in problems_of(scan.pixels, corners)) == is_cut


def test_a_corner_outside_the_frame_is_cut_off() -> None:
    x = int(CORNERS[:, 0].min()) + 60
    assert "cut_off" in problems_of(good().pixels[:, x:], CORNERS - (x, 0))


def test_a_check_of_few_pixels_is_too_small() -> None:
    small = cv2.resize(good().pixels, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    assert "too_small" in problems_of(small, CORNERS / 4)


def test_a_check_seen_far_from_one_side_is_too_oblique() -> None:
    top_left, top_right, right, left = CORNERS
    narrow = np.array([top_left + 0.35 * (top_right - top_left), top_left + 0.65 * (top_right - top_left), right, left])
    assert "too_oblique" in problems_of(good().pixels, narrow)


def test_a_hard_shadow_across_the_check_is_told() -> None:
    pixels = good().pixels.copy()
    pixels[:, : int(CORNERS[:, 0].mean())] //= 6
    assert "shadow" in problems_of(pixels)


def test_a_frame_without_a_check_says_how_to_lay_it() -> None:
    quality = judge_frame(good(), None, {})
    assert quality.problems == ("no_check",)
    assert "four corners" in quality.advice
