"""Whose check it is, from what stands on it: the form of its MICR line, else how its amount is written."""

import re

from edge.datatypes import Country
from edge.decode.micr import is_routing_number

AUTO = "auto"
_DEFAULT = "USD"
# Forms of MICR lines: India (CTS-2010: serial, city-bank-branch code, account code, transaction code), the United Kingdom (serial,
# sort code, account), Canada (transit number with a dash), the United States (routing number with its check digit).
_INDIA = re.compile(r"C\d{6}C\d{9}A")
_BRITAIN = re.compile(r"C\d{6}C\d{2}D?\d{4}A\d{8}C")
_CANADA = re.compile(r"A\d{5}D\d{3}A")
_STATES = re.compile(r"A(\d{9})A")
_AUXILIARY = re.compile(r"^C\d+C")
_GROUPED_IN_PAIRS = re.compile(r"\d{1,2}(?:[.,]\d{2})+[.,]\d{3}(?!\d)")
_LAYOUTS = {"INR": "india_cts", "GBP": "britain", "CAD": "canada", "USD": "us_personal"}


def country_of(asked: str, line: str | None, amount: str | None = None) -> Country:
    """Return whose check it is.

    Args:
        asked: a currency code, which decides, or ``auto``.
        line: the MICR line's text, where it was read.
        amount: the symbols of the amount as they stand there.
    """
    found = _of_line(line or "") or _of_amount(amount or "")
    if asked != AUTO:
        return Country(asked.upper(), found.layout if found else "unknown", "option", "the currency was given")
    return found or Country(_DEFAULT, "unknown", "default", "neither the MICR line nor the amount tells the country")


def _of_line(line: str) -> Country | None:
    if _INDIA.search(line):
        return _country("INR", "micr", "the MICR line has a six-digit serial and a nine-digit MICR code")
    if _BRITAIN.search(line):
        return _country("GBP", "micr", "the MICR line has a sort code and an eight-digit account")
    if _CANADA.search(line):
        return _country("CAD", "micr", "the MICR line has a transit number with a dash")
    states = _STATES.search(line)
    if states and is_routing_number(states[1]):
        layout = "us_business" if _AUXILIARY.search(line) else "us_personal"
        return Country("USD", layout, "micr", "the MICR line has a routing number whose check digit is right")
    return None


def _of_amount(amount: str) -> Country | None:
    if _GROUPED_IN_PAIRS.search(amount):
        return _country("INR", "amount", "the amount is grouped in pairs before its last three digits")
    if amount.rstrip("-").endswith("/") and amount.endswith("-"):
        return _country("INR", "amount", "the amount is closed with a slash and a dash")
    return None


def _country(currency: str, decided_by: str, why: str) -> Country:
    return Country(currency, _LAYOUTS[currency], decided_by, why)
