"""What a person says that a field of a check is, brought into the form of a reading."""

from collections.abc import Mapping
from typing import Any

from edge.datatypes import FIELD_NAMES
from edge.decode.amount import format_amount, parse_amount
from edge.decode.currency import currency_of
from edge.decode.date import parse_date
from edge.decode.micr import parse_micr
from edge.errors import UsageError
from edge.output import VALUES
from edge.service.record import Record

_MICR_SYMBOLS = frozenset("0123456789ABCD")


def truth_of(record: Record, texts: Mapping[str, str | None]) -> dict[str, dict[str, Any]]:
    """Return a record's truth with ``texts`` added; without any text the amount is confirmed as it was read.

    Raises:
        UsageError: no field has this name, or the text is no amount, date, number or MICR line.
    """
    unknown = sorted(set(texts) - set(FIELD_NAMES))
    if unknown:
        raise UsageError(f"no field is called {unknown[0]!r}; there are {', '.join(FIELD_NAMES)}")
    said = dict(texts) if texts else {"amount": (record.fields.get("amount") or {}).get("text")}
    truth = {name: dict(value) for name, value in record.truth.items()}
    for name, text in said.items():
        truth[name] = _field(name, text.strip() if text else None, record)
    return truth


def currency_code(record: Record) -> str:
    """Return the currency of a record's amount: what was read, else what was decided of the whole check."""
    amount, country = record.fields.get("amount") or {}, record.check.get("country") or {}
    return str(amount.get("currency") or country.get("currency") or "USD")


def _field(name: str, text: str | None, record: Record) -> dict[str, Any]:
    reading = record.fields.get(name) or {}
    if not text:
        return {"text": None, **dict.fromkeys(VALUES.get(name, ()))}
    if text == reading.get("text"):
        return {"text": text, **{key: reading.get(key) for key in VALUES.get(name, ())}}
    currency = currency_of(currency_code(record))
    match name:
        case "amount":
            minor_units = parse_amount("".join(text.split()), currency)
            if isinstance(minor_units, str):
                raise UsageError(f"{text!r} is no amount: {minor_units}; write it like 1,234.56")
            return {"text": format_amount(minor_units, currency), "minor_units": minor_units, "currency": currency.code}
        case "date":
            date = parse_date("".join(text.lower().split()), currency.date_order)
            if isinstance(date, str):
                raise UsageError(f"{text!r} is no date: {date}; write it as on the check, or like 2026-01-31")
            return {"text": text, "iso": date.isoformat()}
        case "micr":
            line = "".join(text.upper().split())
            if not set(line) <= _MICR_SYMBOLS:
                raise UsageError("a MICR line has digits and A transit, B amount, C on-us, D dash; nothing else")
            return {"text": line, **parse_micr(line)}
        case _:
            if not text.isdecimal():
                raise UsageError(f"{text!r} is no check number; it has digits alone")
            return {"text": text}
