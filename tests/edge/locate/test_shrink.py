"""A smaller picture shows the same in the same places."""

import cv2
import numpy as np
import pytest

from edge.locate.shrink import shrunk


@pytest.mark.parametrize("size", [(640, 480), (641, 483), (100, 1000), (30, 20)])
@pytest.mark.parametrize("wanted", [(64, 48), (50, 30), (29, 19)])
def test_what_is_halved_first_looks_like_what_is_averaged_at_once(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
    picture = np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    at_once = cv2.resize(picture, wanted, interpolation=cv2.INTER_AREA).astype(int)
    halved = shrunk(picture, wanted)
    assert halved.shape == (wanted[1], wanted[0], 3)
    assert np.abs(halved - at_once).mean() < 4


def test_a_smaller_picture_is_made_larger() -> None:
    assert shrunk(np.full((3, 4, 3), 9, np.uint8), (40, 30)).tolist() == np.full((30, 40, 3), 9).tolist()
