"""Drawings: large enough to read, in place, written whole or not at all."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.annotate import draw_checks, draw_strip
from edge.datatypes import CheckReading, Frame, Page, Quality, Reading, Symbol
from edge.drawing_files import free_name, prepare_folder, write_drawing
from edge.errors import OutputError

READING = Reading("12", "accepted", 0.99, None, (20, 10, 40, 20), (Symbol("1", (2, 2, 8, 16), 0.99), Symbol("2", (22, 2, 10, 16), 0.98)))


def is_green(drawing: np.ndarray) -> np.ndarray:
    blue, green, red = np.moveaxis(drawing.astype(int), 2, 0)
    return (green > 90) & (green - blue > 40) & (green - red > 60)


def test_a_field_is_outlined_where_it_lies_in_the_frame() -> None:
    frame = Frame(np.full((100, 200, 3), 255, np.uint8))
    corners = np.array([[50, 20], [150, 20], [150, 70], [50, 70]], np.float64)
    page_to_frame = np.array([[1, 0, 50], [0, 1, 20], [0, 0, 1]], np.float64)
    page = Page(np.zeros((50, 100, 3), np.uint8), np.zeros((50, 100), np.uint8), corners, page_to_frame, 0.9)
    check = CheckReading(0, frame.size, page, Quality(), {"amount": READING}, {})
    drawing = draw_checks(frame, [check])
    assert drawing.shape[1] == 800
    green = is_green(drawing[:400])
    # the box 20..60 x 10..30 on the page is 70..110 x 30..50 in the frame, four times as large in the drawing
    _, columns = np.nonzero(green)
    assert abs(columns.min() - 280) <= 4
    assert abs(columns.max() - 440) <= 4
    for row in (120, 200):
        assert green[row - 2 : row + 3, 290:430].any(axis=0).mean() > 0.85  # but for letters that cross it
    # its name stands on a tab above it
    assert green[100:116, 282:300].any()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_check_that_lies_turned_is_drawn_upright(turns: int) -> None:
    """The drawing of a turned picture is the drawing of the picture."""
    pixels = np.random.default_rng(3).integers(0, 255, (150, 300, 3)).astype(np.uint8)
    corners = np.array([[50, 20], [250, 25], [250, 120], [50, 120]], np.float64)
    flat = np.array([[0, 0], [200, 0], [200, 100], [0, 100]], np.float32)

    def drawn(pixels: np.ndarray, corners: np.ndarray) -> np.ndarray:
        page_to_frame = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
        page = Page(np.zeros((100, 200, 3), np.uint8), np.zeros((100, 200), np.uint8), corners, page_to_frame, 0.9)
        frame = Frame(np.ascontiguousarray(pixels))
        return draw_checks(frame, [CheckReading(0, frame.size, page, Quality(), {"amount": READING}, {})])

    turned, seen = pixels, corners
    for _ in range(turns):  # clockwise
        seen = np.column_stack([turned.shape[0] - seen[:, 1], seen[:, 0]])
        turned = np.rot90(turned, -1)
    upright, again = drawn(pixels, corners).astype(int), drawn(turned, seen).astype(int)
    assert upright.shape == again.shape
    assert abs(upright - again).mean() < 2


def test_a_small_strip_is_drawn_large_with_its_text_below() -> None:
    frame = Frame(np.full((30, 80, 3), 255, np.uint8))
    drawing = draw_strip(frame, "amount", READING)
    assert drawing.shape[1] >= 800
    assert drawing.shape[0] > 300
    assert is_green(drawing[300:]).any()


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (4000, 3000)])
def test_a_picture_of_any_size_is_drawn(size: tuple[int, int]) -> None:
    frame = Frame(np.zeros((size[1], size[0], 3), np.uint8))
    unread = Reading(None, "unreadable", 0.0, "no ink " * 40, None)
    nothing = CheckReading(0, size, None, Quality(("dark",), "more light"), {}, {})
    for drawing in (draw_strip(frame, "digits", unread), draw_checks(frame, [nothing])):
        assert 800 <= drawing.shape[1] <= 1600
        assert drawing.shape[0] < 5000


def test_pictures_of_one_name_get_two_drawings(tmp_path: Path) -> None:
    taken: set[Path] = set()
    names = [free_name(tmp_path, file, taken).name for file in ("a/check.jpg", "b/check.jpg", "b/check.png", os.fsdecode(b"\xff.png"))]
    assert names == ["check-read.jpg", "check-read-2.jpg", "check-read-3.jpg", os.fsdecode(b"\xff-read.jpg")]


def test_a_drawing_is_there_whole_and_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    prepare_folder(folder)
    path = folder / os.fsdecode(b"\xff-read.jpg")
    write_drawing(path, np.zeros((20, 30, 3), np.uint8))
    assert [os.fsencode(p.name) for p in folder.iterdir()] == [b"\xff-read.jpg"]
    assert cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR).shape == (20, 30, 3)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="choose a folder"):
        prepare_folder(tmp_path / "file" / "folder")


def test_a_folder_that_is_gone_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_drawing(tmp_path / "gone" / "a-read.jpg", np.zeros((20, 30, 3), np.uint8))
