"""What lies in the slots, and which is read with: the values, and the file that they are kept in."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

NAMES = ("a", "b")


@dataclass(frozen=True, slots=True)
class Slot:
    """What lies in a slot. ``is_downgrade``: it stays, although the bundle that came with the reader is newer."""

    sha256: str
    version: str
    is_downgrade: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """What to go back to (None: the bundle that came with the reader), and how often the reader has begun with the new bundle."""

    previous: str | None
    starts: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """How often a bundle was taken back, and in one sentence why the last time."""

    times: int
    why: str


@dataclass(frozen=True, slots=True)
class Slots:
    """What is where; ``active`` None: the bundle that came with the reader. ``failures``: by SHA-256, those that were taken back."""

    active: str | None = None
    slots: Mapping[str, Slot] = field(default_factory=dict)
    trial: Trial | None = None
    failures: Mapping[str, Failure] = field(default_factory=dict)

    @property
    def slot(self) -> Slot | None:
        return None if self.active is None else self.slots[self.active]


def taken_back(slots: Slots, why: str) -> Slots:
    """Return what is where after a trial that failed, or that no daemon has begun: that is no failure of the bundle."""
    if slots.trial is None or slots.slot is None:
        return slots
    sha256, failures = slots.slot.sha256, dict(slots.failures)
    if slots.trial.starts:
        failures[sha256] = Failure(failures[sha256].times + 1 if sha256 in failures else 1, why)
    return replace(slots, active=slots.trial.previous, trial=None, failures=failures)


def slots_to_json(slots: Slots) -> bytes:
    return (json.dumps({"format": 1, **asdict(slots)}, indent=1, sort_keys=True) + "\n").encode()


def parse_slots(text: bytes) -> Slots:
    """Read what :func:`slots_to_json` wrote.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, RecursionError: it is something else.
    """
    raw: dict[str, Any] = json.loads(text)
    if raw["format"] != 1:
        raise ValueError(f"its format is {raw['format']!r}, this reader knows 1")
    slots = {name: Slot(**slot) for name, slot in raw["slots"].items()}
    if raw["active"] not in (None, *slots) or not set(slots) <= set(NAMES):
        raise ValueError(f"there is no slot {raw['active']!r}")
    trial = None if raw["trial"] is None else Trial(**raw["trial"])
    return Slots(raw["active"], slots, trial, {sha256: Failure(**failure) for sha256, failure in raw["failures"].items()})
