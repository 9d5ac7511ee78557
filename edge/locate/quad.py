"""Quadrilaterals of paper: candidates from many segmentations and from straight lines of a small picture."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.datatypes import F32, F64, U8
from edge.locate.lines import quads_of_lines

# A candidate's least share of the picture.
_LEAST_AREA = 0.03
# Grey levels of difference across a side that count as full contrast.
_CONTRAST = 18.0


def area_of(quad: F64) -> float:
    """Return the area of a polygon, corners in order."""
    x, y = quad[:, 0], quad[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def find_quads(picture: U8) -> list[F64]:
    """Return the quadrilaterals that regions of a picture nearly are, best first, clockwise; BGR picture about 480 px long."""
    height, width = picture.shape[:2]
    if min(height, width) < 24:
        return []
    lab = smooth_lab(picture)
    quads = []
    for mask in _masks(picture, lab):
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        quads += [_quad_around(np.asarray(contour, np.int32).reshape(-1, 2), width * height) for contour in contours]
    return _ranked(picture, [quad for quad in quads if quad is not None])


def find_quads_of_lines(picture: U8) -> list[F64]:
    """Return the quadrilaterals between long straight lines of a picture: slower, for paper on other paper."""
    return _ranked(picture, quads_of_lines(smooth_lab(picture))) if min(picture.shape[:2]) >= 24 else []


def smooth_lab(picture: U8) -> U8:
    """Return the BGR picture in Lab, its grain smoothed."""
    return np.asarray(cv2.cvtColor(cv2.GaussianBlur(picture, (5, 5), 0), cv2.COLOR_BGR2LAB), np.uint8)


def _ranked(picture: U8, quads: list[F64]) -> list[F64]:
    lab = smooth_lab(picture)
    scored = [(support_of(lab, quad) * area_of(quad) ** 0.25, quad) for quad in quads]
    scored = [pair for pair in scored if pair[0] > 0]
    return _distinct(sorted(scored, key=lambda pair: -pair[0]))


def _masks(picture: U8, lab: U8) -> Iterator[U8]:
    """Yield two-level pictures in one of which the paper is a region of its own."""
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (5, 5))
    saturation = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2HSV)[:, :, 1], np.uint8)
    for channel in (lab[:, :, 0], saturation, lab[:, :, 1], lab[:, :, 2]):
        # Ink would cut paper into pieces: fill the dark strokes first.
        filled = np.asarray(cv2.morphologyEx(np.ascontiguousarray(channel), cv2.MORPH_CLOSE, kernel), np.uint8)
        otsu, _ = cv2.threshold(filled, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        levels = {round(otsu), *(round(float(v)) for v in np.percentile(filled, [25, 40, 55, 70, 82]))}
        for level in sorted(levels):
            yield np.asarray(cv2.threshold(filled, level, 255, cv2.THRESH_BINARY)[1], np.uint8)
    for low in (20, 50):
        edges = sum(cv2.Canny(np.ascontiguousarray(lab[:, :, c]), low, 2.5 * low).astype(np.int32) for c in range(3))
        lines = np.where(np.asarray(edges) > 0, 255, 0).astype(np.uint8)
        yield np.asarray(cv2.dilate(lines, kernel), np.uint8)
        # The gaps of a ring of edges close, and what it encloses becomes a region.
        yield np.asarray(cv2.bitwise_not(cv2.dilate(lines, kernel)), np.uint8)


def _quad_around(points: NDArray[np.int32], frame_area: float) -> F64 | None:
    """Return the quadrilateral that a region's hull nearly is, or None."""
    _, _, wide, high = cv2.boundingRect(points)
    if wide * high < _LEAST_AREA * frame_area:
        return None
    hull = cv2.convexHull(points)
    area = cv2.contourArea(hull)
    if area < _LEAST_AREA * frame_area or area > 0.985 * frame_area:
        return None
    length = cv2.arcLength(hull, True)
    for tolerance in (0.01, 0.015, 0.02, 0.03, 0.04, 0.06):
        outline = cv2.approxPolyDP(hull, tolerance * length, True).reshape(-1, 2)
        if len(outline) == 4:
            break
        if len(outline) < 4:
            return None
    else:
        return None
    quad = np.asarray(outline, np.float64)
    if not 0.88 < area_of(quad) / area < 1.1 or not cv2.isContourConvex(outline.astype(np.int32)):
        return None
    x, y = quad[:, 0], quad[:, 1]
    if np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)) < 0:
        quad = quad[::-1]
    first = int(np.argmin(quad.sum(axis=1)))
    return np.ascontiguousarray(np.roll(quad, -first, axis=0))


def support_of(lab: U8, quad: F64) -> float:
    """Return how much of the outline separates two colours, 0 to 1; the weaker sides count double.

    A side on the picture's own border has nothing beyond it and counts as half supported.
    """
    height, width = lab.shape[:2]
    supports = []
    for a, b in zip(quad, np.roll(quad, -1, axis=0), strict=True):
        length = float(np.hypot(*(b - a)))
        if length < 12:
            return 0.0
        along = (b - a) / length
        inward = np.array([-along[1], along[0]])
        at = a + np.linspace(0.08, 0.92, 24)[:, None] * (b - a)
        outside = at - 4 * inward
        if np.mean((outside < 1) | (outside >= (width - 1, height - 1))) > 0.3:
            supports.append(0.5)
            continue
        step = np.zeros(24)
        for reach in (3, 5):
            pair = [_sampled(lab, at + sign * reach * inward) for sign in (1, -1)]
            step = np.maximum(step, np.linalg.norm(pair[0] - pair[1], axis=1))
        supports.append(float(np.mean(np.clip(step / _CONTRAST, 0, 1))))
    supports.sort()
    return (2 * supports[0] + 2 * supports[1] + supports[2] + supports[3]) / 6 if supports[0] > 0.15 else 0.0


def _sampled(picture: U8, points: F64) -> F32:
    x = np.clip(np.round(points[:, 0]), 0, picture.shape[1] - 1).astype(int)
    y = np.clip(np.round(points[:, 1]), 0, picture.shape[0] - 1).astype(int)
    return np.asarray(picture[y, x], np.float32)


def _distinct(scored: list[tuple[float, F64]]) -> list[F64]:
    kept: list[F64] = []
    for _, quad in scored:
        if len(kept) >= 12:
            break
        if all(_intersection_over_union(quad, other) < 0.8 for other in kept):
            kept.append(quad)
    return kept


def _intersection_over_union(a: F64, b: F64) -> float:
    common, _ = cv2.intersectConvexConvex(a.astype(np.float32), b.astype(np.float32))
    return float(common) / max(1.0, area_of(a) + area_of(b) - float(common))
