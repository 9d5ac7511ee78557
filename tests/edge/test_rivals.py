"""Which of several readings to believe, and what on the rest of the page speaks against one."""

from dataclasses import replace

import numpy as np
import pytest

from edge.datatypes import FIELD_NAMES, Alternative, Box, CheckReading, FieldName, FieldRegion, Page, Quality, Reading, Symbol
from edge.rivals import (
    CMC7,
    MIRRORED,
    checked_cover,
    checked_digits,
    checked_edges,
    checked_figures,
    checked_number,
    checked_place,
    in_part,
    is_check,
    is_covered,
    is_legible,
    is_sure_in_mirror,
    most_likely,
    seen_in_part,
    without_sign,
)


def region(confidence: float) -> FieldRegion:
    return FieldRegion("amount", (0, 0, 1, 1), confidence)


def test_a_likely_place_outweighs_a_surer_reading_in_an_unlikely_one() -> None:
    here, there = Reading("82.58", "unsure", 0.7, "r", None), Reading("2,024.00", "accepted", 0.99, None, None)
    assert most_likely([(region(0.8), here), (region(0.1), there)]) is here
    assert most_likely([]) is None


def test_two_likely_places_that_disagree_make_the_reading_unsure() -> None:
    one, other = Reading("10.00", "accepted", 0.99, None, None), Reading("70.00", "accepted", 0.98, None, None)
    found = most_likely([(region(0.8), one), (region(0.7), other)])
    assert found is not None
    assert (found.text, found.verdict) == ("10.00", "unsure")
    assert "70.00" in (found.reason or "")
    assert most_likely([(region(0.8), one), (region(0.7), one)]) is one


def test_a_check_number_that_the_micr_line_denies_is_unsure() -> None:
    printed = Reading("50", "accepted", 1.0, None, None)
    line = Reading("A518872539A49044748408C5035", "accepted", 1.0, None, None, values={"check_number": "5035"})
    checked = checked_number(printed, line)
    assert checked is not None
    assert checked.verdict == "unsure"
    assert "5035" in (checked.reason or "")
    assert checked_number(printed, None) is printed


def page_at(left_px: float) -> Page:
    """A page of 1000 x 400 pixels that begins so far from the left border of a frame 1200 px wide."""
    corners = np.array([[left_px, 100], [left_px + 1000, 100], [left_px + 1000, 500], [left_px, 500]], np.float64)
    shift = np.array([[1, 0, left_px], [0, 1, 100], [0, 0, 1]], np.float64)
    return Page(np.zeros((400, 1000, 3), np.uint8), np.zeros((400, 1000), np.uint8), corners, shift, 1.0)


@pytest.mark.parametrize(
    ("box", "left_px", "verdict"),
    [
        ((700.0, 150.0, 200.0, 50.0), 100.0, "accepted"),
        ((795.0, 150.0, 200.0, 50.0), 100.0, "unsure"),  # no room for another digit before the edge of the check
        ((0.0, 350.0, 600.0, 30.0), 100.0, "unsure"),
        ((700.0, 0.0, 200.0, 50.0), 100.0, "unsure"),
        ((700.0, 150.0, 200.0, 50.0), 300.0, "unsure"),  # the frame ends before the check does
        ((50.0, 350.0, 600.0, 30.0), -60.0, "unsure"),
    ],
)
def test_a_field_that_may_go_on_beyond_the_edge_is_not_accepted(box: Box, left_px: float, verdict: str) -> None:
    checked = checked_edges(Reading("1,527.00", "accepted", 0.999, None, box), page_at(left_px), (1200, 800))
    assert checked is not None
    assert checked.verdict == verdict
    assert (checked.reason is None) == (verdict == "accepted")


def test_only_a_line_that_makes_no_sense_is_looked_for_in_the_mirror() -> None:
    good, poor = Reading("A518872539A", "accepted", 0.99, None, None), Reading("A518872539A", "unsure", 0.1, "r", None)
    assert (is_legible(good), is_legible(poor), is_legible(None)) == (True, False, False)
    assert not is_legible(Reading("00B", "unsure", 0.6, "r", None))
    assert (is_sure_in_mirror(good), is_sure_in_mirror(poor), is_sure_in_mirror(None)) == (True, False, False)


def test_a_box_is_covered_by_what_lies_on_most_of_it() -> None:
    box: Box = (10.0, 10.0, 20.0, 10.0)
    assert is_covered(box, [(0.0, 0.0, 5.0, 5.0), (12.0, 8.0, 30.0, 30.0)])
    assert not is_covered(box, [(25.0, 8.0, 30.0, 30.0)])


def accepted(text: str, box: Box = (100.0, 100.0, 200.0, 50.0)) -> Reading:
    boxes = [(10.0 + 30 * index, 5.0, 25.0, 40.0) for index in range(len(text))]
    minor_units = 54 if text == "54/100" else 10_000
    symbols = tuple(Symbol(s, b, 1.0) for s, b in zip(text, boxes, strict=True))
    return Reading(text, "accepted", 0.999, None, box, symbols, values={"minor_units": minor_units})


