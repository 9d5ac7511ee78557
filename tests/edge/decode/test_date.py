import datetime
from collections.abc import Callable

import numpy as np
import pytest

from edge.datatypes import Lattice
from edge.decode.accept import Thresholds
from edge.decode.date import parse_date, read_date

ANY = Thresholds(1.0, 0.5)


@pytest.mark.parametrize(
    ("text", "order", "iso"),
    [
        ("11/14/2019", "month_first", "2019-11-14"), ("5-5-2015", "month_first", "2015-05-05"), ("3/4/21", "day_first", "2021-04-03"),
        ("11032016", "day_first", "2016-03-11"), ("2019-11-15", "month_first", "2019-11-15"), ("25.12.2020", "month_first", "2020-12-25"),
        ("*.04/08/2018-", "month_first", "2018-04-08"), ("20210823", "day_first", "2021-08-23"), ("20102018", "day_first", "2018-10-20"),
    ],
)  # fmt: skip
def test_dates_in_figures(text: str, order: str, iso: str) -> None:
    found = parse_date(text, order)  # type: ignore[arg-type]
    assert isinstance(found, datetime.date)
    assert found.isoformat() == iso


@pytest.mark.parametrize(("text", "is_empty"), [("date", True), ("0ate1", True), ("11", True), ("may", False), ("13/13/2013", False)])
def test_the_word_of_the_form_alone_is_an_empty_field(saying: Callable[..., Lattice], text: str, is_empty: bool) -> None:
    symbols = ("0", "1", "2", "3", "/", *"adetmy", "")
    decoded = read_date(saying(text, symbols=symbols), ANY)
    assert (decoded.text, decoded.verdict) == (None, "unreadable")
    assert (decoded.reason == "empty") == is_empty


@pytest.mark.parametrize("text", ["2/31/2020", "13/13/2013", "0/4/2020", "12/4", "1/2/345", "1234567"])
def test_a_date_that_cannot_exist_is_not_corrected(text: str) -> None:
    assert isinstance(parse_date(text, "month_first"), str)


def test_an_impossible_date_is_unreadable_with_the_rule(saying: Callable[..., Lattice]) -> None:
    decoded = read_date(saying("2/30/2020"), ANY)
    assert decoded.verdict == "unreadable"
    assert "no day 30" in (decoded.reason or "")


def test_today_weighs_between_equals_but_does_not_decide_alone(saying: Callable[..., Lattice]) -> None:
    today = datetime.date(2024, 6, 1)
    even = saying("5/5/2004", rival=(6, "2", 0.5))
    clear = saying("5/5/2004", rival=(6, "2", 0.05))
    assert read_date(even, ANY, today=today).values["iso"] == "2024-05-05"
    assert read_date(clear, ANY, today=today).values["iso"] == "2004-05-05"


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("may2,2019", "2019-05-02"), ("may22019", "2019-05-02"), ("dec3119", "2019-12-31"), ("sept.5th,2019", "2019-09-05"),
        ("2demayode2019", "2019-05-02"), ("31december2020", "2020-12-31"), ("2-may-19", "2019-05-02"), ("datejan1,2020", "2020-01-01"),
    ],
)  # fmt: skip
def test_dates_with_the_name_of_a_month(text: str, iso: str) -> None:
    found = parse_date(text, "month_first")
    assert isinstance(found, datetime.date)
    assert found.isoformat() == iso


@pytest.mark.parametrize("text", ["may2019", "ma2,2019", "feb30,2020", "mayonnaise2,2019", "ju5,2020"])
def test_a_name_that_is_no_month_and_a_day_that_is_missing_are_not_guessed(text: str) -> None:
    assert isinstance(parse_date(text, "month_first"), str)


def test_the_beginning_of_a_month_is_no_empty_field(saying: Callable[..., Lattice]) -> None:
    decoded = read_date(saying("julny4", symbols=(*"0124jnuly", "")), ANY)
    assert (decoded.text, decoded.verdict) == (None, "unreadable")
    assert decoded.reason != "empty"


def test_a_field_of_which_little_is_clear_is_not_called_empty() -> None:
    symbols = (*"0123456789date", "")
    for nothing, is_empty in ((0.85, False), (0.999, True)):  # of each of 30 columns
        seen = np.full((30, len(symbols)), np.log((1 - nothing) / (len(symbols) - 1)), np.float32)
        seen[:, -1] = np.log(nothing)
        decoded = read_date(Lattice(seen, symbols, 8.0, None), ANY)
        assert (decoded.text, decoded.verdict) == (None, "unreadable")
        assert (decoded.reason == "empty") == is_empty
