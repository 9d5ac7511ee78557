"""A quadrilateral from the straight pieces of a mask's contour: dents and spurs, as other paper leaves them, do not count."""

from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.datatypes import F32, F64
from edge.locate.sides import crossing, turns_clockwise

# Cells are enlarged so many times before the contour is taken, which places it between them.
_ENLARGED = 4
# Points that the contour is thinned to, furthest that a point may lie off a piece (in cells), and pieces that are looked for.
_N_POINTS, _OFF_PIECE, _N_PIECES = 96, 0.5, 7
# A piece holds at least this share of the contour's points.
_LEAST_PIECE = 0.05


def quad_of_mask(shares: F32) -> tuple[F64, float] | None:
    """Return the quadrilateral that covers a mask best, and how well.

    Args:
        shares: float32 (rows, columns), how much of each cell is inside, 0 to 1.

    Returns:
        Corners (4, 2) in cells, clockwise, and the intersection over union with the mask; None where no four pieces enclose it.
    """
    mask = _enlarged(shares)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    outer = max(contours, key=cv2.contourArea)
    whole = np.zeros_like(mask)
    cv2.drawContours(whole, [outer], -1, (1.0,), -1)
    points = outer[:, 0].astype(np.float64)
    points = points[np.linspace(0, len(points) - 1, min(_N_POINTS, len(points))).astype(int)]
    best: tuple[F64, float] | None = None
    for four in combinations(_straight_pieces(points), 4):
        quad = _quad_between(four, points.mean(axis=0))
        if quad is None or np.abs(quad).max() > 4 * max(mask.shape):
            continue
        fit = _overlap(quad, whole)
        if best is None or fit > best[1]:
            best = quad, fit
    if best is None:
        return None
    return (best[0] + 0.5) / _ENLARGED - 1, best[1]


def fit_to_mask(quad: F64, shares: F32) -> float:
    """Return the intersection over union of a quadrilateral, in cells, and a mask."""
    return _overlap((quad + 1) * _ENLARGED - 0.5, _enlarged(shares))


def _enlarged(shares: F32) -> NDArray[np.uint8]:
    """Return the mask of cells, with a rim of one cell, so fine that its contour runs between them."""
    fine = cv2.resize(np.pad(shares, 1), None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine > 0.5, np.uint8)


def _straight_pieces(points: F64) -> list[tuple[F64, F64]]:
    """Return lines (a point, a direction) that many contour points lie on, each found without the points of those before."""
    left, pieces = points, []
    for _ in range(_N_PIECES):
        if len(left) < 4:
            break
        first, second = np.triu_indices(len(left), 1)
        along = left[second] - left[first]
        length = np.hypot(*along.T)
        first, along, length = first[length > 2 * _ENLARGED], along[length > 2 * _ENLARGED], length[length > 2 * _ENLARGED]
        if not len(first):
            break
        normal = np.column_stack([-along[:, 1], along[:, 0]]) / length[:, None]
        near = np.abs(normal @ left.T - (normal * left[first]).sum(axis=1)[:, None]) < _OFF_PIECE * _ENLARGED
        best = int(near.sum(axis=1).argmax())
        on = left[near[best]]
        if len(on) < _LEAST_PIECE * len(points):
            break
        _, axes = np.linalg.eigh(np.cov(on.T))
        pieces.append((on.mean(axis=0), axes[:, 1]))
        left = left[~near[best]]
    return pieces


def _quad_between(lines: tuple[tuple[F64, F64], ...], middle: F64) -> F64 | None:
    """Return the corners of four lines taken clockwise around a point inside, or None where they enclose no convex figure."""
    outward = []
    for point, direction in lines:
        normal = np.array([-direction[1], direction[0]])
        outward.append(normal if np.dot(point - middle, normal) > 0 else -normal)
    order = np.argsort([np.arctan2(normal[1], normal[0]) for normal in outward])
    corners = [crossing(lines[order[index - 1]], lines[order[index]]) for index in range(4)]
    if any(corner is None for corner in corners):
        return None
    quad = np.array(corners)
    return quad if turns_clockwise(quad) else None


def _overlap(quad: F64, mask: NDArray[np.uint8]) -> float:
    drawn = np.zeros_like(mask)
    cv2.fillConvexPoly(drawn, np.round(quad * 16).astype(np.int32), (1.0,), cv2.LINE_8, 4)
    union = int(np.count_nonzero(drawn | mask))
    return int(np.count_nonzero(drawn & mask)) / union if union else 0.0
