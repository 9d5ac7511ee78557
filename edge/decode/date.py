"""Lattice to a date in figures."""

import datetime
import re
from collections.abc import Sequence

from edge.datatypes import Lattice
from edge.decode.accept import Decoded, Meaning, Thresholds, decode
from edge.decode.currency import DateOrder, currency_of

_PARTS = re.compile(r"(\d{1,4})[/.-]+(\d{1,2})[/.-]+(\d{1,4})")
# A check is rarely older than a year, or dated far ahead; a date outside counts this much less, which never decides alone.
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

    return decode(lattice, interpret, thresholds, {"iso": None}, also)


def parse_date(text: str, order: DateOrder) -> datetime.date | str:
    """Return the date, or the rule that the text breaks.

    Day and month stand in the given order, unless only the other order names a month.
    """
    # Marks at either end are the rest of a printed word or of a rule.
    text = text.strip("*$.,-/")
    separated = _PARTS.fullmatch(text)
    if separated:
        first, second, third = separated.groups()
    elif re.fullmatch(r"\d{8}|\d{6}", text):
        first, second, third = text[:2], text[2:4], text[4:]
    else:
        return "not three numbers"
    if len(first) == 4:
        return _date(first, second, third)
    if len(first) > 2 or len(third) not in (2, 4):
        return "the year has neither two nor four digits"
    month, day = (first, second) if order == "month_first" else (second, first)
    if int(month) > 12 >= int(day):
        month, day = day, month
    return _date(third if len(third) == 4 else f"20{third}", month, day)


def _date(year: str, month: str, day: str) -> datetime.date | str:
    try:
        return datetime.date(int(year), int(month), int(day))
    except ValueError:
        return f"there is no day {day} in month {month} of {year}"
