from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.datatypes import Lattice
from edge.decode.accept import Thresholds
from edge.decode.amount import format_amount, parse_amount, read_amount
from edge.decode.currency import CURRENCIES, currency_of
from edge.errors import UsageError

USD, INR, CLP = (currency_of(code) for code in ("USD", "INR", "CLP"))


@pytest.mark.parametrize(
    ("text", "minor_units"),
    [
        ("1,234.56", 123456), ("1.234,56", 123456), ("1234.56", 123456), ("**1,234.56**", 123456), ("$1,234.56", 123456),
        ("$12345/100", 12345), ("12345/", 12345), ("123.45/100", 12345), ("123-45/100", 12345), ("5,000/-", 500000), ("5,000-", 500000),
        ("5,000.-", 500000), ("500.00-", 50000), ("12,34,567.00", 123456700), ("27.375", 2737500), ("27.375.", 2737500), ("500", 50000),
        (".50", 50), ("45/100", 45), ("150,00,000/-", 1500000000),
        ("1,125.37-", 112537), ("2,81,295/", 28129500), ("00/100$443,816.00", 44381600), ("7****7,766.87", 776687), ("12.50***", 1250),
    ],
)  # fmt: skip
def test_the_forms_in_which_people_write_amounts(text: str, minor_units: int) -> None:
    assert parse_amount(text, USD) == minor_units


@pytest.mark.parametrize("text", ["1.2.3", "1234.5", "1-2", "$", "1234567890123", "12/34", ".", "1,23,45"])
def test_what_is_no_amount_breaks_a_rule_in_words(text: str) -> None:
    assert isinstance(parse_amount(text, USD), str)


def test_a_currency_without_cents_has_no_two_digits_after_a_point() -> None:
    assert parse_amount("1.234", CLP) == 1234
    assert isinstance(parse_amount("12.34", CLP), str)


@given(st.integers(1, 10**11), st.sampled_from(sorted(CURRENCIES)))
def test_what_is_written_canonically_is_read_back(minor_units: int, code: str) -> None:
    currency = currency_of(code)
    assert parse_amount(format_amount(minor_units, currency), currency) == minor_units


def test_a_reading_carries_canonical_text_and_minor_units(saying: Callable[..., Lattice]) -> None:
    decoded = read_amount(saying("1,50,000/-"), Thresholds(1.0, 0.5), "INR")
    assert decoded.text == "150,000.00"
    assert decoded.values == {"minor_units": 15000000, "currency": "INR"}
    assert "".join(s.symbol for s in decoded.symbols) == "1,50,000/-"


def test_a_dash_before_the_number_may_be_a_minus_and_is_not_accepted(saying: Callable[..., Lattice]) -> None:
    decoded = read_amount(saying("-500.00"), Thresholds(1.0, 0.5), "USD")
    assert decoded.verdict == "unsure"
    assert "minus" in (decoded.reason or "")


@pytest.mark.parametrize(
    ("text", "word"), [("1,125.37-", "dash"), ("21/100$443,816.00", "before the sign"), ("7***1709.00", "before the sign")]
)
def test_a_dash_after_cents_and_figures_before_the_sign_are_read_past_and_doubted(
    saying: Callable[..., Lattice], text: str, word: str
) -> None:
    decoded = read_amount(saying(text), Thresholds(1.0, 0.05), "USD")
    assert (decoded.text, decoded.verdict) == (format_amount(int(parse_amount(text, USD)), USD), "unsure")
    assert word in (decoded.reason or "")


def test_stars_around_an_amount_are_no_doubt(saying: Callable[..., Lattice]) -> None:
    assert read_amount(saying("$**1,234.56**"), Thresholds(1.0, 0.5), "USD").verdict == "accepted"


def test_an_unknown_currency_is_refused_with_those_that_exist(saying: Callable[..., Lattice]) -> None:
    with pytest.raises(UsageError, match="USD"):
        read_amount(saying("1"), Thresholds(1.0, 0.5), "DOUBLOON")


@pytest.mark.parametrize("text", ["0", "0.00", "00,00,000", "000.50", "0,500.00"])
def test_an_amount_of_nothing_and_leading_zeros_are_not_read(text: str) -> None:
    assert isinstance(parse_amount(text, currency_of("USD")), str)
