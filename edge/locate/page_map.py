"""The whole frame as the page network sees it, and the outlines of checks from what it says of each cell."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.datatypes import F32, F64, PAGE_PARTS, U8, Frame, PageMap
from edge.locate.contour import fit_to_mask, quad_of_mask
from edge.locate.levels import percentiles
from edge.locate.sides import crossing, turns_clockwise

Mask = NDArray[np.bool_]

# Width and height of the network's picture, whatever the frame's own shape.
PICTURE_SIZE = (256, 192)
# Percentiles of each colour that become 0 and 255, and the least span that is stretched to that.
_DARK_AND_LIGHT, _LEAST_RANGE = (1.0, 99.0), 48.0
# Cells that are surely inside make the heart of a check; a heart of fewer is dirt.
_SURELY_INSIDE, _LEAST_HEART = 0.5, 5
# So far from its heart, in cells, a check's own sides lie.
_REACH = 4.0
# The bands that the network sees sides as are this deep, in cells; their middle lies half as far inside the edge.
SIDE_CELLS = 1.5
# A side that fewer cells speak for (in sum) is not seen.
_LEAST_SIDE = 1.2
_INSIDE, _NOTHING = PAGE_PARTS.index("inside"), PAGE_PARTS.index("")
_SIDES = tuple(PAGE_PARTS.index(side) for side in ("top", "right", "bottom", "left"))


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A check as the network sees it: corners in frame pixels, clockwise from the check's own top-left.

    ``confidence``: how sure its cells are part of a check; ``turn_confidence``: how sure its top is not its foot, 0.5 to 1; ``fit``: how
    well it covers the paper that its cells hang together with, 0 to 1.
    """

    corners: F64
    confidence: float
    turn_confidence: float
    fit: float


def picture_of_frame(frame: Frame) -> U8:
    """Return the frame, BGR uint8 (192, 256, 3), stretched to fit, each colour from its darkest to its lightest.

    A frame that is higher than wide is turned a quarter to the left.
    """
    small = cv2.resize(frame.pixels, PICTURE_SIZE if is_wide(frame) else PICTURE_SIZE[::-1], interpolation=cv2.INTER_AREA)
    wide = np.ascontiguousarray(small if is_wide(frame) else np.rot90(small), np.uint8)
    dark, light = np.transpose([percentiles(colour, _DARK_AND_LIGHT) for colour in cv2.split(wide[::2, ::2])])
    # What has hardly any contrast is not made to have some.
    gain = 255 / np.maximum(light - dark, _LEAST_RANGE)
    levels = (np.arange(256)[:, None] - dark) * gain
    return np.asarray(cv2.LUT(wide, np.clip(np.round(levels), 0, 255).astype(np.uint8)[:, None]), np.uint8)


def is_wide(frame: Frame) -> bool:
    return frame.size[0] >= frame.size[1]


