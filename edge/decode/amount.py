"""Lattice to an amount of money, in the ways in which people write it on checks."""

import re
from collections.abc import Sequence

from edge.datatypes import Lattice
from edge.decode.accept import Decoded, Meaning, Thresholds, decode
from edge.decode.currency import Currency, currency_of

_MOST_DIGITS = 12
# A currency sign and protective stars or dashes before the number, and what closes it: "5,000/-", "1.234,-", "12.50***", "5,00,000/".
_BEFORE = re.compile(r"^[*$-]+")
_CLOSED = re.compile(r"[.,]?(?:/?-+|/=|/)$")
_AFTER = re.compile(r"[*$]+$")
# "123 45/100", "123.45/100", or a fraction whose 100 stands under a bar and is not seen: "12345/".
_FRACTION = re.compile(r"^(?P<whole>[\d.,]*?)[.,-]*(?P<cents>\d\d)/(?:100)?$")
_WESTERN = re.compile(r"^\d{1,3}(?:[.,]\d{3})+$")
# Lakhs in pairs before the thousands; whoever counts in lakhs may leave the first group unparted: "150,00,000".
_INDIAN = re.compile(r"^\d{1,3}(?:[.,]\d{2})*[.,]\d{3}$")
_MINUS = re.compile(r"^[*$]*-(?=\d)")
_DOUBT = "a dash stands before the number: a minus, or a line that fills the room"
# What else stands before the sign or the stars belongs to another field. It is rarer than a figure that looks like a sign.
_ASIDE = re.compile(r"^.*[\d.,/].*[*$](?=[\d.,])")
_ASIDE_DOUBT, _ASIDE_WEIGHT = "something else stands before the sign of the currency", 0.2
_CLOSED_CENTS = re.compile(r"[.,]\d\d-+[*$]*$")
_CLOSED_DOUBT = "a dash stands after the cents: a mark, or a figure that is not seen"


def read_amount(lattice: Lattice, thresholds: Thresholds, currency: str = "USD", also: Sequence[Lattice] = ()) -> Decoded:
    """Return the amount of a strip; values ``minor_units`` and ``currency``.

    Raises:
        UsageError: the currency is not known.
    """
    money = currency_of(currency)

    def interpret(text: str) -> Meaning | str:
        minor_units = parse_amount(text, money)
        if isinstance(minor_units, str):
            return minor_units
        values = {"minor_units": minor_units, "currency": money.code}
        weight, doubt = 1.0, None
        if _ASIDE.match(text):
            weight, doubt = _ASIDE_WEIGHT, _ASIDE_DOUBT
        elif _MINUS.match(text):
            doubt = _DOUBT
        elif _CLOSED_CENTS.search(text) and minor_units % 100:
            doubt = _CLOSED_DOUBT
        return Meaning(str(minor_units), format_amount(minor_units, money), values, weight, doubt)

    return decode(lattice, interpret, thresholds, {"minor_units": None, "currency": money.code}, also)


def parse_amount(text: str, currency: Currency) -> int | str:
    """Return the amount in minor units, or the rule that the text breaks.

    Two digits after the last separator are cents (where the currency has them), three are thousands; a point and a comma are equal,
    because people use either for both.
    """
    n_minor = currency.n_minor_digits
    body = _BEFORE.sub("", _ASIDE.sub("", _AFTER.sub("", text)))
    fraction = _FRACTION.match(body)
    if fraction and n_minor == 2:
        meant = _amount(fraction["whole"].rstrip(".,"), fraction["cents"], n_minor)
        if not (isinstance(meant, str) and body.endswith("/")):
            return meant
    body = _CLOSED.sub("", body).rstrip(".,")
    if not re.fullmatch(r"[\d.,]+", body):
        return "a mark stands inside the number"
    cut = max(body.rfind("."), body.rfind(","))
    tail = body[cut + 1 :]
    if cut < 0 or len(tail) == 3:
        return _amount(body, "", n_minor)
    if len(tail) == n_minor and n_minor:
        return _amount(body[:cut], tail, n_minor)
    return f"{len(tail)} digits stand after the last separator"


def _amount(whole: str, cents: str, n_minor: int) -> int | str:
    digits = re.sub(r"[.,]", "", whole)
    if digits != whole and not (_WESTERN.match(whole) or _INDIAN.match(whole)):
        return "the separators do not stand at thousands"
    if digits.startswith("0") and len(digits) > 1:
        return "a number does not begin with a zero"
    if len(digits) > _MOST_DIGITS:
        return f"more than {_MOST_DIGITS} digits"
    if not digits and not cents:
        return "no digit"
    minor_units: int = int(digits or "0") * 10**n_minor + int(cents or "0")
    return minor_units or "an amount of nothing"


def format_amount(minor_units: int, currency: Currency) -> str:
    """Return the canonical text: commas at thousands, a point before the cents."""
    whole, cents = divmod(minor_units, 10**currency.n_minor_digits)
    return f"{whole:,}.{cents:0{currency.n_minor_digits}d}" if currency.n_minor_digits else f"{whole:,}"
