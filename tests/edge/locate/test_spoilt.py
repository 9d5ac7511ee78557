"""Figures that something covers, that another pen changed, that a stroke goes through or that are cut are told from clean ones."""

import cv2
import numpy as np
import pytest

from edge.datatypes import U8, Box
from edge.locate.micr_line import ink_of_page
from edge.locate.spoilt import has_cover, has_two_inks, is_crossed_out, is_cut, is_torn, odd_digit

DIGITS = "82945"
BOXES: list[Box] = [(20.0 + 40 * index, 15.0, 30.0, 40.0) for index in range(len(DIGITS))]


def field(broad: int | None = None, colour: tuple[float, float, float] = (60.0, 40.0, 30.0), pen: int = 3) -> U8:
    """Digits on tinted paper, 240 x 70 pixels; the one counted ``broad`` is written with another pen."""
    picture = np.full((70, 240, 3), (215, 225, 220), np.uint8)
    for index, digit in enumerate(DIGITS):
        is_other = index == broad
        ink, thick = (colour, 9 if colour == (60.0, 40.0, 30.0) else pen) if is_other else ((60.0, 40.0, 30.0), 3)
        cv2.putText(picture, digit, (22 + 40 * index, 53), cv2.FONT_HERSHEY_SIMPLEX, 1.6, ink, thick, cv2.LINE_AA)
    return picture


def test_clean_figures_are_not_doubted() -> None:
    picture = field()
    assert not has_cover(picture, (0.0, 0.0, 240.0, 70.0))
    assert odd_digit(picture, BOXES) is None
    assert not is_crossed_out(picture, BOXES)


@pytest.mark.parametrize("left", [0, 90, 205])
@pytest.mark.parametrize("colour", [(30.0, 30.0, 120.0), (20.0, 20.0, 20.0), (250.0, 180.0, 90.0)])
def test_a_patch_on_the_figures_or_beside_them_is_told(left: int, colour: tuple[float, float, float]) -> None:
    picture = field()
    cv2.rectangle(picture, (left, 0), (left + 35, 69), colour, -1)
    assert has_cover(picture, (20.0, 5.0, 200.0, 60.0))


def test_a_patch_far_away_is_nobodys_concern() -> None:
    picture = np.hstack([field(), np.full((70, 200, 3), (215, 225, 220), np.uint8)])
    cv2.rectangle(picture, (380, 0), (430, 69), (20.0, 20.0, 20.0), -1)
    assert not has_cover(picture, (20.0, 5.0, 200.0, 60.0))


def test_a_much_broader_digit_is_told() -> None:
    assert odd_digit(field(broad=2), BOXES) == 2


def test_a_digit_in_another_colour_is_told() -> None:
    assert odd_digit(field(broad=3, colour=(200.0, 60.0, 40.0)), BOXES) == 3


def test_a_digit_of_a_nearer_colour_is_told_where_all_others_are_alike() -> None:
    assert odd_digit(field(broad=3, colour=(50.0, 70.0, 30.0)), BOXES) == 3
    assert odd_digit(field(broad=3, colour=(80.0, 70.0, 30.0)), BOXES) is None


def test_a_digit_a_little_broader_and_of_a_little_other_colour_is_told() -> None:
    assert odd_digit(field(broad=3, colour=(38.0, 37.0, 41.0), pen=5), BOXES) == 3
    assert odd_digit(field(broad=3, colour=(60.0, 40.0, 31.0), pen=5), BOXES) is None
    assert odd_digit(field(broad=3, colour=(38.0, 37.0, 41.0), pen=3), BOXES) is None


def test_a_digit_that_only_shows_through_is_told() -> None:
    assert odd_digit(field(broad=1, colour=(168.0, 170.0, 163.0)), BOXES) == 1


def test_two_digits_do_not_say_which_one_is_odd() -> None:
    assert odd_digit(field(broad=1), BOXES[:2]) is None


@pytest.mark.parametrize("slope", [-8, 0, 8])
def test_a_stroke_through_the_figures_is_told(slope: int) -> None:
    picture = field()
    cv2.line(picture, (10, 36 - slope), (230, 36 + slope), (60.0, 40.0, 30.0), 3, cv2.LINE_AA)
    assert is_crossed_out(picture, BOXES)


def test_a_rule_below_the_figures_is_no_stroke_through_them() -> None:
    picture = field()
    cv2.line(picture, (10, 60), (230, 60), (60.0, 40.0, 30.0), 3, cv2.LINE_AA)
    assert not is_crossed_out(picture, BOXES)


