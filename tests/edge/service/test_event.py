"""The state in words that tell somebody who has read nothing what to do."""

from collections.abc import Callable
from dataclasses import replace

from edge.service.event import words_of
from edge.service.record import Record

Make = Callable[..., Record]


def test_an_accepted_check_may_be_taken_away(make_record: Make) -> None:
    assert words_of("done", None, [make_record()], ()) == ("Accepted: 1,234.56 USD", "Take the check away.")


def test_a_check_that_nobody_has_to_wait_for_is_left_for_review(make_record: Make) -> None:
    words, advice = words_of("done", None, [make_record(status="unsure")], ())
    assert words == "Unsure: 1,234.56 USD"
    assert "Review" in advice
    words, advice = words_of("done", None, [make_record(is_drawn=True)], ())
    assert words == "Accepted: 1,234.56 USD"
    assert "spot check" in advice.lower()


def test_where_no_amount_was_read_that_is_said_and_no_currency_of_nothing(make_record: Make) -> None:
    record = make_record(status="unsure")
    for amount in (None, {**(record.fields["amount"] or {}), "text": None}):
        blank = replace(record, check={**record.check, "fields": {**record.fields, "amount": amount}})
        words, advice = words_of("done", None, [blank], ())
        assert words == "No amount could be read"
        assert "Review" in advice


def test_a_fault_is_a_sentence() -> None:
    assert words_of("absent", "the camera is gone; look at its cable", [], ())[1] == "The camera is gone; look at its cable."
