"""Percentiles from a histogram are those that sorting gives."""

import numpy as np
import pytest

from edge.locate.levels import percentile_of_each, percentiles


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (7, 13), (60, 80)])
def test_percentiles_are_those_of_numpy(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(shape)
    shares = (0.0, 1.0, 50.0, 80.0, 99.0, 100.0)
    for most in (2, 40, 256):
        levels = rng.integers(0, most, shape, np.uint8)
        assert np.allclose(percentiles(levels, shares), np.percentile(levels, shares))


def test_every_third_pixel_is_a_picture_too() -> None:
    levels = np.arange(180, dtype=np.uint8).reshape(12, 15)
    assert np.allclose(percentiles(levels[::3, ::3], (99.0,)), np.percentile(levels[::3, ::3], (99.0,)))


def test_percentiles_of_cells_are_those_of_each() -> None:
    rng = np.random.default_rng(7)
    for n in (1, 5, 6, 63):
        cells = [rng.integers(0, most, (n, 3), np.uint8) for most in (2, 40, 256)]
        assert np.array_equal(percentile_of_each(cells, 80.0), [percentiles(cell, (80.0,))[0] for cell in cells])