def outlines(page_map: PageMap, frame: Frame) -> list[Outline]:
    """Return the checks of a frame as the sides say that the network sees, the surest first."""
    seen = page_map.probabilities
    is_heart = (seen[:, :, _INSIDE] > _SURELY_INSIDE).astype(np.uint8)
    n_hearts, hearts, stats, _ = cv2.connectedComponentsWithStats(is_heart, connectivity=4)
    is_page = seen[:, :, _NOTHING] < 0.5
    # The nearest heart's number for every cell; cells too far from any belong to none.
    distance, nearest = cv2.distanceTransformWithLabels(1 - is_heart, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    heart_of_label = np.zeros(int(nearest.max()) + 1, np.int32)
    heart_of_label[nearest[is_heart > 0]] = hearts[is_heart > 0]
    owner = np.where((distance < _REACH) & (is_page | (is_heart > 0)), heart_of_label[nearest], 0)
    papers = _papers(seen)
    found = []
    for heart in range(1, n_hearts):
        if stats[heart, cv2.CC_STAT_AREA] < _LEAST_HEART:
            continue
        paper = next((p for p in papers if p[hearts == heart].any()), None)
        outline = _outline(seen, owner == heart, paper, frame)
        if outline is not None:
            found.append(outline)
    return sorted(found, key=lambda outline: -outline.confidence)


def outlines_of_papers(page_map: PageMap, frame: Frame) -> list[Outline]:
    """Return the checks of a frame as the shape of what hangs together says, the surest first; checks that touch are one."""
    seen = page_map.probabilities
    found = []
    for paper in _papers(seen):
        covering = quad_of_mask(paper)
        if covering is None:
            continue
        quad, fit = covering
        sides = np.hypot(*(np.roll(quad, -1, axis=0) - quad).T)
        if sides[1] + sides[3] > sides[0] + sides[2]:
            quad = np.roll(quad, -1, axis=0)
        is_own = paper > 0.5
        quad, turn_confidence = _turned_by_sides(seen, is_own, quad)
        confidence = float(1 - seen[:, :, _NOTHING][is_own].mean())
        found.append(Outline(_in_frame(quad / (seen.shape[1], seen.shape[0]), frame), confidence, turn_confidence, fit))
    return sorted(found, key=lambda outline: -outline.confidence)


def share_of_paper(page_map: PageMap) -> float:
    """Return how much of the frame the network takes for checks, 0 to 1."""
    return float(1 - page_map.probabilities[:, :, _NOTHING].mean())


def _papers(seen: F32) -> list[F32]:
    """Return the share of paper in each cell for every region that hangs together."""
    shares = 1 - seen[:, :, _NOTHING]
    n_parts, parts, stats, _ = cv2.connectedComponentsWithStats((shares > 0.5).astype(np.uint8), connectivity=4)
    kept = [part for part in range(1, n_parts) if stats[part, cv2.CC_STAT_AREA] >= _LEAST_HEART]
    # Its own rim keeps its shares, so that the contour runs between cells.
    reach = np.ones((3, 3), np.uint8)
    return [np.where(cv2.dilate((parts == part).astype(np.uint8), reach) > 0, shares, 0).astype(np.float32) for part in kept]


def _turned_by_sides(seen: F32, is_own: Mask, quad: F64) -> tuple[F64, float]:
    """Return the quadrilateral with the side first that more cells near it call the top, and how sure that is."""
    ys, xs = np.nonzero(is_own)
    cells, shares = np.column_stack([xs + 0.5, ys + 0.5]), seen[ys, xs]
    edges = np.roll(quad, -1, axis=0) - quad
    normals = np.column_stack([-edges[:, 1], edges[:, 0]]) / np.maximum(np.hypot(*edges.T), 1e-6)[:, None]
    nearest = np.abs(((cells[:, None] - quad[None]) * normals[None]).sum(axis=2)).argmin(axis=1)
    upright = sum(float(shares[nearest == index, side].sum()) for index, side in enumerate(_SIDES))
    turned = sum(float(shares[nearest == index, _SIDES[index - 2]].sum()) for index in range(4))
    turn_confidence = max(upright, turned) / max(1e-6, upright + turned)
    return (np.roll(quad, 2, axis=0) if turned > upright else quad), turn_confidence


def _outline(seen: F32, is_own: Mask, paper: F32 | None, frame: Frame) -> Outline | None:
    """Return one check from its own cells, or None where they do not make a quadrilateral."""
    ys, xs = np.nonzero(is_own)
    cells, shares = np.column_stack([xs + 0.5, ys + 0.5]), seen[ys, xs]
    weights = 1 - shares[:, _NOTHING].astype(np.float64)
    middle = np.average(cells, axis=0, weights=weights)
    _, axes = np.linalg.eigh(((cells - middle) * weights[:, None]).T @ (cells - middle))
    across, along = (cells - middle) @ axes[:, 0], (cells - middle) @ axes[:, 1]
    if axes[0, 1] * axes[1, 0] - axes[1, 1] * axes[0, 0] < 0:  # a quarter turn clockwise leads from along to across
        across = -across
    # Clockwise: the long side over the middle, the short one after it, and their opposites. Which end is up is not said yet.
    parts = (across < 0, along > 0, across > 0, along < 0)
    pairs = [shares[:, [_SIDES[index], _SIDES[index - 2]]].sum(axis=1) for index in range(4)]
    lines = [_line_through(cells[part], pair[part], middle) for part, pair in zip(parts, pairs, strict=True)]
    quad = _quad_of_lines(lines)
    if quad is None:
        quad = _rectangle_around(is_own, axes[:, 1])
    if quad is None:
        return None
    upright = sum(float(shares[part, side].sum()) for part, side in zip(parts, _SIDES, strict=True))
    turned = sum(float(shares[part, _SIDES[index - 2]].sum()) for index, part in enumerate(parts))
    turn_confidence = max(upright, turned) / max(1e-6, upright + turned)
    if turned > upright:
        quad = np.roll(quad, 2, axis=0)
    fit = 0.0 if paper is None else fit_to_mask(quad, paper)
    return Outline(_in_frame(quad / (seen.shape[1], seen.shape[0]), frame), float(weights.mean()), turn_confidence, fit)


def _line_through(cells: F64, weights: F32, middle: F64) -> tuple[F64, F64] | None:
    """Return a point and the direction of a check's edge, half a band outside the line through a side's cells."""
    weights = np.where(weights > 0.15, weights, 0).astype(np.float64)
    if weights.sum() < _LEAST_SIDE:
        return None
    for _ in range(4):  # least squares across the line; what lies off it counts less each time
        centre = np.average(cells, axis=0, weights=weights)
        spread = (cells - centre) * weights[:, None]
        _, axes = np.linalg.eigh(spread.T @ (cells - centre))
        normal = axes[:, 0]
        away = (cells - centre) @ normal
        weights = weights / (1 + (away / 1.0) ** 2)
    outward = normal if np.dot(centre - middle, normal) > 0 else -normal
    return centre + outward * (SIDE_CELLS / 2), axes[:, 1]


def _quad_of_lines(lines: Sequence[tuple[F64, F64] | None]) -> F64 | None:
    """Return the corners between left and top, top and right, and so on; None where a line is missing or they make no convex figure."""
    kept = [line for line in lines if line is not None]
    if len(kept) < 4:
        return None
    corners = [crossing(kept[index - 1], kept[index]) for index in range(4)]
    if any(corner is None for corner in corners):
        return None
    quad = np.array(corners)
    return quad if turns_clockwise(quad) and np.abs(quad).max() < 200 else None


def _rectangle_around(is_own: Mask, along: F64) -> F64 | None:
    """Return the smallest rectangle around the cells, first the corner where a long side that leads ``along`` begins."""
    ys, xs = np.nonzero(is_own)
    points = np.column_stack([xs + 0.5, ys + 0.5]).astype(np.float32)
    (x, y), (wide, high), angle = cv2.minAreaRect(points)
    if min(wide, high) < 2:
        return None
    quad = np.asarray(cv2.boxPoints(((x, y), (wide + 1, high + 1), angle)), np.float64)
    quad = quad if turns_clockwise(quad) else quad[::-1]
    return np.roll(quad, -int(np.argmax((np.roll(quad, -1, axis=0) - quad) @ along)), axis=0)


def _in_frame(quad: F64, frame: Frame) -> F64:
    """Return corners in frame pixels; ``quad`` in shares of the network's picture."""
    if not is_wide(frame):  # undo the quarter turn of np.rot90
        quad = np.column_stack([1 - quad[:, 1], quad[:, 0]])
    return np.asarray(quad * frame.size, np.float64)
