"""Boxes of symbols: they land where the ink is, through crop, scale and rotation, and stay in the picture."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.datatypes import F64, Lattice, Strip
from edge.locate.strip import normalize_strip
from edge.looks import symbol_box

SYMBOLS = (*"0123456789", "")


def lattice(column: int, extents: tuple[float, float, float, float] | None, n_columns: int = 50) -> Lattice:
    """Say "7" in one column, surest in its middle, blank elsewhere."""
    log_probs = np.full((n_columns, len(SYMBOLS)), math.log(1e-4), np.float32)
    log_probs[:, -1] = math.log(1 - 1e-3)
    log_probs[column - 1 : column + 2, 7] = [math.log(0.5), math.log(0.9), math.log(0.6)]
    reach = None if extents is None else np.full((n_columns, 4), np.float32(extents), np.float32)
    return Lattice(log_probs, SYMBOLS, 2.0, reach)


def affine(scale: float, turn: float, x: float, y: float) -> F64:
    c, s = scale * math.cos(turn), scale * math.sin(turn)
    return np.array([[c, -s, x], [s, c, y], [0, 0, 1]])


@settings(deadline=None)
@given(
    scale=st.floats(0.2, 8),
    turn=st.floats(-math.pi, math.pi),
    x=st.floats(-50, 50),
    y=st.floats(-50, 50),
    column=st.integers(5, 44),
    reach=st.tuples(*[st.floats(1, 8)] * 2, st.floats(2, 14), st.floats(16, 30)),
)
def test_a_box_survives_crop_scale_rotation_and_back(
    scale: float, turn: float, x: float, y: float, column: int, reach: tuple[float, float, float, float]
) -> None:
    strip = Strip(np.zeros((32, 100), np.uint8), affine(scale, turn, x + 2000, y + 2000))
    left, top, width, height = symbol_box(strip, lattice(column, reach), (column - 1, column + 1), "7", (4000, 4000))
    centre = column * 2 + 1
    strip_corners = [(a, b) for a in (centre - reach[0], centre + reach[1]) for b in reach[2:]]
    # the box in the picture holds the four corners that the network meant, and each of its sides touches one
    corners = np.array([strip.strip_to_picture @ (a, b, 1) for a, b in strip_corners])[:, :2]
    assert np.allclose([left, top], corners.min(axis=0), atol=1e-3)
    assert np.allclose([left + width, top + height], corners.max(axis=0), atol=1e-3)
    # and mapped back into the strip, its centre is the symbol's
    back = np.linalg.inv(strip.strip_to_picture) @ (left + width / 2, top + height / 2, 1)
    assert np.allclose(back[:2], np.mean(strip_corners, axis=0), atol=1e-3)


@settings(deadline=None)
@given(width=st.integers(1, 300), height=st.integers(1, 300), reach=st.tuples(*[st.floats(-40, 400)] * 4), column=st.integers(1, 48))
def test_a_box_never_leaves_the_picture(width: int, height: int, reach: tuple[float, float, float, float], column: int) -> None:
    strip = normalize_strip(np.full((height, width), 200, np.uint8))
    x, y, w, h = symbol_box(strip, lattice(column, reach), (column, column), "7", (width, height))
    assert 0 <= x <= x + w <= width + 1e-6
    assert 0 <= y <= y + h <= height + 1e-6


def test_without_extents_the_columns_are_the_box() -> None:
    strip = Strip(np.zeros((32, 100), np.uint8), np.eye(3))
    assert symbol_box(strip, lattice(10, None), (9, 11), "7", (100, 32)) == (18.0, 0.0, 6.0, 32.0)
