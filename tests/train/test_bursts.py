"""Bursts: successive frames differ, are the same for the same seed, and figures are counted as they should be."""

import numpy as np

from edge.datatypes import Alternative, Reading
from train.bursts import frames_of, measure_bursts


def test_frames_of_a_burst_differ_and_repeat_with_the_seed() -> None:
    picture = np.full((40, 160), 220, np.uint8)
    picture[10:30, 40:60] = 20
    burst = list(frames_of(picture, 3, np.random.default_rng(1)))
    assert all(frame.shape == picture.shape for frame in burst)
    assert not np.array_equal(burst[0], burst[1])
    assert np.array_equal(burst[2], list(frames_of(picture, 3, np.random.default_rng(1)))[2])


def test_more_frames_accept_more_and_errors_are_counted() -> None:
    right = Reading("12", "unsure", 0.9, "r", None, alternatives=(Alternative("17", 0.08),))
    wrong = Reading("34", "unsure", 0.9, "r", None, alternatives=(Alternative("84", 0.08),))
    (one, _, _), (three, _, ok) = measure_bursts([(right,) * 3, (wrong,) * 3], ["12", "99"], 0.95, (1, 3))
    assert (one.accepted, three.accepted) == (0.0, 1.0)
    assert three.error_among_accepted == 0.5
    assert ok == [True, False]
