"""A process that stores one numbered reading after another, and says each number once the store has it, until it is ended."""

import datetime
import hashlib
import sys
from pathlib import Path

from edge.service.record import Query, Record
from edge.service.store import Store


def record_of(number: int) -> Record:
    fields = {"amount": {"text": str(number), "minor_units": number, "currency": "USD", "confidence": 1.0}, "micr": None}
    check = {"fields": fields, "timings_ms": {}, "bundle": {"sha256": ""}}
    return Record(time=datetime.datetime.now(datetime.UTC), status="accepted", first_status="accepted", check=check)


def picture_of(number: int) -> bytes:
    """Return bytes that no other number has, of another length each time."""
    return hashlib.shake_128(str(number).encode()).digest(1000 + 137 * (number % 60))


def main() -> None:
    store = Store(Path(sys.argv[1]))
    first = max((int(record.value("amount", "minor_units")) for record in store.search(Query(limit=1))), default=0) + 1
    for number in range(first, first + int(sys.argv[2])):
        store.add(record_of(number), picture_of(number), is_lying=True)
        print(f"stored {number}", flush=True)


if __name__ == "__main__":
    main()
