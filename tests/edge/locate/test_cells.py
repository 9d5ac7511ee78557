"""Rows of cells are found whole; with nothing but their printed letters they are empty, with figures in them they are not."""

import cv2
import numpy as np
import pytest

from edge.datatypes import U8
from edge.locate.cells import has_empty_cells, row_of_cells
from edge.locate.micr_line import ink_of_page


def cells(text: str = "", hints: str = "DDMMYYYY", n: int = 8) -> U8:
    """A row of cells 24 x 34 pixels, figures in their middle, hints small at their feet."""
    page = np.full((120, 340, 3), 230, np.uint8)
    for index in range(n):
        left = 60 + 24 * index
        cv2.rectangle(page, (left, 40), (left + 24, 74), (90.0, 60.0, 70.0), 1)
        if index < len(hints):
            cv2.putText(page, hints[index], (left + 8, 71), cv2.FONT_HERSHEY_SIMPLEX, 0.32, (120.0, 90.0, 90.0), 1, cv2.LINE_AA)
        if index < len(text):
            cv2.putText(page, text[index], (left + 4, 66), cv2.FONT_HERSHEY_SIMPLEX, 0.75, (60.0, 30.0, 20.0), 2, cv2.LINE_AA)
    return ink_of_page(page)[30:84, 50:270]


@pytest.mark.parametrize("hints", ["DDMMYYYY", ""])
def test_cells_without_writing_are_empty(hints: str) -> None:
    assert has_empty_cells(cells(hints=hints))


@pytest.mark.parametrize("text", ["11112011", "24072026", "31"])
def test_cells_with_figures_are_not(text: str) -> None:
    assert not has_empty_cells(cells(text))


def test_a_field_without_cells_has_no_empty_ones() -> None:
    assert not has_empty_cells(np.zeros((40, 200), np.uint8))
    assert not has_empty_cells(cells(n=2))
    assert not has_empty_cells(np.zeros((1, 1), np.uint8))


@pytest.mark.parametrize("text", ["", "11112011", "24072026"])
def test_a_row_of_cells_is_found_with_and_without_figures(text: str) -> None:
    row = row_of_cells(cells(text))
    assert row is not None
    # drawn at 60..252 x 40..74, of which 50 and 30 are cut off
    assert np.allclose(row, (10, 10, 193, 34), atol=3)


def test_a_side_too_faint_to_be_seen_does_not_matter() -> None:
    ink = cells("24072026")
    ink[:, 104:110] = 0
    row = row_of_cells(ink)
    assert row is not None
    assert np.allclose(row, (10, 10, 193, 34), atol=3)


def test_letters_and_few_cells_are_no_row() -> None:
    page = np.full((120, 340, 3), 230, np.uint8)
    cv2.putText(page, "Or Bearer 11/11/2011", (10, 70), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (40.0, 40.0, 40.0), 2, cv2.LINE_AA)
    assert row_of_cells(ink_of_page(page)[30:84, 5:330]) is None
    assert row_of_cells(cells(n=4)) is None
    assert row_of_cells(np.zeros((1, 1), np.uint8)) is None


def test_figures_on_a_line_are_no_cells() -> None:
    page = np.full((120, 340, 3), 230, np.uint8)
    cv2.putText(page, "11/11/2011", (60, 70), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (90.0, 60.0, 70.0), 2, cv2.LINE_AA)
    cv2.line(page, (50, 75), (300, 75), (90.0, 60.0, 70.0), 1)
    for x in range(60, 270, 30):  # strokes of print above, as high as the figures
        cv2.line(page, (x, 10), (x, 38), (90.0, 60.0, 70.0), 2)
    assert not has_empty_cells(ink_of_page(page)[5:84, 50:290])