@pytest.mark.parametrize(
    ("text", "is_doubted"),
    [
        ("7124", True),
        ("124", True),
        ("24", True),
        ("$24", False),
        ("1-", True),
        ("6/-", True),
        ("54/100", True),
        ("3 54/100", False),
        ("54.00", False),
        ("91/-", False),
        ("7", True),
        ("$7", True),
    ],
)
def test_the_end_of_the_check_number_or_of_the_amount_in_words_is_no_sure_amount(text: str, is_doubted: bool) -> None:
    checked = checked_figures(accepted(text), [None, "007124"], has_date=True)
    assert checked is not None
    assert (checked.verdict == "unsure") == is_doubted == bool(checked.reason)


def test_an_amount_in_the_place_of_the_date_is_unsure_and_so_is_one_beside_a_likelier_place() -> None:
    amount = accepted("2,016.00")
    own = FieldRegion("amount", (100.0, 100.0, 200.0, 50.0), 0.6)
    date = FieldRegion("date", (0.0, 90.0, 250.0, 60.0), 0.4)
    likelier = FieldRegion("amount", (600.0, 100.0, 200.0, 50.0), 0.8)
    assert checked_place(amount, [own], "amount") is amount
    for regions, word in (([own, date], "date"), ([own, likelier], "likelier")):
        checked = checked_place(amount, regions, "amount")
        assert checked is not None
        assert checked.verdict == "unsure"
        assert word in (checked.reason or "")


def test_a_covered_amount_is_unsure() -> None:
    page = page_at(0.0)
    paper = np.full(page.pixels.shape, 220, np.uint8)
    assert checked_cover(accepted("123"), Page(paper, page.ink, page.corners, page.page_to_frame, 1.0)) == accepted("123")
    covered = paper.copy()
    covered[90:160, 280:340] = 30
    checked = checked_cover(accepted("123"), Page(covered, page.ink, page.corners, page.page_to_frame, 1.0))
    assert checked is not None
    assert "cover" in (checked.reason or "")


def test_a_currency_sign_read_as_a_digit_is_an_empty_amount() -> None:
    sign, digit = Symbol("$", (8.0, 0.0, 29.0, 30.0), 0.8), Symbol("7", (7.0, 1.0, 30.0, 30.0), 1.0)
    values = {"minor_units": 700, "currency": "USD"}
    blank = without_sign(Reading("7.00", "unsure", 0.87, "r", None, (digit, sign), values=values))
    assert blank is not None
    assert (blank.text, blank.verdict, blank.reason) == (None, "unreadable", "empty")
    assert blank.values == {"minor_units": None, "currency": "USD"}
    seven = Reading("7.00", "unsure", 0.87, "r", None, (sign, Symbol("7", (45.0, 1.0, 30.0, 30.0), 1.0)), values=values)
    assert without_sign(seven) is seven


@pytest.mark.parametrize(("text", "has_date", "word"), [
    ("2003", False, "year"), ("2003", True, "another number"), ("$2003", False, None), ("2,003.00", False, None),
    ("2103", False, "another number"),
])  # fmt: skip
def test_bare_figures_may_be_the_year_of_a_date_that_was_not_read_or_another_number(text: str, has_date: bool, word: str | None) -> None:
    checked = checked_figures(accepted(text), [], has_date)
    assert checked is not None
    assert checked.verdict == ("unsure" if word else "accepted")
    assert (word or "") in (checked.reason or "")


@pytest.mark.parametrize(
    ("said", "share", "is_doubted"),
    [("$32019", 0.03, True), ("$32019", 0.0005, False), ("32,019", 0.03, False), ("32019-", 0.003, True), ("32,019-", 0.003, False)],
)
def test_figures_without_a_mark_that_may_have_a_point_are_unsure(said: str, share: float, is_doubted: bool) -> None:
    amount = replace(accepted(said), text="32,019.00", alternatives=(Alternative("320.19", share), Alternative("32,018.00", 0.01)))
    checked = checked_figures(amount, [None], has_date=True)
    assert checked is not None
    assert (checked.verdict == "unsure") == is_doubted
    assert is_doubted == ("320.19" in (checked.reason or ""))


LEGIBLE = Reading("A123456780A12345C", "unsure", 0.8, None, None)
NONSENSE = Reading("B", "unsure", 0.9, None, None)


