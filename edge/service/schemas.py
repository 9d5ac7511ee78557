"""The shapes of the API's answers, for its description: what `views` builds, in the words of OpenAPI."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from edge.service.calibrate import Outcome

Status = Literal["accepted", "unsure", "confirmed", "corrected", "rejected"]
FieldName = Literal["amount", "date", "check_number", "micr"]


class Problem(BaseModel):
    """Why a request was refused, and what to do."""

    detail: str


class Symbol(BaseModel):
    symbol: str
    box: list[float] | None
    confidence: float


class Alternative(BaseModel):
    text: str
    confidence: float


class Reading(BaseModel):
    """What a field says; ``confidence`` is the calibrated probability that all of it is right. Fields add values of their own."""

    model_config = ConfigDict(extra="allow")

    text: str | None
    verdict: Literal["accepted", "unsure", "unreadable"]
    confidence: float
    reason: str | None
    box: list[float] | None
    symbols: list[Symbol]
    alternatives: list[Alternative]


class Fields(BaseModel):
    amount: Reading | None
    date: Reading | None
    check_number: Reading | None
    micr: Reading | None


class Check(BaseModel):
    """One line of `checkreader read --json`."""

    model_config = ConfigDict(extra="allow")

    fields: Fields
    quality: dict[str, Any]
    timings_ms: dict[str, float | None]
    bundle: dict[str, str]


class Summary(BaseModel):
    """A record as lists show it. ``amount`` and ``date`` are a person's where there is one, else the reader's."""

    id: int
    time: str
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


class FullRecord(Summary):
    """All of a record: what was read, and in ``truth`` what a person said."""

    first_status: Status
    has_picture: bool
    picture_sha256: str | None
    is_account_masked: bool
    truth: dict[str, dict[str, Any]]
    check: Check


class Records(BaseModel):
    """One page, newest first; ``next`` is the ``before`` of the following page, null on the last."""

    records: list[Summary]
    next: int | None


class Due(BaseModel):
    """Records that a person is asked about."""

    records: list[FullRecord]
    n_due: int


class Total(BaseModel):
    currency: str | None
    n_records: int
    n_review_due: int
    n_rejected: int
    minor_units: int
    amount: str


class Totals(BaseModel):
    day: str
    totals: list[Total]


class LogLine(BaseModel):
    time: str
    who: str
    action: str
    record_id: int | None
    detail: str


class Log(BaseModel):
    lines: list[LogLine]


class Settings(BaseModel):
    """What can be changed while the daemon runs, by dotted key."""

    settings: dict[str, str | int | float | bool | None]


class Correction(BaseModel):
    """What a person saw on the check, by field; null where nothing stands there. Without any, the amount is confirmed as read."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"texts": {"amount": "1,234.56"}}})

    texts: dict[FieldName, str | None] = Field(default_factory=dict)


class SettingsChange(BaseModel):
    """New values by dotted key; null takes a value back to the configuration file's."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"settings": {"reading.budget": 0.001}}})

    settings: dict[str, str | int | float | bool | None] = Field(max_length=50)


class Checks(BaseModel):
    """What was read from a picture, the largest check first; ``page`` is null where there is none. Nothing is stored."""

    checks: list[Check]


class State(BaseModel):
    """What the daemon is doing, in words. ``fault``: what is wrong with the camera, ``problem``: with the store; null: nothing."""

    phase: Literal["absent", "arriving", "settling", "reading", "done", "leaving"]
    title: str
    advice: str
    tone: Literal["idle", "busy", "good", "care", "bad"]
    fault: str | None
    problem: str | None
    record_id: int | None
    n_review_due: int
    bundle: dict[str, str]


class SpotChecked(BaseModel):
    """Accepted readings that chance picked and people looked at, and the 95 % interval of the error among the accepted."""

    n: int
    n_wrong: int
    low: float
    high: float


class Calibration(BaseModel):
    """``after`` is null while people have looked at too few. Curves: share accepted and the error that is expected then."""

    n_looked_at: int
    n_needed: int
    budget: float
    can_restore: bool
    estimate: SpotChecked
    before: Outcome
    after: Outcome | None
    curve_before: list[tuple[float, float]]
    curve_after: list[tuple[float, float]]
