"""The lid around a scan is left out; margins, printed frames and paper that darkens slowly are not."""

import numpy as np
import pytest

from edge.datatypes import U8
from edge.locate.lid import without_lid


def paper(height: int = 300, width: int = 700) -> U8:
    rng = np.random.default_rng(5)
    return (np.array([225, 230, 215]) + rng.integers(-6, 7, (height, width, 3))).astype(np.uint8)


@pytest.mark.parametrize("lid", [8, 128, 250])
def test_the_paper_begins_where_the_lid_ends(lid: int) -> None:
    scan = np.full((330, 730, 3), lid, np.uint8)
    scan[12:312, 0:700] = paper()  # lid above, below and to the right
    assert np.allclose(without_lid(scan), [[0, 12], [700, 12], [700, 312], [0, 312]], atol=1.5)


def test_an_edge_that_runs_askew_is_followed() -> None:
    scan = paper()
    for x in range(700):
        scan[: 8 + round(x / 70), x] = 20
    assert np.allclose(without_lid(scan), [[0, 8], [700, 18], [700, 300], [0, 300]], atol=1.5)


def test_what_is_no_lid_stays() -> None:
    whole = [[0, 0], [700, 0], [700, 300], [0, 300]]
    plain = np.full((300, 700, 3), 235, np.uint8)
    framed = plain.copy()
    framed[[14, 15, 284, 285], 14:686] = framed[14:286, [14, 15, 684, 685]] = 40
    darkening = (np.full((300, 700, 3), 250) - np.minimum(np.arange(300), 60)[:, None, None]).astype(np.uint8)
    for picture in (plain, paper(), framed, darkening):
        assert without_lid(picture).tolist() == whole


@pytest.mark.parametrize("size", [(1, 1), (5, 900), (900, 5), (40, 40)])
def test_a_picture_of_any_size_has_corners(size: tuple[int, int]) -> None:
    assert without_lid(np.full((*size, 3), 99, np.uint8)).tolist() == [[0, 0], [size[1], 0], [size[1], size[0]], [0, size[0]]]
