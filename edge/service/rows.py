"""Records to rows of the database and back; what is private goes into the sealed column where there is a vault."""

import datetime
import hashlib
import json
import sqlite3
from typing import Any

from edge.errors import StoreError
from edge.service.record import REVIEWED, Query, Record, Summary
from edge.service.vault import Vault

# What `summaries_of` takes, as one text for all rows: Python's sqlite3 gives the interpreter's lock away at each row, and while a check is
# read it comes back late; fifty rows would wait for it fifty times.
_SHOWN = "id, time, status, is_drawn, possible_duplicate_of, amount, minor_units, currency, date, number_shown, confidence"
SUMMARY_ROWS = f"json_group_array(json_array({_SHOWN}))"


def row_of(record: Record, vault: Vault | None) -> dict[str, Any]:
    """Return the columns of a record's row in the table ``records``: what lists show and searches look at."""
    summary = record.summary
    line = record.value("micr", "text")
    words = [summary.amount, record.value("date", "text"), record.value("date", "iso"), summary.check_number]
    return {
        "time": record.time.timestamp(),
        "status": record.status,
        "first_status": record.first_status,
        "is_drawn": record.is_drawn,
        "is_review_due": record.is_review_due,
        "currency": summary.currency,
        "minor_units": summary.minor_units,
        "amount": summary.amount,
        "date": summary.date,
        "number_shown": summary.check_number,
        "words": " ".join(word for word in words if word).lower(),
        "micr_key": None if not line else vault.digest(line) if vault is not None else hashlib.sha256(line.encode()).hexdigest(),
        "number": summary.check_number.lstrip("0") if summary.check_number else None,
        "confidence": summary.confidence,
        "is_amount_right": _is_amount_right(record),
        "picture": record.picture,
        "picture_sha256": record.picture_sha256,
    }


def reading_row_of(record: Record, vault: Vault | None) -> dict[str, Any]:
    """Return the columns of its row in the table ``readings``: all that was read, what is private sealed where there is a vault."""
    check, truth = dict(record.check), {name: dict(value) for name, value in record.truth.items()}
    sealed = None
    if vault is not None:
        private = {"micr": check["fields"].get("micr"), "truth": truth.pop("micr", None)}
        check["fields"] = {**check["fields"], "micr": None}
        sealed = vault.seal(json.dumps(private).encode())
    return {"reading": json.dumps(check), "truth": json.dumps(truth), "sealed": sealed}


def summaries_of(rows: str) -> list[Summary]:
    """Return what `SUMMARY_ROWS` gave."""
    return [
        Summary(
            id=key, time=moment(time), status=status, is_review_due=status == "unsure" or bool(is_drawn and status == "accepted"),
            is_audit_due=bool(is_drawn and status == "accepted"), possible_duplicate_of=same, amount=amount, minor_units=minor_units,
            currency=currency, date=date, check_number=number, confidence=confidence,
        )
        for key, time, status, is_drawn, same, amount, minor_units, currency, date, number, confidence in json.loads(rows)
    ]  # fmt: skip


def record_of(row: sqlite3.Row, vault: Vault | None) -> Record:
    """Return the record of a row.

    Raises:
        StoreError: it is sealed, and there is no key or another one.
    """
    check, truth = json.loads(row["reading"]), json.loads(row["truth"])
    if row["sealed"] is not None:
        if vault is None:
            raise StoreError("the records are sealed; name the key file with store.key_file")
        private = json.loads(vault.unseal(row["sealed"]))
        check["fields"]["micr"] = private["micr"]
        if private["truth"] is not None:
            truth["micr"] = private["truth"]
    return Record(
        id=row["id"],
        time=moment(row["time"]),
        status=row["status"],
        first_status=row["first_status"],
        check=check,
        truth=truth,
        picture=row["picture"],
        picture_sha256=row["picture_sha256"],
        possible_duplicate_of=row["possible_duplicate_of"],
        is_drawn=bool(row["is_drawn"]),
    )


def conditions(query: Query) -> tuple[str, list[Any]]:
    """Return the WHERE clause of a search and the values in it."""
    terms: list[tuple[str, Any]] = []
    if query.first_day is not None:
        terms.append(("day >= ?", query.first_day.isoformat()))
    if query.last_day is not None:
        terms.append(("day <= ?", query.last_day.isoformat()))
    if query.least_minor_units is not None:
        terms.append(("minor_units >= ?", query.least_minor_units))
    if query.most_minor_units is not None:
        terms.append(("minor_units <= ?", query.most_minor_units))
    if query.is_review_due is not None:
        terms.append(("is_review_due" if query.is_review_due else "NOT is_review_due", None))
    if query.before_id is not None:
        terms.append(("id < ?", query.before_id))
    terms += [("instr(words, ?) > 0", word) for word in query.text.lower().split()]
    sql = [term for term, _ in terms]
    values = [value for _, value in terms if value is not None]
    if query.statuses:
        sql.append(f"status IN ({', '.join('?' * len(query.statuses))})")
        values += query.statuses
    return f"WHERE {' AND '.join(sql)}" if sql else "", values


def moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _is_amount_right(record: Record) -> bool | None:
    """Return what a person found: was the amount as the reader had it; None while nobody looked."""
    if record.status not in REVIEWED:
        return None
    if record.status == "rejected":
        return False
    amount = record.fields.get("amount") or {}
    return "amount" in record.truth and record.truth["amount"].get("minor_units") == amount.get("minor_units")
