"""A threshold lies where readings that failed are told best from the others."""

import numpy as np

from train.fit_quality import best_split, judged


def test_a_clean_split_is_found_halfway() -> None:
    fitted = best_split("blur", np.array([0.1, 0.2, 0.3, 0.7, 0.8]), np.array([True, True, True, False, False]))
    assert fitted.threshold == 0.5
    assert (fitted.caught, fitted.suspected, fitted.n_failed) == (1.0, 0.0, 3)


def test_where_nothing_fails_nothing_is_suspected() -> None:
    fitted = best_split("blur", np.array([0.1, 0.2, 0.3]), np.zeros(3, bool))
    assert fitted.threshold < 0.1
    assert fitted.suspected == 0.0


def test_a_threshold_is_judged_by_what_it_tells_and_by_what_of_that_fails() -> None:
    told = judged(np.array([0.1, 0.2, 0.3, 0.7]), np.array([True, False, True, True]), 0.25)
    assert told == {"n_other": 4, "recall": 1 / 3, "precision": 0.5}
