"""Edges of paper to a fraction of a pixel: each side of a quadrilateral moved to the strongest straight edge near it."""

import cv2
import numpy as np

from edge.datatypes import F32, F64, U8

# Grey levels of difference across a side that count as full contrast.
_CONTRAST = 18.0
# Where along a side it is looked at, as shares of it: all but its ends, where the corners may be bent or covered.
_N_PROFILES = 64
ALONG = np.linspace(0.06, 0.94, _N_PROFILES)
# Pairs of profiles that a line is tried through: at least an eighth of the side apart.
_FIRST, _SECOND = (index.ravel() for index in np.meshgrid(np.arange(0, _N_PROFILES, 4), np.arange(0, _N_PROFILES, 4)))
_FIRST, _SECOND = _FIRST[_SECOND > _FIRST + 8], _SECOND[_SECOND > _FIRST + 8]
# Furthest that an edge may lie from the line through it, in pixels.
_OFF_LINE = 1.5


def fitted_to_edges(picture: U8, quad: F64, to_border: float = 0.0) -> F64:
    """Move each side to the strongest edge near it, by least squares over many profiles, and intersect the sides again; BGR picture.

    A side that has no edge and lies within ``to_border`` pixels of the picture's border is the border: there the paper is cut off.
    """
    reach = max(6, round(0.014 * max(picture.shape[:2])))
    sides = []
    for a, b in zip(quad, np.roll(quad, -1, axis=0), strict=True):
        side = _fitted_side(picture, a, b, reach) or _border_near(picture, a, b, to_border)
        sides.append(side or (a, b - a))
    corners = [crossing(sides[index - 1], sides[index]) for index in range(4)]
    if any(corner is None for corner in corners):
        return quad
    fitted = np.array(corners)
    moved = np.hypot(*(fitted - quad).T).max()
    return fitted if moved < 3 * reach + to_border else quad


def _border_near(picture: U8, a: F64, b: F64, reach: float) -> tuple[F64, F64] | None:
    height, width = picture.shape[:2]
    for axis, at in ((0, 0.0), (0, float(width)), (1, 0.0), (1, float(height))):
        if max(abs(a[axis] - at), abs(b[axis] - at)) < reach:
            start, end = a.copy(), b.copy()
            start[axis] = end[axis] = at
            return start, end - start
    return None


def profiles(picture: U8, a: F64, b: F64, offsets: F64) -> F32:
    """Return Lab colours float32 (profiles, offsets, 3) across the line from a to b; offsets grow to the right of its direction."""
    direction = (b - a) / max(float(np.hypot(*(b - a))), 1.0)
    normal = np.array([-direction[1], direction[0]])
    at = a + ALONG[:, None] * (b - a)
    grid = at[:, None, :] + offsets[None, :, None] * normal - 0.5
    # Three neighbours along the side are averaged: the grain of the desk is not an edge.
    thrice = np.concatenate([grid + step * direction for step in (-1.5, 0, 1.5)]).astype(np.float32)
    seen = cv2.remap(picture, thrice[:, :, 0], thrice[:, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mean = seen.reshape(3, _N_PROFILES, len(offsets), 3).mean(axis=0)
    return np.asarray(cv2.cvtColor(mean.astype(np.uint8), cv2.COLOR_BGR2LAB), np.float32)


def _fitted_side(picture: U8, a: F64, b: F64, reach: int) -> tuple[F64, F64] | None:
    """Return a point and the direction of the edge near the line from a to b, or None where there is none."""
    offsets = np.arange(-reach, reach + 1, dtype=np.float64)
    smooth = cv2.GaussianBlur(profiles(picture, a, b, offsets), (5, 1), 0)
    slope = np.linalg.norm(smooth[:, 2:] - smooth[:, :-2], axis=2)
    rows = np.arange(_N_PROFILES)
    peak = slope.argmax(axis=1)
    y = offsets[peak + 1]
    fine = np.clip(peak, 1, slope.shape[1] - 2)
    left, mid, right = (slope[rows, fine + d] for d in (-1, 0, 1))
    y = y + np.where(peak == fine, np.clip((left - right) / (2 * np.minimum(left - 2 * mid + right, -1e-3)), -0.5, 0.5), 0.0)
    line = robust_line(y, np.clip(slope[rows, peak] / _CONTRAST, 0, 1))
    if line is None:
        return None
    direction = (b - a) / max(float(np.hypot(*(b - a))), 1.0)
    normal = np.array([-direction[1], direction[0]])
    start, end = a + line[1] * normal, b + (line[0] + line[1]) * normal
    return start, end - start


def robust_line(y: F64, weight: F64) -> tuple[float, float] | None:
    """Return slope and offset of the line with most weight near it, refined by least squares; None without support.

    Args:
        y: float (64,), how far aside the edge was seen at each place of `ALONG`; ``weight``: how surely, 0 to 1.
    """
    slopes = (y[_SECOND] - y[_FIRST]) / (ALONG[_SECOND] - ALONG[_FIRST])
    off = np.abs(y[None] - y[_FIRST, None] - slopes[:, None] * (ALONG[None] - ALONG[_FIRST, None]))
    supports = (off < _OFF_LINE) @ weight
    best = int(supports.argmax())
    if supports[best] < 0.25 * _N_PROFILES:
        return None
    near = off[best] < _OFF_LINE
    slope, offset = np.polyfit(ALONG[near], y[near], 1, w=np.sqrt(weight[near]) + 1e-3)
    return float(slope), float(offset)


def crossing(first: tuple[F64, F64], second: tuple[F64, F64]) -> F64 | None:
    (p, u), (q, v) = first, second
    cross = float(u[0] * v[1] - u[1] * v[0])
    if abs(cross) <= 1e-6 * float(np.hypot(*u) * np.hypot(*v)):
        return None
    return np.asarray(p + u * (((q - p)[0] * v[1] - (q - p)[1] * v[0]) / cross), np.float64)


def turns_clockwise(quad: F64) -> bool:
    """Return whether corners (4, 2) go clockwise around a convex figure."""
    edges = np.roll(quad, -1, axis=0) - quad
    after = np.roll(edges, -1, axis=0)
    return bool((edges[:, 0] * after[:, 1] - edges[:, 1] * after[:, 0] > 0).all())
