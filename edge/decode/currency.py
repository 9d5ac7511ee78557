"""What depends on the currency: minor units (ISO 4217) and the order of day and month in its country (Unicode CLDR)."""

from dataclasses import dataclass
from typing import Literal

from edge.errors import UsageError

DateOrder = Literal["month_first", "day_first"]


@dataclass(frozen=True, slots=True)
class Currency:
    code: str
    n_minor_digits: int
    date_order: DateOrder = "day_first"


_TWO_DECIMALS = ("ARS", "AUD", "BRL", "CAD", "COP", "EUR", "GBP", "INR", "MXN", "NZD", "PEN", "UYU")
_WHOLE = ("CLP", "JPY", "KRW", "PYG")
CURRENCIES = {
    "USD": Currency("USD", 2, "month_first"),
    **{code: Currency(code, 2) for code in _TWO_DECIMALS},
    **{code: Currency(code, 0) for code in _WHOLE},
}


def currency_of(code: str) -> Currency:
    """Return the currency of an ISO 4217 code.

    Raises:
        UsageError: the code is not known here.
    """
    try:
        return CURRENCIES[code.upper()]
    except KeyError:
        raise UsageError(f"the currency {code!r} is not known, use one of {', '.join(sorted(CURRENCIES))}") from None
