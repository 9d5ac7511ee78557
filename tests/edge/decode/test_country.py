"""Whose check it is: by the form of the MICR line, else by how the amount is written, else by default."""

import pytest

from edge.decode.country import country_of


@pytest.mark.parametrize(
    ("line", "currency", "layout"),
    [
        ("A021000021A123456789C1025", "USD", "us_personal"),
        ("C001025CA021000021A123456789C", "USD", "us_business"),
        ("C123456C110002045A000123C31", "INR", "india_cts"),
        ("C000123C12D3456A12345678C", "GBP", "britain"),
        ("C012CA12345D678A123D456D7C", "CAD", "canada"),
    ],
)
def test_the_form_of_the_line_tells_the_country(line: str, currency: str, layout: str) -> None:
    found = country_of("auto", line)
    assert (found.currency, found.layout, found.decided_by) == (currency, layout, "micr")
    assert found.why


def test_a_routing_number_with_a_wrong_check_digit_tells_nothing() -> None:
    assert country_of("auto", "A021000022A123456789C1025").decided_by == "default"


def test_an_option_decides_against_the_line() -> None:
    found = country_of("eur", "A021000021A123456789C1025")
    assert (found.currency, found.decided_by, found.layout) == ("EUR", "option", "us_personal")


@pytest.mark.parametrize(
    ("amount", "currency"), [("1,25,000", "INR"), ("5,000/-", "INR"), ("1,234.56", "USD"), ("12,345", "USD"), ("", "USD")]
)
def test_without_a_line_the_amount_may_tell(amount: str, currency: str) -> None:
    assert country_of("auto", None, amount).currency == currency
