"""Lattice to a date, in figures or with the month's name."""

import datetime
import math
import re
from collections.abc import Sequence
from dataclasses import replace

from edge.datatypes import Lattice
from edge.decode.accept import Decoded, Meaning, Thresholds, decode
from edge.decode.currency import DateOrder, currency_of
from edge.decode.lattice import best_strings

_FIGURES = re.compile(r"(\d{1,4})[/.,-]+(\d{1,2})[/.,-]+(\d{1,4})")
# "may 2nd, 2019" and "2 de mayo de 2019"; spaces have no symbol, so the figures of day and year may stand together.
_NAME_FIRST = re.compile(r"([a-z]{3,})[.,/-]*(\d{1,2}?)(?:st|nd|rd|th)?[.,/-]*(\d{4}|\d{2})")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[.,/-]*([a-z]{3,}?)(?:del?)?[.,/-]*(\d{4}|\d{2})")
_NO_DAY = re.compile(r"[a-z]{3,}[.,/-]*(?:19|20)\d\d")
# Words that a form prints before the date, and that a cut may take along.
_LABEL = re.compile(r"^(?:dated?|dt|fecha|on)(?=[\W\da-z])")
_MONTHS = (
    ("january", "enero"), ("february", "febrero"), ("march", "marzo"), ("april", "abril"), ("may", "mayo"), ("june", "junio"),
    ("july", "julio"), ("august", "agosto"), ("september", "septiembre", "setiembre"), ("october", "octubre"),
    ("november", "noviembre"), ("december", "diciembre"),
)  # fmt: skip
_LEAST_LETTERS = 3
# A date has a day and two figures of the year at least; a printed word may be read with one or two figures in it.
_LEAST_FIGURES = 3
# A field is empty only where the form's word or nothing is so likely; what is hardly seen may be a date.
_LEAST_EMPTY = 0.3
# Cells may stand in the order of ISO 8601; only where the country's own order names no day.
_YEAR_FIRST = re.compile(r"20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
# A check is rarely older than a year, or dated far ahead (the same window in which banks pay one without asking, and some more); a
# date outside counts this much less, which tips what is nearly even and never decides alone.
_OLDEST_DAYS, _NEWEST_DAYS = 400, 90
_UNLIKELY = 0.25


def read_date(
    lattice: Lattice, thresholds: Thresholds, currency: str = "USD", today: datetime.date | None = None, also: Sequence[Lattice] = ()
) -> Decoded:
    """Return the date of a strip; value ``iso``. A date that cannot exist is not corrected.

    Raises:
        UsageError: the currency, whose country gives the order of day and month, is not known.
    """
    order = currency_of(currency).date_order

    def interpret(text: str) -> Meaning | str:
        date = parse_date(text, order)
        if isinstance(date, str):
            return date
        is_likely = today is None or -_OLDEST_DAYS <= (date - today).days <= _NEWEST_DAYS
        return Meaning(date.isoformat(), text, {"iso": date.isoformat()}, 1.0 if is_likely else _UNLIKELY)

    decoded = decode(lattice, interpret, thresholds, {"iso": None}, also)
    if decoded.text is not None:
        return decoded
    seen = best_strings(lattice)
    if sum(math.exp(string.log_score) for string in seen if _is_label(string.text)) >= _LEAST_EMPTY:
        return replace(decoded, reason="empty")
    return replace(decoded, reason="nothing is clear enough to be read") if decoded.reason == "empty" else decoded


def _is_label(text: str) -> bool:
    """Return whether what stands there is at most the form's own word for the date: too few figures, and no beginning of a month."""
    names = re.findall(r"[a-z]{3,}", text)
    return sum(letter.isdigit() for letter in text) < _LEAST_FIGURES and not any(month_of(name[:_LEAST_LETTERS]) for name in names)


def parse_date(text: str, order: DateOrder) -> datetime.date | str:
    """Return the date, or the rule that the text breaks.

    Day and month in figures stand in the given order, unless only the other order names a month.
    """
    # Marks at either end are the rest of a printed word or of a rule.
    text = _LABEL.sub("", text.strip("*$.,-/")).lstrip("*$.,-/")
    if any(letter.isalpha() for letter in text):
        return _with_name(text)
    separated = _FIGURES.fullmatch(text)
    if separated:
        first, second, third = separated.groups()
    elif re.fullmatch(r"\d{8}|\d{6}", text):
        first, second, third = text[:2], text[2:4], text[4:]
        if _YEAR_FIRST.fullmatch(text) and isinstance(_ordered(first, second, third, order), str):
            first, second, third = text[:4], text[4:6], text[6:]
    else:
        return "not three numbers"
    if len(first) == 4:
        return _date(first, second, third)
    if len(first) > 2 or len(third) not in (2, 4):
        return "the year has neither two nor four digits"
    return _ordered(first, second, third, order)


def _ordered(first: str, second: str, year: str, order: DateOrder) -> datetime.date | str:
    month, day = (first, second) if order == "month_first" else (second, first)
    if int(month) > 12 >= int(day):
        month, day = day, month
    return _date(year, month, day)


def _with_name(text: str) -> datetime.date | str:
    if _NO_DAY.fullmatch(text):
        return "the day is missing"
    if found := _NAME_FIRST.fullmatch(text):
        name, day, year = found.groups()
    elif found := _DAY_FIRST.fullmatch(text):
        day, name, year = found.groups()
    else:
        return "not a day, a month's name and a year"
    month = month_of(name) or month_of(name.removeprefix("de"))
    if month is None:
        return f"{name!r} names no month"
    return _date(year, str(month), day)


def month_of(name: str) -> int | None:
    """Return the month that a name or the beginning of one, of at least three letters, stands for in English or Spanish."""
    if len(name) < _LEAST_LETTERS:
        return None
    months = [number for number, names in enumerate(_MONTHS, 1) if any(full.startswith(name) for full in names)]
    return months[0] if len(months) == 1 else None


def _date(year: str, month: str, day: str) -> datetime.date | str:
    try:
        return datetime.date(int(year if len(year) == 4 else f"20{year}"), int(month), int(day))
    except ValueError:
        return f"there is no day {day} in month {month} of {year}"
