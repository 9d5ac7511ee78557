"""This site's own calibration: from readings that people confirmed or corrected, a temperature and a threshold.

With NumPy alone, on the device; the command and the page share it.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edge.datatypes import F64
from edge.errors import UsageError
from edge.service.audit import clopper_pearson, guarded_threshold
from edge.service.reader import SiteReader
from edge.service.record import Evidence, Query
from edge.service.store import Store
from edge.service.tuning import LEAST, TUNING, Tuning, tempered, tuning_object, tuning_of

_LOG = logging.getLogger(__name__)
ENOUGH = 50
_HISTORY = "tuning_history"
_MOST_KEPT = 20
# Only these say how far to trust the sure ones. Of the others more are right than claimed (0.16 where 0.03 was said of drawn amounts), and
# as most of what people look at is of this kind, it would be taken for a reader whose claims are wrong everywhere.
_TELLING = 0.5
# Before anything was seen, the bundle's temperature is believed to be right within a factor of e to this.
_PRIOR_LOG_SD = 1.0
_LOG_TEMPERATURES = np.linspace(-2.0, 2.0, 401)
# The threshold is set for a temperature that is higher than the true one with this probability.
_CAUTION = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """``temperature``: the likeliest; ``cautious``: one that is hardly too low; ``accept``: the threshold, above one: accept nothing."""

    temperature: float
    cautious: float
    accept: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a threshold does: ``n_accepted`` of the readings that people looked at, ``n_wrong`` of these, and the share of all readings."""

    threshold: float
    n_accepted: int
    n_wrong: int
    low: float
    high: float
    share_accepted: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a calibration would change. ``after`` None: there is not enough yet. ``curves``: expected error by share accepted, in steps."""

    n_looked_at: int
    budget: float
    before: Outcome
    after: Outcome | None
    tuning: Tuning | None
    curve_before: tuple[tuple[float, float], ...]
    curve_after: tuple[tuple[float, float], ...]
    can_restore: bool


def fit(evidence: Sequence[Evidence], confidences: Sequence[float], budget: float) -> Fit:
    """Return temperature and threshold from what people found, and from how sure the reader was of everything it read.

    The temperature is the likeliest under a log-normal prior (Guo, Pleiss, Sun, Weinberger 2017, with few examples). The threshold is
    the least at which the errors expected among all readings above it, with a temperature that is on the safe side, are within the
    budget. Evidence may be chosen by confidence (all unsure ones, few accepted ones) without any harm: both look at each confidence alone.
    """
    telling = [found for found in evidence if found.confidence >= _TELLING]
    said, is_right = _logit([found.confidence for found in telling]), np.array([found.is_right for found in telling], bool)
    odds = np.where(is_right, said, -said) / np.exp(_LOG_TEMPERATURES)[:, None]
    scores = -np.logaddexp(0.0, -odds).sum(axis=1) - 0.5 * (_LOG_TEMPERATURES / _PRIOR_LOG_SD) ** 2
    shares = np.exp(scores - scores.max())
    below = np.cumsum(shares / shares.sum())
    best = float(np.exp(_LOG_TEMPERATURES[int(scores.argmax())]))
    cautious = float(np.exp(_LOG_TEMPERATURES[min(int(np.searchsorted(below, _CAUTION)), len(below) - 1)]))
    stream = np.sort(_logit(confidences))[::-1]
    within = np.flatnonzero(_expected_errors(stream / max(cautious, best)) <= budget)
    accept = float(_sigmoid(stream[within[-1]] / best)) if len(within) else 1.01
    return Fit(temperature=best, cautious=cautious, accept=accept)


def propose(store: Store, reader: SiteReader) -> Proposal:
    """Return what a calibration would change now; nothing is changed."""
    old, budget = reader.tuning, reader.budget()
    # What is sure enough and yet was not accepted is doubted for its place or its ink, whatever the threshold.
    evidence = [found for found in store.evidence(old.since_id) if found.was_accepted or found.confidence < reader.accept()]
    confidences = store.confidences(old.since_id)
    before = _outcome(evidence, confidences, reader.accept())
    now = Proposal(
        n_looked_at=len(evidence), budget=budget, before=before, after=None, tuning=None, curve_before=_curve(_logit(confidences)),
        curve_after=(), can_restore=bool(store.remembered(_HISTORY)),
    )  # fmt: skip
    if len(evidence) < ENOUGH:
        return now
    found = fit(evidence, confidences, budget)
    new = Tuning(temperature=old.temperature * found.temperature, accept=found.accept, since_id=_next_id(store))
    moved = [replace(e, confidence=tempered(e.confidence, found.temperature)) for e in evidence]
    after = _outcome(moved, [tempered(c, found.temperature) for c in confidences], found.accept)
    curve = _curve(_logit(confidences) / found.temperature)
    return replace(now, after=after, tuning=new, curve_after=curve)


def calibrate(store: Store, reader: SiteReader, who: str) -> Proposal:
    """Keep and use what `propose` says; the old tuning can be restored.

    Raises:
        UsageError: people have looked at too few readings.
        StoreError: it cannot be kept; nothing is changed then.
    """
    proposal, old = propose(store, reader), reader.tuning
    new = proposal.tuning
    if new is None:
        raise UsageError(
            f"people have looked at {proposal.n_looked_at} readings since the last calibration; it takes {ENOUGH}; review more"
        )
    history: list[Mapping[str, Any]] = store.remembered(_HISTORY) or []
    store.remember(_HISTORY, [*history, tuning_object(old)][-_MOST_KEPT:])
    store.remember(TUNING, tuning_object(new))
    threshold = reader.accept()
    reader.tune(new)
    detail = f"temperature {old.temperature:.3f} to {new.temperature:.3f}, threshold {threshold:.4f} to {reader.accept():.4f}"
    store.note(who, "calibrated", None, detail)
    return proposal


def restore(store: Store, reader: SiteReader, who: str) -> Tuning:
    """Put the tuning before the last calibration back.

    Raises:
        UsageError: there is none.
        StoreError: it cannot be kept; nothing is changed then.
    """
    history: list[Mapping[str, Any]] = store.remembered(_HISTORY) or []
    if not history:
        raise UsageError("there is no earlier calibration to go back to")
    tuning, next_id = tuning_of(history[-1]), _next_id(store)
    if next_id > reader.tuning.since_id:  # readings of the tuning that goes are in the store, whose confidences mean something else
        tuning = replace(tuning, since_id=next_id)
    store.remember(TUNING, tuning_object(tuning))
    store.remember(_HISTORY, history[:-1] or None)
    reader.tune(tuning)
    store.note(who, "calibrated", None, f"back to temperature {tuning.temperature:.3f}, threshold {reader.accept():.4f}")
    return tuning


def tighten(store: Store, reader: SiteReader, evidence: Sequence[Evidence]) -> None:
    """Raise the threshold, and keep it, where what people found says that the budget is at risk.

    Raises:
        StoreError: it cannot be kept; it holds until the daemon ends.
    """
    before, budget = reader.accept(), reader.budget()
    after = guarded_threshold(evidence, before, budget)
    if after <= before:
        return
    reader.tune(replace(reader.tuning, guard=after))
    store.remember(TUNING, reader.tuning_object())
    detail = f"raised from {before:.6f} to {after:.6f}: too many of the accepted were wrong for a budget of {budget:g}"
    store.note("daemon", "threshold", None, detail)
    _LOG.warning("the threshold was %s", detail)


def _next_id(store: Store) -> int:
    """Return the id from which on records are judged by another tuning than now."""
    newest = store.summaries(Query(limit=1))
    return newest[0].id + 1 if newest else 0


def _outcome(evidence: Sequence[Evidence], confidences: Sequence[float], threshold: float) -> Outcome:
    above = [found.is_right for found in evidence if found.confidence >= threshold]
    n_wrong = len(above) - sum(above)
    low, high = clopper_pearson(n_wrong, len(above))
    share = sum(c >= threshold for c in confidences) / len(confidences) if confidences else 0.0
    return Outcome(threshold=threshold, n_accepted=len(above), n_wrong=n_wrong, low=low, high=high, share_accepted=share)


def _curve(logits: F64) -> tuple[tuple[float, float], ...]:
    """Return the expected error among the so many surest readings, by their share of all, in at most 100 steps."""
    if not len(logits):
        return ()
    errors = _expected_errors(np.sort(logits)[::-1])
    steps = np.unique(np.linspace(0, len(errors) - 1, 100).round().astype(int))
    return tuple((float((k + 1) / len(errors)), float(errors[k])) for k in steps)


def _expected_errors(logits: F64) -> F64:
    """Return the expected error among the k + 1 first."""
    return np.asarray(np.cumsum(_sigmoid(-logits)) / np.arange(1, len(logits) + 1), np.float64)


def _sigmoid(logits: F64) -> F64:
    return np.asarray(1.0 / (1.0 + np.exp(-logits)), np.float64)


def _logit(shares: Sequence[float]) -> F64:
    clipped = np.clip(np.array(shares, np.float64), LEAST, 1 - LEAST)
    return np.asarray(np.log(clipped / (1.0 - clipped)), np.float64)
