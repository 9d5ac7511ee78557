"""The error budget, kept and not hoped for: people look at a few of the accepted readings, and the threshold follows what they find."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.service.record import Evidence

# The latest so many drawn readings say how the reader does now; older ones were of other pens and another light.
WINDOW = 300
# When so many errors or more would be this unlikely at the budget, the budget is at risk.
_RISK = 0.05
# While an error was found among the latest so many drawn readings, more are drawn.
_ALERT = 50
_ALERT_TIMES = 10
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The error among the accepted, from those that chance drew: ``n_wrong`` of ``n``, with the Clopper-Pearson interval of 95 %."""

    n: int
    n_wrong: int
    share: float | None
    low: float
    high: float


def is_drawn(one_in: int, evidence: Sequence[Evidence], chance: random.Random) -> bool:
    """Return whether a person is to be asked about an accepted reading: one in so many, more while errors turn up; 0: none.

    ``evidence`` is newest first.
    """
    if one_in <= 0:
        return False
    drawn = [found for found in evidence if found.is_drawn][:_ALERT]
    is_alert = any(not found.is_right for found in drawn)
    return chance.random() < (_ALERT_TIMES if is_alert else 1) / one_in


def estimate_error(evidence: Sequence[Evidence], accept: float) -> Estimate:
    """Return the error among readings accepted at a threshold, as far as the latest drawn ones tell; ``evidence`` is newest first."""
    drawn = [found for found in evidence if found.is_drawn and found.was_accepted and found.confidence >= accept][:WINDOW]
    n, n_wrong = len(drawn), sum(not found.is_right for found in drawn)
    low, high = clopper_pearson(n_wrong, n)
    return Estimate(n=n, n_wrong=n_wrong, share=n_wrong / n if n else None, low=low, high=high)


def guarded_threshold(evidence: Sequence[Evidence], accept: float, budget: float) -> float:
    """Return the least threshold, ``accept`` or higher, at which what was found does not speak against the budget.

    Candidates are the places just above each wrong reading. Where even above the surest wrong one the budget is at risk, which takes
    a window full of errors, nothing is accepted (a threshold above one) until the reader is calibrated again.
    """
    wrong = sorted({found.confidence for found in evidence if found.is_drawn and not found.is_right and found.confidence >= accept})
    for threshold in (accept, *(math.nextafter(confidence, 2.0) for confidence in wrong)):
        found = estimate_error(evidence, threshold)
        if not is_at_risk(found.n_wrong, found.n, budget):
            return threshold
    return 1.01


def is_at_risk(n_wrong: int, n: int, budget: float) -> bool:
    """Return whether so many wrong ones among the accepted speak against the budget: within it they would hardly ever turn up."""
    return n_wrong > 0 and _at_least(n_wrong, n, budget) < _RISK


def _at_least(k: int, n: int, p: float) -> float:
    """Return the probability of ``k`` or more errors among ``n`` readings that are each wrong with probability ``p``."""
    if not 0 < p < 1:
        return float(k == 0 or p >= 1)
    # By logarithms: the binomials of a thousand readings are beyond what a float can hold.
    whole, right, wrong = math.lgamma(n + 1), math.log1p(-p), math.log(p)
    return 1.0 - sum(math.exp(whole - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * wrong + (n - i) * right) for i in range(k))


def clopper_pearson(k: int, n: int) -> tuple[float, float]:
    """Return the exact interval of 95 % for a share of which ``k`` of ``n`` were seen (Clopper, Pearson 1934), by bisection."""
    tail = (1 - _CONFIDENCE) / 2
    low = 0.0 if k == 0 else _bisect(lambda p: _at_least(k, n, p) < tail)
    high = 1.0 if k == n else _bisect(lambda p: 1.0 - _at_least(k + 1, n, p) > tail)
    return low, high


def _bisect(is_below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return (low + high) / 2
