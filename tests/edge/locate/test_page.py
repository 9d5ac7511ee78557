"""Pages in frames: generated desks with known corners, scans, frames without a check."""

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.datatypes import Frame, PageMap
from edge.locate.page import PAGE_WIDTH_PX, find_pages, rectify
from train.data.checks import draw_check
from train.data.frames import DrawnFrame
from train.pages import page_target

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
LABELS = [json.loads(line) for line in (SAMPLES / "labels.jsonl").read_text(encoding="utf-8").splitlines()]


@cache
def frame_of(file: str) -> Frame:
    return Frame(np.asarray(cv2.imread(str(SAMPLES / file)), np.uint8))


ON_DESK = [label for label in LABELS if label["kind"] != "scan"]


@pytest.mark.parametrize("label", ON_DESK, ids=[label["file"] for label in ON_DESK])
def test_a_check_on_a_desk_is_found_with_its_corners_from_its_own_top_left(label: dict[str, object]) -> None:
    frame = frame_of(str(label["file"]))
    pages = find_pages(frame)
    assert len(pages) == 1
    assert np.hypot(*(pages[0].corners - np.array(label["corners"])).T).max() < 0.01 * frame.size[0]
    assert pages[0].pixels.shape[1] == PAGE_WIDTH_PX
    assert 0.45 < pages[0].confidence <= 1


def test_points_of_the_page_lead_back_into_the_frame() -> None:
    page = find_pages(frame_of(LABELS[0]["file"]))[0]
    height, width = page.pixels.shape[:2]
    flat = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    assert np.allclose(cv2.perspectiveTransform(flat, page.page_to_frame)[0], page.corners, atol=0.01)


def test_a_scan_is_a_page_from_edge_to_edge() -> None:
    flat = rectify(frame_of(LABELS[0]["file"]), np.array(LABELS[0]["corners"]))
    scan = Frame(flat.pixels)
    (page,) = find_pages(scan)
    assert np.allclose(page.corners, [[0, 0], [scan.size[0], 0], list(scan.size), [0, scan.size[1]]])


def test_a_scan_lying_on_its_side_is_turned_upright() -> None:
    flat = rectify(frame_of(LABELS[0]["file"]), np.array(LABELS[0]["corners"]))
    (page,) = find_pages(Frame(np.ascontiguousarray(np.rot90(flat.pixels))))
    difference = np.abs(page.pixels.astype(int) - cv2.resize(flat.pixels, page.pixels.shape[1::-1]).astype(int))
    assert difference.mean() < 8


def test_the_larger_of_two_checks_comes_first() -> None:
    one, other = (rectify(frame_of(LABELS[i]["file"]), np.array(LABELS[i]["corners"])).pixels for i in (0, 3))
    desk = np.full((1400, 1500, 3), (40, 60, 70), np.uint8)
    one = cv2.resize(one, (900, round(900 * one.shape[0] / one.shape[1])), interpolation=cv2.INTER_AREA)
    desk[80 : 80 + one.shape[0], 100:1000] = one
    desk[700 : 700 + other.shape[0], 120:1400] = other
    pages = find_pages(Frame(desk))
    assert [round(float(page.corners[0, 1]), -2) for page in pages] == [700, 100]


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_plain_frame_has_no_check(level: int) -> None:
    assert find_pages(Frame(np.full((480, 640, 3), level, np.uint8))) == ()


def test_a_sheet_of_text_without_micr_line_is_no_check() -> None:
    desk = np.full((900, 1200, 3), 60, np.uint8)
    desk[200:700, 100:1100] = 235
    for row in range(7):
        cv2.putText(desk, "a letter, not a check, with words", (130, 270 + 60 * row), cv2.FONT_HERSHEY_DUPLEX, 1.4, (20.0, 20.0, 20.0), 2)
    assert find_pages(Frame(desk)) == ()


def test_a_frame_of_one_pixel_has_no_check() -> None:
    assert find_pages(Frame(np.zeros((1, 1, 3), np.uint8))) == ()


def test_a_frame_20000_pixels_wide_has_no_check_and_no_error() -> None:
    assert find_pages(Frame(np.full((40, 20_000, 3), 200, np.uint8))) == ()


@pytest.mark.parametrize("top", [0.25, 0.4])
def test_a_scan_is_the_whole_frame_although_the_network_sees_the_edge_at_a_printed_line(top: float) -> None:
    pixels = draw_check(np.random.default_rng(8)).pixels
    frame = Frame(pixels)
    width, height = frame.size
    whole = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    below_a_line = np.array([[0, top * height], [0.7 * width, top * height], [0.7 * width, height], [0, height]])
    (page,) = find_pages(frame, PageMap(page_target(DrawnFrame(pixels, (below_a_line,), "scan"))))
    assert np.abs(page.corners - whole).max() < 0.02 * width


@pytest.mark.parametrize("is_framed", [True, False])
def test_a_sheet_that_fills_the_frame_is_no_check_however_sure_the_network_is(is_framed: bool) -> None:
    """Without an edge of paper there has to be something like a MICR line; with edges the network is believed."""
    pixels = np.full((600, 1300, 3), 235, np.uint8)
    for row in range(7):
        cv2.putText(pixels, "a list of names, and no check", (60, 80 + 80 * row), cv2.FONT_HERSHEY_DUPLEX, 2, (90.0, 40.0, 30.0), 2)
    margin = 0 if is_framed else 150
    pixels = cv2.copyMakeBorder(pixels, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=(60, 50, 40))
    corners = np.array([[0, 0], [1300, 0], [1300, 600], [0, 600]], np.float64) + margin
    found = find_pages(Frame(pixels), PageMap(page_target(DrawnFrame(pixels, (corners,), "scan"))))
    assert len(found) == (0 if is_framed else 1)
