"""Sides of a printed box are painted over; a one between two rules, and a page without boxes, stay as they are."""

import cv2
import numpy as np
import pytest

from edge.datatypes import U8, Box
from edge.locate.box_sides import without_box_sides
from edge.locate.micr_line import ink_of_page

_FIELD: Box = (60.0, 50.0, 240.0, 60.0)


def page_with_amount() -> U8:
    page = np.full((160, 400, 3), 235, np.uint8)
    cv2.putText(page, "1,010.52", (110, 92), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (120, 40, 30), 2, cv2.LINE_AA)
    return page


@pytest.mark.parametrize("grey", [90, 175])
def test_the_left_side_of_a_box_is_gone_and_the_figures_are_not(grey: int) -> None:
    page = page_with_amount()
    cv2.rectangle(page, (92, 58), (330, 104), (grey, grey, grey), 2)
    found = without_box_sides(page, ink_of_page(page), _FIELD)
    middle = found[20:40, 28:36]  # between top and foot of the box
    assert middle.min() > 225
    assert np.array_equal(found[20:40, 48:], page[70:90, 108:300])


def test_a_one_between_two_rules_stays() -> None:
    page = page_with_amount()
    for y in (58, 104):
        cv2.line(page, (40, y), (360, y), (60, 60, 60), 2)
    cv2.line(page, (100, 58), (100, 104), (60, 60, 60), 3)
    found = without_box_sides(page, ink_of_page(page), _FIELD)
    assert np.array_equal(found, page[50:110, 60:300])


def test_without_a_box_nothing_changes() -> None:
    page = page_with_amount()
    assert np.array_equal(without_box_sides(page, ink_of_page(page), _FIELD), page[50:110, 60:300])


def test_figures_that_touch_are_no_box() -> None:
    page = np.full((160, 400, 3), 235, np.uint8)
    for x in (180, 210):  # upright strokes with level lines at both ends, as of two narrow zeros in print
        cv2.rectangle(page, (x, 62), (x + 28, 98), (60, 60, 60), 4)
    found = without_box_sides(page, ink_of_page(page), _FIELD)
    assert np.array_equal(found, page[50:110, 60:300])


def test_a_one_that_reaches_from_top_to_foot_close_to_a_side_stays() -> None:
    page = page_with_amount()
    cv2.rectangle(page, (82, 58), (330, 104), (90, 90, 90), 2)
    cv2.line(page, (98, 60), (98, 102), (120, 40, 30), 3)
    found = without_box_sides(page, ink_of_page(page), _FIELD)
    assert found[20:40, 22:24].min() > 225
    assert np.array_equal(found[10:40, 36:42], page[60:90, 96:102])
