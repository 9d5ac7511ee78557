"""What the store keeps of one check: the reading as it was made, and what a person said of it."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["accepted", "unsure", "confirmed", "corrected", "rejected"]
STATUSES: tuple[Status, ...] = ("accepted", "unsure", "confirmed", "corrected", "rejected")
REVIEWED: tuple[Status, ...] = ("confirmed", "corrected", "rejected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a list shows of a record; nothing in it is private. ``date``: as YYYY-MM-DD where it could be understood.

    ``confidence``: with which the amount was read; None: there was none. What a person said of a field stands in the reader's place.
    """

    id: int
    time: datetime.datetime
    status: Status
    is_review_due: bool
    is_audit_due: bool
    possible_duplicate_of: int | None
    amount: str | None
    minor_units: int | None
    currency: str | None
    date: str | None
    check_number: str | None
    confidence: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One check that lay under the camera, or that was sent in.

    ``check`` is the object that `checkreader read --json` prints. ``truth`` maps a field's name to what a person confirmed or
    corrected it to (``text`` and the field's own values); it is empty until then. ``status`` is the latest, ``first_status`` what the
    reader itself said: accepted or unsure. ``is_drawn``: chance chose this accepted reading for the running audit.
    ``picture`` is the rectified page's file in the store's folder, so the boxes of ``fields`` are pixels of it.
    """

    id: int = 0
    time: datetime.datetime
    status: Status
    first_status: Status
    check: Mapping[str, Any]
    truth: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    picture: str | None = None
    picture_sha256: str | None = None
    possible_duplicate_of: int | None = None
    is_drawn: bool = False

    @property
    def fields(self) -> Mapping[str, Mapping[str, Any] | None]:
        """The JSON contract's fields: amount, date, check_number, micr, each a reading or None."""
        fields: Mapping[str, Mapping[str, Any] | None] = self.check["fields"]
        return fields

    @property
    def timings_ms(self) -> Mapping[str, float | None]:
        timings: Mapping[str, float | None] = self.check["timings_ms"]
        return timings

    @property
    def bundle_sha256(self) -> str:
        return str(self.check["bundle"]["sha256"])

    @property
    def is_audit_due(self) -> bool:
        """A person is asked about this accepted reading and has not answered yet."""
        return self.is_drawn and self.status == "accepted"

    @property
    def is_review_due(self) -> bool:
        return self.status == "unsure" or self.is_audit_due

    def value(self, name: str, key: str) -> Any:
        """Return one value of a field (``text``, ``minor_units``, ``iso`` ...): a person's where there is one, else the reader's."""
        found = self.truth.get(name) or self.fields.get(name) or {}
        return found.get(key)

    @property
    def summary(self) -> Summary:
        number = self.value("check_number", "text") or self.value("micr", "check_number")
        return Summary(
            id=self.id, time=self.time, status=self.status, is_review_due=self.is_review_due, is_audit_due=self.is_audit_due,
            possible_duplicate_of=self.possible_duplicate_of, amount=self.value("amount", "text"),
            minor_units=self.value("amount", "minor_units"), currency=self.value("amount", "currency"),
            date=self.value("date", "iso") or self.value("date", "text"), check_number=None if number is None else str(number),
            confidence=(self.fields.get("amount") or {}).get("confidence"),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which records are looked for; None and the empty tuple mean any. Days are local, both ends count; amounts are minor units.

    ``text`` is looked for in amounts, dates and check numbers as people write them. ``before_id`` is the cursor: the id of the last
    record of the page before. Records come newest first.
    """

    first_day: datetime.date | None = None
    last_day: datetime.date | None = None
    least_minor_units: int | None = None
    most_minor_units: int | None = None
    statuses: tuple[Status, ...] = ()
    is_review_due: bool | None = None
    text: str = ""
    before_id: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The sum of one currency on one day; rejected records and amounts that nobody could read are counted, not summed."""

    currency: str
    n_records: int
    n_review_due: int
    n_rejected: int
    minor_units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """Who did what: ``action`` is seen, corrected, confirmed, rejected, exported, deleted, settings, calibrated, threshold ..."""

    time: datetime.datetime
    who: str
    action: str
    record_id: int | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a person found of one amount: the confidence it was read with, and whether it was right."""

    record_id: int
    was_accepted: bool
    is_drawn: bool
    confidence: float
    is_right: bool
