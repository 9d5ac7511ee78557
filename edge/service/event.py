"""What the daemon tells of itself: its state in words, and what happens."""

from collections import Counter
from collections.abc import Callable, Sequence
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

    ``record_id``: of the check that lies there, once it is stored; of several one that a person is asked about, or else the latest.
    ``accept``: the confidence from which on an amount is accepted.
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


class Listeners:
    """Who wants to know of events; they come and go from any thread."""

    def __init__(self) -> None:
        self._all: list[Callable[[Event], object]] = []
        self._told: State | None = None

    def add(self, listener: Callable[[Event], object]) -> Callable[[], None]:
        """Tell ``listener`` from now on; return what ends it, which may be called again."""
        self._all.append(listener)
        return lambda: self._all.remove(listener) if listener in self._all else None

    def tell(self, event: Event) -> None:
        for listener in list(self._all):
            listener(event)

    def tell_state(self, state: State) -> None:
        """Tell of a state, unless it is the one that was told last."""
        if state != self._told:
            self._told = state
            self.tell(Event(kind="state", state=state))


def words_of(phase: Phase, fault: str | None, records: Sequence[Record], shown: Sequence[CheckReading]) -> tuple[str, str]:
    """Return the state in words, and what a person can do.

    Args:
        records: of the checks that lie there, once they are stored.
        shown: the checks of the latest frame that was read.
    """
    if fault is not None:
        return "The camera is at fault", f"{fault[:1].upper()}{fault[1:]}."
    words, advice = _WORDS[phase]
    if phase in ("settling", "reading", "absent"):
        problems = [check.quality.advice for check in shown if check.page is not None and check.quality.problems]
        advice = problems[0] if problems else advice
    if len(records) > 1:
        counts = Counter(record.status for record in records)
        words = f"{len(records)} checks: {', '.join(f'{n} {status}' for status, n in counts.items())}"
        advice = "Take the checks away."
    elif records:
        amount = records[0].fields.get("amount") or {}
        text = f"{amount['text']} {amount.get('currency') or ''}".strip() if amount.get("text") else ""
        words = f"{records[0].status.capitalize()}: {text}" if text else "No amount could be read"
    if any(record.is_audit_due for record in records):
        advice = "A spot check: please look under Review whether this is right. The check may go."
    elif any(record.is_review_due for record in records):
        advice = "Please look at it under Review. The check may go."
    return words, advice
