"""What makes a frame hard to read: each fault is named, a good frame has none."""

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from edge.datatypes import Frame
from edge.locate.page import rectify
from edge.locate.quality import judge_frame

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
LABELS = [json.loads(line) for line in (SAMPLES / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
CORNERS = np.array(LABELS[0]["corners"])


@cache
def good() -> Frame:
    return Frame(np.asarray(cv2.imread(str(SAMPLES / LABELS[0]["file"])), np.uint8))


def problems_of(pixels: np.ndarray, corners: np.ndarray = CORNERS) -> tuple[str, ...]:
    frame = Frame(np.asarray(pixels, np.uint8))
    quality = judge_frame(frame, rectify(frame, corners))
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


def test_a_mirrored_lamp_is_glare() -> None:
    pixels = (good().pixels * 0.8).astype(np.uint8)
    middle = CORNERS.mean(axis=0).round().astype(int)
    cv2.circle(pixels, (int(middle[0]), int(middle[1])), 120, (255.0, 255.0, 255.0), -1)
    assert "glare" in problems_of(pixels)


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
    quality = judge_frame(good(), None)
    assert quality.problems == ("no_check",)
    assert "four corners" in quality.advice