def test_digits_of_which_most_were_written_over_are_told() -> None:
    picture = field()
    for left, colour in ((60, (30.0, 90.0, 130.0)), (100, (150.0, 40.0, 30.0)), (140, (30.0, 90.0, 130.0))):
        cv2.putText(picture, "7", (left + 2, 53), cv2.FONT_HERSHEY_SIMPLEX, 1.6, colour, 5, cv2.LINE_AA)
    assert has_two_inks(picture, BOXES)
    assert not has_two_inks(field(), BOXES)
    assert not has_two_inks(field(broad=3, colour=(30.0, 90.0, 130.0)), BOXES)


def test_two_broad_digits_of_three_are_told() -> None:
    picture = field()
    for left, digit in ((60, "2"), (100, "9")):
        cv2.putText(picture, digit, (left + 2, 53), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (60.0, 40.0, 30.0), 9, cv2.LINE_AA)
    assert odd_digit(picture, BOXES[:3]) in (1, 2)


def page_with_box(left: int) -> U8:
    """The digits, which begin at 120, in a box that ends at 360; its top and foot begin at ``left``, without a side."""
    page = page_around("")
    for y in (56, 116):
        cv2.line(page, (left, y), (360, y), (90, 60, 40), 2)
    cv2.line(page, (360, 56), (360, 116), (90, 60, 40), 2)
    return page


def test_a_box_that_is_torn_beside_its_figures_is_told() -> None:
    box: Box = (100.0, 50.0, 240.0, 70.0)
    assert is_torn(ink_of_page(page_with_box(105)), box, BOXES)
    assert is_torn(ink_of_page(np.ascontiguousarray(page_with_box(105)[:, ::-1])), box, [(240 - x - w, y, w, h) for x, y, w, h in BOXES])
    assert not is_torn(ink_of_page(page_with_box(20)), box, BOXES)
    whole = page_with_box(105)
    cv2.line(whole, (105, 56), (105, 116), (90, 60, 40), 2)
    assert not is_torn(ink_of_page(whole), box, BOXES)
    assert not is_torn(ink_of_page(page_around("")), box, BOXES)


def page_around(text: str) -> U8:
    """The digits in the middle of a page of 440 x 170 pixels, with a text that begins 60 pixels before them."""
    page = np.full((170, 440, 3), (215, 225, 220), np.uint8)
    page[50:120, 100:340] = field()
    cv2.putText(page, text, (82, 103), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (60.0, 40.0, 30.0), 3, cv2.LINE_AA)
    return page


def test_a_figure_that_the_field_cuts_is_told() -> None:
    page = page_around("7")
    assert is_cut(ink_of_page(page), (100.0, 50.0, 240.0, 70.0), BOXES)
    assert not is_cut(ink_of_page(page), (70.0, 50.0, 270.0, 70.0), [(x + 30, *rest) for x, *rest in BOXES])
    assert not is_cut(ink_of_page(page_around("")), (100.0, 50.0, 240.0, 70.0), BOXES)


def test_a_figure_that_the_right_end_cuts_is_told() -> None:
    page = page_around("")
    assert is_cut(ink_of_page(page), (100.0, 50.0, 195.0, 70.0), BOXES[:-1])


def test_what_stands_beside_a_field_does_not_cross_its_end() -> None:
    assert not is_cut(ink_of_page(page_around("7")), (113.0, 50.0, 227.0, 70.0), [(x - 13, *rest) for x, *rest in BOXES])


def test_the_frame_around_an_amount_cuts_no_figure() -> None:
    page = page_around("")
    cv2.rectangle(page, (95, 58), (345, 112), (60, 40, 30), 2)
    cv2.line(page, (0, 130), (430, 130), (60, 40, 30), 2)
    assert not is_cut(ink_of_page(page), (100.0, 50.0, 240.0, 70.0), BOXES)
    page = page_around("")
    cv2.rectangle(page, (100, 58), (345, 112), (60, 40, 30), 3)
    assert not is_cut(ink_of_page(page), (100.0, 50.0, 240.0, 70.0), BOXES)
    cv2.line(page, (99, 30), (99, 140), (60, 40, 30), 3)
    assert not is_cut(ink_of_page(page), (100.0, 50.0, 240.0, 70.0), BOXES)


def test_a_field_of_one_pixel_is_neither() -> None:
    tiny = np.full((1, 1, 3), 200, np.uint8)
    boxes: list[Box] = [(0.0, 0.0, 1.0, 1.0)] * 3
    assert not has_cover(tiny, (0.0, 0.0, 1.0, 1.0))
    assert odd_digit(tiny, boxes) is None
    assert not is_crossed_out(tiny, boxes)
    assert not is_cut(tiny[:, :, 0], (0.0, 0.0, 1.0, 1.0), boxes)
    assert not is_torn(tiny[:, :, 0], (0.0, 0.0, 1.0, 1.0), boxes)
    assert not has_two_inks(tiny, boxes)
