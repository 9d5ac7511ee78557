"""What this site has taught the reader: a temperature and a threshold on top of the bundle's, for the amount."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from edge.datatypes import Alternative, CheckReading, Reading
from edge.decode.accept import temper

_UNSURE_HERE = "not sure enough at this site: its threshold is higher than the bundle's"
TUNING = "tuning"  # under this name the store remembers it
LEAST = 1e-9  # no confidence is nearer to nothing or to certainty


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """``temperature`` 1: the bundle's confidence is right here. ``accept`` None: the bundle's threshold; ``guard`` is never undercut.

    ``guard`` is what the running audit has raised the threshold to. What people found of records before ``since_id`` was of another
    temperature, and counts no more.
    """

    temperature: float = 1.0
    accept: float | None = None
    guard: float = 0.0
    since_id: int = 0

    def threshold(self, card_accept: float | None) -> float:
        """Return the confidence from which on an amount is accepted; above one: none is."""
        own = self.accept if self.accept is not None else card_accept
        return max(self.guard, 1.01 if own is None else own)


def tuning_of(raw: Mapping[str, Any] | None) -> Tuning:
    return Tuning(**raw) if raw else Tuning()


def tuning_object(tuning: Tuning) -> dict[str, Any]:
    return asdict(tuning)


def judged_here(check: CheckReading, tuning: Tuning, card_accept: float | None) -> CheckReading:
    """Return a check with its amount as confident, and as accepted, as this site has found it to deserve.

    An amount that was unsure for another reason than its confidence (its place, a rival place) stays unsure.
    """
    amount = check.fields.get("amount")
    if amount is None or amount.text is None or tuning == Tuning():
        return check
    return replace(check, fields={**check.fields, "amount": _judged(amount, tuning, card_accept)})


def tempered(confidence: float, temperature: float) -> float:
    """Return how sure an answer is against all others together, at another temperature: what calibration fits."""
    if temperature == 1.0:
        return confidence
    share = min(max(confidence, LEAST), 1.0 - LEAST)
    return float(1.0 / (1.0 + ((1.0 - share) / share) ** (1.0 / temperature)))


def _judged(amount: Reading, tuning: Tuning, card_accept: float | None) -> Reading:
    is_doubted = card_accept is not None and amount.verdict != "accepted" and amount.confidence >= card_accept
    confidence, others = tempered(amount.confidence, tuning.temperature), max(1.0 - amount.confidence, LEAST)
    shares = temper([a.confidence / others for a in amount.alternatives], tuning.temperature)
    alternatives = tuple(Alternative(a.text, (1.0 - confidence) * share) for a, share in zip(amount.alternatives, shares, strict=True))
    amount = replace(amount, confidence=confidence, alternatives=alternatives)
    if confidence >= tuning.threshold(card_accept) and not is_doubted:
        return replace(amount, verdict="accepted", reason=None)
    return replace(amount, verdict="unsure", reason=_UNSURE_HERE) if amount.verdict == "accepted" else amount
