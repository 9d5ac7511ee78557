"""The budget is watched with what people find; a stream that is worse than it claims is brought back inside."""

import math
import random

import numpy as np
import pytest

from edge.datatypes import Alternative, CheckReading, Quality, Reading
from edge.service.audit import clopper_pearson, estimate_error, guarded_threshold, is_drawn
from edge.service.calibrate import fit
from edge.service.record import Evidence
from edge.service.tuning import Tuning, judged_here, tempered, tuning_object, tuning_of


def found(confidence: float, is_right: bool, is_drawn: bool = True) -> Evidence:
    return Evidence(record_id=1, was_accepted=True, is_drawn=is_drawn, confidence=confidence, is_right=is_right)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(0, 0, 0, 1), (0, 50, 0, 0.0711), (1, 50, 0.0005, 0.1065), (50, 50, 0.9289, 1), (80, 8000, 0.0079, 0.0124)],
)
def test_the_interval_is_the_exact_one(k: int, n: int, low: float, high: float) -> None:
    assert clopper_pearson(k, n) == pytest.approx((low, high), abs=1e-4)


def test_only_what_chance_drew_and_would_be_accepted_now_is_counted() -> None:
    evidence = [found(0.99, True), found(0.99, False), found(0.5, False), found(0.99, False, is_drawn=False)]
    estimate = estimate_error(evidence, 0.9)
    assert (estimate.n, estimate.n_wrong, estimate.share) == (2, 1, 0.5)
    assert estimate_error([], 0.9).share is None


def test_a_budget_that_is_kept_leaves_the_threshold_alone() -> None:
    evidence = [found(0.995, index != 70) for index in range(100)]
    assert guarded_threshold(evidence, 0.98, 0.01) == 0.98


def test_errors_raise_the_threshold_above_the_wrong_ones_only() -> None:
    evidence = [found(0.985, False), found(0.987, False), *[found(0.999, True)] * 30]
    raised = guarded_threshold(evidence, 0.98, 0.01)
    assert 0.985 <= raised < 0.999
    assert guarded_threshold([found(1.0, False)] * 5, 0.98, 0.01) > 1.0


def test_people_are_asked_more_often_after_an_error_and_never_where_the_owner_says_so() -> None:
    chance = random.Random(1)
    calm = sum(is_drawn(50, [found(0.99, True)], chance) for _ in range(5000))
    alert = sum(is_drawn(50, [found(0.99, False)], chance) for _ in range(5000))
    assert 60 < calm < 140
    assert 800 < alert < 1200
    assert not any(is_drawn(0, [], chance) for _ in range(100))


def shifted_stream(n: int, chance: np.random.Generator, temperature: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Confidences of a reader that claims more than it keeps: what is right follows the honest ones."""
    logits = chance.normal(5.0, 2.5, n)
    said, honest = 1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(-logits / temperature))
    return said, chance.random(n) < honest


def test_fifty_reviewed_readings_bring_a_shifted_stream_back_inside_its_budget() -> None:
    chance = np.random.default_rng(7)
    errors = []
    for _ in range(20):
        said, is_right = shifted_stream(2000, chance)
        reviewed = np.flatnonzero(said < 0.98)[:50]
        evidence = [found(float(said[i]), bool(is_right[i])) for i in reviewed]
        fitted = fit(evidence, said.tolist(), 0.01)
        new, is_new_right = shifted_stream(20_000, chance)
        logits = np.log(new / (1 - new))
        accepted = 1 / (1 + np.exp(-logits / fitted.temperature)) >= fitted.accept
        before = 1 - is_new_right[new >= 0.98].mean()
        assert before > 0.015
        errors.append(1 - is_new_right[accepted].mean() if accepted.any() else 0.0)
    assert np.mean(errors) < 0.01
    assert np.mean(np.array(errors) <= 0.01) >= 0.85


def test_readings_that_nobody_was_sure_of_say_nothing_of_the_sure_ones() -> None:
    said, is_right = shifted_stream(2000, np.random.default_rng(3), temperature=1.0)
    evidence = [found(float(s), bool(r)) for s, r in zip(said, is_right, strict=True)]
    unsure = [found(0.03, index % 6 == 0) for index in range(300)]  # more often right than claimed
    fitted, with_them = (fit(those, said.tolist(), 0.01) for those in (evidence, [*evidence, *unsure]))
    assert with_them == fitted


def test_a_fitted_threshold_accepts_at_the_site_what_it_accepts_in_the_fit() -> None:
    """The fit tempers a confidence against everything else, and so does whoever judges with it."""
    said, is_right = shifted_stream(2000, np.random.default_rng(5))
    evidence = [found(float(s), bool(r)) for s, r in zip(said[:300], is_right[:300], strict=True)]
    fitted = fit(evidence, said.tolist(), 0.01)
    tuning = Tuning(temperature=fitted.temperature, accept=fitted.accept)
    judged = [judged_here(check(float(s), "unsure"), tuning, None).fields["amount"] for s in said]
    n_accepted = sum(amount is not None and amount.verdict == "accepted" for amount in judged)
    assert n_accepted == sum(tempered(float(s), fitted.temperature) >= fitted.accept for s in said) > 0


def test_a_stream_that_is_as_honest_as_it_claims_keeps_its_temperature() -> None:
    said, is_right = shifted_stream(2000, np.random.default_rng(3), temperature=1.0)
    evidence = [found(float(s), bool(r)) for s, r in zip(said, is_right, strict=True)]
    assert fit(evidence, said.tolist(), 0.01).temperature == pytest.approx(1.0, abs=0.15)


def check(confidence: float, verdict: str, reason: str | None = None) -> CheckReading:
    amount = Reading("1.00", verdict, confidence, reason, None, (), (Alternative("7.00", (1 - confidence) / 2),))  # type: ignore[arg-type]
    return CheckReading(0, (1, 1), None, Quality(), {"amount": amount}, {})


def test_a_site_judges_by_its_own_temperature_and_never_below_its_guard() -> None:
    tuning = Tuning(temperature=2.0, accept=0.92)
    amount = judged_here(check(0.99, "accepted"), tuning, 0.98).fields["amount"]
    assert amount is not None
    assert amount.confidence == pytest.approx(1 / (1 + math.sqrt(0.01 / 0.99)))
    assert amount.verdict == "unsure"
    assert amount.confidence + sum(other.confidence for other in amount.alternatives) <= 1
    accepted = judged_here(check(0.97, "unsure"), Tuning(accept=0.9), 0.98).fields["amount"]
    guarded = judged_here(check(0.97, "unsure"), Tuning(accept=0.9, guard=0.975), 0.98).fields["amount"]
    assert accepted is not None
    assert guarded is not None
    assert (accepted.verdict, guarded.verdict) == ("accepted", "unsure")


def test_an_amount_that_is_doubted_for_its_place_stays_unsure() -> None:
    amount = judged_here(check(0.999, "unsure", "another place may be this field too"), Tuning(accept=0.5), 0.98).fields["amount"]
    assert amount is not None
    assert amount.verdict == "unsure"


def test_a_tuning_survives_being_kept() -> None:
    tuning = Tuning(temperature=1.5, accept=0.97, guard=0.98, since_id=7)
    assert tuning_of(tuning_object(tuning)) == tuning
    assert tuning_of(None) == Tuning()