@pytest.mark.parametrize(("line", "is_seen", "wanted"), [
    (LEGIBLE, False, True), (NONSENSE, False, False), (None, False, False), (NONSENSE, True, True), (None, True, True),
    (Reading(None, "unreadable", 0.0, CMC7, None), False, True), (Reading(None, "unreadable", 0.0, MIRRORED, None), False, True),
    (Reading(None, "unreadable", 0.0, "empty", None), False, False),
])  # fmt: skip
def test_what_only_its_shape_suggests_is_a_check_if_its_line_reads_as_one(line: Reading | None, is_seen: bool, wanted: bool) -> None:
    nothing: dict[FieldName, Reading | None] = dict.fromkeys(FIELD_NAMES)
    seen = replace(page_at(0), is_seen=is_seen)
    assert is_check(CheckReading(0, (1000, 400), seen, Quality(), {**nothing, "micr": line}, {})) is wanted


def test_an_amount_with_one_digit_that_is_not_sure_is_not_accepted() -> None:
    box: Box = (0.0, 0.0, 10.0, 20.0)
    sure, weak = Symbol("1", box, 0.999), Symbol("7", box, 0.95)
    mark = Symbol("*", box, 0.5)
    accepted = Reading("11.00", "accepted", 0.96, None, None, (mark, sure, sure))
    assert checked_digits(accepted) is accepted
    doubted = checked_digits(replace(accepted, symbols=(mark, sure, weak)))
    assert doubted is not None
    assert (doubted.verdict, (doubted.reason or "")[:15]) == ("unsure", "digit 2 of 2, '")
    assert checked_digits(None) is None


def test_cents_whose_point_is_not_seen_are_doubted_where_they_stand_apart() -> None:
    def read(lefts: tuple[float, ...], end: str = "") -> Reading:
        digits = tuple(Symbol(str(i), (left, 0.0, 10.0, 20.0), 0.999) for i, left in enumerate(lefts, 1))
        closed = (Symbol(end, (90.0, 0.0, 5.0, 20.0), 0.999),) if end else ()
        return Reading("1,234.00", "accepted", 0.99, None, None, (Symbol("$", (-30.0, 0.0, 10.0, 20.0), 0.999), *digits, *closed))

    apart = (0.0, 12.0, 28.0, 40.0)
    assert "stand apart" in (getattr(checked_digits(read(apart)), "reason", None) or "")
    for whole in (read((0.0, 12.0, 24.0, 36.0)), read(apart, "-"), read((0.0, 16.0, 28.0, 40.0))):
        assert checked_digits(whole) is whole


def test_a_figure_that_stands_apart_makes_an_amount_unsure_but_in_a_fraction_does_not() -> None:
    def at(symbol: str, left: float) -> Symbol:
        return Symbol(symbol, (left, 0.0, 10.0, 20.0), 0.999)

    close = Reading("6,220.00", "accepted", 0.99, None, None, tuple(at(s, 12.0 * i) for i, s in enumerate("6220.00")))
    assert checked_digits(close) is close
    apart = replace(close, symbols=(at("6", -10.0), *close.symbols[1:]))
    assert "wide space" in (getattr(checked_digits(apart), "reason", None) or "")
    fraction = replace(apart, symbols=(*apart.symbols, at("/", 90.0)))
    assert checked_digits(fraction) is fraction


def test_cents_alone_may_be_what_is_left_of_an_amount() -> None:
    box: Box = (0.0, 0.0, 10.0, 20.0)
    cents = Reading("0.63", "accepted", 0.99, None, None, tuple(Symbol(s, box, 1.0) for s in "$.63"), values={"minor_units": 63})
    assert "before the point" in (getattr(checked_figures(cents, [], True), "reason", None) or "")


def test_what_is_read_from_a_part_of_a_place_counts_half_and_is_never_accepted() -> None:
    whole = FieldRegion("amount", (0, 0, 100, 20), 0.9, (20, 0, 80, 20))
    part = in_part(whole)
    assert part is not None
    assert (part.page_box, part.confidence, part.narrow_box) == ((20, 0, 80, 20), 0.45, None)
    assert in_part(part) is None
    doubtful = Reading("121.00", "unsure", 0.4, "r", None, values={"minor_units": 12100})
    narrow = Reading("21.00", "accepted", 0.7, None, None, values={"minor_units": 2100})
    assert most_likely([(whole, doubtful), (part, seen_in_part(narrow, doubtful))]) is doubtful
    found = most_likely([(whole, replace(doubtful, confidence=0.3)), (part, seen_in_part(narrow, doubtful))])
    assert found is not None
    assert (found.text, found.verdict) == ("21.00", "unsure")


def test_a_part_that_the_whole_goes_on_behind_was_cut_and_says_nothing() -> None:
    whole = Reading("125,000.00", "unsure", 0.13, "r", None, values={"minor_units": 12500000})
    cut = Reading("1,250.00", "accepted", 0.99, None, None, values={"minor_units": 125000})
    assert seen_in_part(cut, whole).text is None
    beside = Reading("25,000.00", "accepted", 0.99, None, None, values={"minor_units": 2500000})
    assert seen_in_part(beside, whole).text == "25,000.00"
    assert seen_in_part(replace(beside, confidence=0.01), whole).text is None
