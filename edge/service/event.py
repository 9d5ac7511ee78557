"""What the daemon tells of itself: its state in words, and what happens."""

from dataclasses import dataclass
from typing import Literal

from edge.datatypes import CheckReading
from edge.service.record import Record
from edge.service.watcher import Phase

_WORDS: dict[Phase, tuple[str, str]] = {
    "absent": ("Ready", "Lay a check under the camera."),
    "arriving": ("Something moves", "Lay the check down and take your hand away."),
    "settling": ("Looking", "Hold still."),
    "reading": ("Reading", "Hold still."),
    "done": ("Done", "Take the check away."),
    "leaving": ("Something moves", ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """``words`` and ``advice`` are for people. ``fault``: what is wrong with the camera, ``problem``: with the store; None: nothing.

    ``record_id``: of the check that lies there, once it is stored. ``accept``: the confidence from which on an amount is accepted.
    """

    phase: Phase
    words: str
    advice: str
    fault: str | None
    problem: str | None
    record_id: int | None
    accept: float
    bundle_version: str
    bundle_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A new state, or a record that was stored or reviewed; the other one is None."""

    kind: Literal["state", "record"]
    state: State | None = None
    record: Record | None = None


def words_of(phase: Phase, fault: str | None, record: Record | None, shown: CheckReading | None) -> tuple[str, str]:
    """Return the state in words, and what a person can do."""
    if fault is not None:
        return "The camera is at fault", f"{fault[:1].upper()}{fault[1:]}."
    words, advice = _WORDS[phase]
    if phase in ("settling", "reading", "absent") and shown is not None and shown.page is not None and shown.quality.problems:
        advice = shown.quality.advice
    if record is not None:
        amount = record.fields.get("amount") or {}
        text = f"{amount['text']} {amount.get('currency') or ''}".strip() if amount.get("text") else ""
        words = f"{record.status.capitalize()}: {text}" if text else "No amount could be read"
        if record.is_audit_due:
            advice = "A spot check: please look under Review whether this is right. The check may go."
        elif record.is_review_due:
            advice = "Please look at it under Review. The check may go."
    return words, advice
