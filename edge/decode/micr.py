"""Lattice to a MICR line in E-13B, parsed by its symbols, never by position (ANSI X9.100-160; IS 11012 for India).

A transit, B amount, C on-us, D dash.
"""

import re
from collections.abc import Sequence
from typing import Any

from edge.datatypes import Lattice
from edge.decode.accept import Decoded, Meaning, Thresholds, decode

_ABSENT: dict[str, Any] = {"routing": None, "account": None, "check_number": None, "amount": None, "checksum_ok": None}
_INDIAN = re.compile(r"C(?P<serial>\d{6})C(?P<routing>\d{9})A(?:(?P<account>\d{6})C)?")
_ROUTING = re.compile(r"A(?P<routing>\d{9}|\d{5}D\d{3})A")
_AMOUNT = re.compile(r"B(\d{10})B")
_AUXILIARY = re.compile(r"^C(\d+)C")
_ON_US = re.compile(r"(?P<account>[\dD]+)C(?P<serial>\d+)?")
_WEIGHTS = (3, 7, 1) * 3


def read_micr(lattice: Lattice, thresholds: Thresholds, also: Sequence[Lattice] = ()) -> Decoded:
    """Return the MICR line of a strip; values routing, account, check_number, amount, checksum_ok, None where the line has none."""
    return decode(lattice, lambda text: Meaning(text, text, parse_micr(text)), thresholds, _ABSENT, also)


def parse_micr(text: str) -> dict[str, Any]:
    """Return the parts of a line; a line may be cut at either end."""
    parts = dict(_ABSENT)
    amount = _AMOUNT.search(text)
    if amount:
        parts["amount"] = int(amount[1])
        text = text[: amount.start()] + text[amount.end() :]
    indian = _INDIAN.search(text)
    if indian:
        return parts | {"routing": indian["routing"], "account": indian["account"], "check_number": indian["serial"]}
    routing = _ROUTING.search(text)
    if not routing:
        return parts
    digits = routing["routing"]
    parts["routing"] = digits
    # The dash of a Canadian transit number: five digits of branch, three of institution, no check digit.
    parts["checksum_ok"] = is_routing_number(digits) if digits.isdigit() else None
    auxiliary = _AUXILIARY.match(text)
    on_us = _ON_US.search(text[routing.end() :])
    if on_us:
        parts["account"], parts["check_number"] = on_us["account"], on_us["serial"]
    if auxiliary:
        parts["check_number"] = auxiliary[1]
    return parts


def is_routing_number(digits: str) -> bool:
    """Return whether nine digits, not all zero, weighted 3, 7, 1 sum to a multiple of ten (ABA routing number)."""
    return len(digits) == 9 and digits.strip("0") != "" and sum(int(d) * w for d, w in zip(digits, _WEIGHTS, strict=True)) % 10 == 0
