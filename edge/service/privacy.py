"""Account numbers, masked: the page, the logs, the metrics and the exports show only their end."""

import copy
from collections.abc import Mapping
from typing import Any

_SHOWN = 4
_MASK = "•"


def masked_number(number: str) -> str:
    """Return a number with all but its last four digits hidden; dashes stay, and of a short one nothing is shown."""
    n_digits = sum(letter.isdigit() for letter in number)
    n_hidden = n_digits - _SHOWN if n_digits > _SHOWN + 2 else n_digits
    shown = []
    for letter in number:
        shown.append(_MASK if letter.isdigit() and n_hidden > 0 else letter)
        n_hidden -= letter.isdigit()
    return "".join(shown)


def masked_line(reading: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a MICR line's reading (or what a person said of it) without its account number.

    Where the line could not be parsed, any number in it may be the account: all are masked. Symbols and alternatives would give the
    number away and are left out.
    """
    if reading is None:
        return None
    hidden = dict(copy.deepcopy(reading))
    text, account = hidden.get("text"), hidden.get("account")
    if account:
        hidden["account"] = masked_number(account)
        if text:
            place = text.rfind(account)  # the routing number, which may hold the same digits, stands before it
            hidden["text"] = text[:place] + masked_number(account) + text[place + len(account) :] if place >= 0 else masked_number(text)
    elif text:
        hidden["text"] = "".join(_MASK if letter.isdigit() else letter for letter in text)
    if hidden.get("reason"):
        hidden["reason"] = "".join(_MASK if letter.isdigit() else letter for letter in hidden["reason"])
    for name in ("symbols", "alternatives"):
        if name in hidden:
            hidden[name] = []
    return hidden


def masked_check(check: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `read --json` says of a check, with the account number masked."""
    fields = dict(check["fields"])
    fields["micr"] = masked_line(fields.get("micr"))
    return {**check, "fields": fields}
