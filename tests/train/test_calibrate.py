import numpy as np
import pytest

from train.calibrate import (
    Judged,
    at_least,
    calibration_error,
    fit_temperature,
    fit_threshold,
    risk_coverage,
    upper_bound,
    wilson_interval,
)


def test_the_rule_of_299_without_an_error_keeps_one_percent() -> None:
    assert upper_bound(0, 299) <= 0.01 < upper_bound(0, 298)


def test_the_threshold_accepts_the_largest_set_within_the_budget() -> None:
    confidences = np.linspace(1, 0, 1000)
    right = np.arange(1000) < 700
    threshold = fit_threshold(confidences.tolist(), right.tolist(), 0.01)
    assert threshold is not None
    accepted = confidences >= threshold
    assert upper_bound(int((~right & accepted).sum()), int(accepted.sum())) <= 0.01
    assert 700 <= accepted.sum() <= 706


def test_too_few_strips_promise_nothing() -> None:
    assert fit_threshold([0.99] * 200, [True] * 200, 0.01) is None


def test_equal_confidences_are_accepted_together_or_not_at_all() -> None:
    assert fit_threshold([0.9] * 400, [True] * 350 + [False] * 50, 0.01) is None


def test_a_known_temperature_is_found_again() -> None:
    rng = np.random.default_rng(0)
    judged = []
    for _ in range(4000):
        honest = rng.dirichlet([1.0, 0.4, 0.2])
        sharp = honest**2 / (honest**2).sum()  # as sure as a network at temperature one half of the honest one
        right = int(rng.choice(3, p=honest))
        judged.append(Judged((float(sharp[0]), float(sharp[1])), right if right < 2 else None))
    assert fit_temperature(judged) == pytest.approx((2.0, 1.0), rel=0.15)


def test_wilson_holds_the_share_and_stays_within_bounds() -> None:
    assert wilson_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-3)
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert wilson_interval(10, 10)[1] == pytest.approx(1)


def test_risk_and_coverage_end_at_everything() -> None:
    coverage, risk = risk_coverage([0.9, 0.8, 0.7, 0.6], [True, True, False, True])
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 0, 1 / 3, 1 / 4])


def test_honest_probabilities_have_little_calibration_error() -> None:
    p = np.random.default_rng(1).random(20_000)
    right = np.random.default_rng(2).random(20_000) < p
    assert calibration_error(p.tolist(), right.tolist()) < 0.02 < calibration_error((p**3).tolist(), right.tolist())


def test_a_threshold_is_not_below_another_one_and_nothing_stays_nothing() -> None:
    assert at_least(0.86, 0.89) == 0.89
    assert at_least(0.95, 0.89) == 0.95
    assert at_least(0.86, None) == 0.86
    assert at_least(None, 0.89) is None
