"""Searches in the words of a form."""

import datetime
from typing import Any

import pytest

from edge.errors import UsageError
from edge.service.asked import is_narrowed, query_of
from edge.service.record import Query


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {}),
        ({"amount": "1,234.56"}, {"least_minor_units": 123456, "most_minor_units": 123456}),
        ({"amount": " 100 - 200.5 0"}, {"least_minor_units": 10000, "most_minor_units": 20050}),
        ({"amount": "100–"}, {"least_minor_units": 10000}),
        ({"amount": "-100"}, {"most_minor_units": 10000}),
        ({"amount": "0-5"}, {"least_minor_units": 0, "most_minor_units": 500}),
        ({"from": "2026-01-31", "to": "2026-02-01"}, {"first_day": datetime.date(2026, 1, 31), "last_day": datetime.date(2026, 2, 1)}),
        ({"status": "due"}, {"is_review_due": True}),
        ({"status": "corrected"}, {"statuses": ("corrected",)}),
        ({"text": "1042"}, {"text": "1042"}),
    ],
)
def test_a_form_becomes_a_search(asked: dict[str, str], expected: dict[str, Any]) -> None:
    query = query_of(asked, "USD")
    assert query == Query(**expected)
    assert is_narrowed(query) is bool(asked)


def test_an_amount_is_meant_in_the_sites_currency() -> None:
    assert query_of({"amount": "1,234"}, "JPY").least_minor_units == 1234


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"amount": "abc"}, "is no amount"),
        ({"amount": "1-2-3"}, "no range"),
        ({"from": "31.1.2026"}, "is no day; write it like"),
        ({"to": "2026-02-30"}, "is no day"),
        ({"status": "gone"}, "no status is called 'gone'; there are accepted"),
    ],
)
def test_what_makes_no_sense_is_refused_with_an_example(asked: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        query_of(asked, "USD")
