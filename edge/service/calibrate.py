"""This site's own calibration: from readings that people confirmed or corrected, a temperature and a threshold, with NumPy alone."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.config import Config
from edge.datatypes import F64
from edge.errors import UsageError
from edge.service.audit import clopper_pearson
from edge.service.reader import SiteReader
from edge.service.record import Evidence
from edge.service.serve import open_store
from edge.service.store import Store
from edge.service.tuning import Tuning, tuning_object, tuning_of

LEAST = 50
_TUNING, _HISTORY = "tuning", "tuning_history"
# Before anything was seen, the bundle's temperature is believed to be right within a factor of e to this.
_PRIOR_LOG_SD = 1.0
_LOG_TEMPERATURES = np.linspace(-2.0, 2.0, 401)
# The threshold is set for a temperature that is higher than the true one with this probability.
_CAUTION = 0.95
_LEAST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """``temperature``: the likeliest; ``cautious``: one that is hardly too low; ``accept``: the threshold, above one: accept nothing."""

    temperature: float
    cautious: float
    accept: float


def fit(evidence: Sequence[Evidence], confidences: Sequence[float], budget: float) -> Fit:
    """Return temperature and threshold from what people found, and from how sure the reader was of everything it read.

    The temperature is the likeliest under a log-normal prior (Guo, Pleiss, Sun, Weinberger 2017, with few examples). The threshold is
    the least at which the errors expected among all readings above it, with a temperature that is on the safe side, are within the
    budget. Evidence may be chosen by confidence (all unsure ones, few accepted ones) without any harm: both look at each confidence alone.
    """
    said = _logit(np.array([found.confidence for found in evidence]))
    is_right = np.array([found.is_right for found in evidence])
    scores = np.array([_log_likelihood(said, is_right, float(np.exp(log_t))) for log_t in _LOG_TEMPERATURES])
    scores -= 0.5 * (_LOG_TEMPERATURES / _PRIOR_LOG_SD) ** 2
    shares = np.exp(scores - scores.max())
    below = np.cumsum(shares / shares.sum())
    best = float(np.exp(_LOG_TEMPERATURES[int(scores.argmax())]))
    cautious = float(np.exp(_LOG_TEMPERATURES[min(int(np.searchsorted(below, _CAUTION)), len(below) - 1)]))
    stream = np.sort(_logit(np.array(confidences)))[::-1]
    wrong = 1.0 - _honest(stream, max(cautious, best))
    expected = np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
    within = np.flatnonzero(expected <= budget)
    accept = float(_honest(stream[within[-1]], best)) if len(within) else 1.01
    return Fit(temperature=best, cautious=cautious, accept=accept)


def calibrate_store(config: Config, is_restored: bool, is_tried: bool) -> int:
    """Fit the store's tuning anew, or put the one before back; print what changes.

    Raises:
        UsageError: too few readings were looked at, or there is nothing to go back to.
        StoreError: the daemon runs, or the store cannot be opened.
    """
    with closing(open_store(config)) as store:
        history: list[dict[str, Any]] = store.remembered(_HISTORY) or []
        if is_restored:
            return _restore(store, history)
        reader = SiteReader(config.reading, store.remembered(_TUNING))
        old = reader.tuning
        evidence = store.evidence(old.since_id)
        if len(evidence) < LEAST:
            raise UsageError(f"people have looked at {len(evidence)} readings since the last calibration; it takes {LEAST}; review more")
        confidences = store.confidences(old.since_id)
        found = fit(evidence, confidences, reader.budget())
        next_id = max(record.record_id for record in evidence) + 1
        new = Tuning(temperature=old.temperature * found.temperature, accept=found.accept, since_id=next_id)
        _print(evidence, confidences, reader.accept(), found, reader.budget())
        if is_tried:
            print("nothing was changed")
            return 0
        store.remember(_HISTORY, [*history, tuning_object(old)][-20:])
        store.remember(_TUNING, tuning_object(new))
        store.note("owner", "calibrated", None, f"temperature {old.temperature:.3f} to {new.temperature:.3f}, threshold {new.accept:.4f}")
        print("the new ones are in use from the daemon's next start on; `checkreader calibrate --restore` puts the old ones back")
        return 0


def _restore(store: Store, history: list[dict[str, Any]]) -> int:
    if not history:
        raise UsageError("there is no earlier calibration to go back to")
    tuning = tuning_of(history[-1])
    store.remember(_TUNING, tuning_object(tuning))
    store.remember(_HISTORY, history[:-1] or None)
    store.note("owner", "calibrated", None, f"back to temperature {tuning.temperature:.3f}")
    print(f"temperature {tuning.temperature:.3f} is in use again from the daemon's next start on")
    return 0


def _print(evidence: Sequence[Evidence], confidences: Sequence[float], accept: float, found: Fit, budget: float) -> None:
    """Show accepted and wrong before and after, on what people looked at, and the share accepted of everything."""
    print(f"{len(evidence)} readings that people looked at; temperature times {found.temperature:.3f} (at most {found.cautious:.3f})")
    print(f"{'':8}{'threshold':>12}{'looked at, accepted':>22}{'wrong among them':>34}{'accepted of all':>18}")
    said, stream = np.array([e.confidence for e in evidence]), np.array(confidences)
    honest = [_honest(_logit(numbers), found.temperature) for numbers in (said, stream)]
    for name, threshold, own, every in (("before", accept, said, stream), ("after", found.accept, honest[0], honest[1])):
        above = own >= threshold
        n, wrong = int(above.sum()), sum(not e.is_right for e, is_above in zip(evidence, above, strict=True) if is_above)
        low, high = clopper_pearson(wrong, n) if n else (0.0, 1.0)
        interval = f"{wrong} ({100 * low:.1f} to {100 * high:.1f} %)"
        print(f"{name:8}{threshold:12.4f}{n:22d}{interval:>34}{100 * float((every >= threshold).mean()):16.1f} %")
    print(f"the budget is {100 * budget:g} %")


def _log_likelihood(said: F64, is_right: "np.typing.NDArray[np.bool_]", temperature: float) -> float:
    honest = np.clip(_honest(said, temperature), _LEAST, 1 - _LEAST)
    return float(np.sum(np.log(np.where(is_right, honest, 1.0 - honest))))


def _honest(logits: F64, temperature: float) -> F64:
    return np.asarray(1.0 / (1.0 + np.exp(-logits / temperature)), np.float64)


def _logit(shares: F64) -> F64:
    clipped = np.clip(shares, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(clipped / (1.0 - clipped)), np.float64)
