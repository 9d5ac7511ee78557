"""Edges of paper to a fraction of a pixel: each side of a quadrilateral moved to the strongest straight edge near it."""

import cv2
import numpy as np

from edge.datatypes import F32, F64

# Grey levels of difference across a side that count as full contrast.
_CONTRAST = 18.0


def fitted_to_edges(lab: F32, quad: F64) -> F64:
    """Move each side to the strongest edge near it, by least squares over many profiles, and intersect the sides again."""
    reach = max(6, round(0.014 * max(lab.shape[:2])))
    sides = [_fitted_side(lab, a, b, reach) for a, b in zip(quad, np.roll(quad, -1, axis=0), strict=True)]
    corners = []
    for before, after in zip([sides[-1], *sides[:-1]], sides, strict=True):
        corner = crossing(before, after)
        if corner is None:
            return quad
        corners.append(corner)
    fitted = np.array(corners)
    moved = np.hypot(*(fitted - quad).T).max()
    return fitted if moved < 3 * reach else quad


def _fitted_side(lab: F32, a: F64, b: F64, reach: int) -> tuple[F64, F64]:
    """Return a point and the direction of the edge near the line from a to b."""
    direction = (b - a) / max(float(np.hypot(*(b - a))), 1.0)
    normal = np.array([-direction[1], direction[0]])
    at = a + np.linspace(0.06, 0.94, 64)[:, None] * (b - a)
    offsets = np.arange(-reach, reach + 1)
    grid = (at[:, None, :] + offsets[None, :, None] * normal - 0.5).astype(np.float32)
    profile = cv2.remap(lab, grid[:, :, 0], grid[:, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    smooth = cv2.GaussianBlur(profile, (5, 1), 0)
    slope = np.linalg.norm(smooth[:, 2:] - smooth[:, :-2], axis=2)
    peak = slope.argmax(axis=1)
    strong = slope[np.arange(64), peak]
    t, y = np.linspace(0.06, 0.94, 64), offsets[peak + 1].astype(float)
    fine = np.clip(peak, 1, slope.shape[1] - 2)
    left, mid, right = (slope[np.arange(64), fine + d] for d in (-1, 0, 1))
    y = y + np.where(peak == fine, np.clip((left - right) / (2 * np.minimum(left - 2 * mid + right, -1e-3)), -0.5, 0.5), 0.0)
    weight = np.clip(strong / _CONTRAST, 0, 1)
    line = _robust_line(t, y, weight)
    if line is None:
        return a, direction
    start, end = a + line[1] * normal, b + (line[0] + line[1]) * normal
    return start, end - start


def _robust_line(t: F64, y: F64, weight: F64) -> tuple[float, float] | None:
    """Return slope and offset of the line with most weight within 1.5 pixels, refined by least squares; None without support."""
    best, best_line = 0.0, None
    candidates = range(0, len(t), 4)
    for i in candidates:
        for j in candidates:
            if j <= i + 8:
                continue
            slope = (y[j] - y[i]) / (t[j] - t[i])
            support = float(weight[np.abs(y - y[i] - slope * (t - t[i])) < 1.5].sum())
            if support > best:
                best, best_line = support, (slope, y[i] - slope * t[i])
    if best_line is None or best < 0.25 * len(t):
        return None
    near = np.abs(y - best_line[1] - best_line[0] * t) < 1.5
    slope, offset = np.polyfit(t[near], y[near], 1, w=np.sqrt(weight[near]) + 1e-3)
    return float(slope), float(offset)


def crossing(first: tuple[F64, F64], second: tuple[F64, F64]) -> F64 | None:
    (p, u), (q, v) = first, second
    cross = float(u[0] * v[1] - u[1] * v[0])
    if abs(cross) < 1e-6 * float(np.hypot(*u) * np.hypot(*v)):
        return None
    return np.asarray(p + u * (((q - p)[0] * v[1] - (q - p)[1] * v[0]) / cross), np.float64)
