"""Quadrilaterals from straight lines, for paper that lies on other paper and is no region of its own."""

from itertools import combinations

import cv2
import numpy as np

from edge.datatypes import F64, U8
from edge.locate.sides import crossing

# Lines that are combined; quadrilaterals grow with the fourth power.
_MOST_LINES = 18
# Least length of a segment, of the picture's longer side.
_LEAST_SEGMENT = 0.07
# Opposite sides of a check in perspective differ by no more than this in direction, neighbours by no less.
_PARALLEL_DEG, _ACROSS_DEG = 14.0, 62.0
_ASPECTS = (1.5, 3.6)
_LEAST_SHORT_SIDE = 0.12


def quads_of_lines(lab: U8) -> list[F64]:
    """Return convex quadrilaterals of a check's shape between the strongest lines; Lab picture, clockwise corners."""
    lines = _strongest(_segments(lab), max(lab.shape[:2]))
    pairs = [(i, j) for i, j in combinations(range(len(lines)), 2) if _turn(lines[i], lines[j]) < _PARALLEL_DEG]
    quads = []
    for (i, j), (k, m) in combinations(pairs, 2):
        if len({i, j, k, m}) < 4 or _turn(lines[i], lines[k]) < _ACROSS_DEG:
            continue
        quad = _quad_between(lines[i], lines[j], lines[k], lines[m], lab.shape[1], lab.shape[0])
        if quad is not None:
            quads.append(quad)
    return quads


def _segments(lab: U8) -> F64:
    """Return segments x0, y0, x1, y1 of all channels."""
    detector = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD)
    found = [detector.detect(np.ascontiguousarray(lab[:, :, channel]))[0] for channel in range(3)]
    kept = [np.asarray(f, np.float64).reshape(-1, 4) for f in found if f is not None]
    return np.concatenate(kept) if kept else np.zeros((0, 4))


def _strongest(segments: F64, longest: int) -> F64:
    """Return the lines with the most segment length on them, as segments, the strongest first."""
    lengths = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    keep = lengths > _LEAST_SEGMENT * longest
    segments, lengths = segments[keep], lengths[keep]
    order = np.argsort(-lengths)
    lines: list[tuple[float, F64]] = []
    used = np.zeros(len(segments), bool)
    for index in order:
        if used[index]:
            continue
        a, b = segments[index, :2], segments[index, 2:]
        normal = np.array([-(b - a)[1], (b - a)[0]]) / lengths[index]
        off = np.maximum(np.abs((segments[:, :2] - a) @ normal), np.abs((segments[:, 2:] - a) @ normal))
        on_line = (off < 2.5) & ~used
        used |= on_line
        lines.append((float(lengths[on_line].sum()), segments[index]))
    lines.sort(key=lambda pair: -pair[0])
    return np.array([line for _, line in lines[:_MOST_LINES]]).reshape(-1, 4)


def _turn(first: F64, second: F64) -> float:
    """Return the angle between two lines, 0 to 90 degrees."""
    angles = [np.arctan2(s[3] - s[1], s[2] - s[0]) for s in (first, second)]
    turn = abs(np.rad2deg(angles[0] - angles[1])) % 180
    return float(min(turn, 180 - turn))


def _quad_between(i: F64, j: F64, k: F64, m: F64, width: int, height: int) -> F64 | None:
    corners = []
    for first, second in ((i, k), (i, m), (j, m), (j, k)):
        at = crossing((first[:2], first[2:] - first[:2]), (second[:2], second[2:] - second[:2]))
        if at is None or not (-0.02 * width <= at[0] <= 1.02 * width and -0.02 * height <= at[1] <= 1.02 * height):
            return None
        corners.append(at)
    quad = np.array(corners)
    sides = np.hypot(*(np.roll(quad, -1, axis=0) - quad).T)
    long, short = sorted((sides[0] + sides[2], sides[1] + sides[3]), reverse=True)
    if short < 2 * _LEAST_SHORT_SIDE * max(width, height) or not _ASPECTS[0] <= long / short <= _ASPECTS[1]:
        return None
    x, y = quad[:, 0], quad[:, 1]
    if np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)) < 0:
        quad = quad[::-1]
    return np.ascontiguousarray(np.roll(quad, -int(np.argmin(quad.sum(axis=1))), axis=0))
