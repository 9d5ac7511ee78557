"""What a search asks for, from the words of an address; used by the page, the API and the exports alike."""

import datetime
from collections.abc import Mapping
from typing import Any

from edge.decode.amount import parse_amount
from edge.decode.currency import CURRENCIES, Currency
from edge.errors import UsageError
from edge.service.record import STATUSES, Query

MOST_RECORDS = 500
# SQLite's integers; ids and amounts beyond them belong to no record.
MOST_INTEGER = 2**63 - 1
_MOST_TEXT = 100


def query_of(asked: Mapping[str, str], currency: str) -> Query:
    """Return the search that a form or an address asks for.

    ``from`` and ``to`` are local days as YYYY-MM-DD; ``amount`` is one amount or two with a dash between, as people write them in
    ``currency``; ``status`` is one of a record's, or ``due``; ``text`` is looked for in amounts, dates and numbers.

    Raises:
        UsageError: a value is no day, amount or status.
    """
    least, most = _amounts(asked.get("amount", ""), CURRENCIES.get(currency, CURRENCIES["USD"]))
    status = asked.get("status", "")
    if status not in ("", "due", *STATUSES):
        raise UsageError(f"no status is called {status!r}; there are {', '.join(STATUSES)} and due")
    return Query(
        first_day=_day(asked.get("from", "")),
        last_day=_day(asked.get("to", "")),
        least_minor_units=least,
        most_minor_units=most,
        statuses=tuple(known for known in STATUSES if known == status),
        is_review_due=True if status == "due" else None,
        text=asked.get("text", "")[:_MOST_TEXT],
    )


def is_narrowed(query: Query) -> bool:
    narrowing: tuple[Any, ...] = (
        query.first_day, query.last_day, query.least_minor_units, query.most_minor_units, query.is_review_due,
    )  # fmt: skip
    return any(value is not None for value in narrowing) or bool(query.statuses or query.text)


def _day(text: str) -> datetime.date | None:
    if not text:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text[:20]!r} is no day; write it like 2026-01-31") from None


def _amounts(text: str, currency: Currency) -> tuple[int | None, int | None]:
    words = [word.strip() for word in text.replace("–", "-").split("-")]
    if not any(words):
        return None, None
    if len(words) > 2:
        raise UsageError(f"{text[:40]!r} is no amount and no range; write 1,234.56 or 100-200")
    found = [_amount(word, currency) if word else None for word in words]
    return found[0], found[-1]


def _amount(text: str, currency: Currency) -> int:
    if text.strip("0.,") == "" and "0" in text:
        return 0  # a range may begin there, though no check is about nothing
    amount = parse_amount("".join(text.split()), currency)
    if isinstance(amount, str):
        raise UsageError(f"{text[:40]!r} is no amount: {amount}; write it like 1,234.56")
    return amount
