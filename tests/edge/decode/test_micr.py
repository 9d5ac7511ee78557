from collections.abc import Callable

import pytest

from edge.datatypes import Lattice
from edge.decode.accept import Thresholds
from edge.decode.micr import is_routing_number, parse_micr, read_micr


def test_a_personal_check() -> None:
    parts = parse_micr("A031901835A002131252C1521B0000002500B")
    assert parts == {"routing": "031901835", "account": "002131252", "check_number": "1521", "amount": 2500, "checksum_ok": False} | {
        "checksum_ok": is_routing_number("031901835")
    }


def test_a_business_check_has_its_number_in_front() -> None:
    assert parse_micr("C001234CA011300142A12345678C")["check_number"] == "001234"


def test_a_canadian_transit_number_has_a_dash_and_no_check_digit() -> None:
    parts = parse_micr("C090463CA00114D003A0034523167C")
    assert (parts["routing"], parts["checksum_ok"]) == ("00114D003", None)


def test_an_indian_line() -> None:
    parts = parse_micr("C083656C500025033A290062C31")
    assert (parts["check_number"], parts["routing"], parts["account"]) == ("083656", "500025033", "290062")


@pytest.mark.parametrize("text", ["", "123", "A12345", "CC", "BB"])
def test_a_cut_line_has_absent_parts_not_guesses(text: str) -> None:
    assert set(parse_micr(text).values()) == {None}


@pytest.mark.parametrize(("digits", "is_one"), [("011300142", True), ("122000661", True), ("123456789", False), ("01130014", False)])
def test_the_checksum_of_routing_numbers(digits: str, is_one: bool) -> None:
    assert is_routing_number(digits) is is_one


def test_a_line_is_read_with_its_symbols(micr_saying: Callable[..., Lattice]) -> None:
    decoded = read_micr(micr_saying("A011300142A123C"), Thresholds(1.0, 0.5))
    assert decoded.text == "A011300142A123C"
    assert decoded.values["checksum_ok"] is True
