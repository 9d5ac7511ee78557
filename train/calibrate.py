"""Make probabilities honest and turn an error budget into a threshold; every figure here is about strips that training never saw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import beta, norm

from edge.decode.accept import temper

F64 = NDArray[np.float64]

_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Judged:
    """One strip read at temperature one: probability of each meaning, best first, and which of them is right (None: none)."""

    masses: tuple[float, ...]
    right: int | None


def fit_temperature(judged: Sequence[Judged]) -> tuple[float, float]:
    """Return the temperature, and the weight of the rest, that give the truth the highest likelihood.

    See :func:`edge.decode.accept.temper`. Where no kept meaning is right, the truth is the rest: everything that was not read.
    """

    def loss(log_scales: F64) -> float:
        temperature, rest = (float(v) for v in np.exp(log_scales))
        total = 0.0
        for strip in judged:
            shares = temper(strip.masses, temperature, rest)
            truth = shares[strip.right] if strip.right is not None else 1.0 - sum(shares)
            total -= np.log(max(truth, 1e-9))
        return total / len(judged)

    bounds = [(np.log(0.3), np.log(8.0)), (np.log(0.01), np.log(10.0))]
    found = minimize(loss, np.zeros(2), bounds=bounds, method="Nelder-Mead")
    temperature, rest = np.exp(found.x)
    return float(temperature), float(rest)


def upper_bound(n_wrong: int, n: int, level: float = _LEVEL) -> float:
    """Return the one-sided upper confidence bound of an error share (Clopper, Pearson 1934)."""
    return 1.0 if n == 0 or n_wrong == n else float(beta.ppf(level, n_wrong + 1, n - n_wrong))


def fit_threshold(confidences: Sequence[float], right: Sequence[bool], budget: float) -> float | None:
    """Return the least confidence from which on readings are accepted, or None where no threshold keeps the budget.

    The strips are walked from the surest downwards; the largest set whose upper 95 % bound of the error is within the budget is taken. The
    bound holds for a threshold named beforehand; picking the best of many makes it somewhat too hopeful, which is why the error that
    a bundle delivers is measured on other strips again.
    """
    order = np.argsort(-np.asarray(confidences), kind="stable")
    sorted_confidences = np.asarray(confidences, np.float64)[order]
    n_wrong = np.cumsum(~np.asarray(right, bool)[order])
    threshold = None
    for n in range(1, len(order) + 1):
        is_tie = n < len(order) and sorted_confidences[n] == sorted_confidences[n - 1]
        if not is_tie and upper_bound(int(n_wrong[n - 1]), n) <= budget:
            threshold = float(sorted_confidences[n - 1])
    return threshold


def at_least(threshold: float | None, least: float | None) -> float | None:
    """Return a threshold that is not below another one; None, which accepts nothing, stays, and bounds nothing."""
    return threshold if threshold is None or least is None else max(threshold, least)


def wilson_interval(n_right: int, n: int, level: float = _LEVEL) -> tuple[float, float]:
    """Return the two-sided confidence interval of a share (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    z = float(norm.ppf(0.5 + level / 2))
    share = n_right / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    return max(0.0, middle - half), min(1.0, middle + half)


def risk_coverage(confidences: Sequence[float], right: Sequence[bool]) -> tuple[F64, F64]:
    """Return coverage (share accepted) and risk (share wrong among them) for every threshold, the surest first."""
    order = np.argsort(-np.asarray(confidences), kind="stable")
    n = np.arange(1, len(order) + 1)
    return n / len(order), np.cumsum(~np.asarray(right, bool)[order]) / n


def calibration_error(confidences: Sequence[float], right: Sequence[bool], n_bins: int = 10) -> float:
    """Return the expected calibration error over equal-count bins: how far stated and delivered shares lie apart."""
    order = np.argsort(confidences)
    gaps = [
        len(rows) * abs(float(np.mean(np.asarray(confidences)[rows])) - float(np.mean(np.asarray(right)[rows])))
        for rows in np.array_split(order, n_bins)
        if len(rows)
    ]
    return float(sum(gaps) / len(order))
