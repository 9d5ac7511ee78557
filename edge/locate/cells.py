"""The cells of a boxed date, whose sides look like ones and whose printed D, M and Y like other figures."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.datatypes import U8, Box

# Ink (of 255) from which a pixel is printed or written.
_LEVEL = 60
# Sides are at least this share of the field high; a date has six or eight cells, and some sides may be faint.
_SIDE, _LEAST_SIDES = 0.3, 5
# Columns of the table of sides: those of OpenCV's statistics of components.
_X, _Y, _W, _H = cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT
# Cells of one row are equally broad up to this share; between day, month and year there may be a space.
_UNEVEN = 0.15
# A row that holds fewer cells is not the whole date; cells are no broader and no narrower than this, in heights.
_LEAST_CELLS, _ASPECTS = 6, (0.4, 2.0)
# Tops and feet of a row of cells run along so much of it, in pieces at least so long as the cells are high: a date's parts may stand apart.
# Figures in a row have none.
_ALONG, _PIECE, _SLACK_PX = 0.55, 0.9, 3
# What is written into a cell is at least this share of its height; printed letters are smaller.
_WRITTEN = 0.5
# One mark of that height may be a stain, or print that reaches into the field.
_MOST_STAINS = 1


def row_of_cells(ink: U8) -> Box | None:
    """Return the box of a row of cells, x, y, width, height, from the first side to the last; None where six of equal breadth are not seen.

    Args:
        ink: of a field and what is around it, uint8 (h, w).
    """
    sides = _sides_of_cells(_mask_of(ink))
    if len(sides) < _LEAST_CELLS:
        return None
    sides = sides[np.argsort(sides[:, _X])]
    middles = sides[:, _X] + sides[:, _W] / 2
    broad = np.array([after - before for before, after in pairwise(middles)])
    cell, high = float(np.median(broad)), float(np.median(sides[:, _H]))
    is_cell = abs(broad - cell) < _UNEVEN * cell
    # A side that is too faint leaves a cell of double breadth.
    n_cells = int(is_cell.sum()) + 2 * int((abs(broad - 2 * cell) < _UNEVEN * cell).sum())
    if n_cells < _LEAST_CELLS or is_cell.sum() < len(broad) / 2 or not _ASPECTS[0] <= cell / max(high, 1.0) <= _ASPECTS[1]:
        return None
    left, right = float(sides[0, _X]), float(sides[-1, _X] + sides[-1, _W])
    return left, float(np.median(sides[:, _Y])), right - left, high


def has_empty_cells(ink: U8) -> bool:
    """Return whether a field shows a row of cells and nothing written in them; ``ink``: of the field, uint8 (h, w)."""
    mask = _mask_of(ink)
    sides = _sides_of_cells(mask)
    if len(sides) < _LEAST_SIDES:
        return False
    high, top = np.median(sides[:, _H]), np.median(sides[:, _Y])
    level = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, max(9, round(0.5 * high))), np.uint8))
    start, end = int(sides[:, _X].min()), int(sides[:, _X].max())
    long = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, max(9, round(_PIECE * high))), np.uint8))
    for edge in (round(float(top)), round(float(top + high))):
        band = long[max(0, edge - _SLACK_PX) : edge + _SLACK_PX + 1, start : end + 1]
        if band.size == 0 or float((band > 0).any(axis=0).mean()) < _ALONG:
            return False
    lines = cv2.dilate(level, np.ones((3, 1), np.uint8))
    for x, y, wide, tall, _ in sides:
        cv2.rectangle(lines, (int(x) - 2, int(y) - 2), (int(x + wide) + 1, int(y + tall) + 1), (255.0,), -1)
    left = cv2.bitwise_and(mask, cv2.bitwise_not(lines))
    inside = np.ascontiguousarray(left[max(0, int(top) - 2) : int(top + high) + 2, start:end])
    _, _, marks, _ = cv2.connectedComponentsWithStats(np.asarray(inside, np.uint8), connectivity=8)
    return int(np.count_nonzero(marks[1:, _H] > _WRITTEN * high)) <= _MOST_STAINS


def _mask_of(ink: U8) -> U8:
    return np.asarray(cv2.threshold(ink, _LEVEL, 255, cv2.THRESH_BINARY)[1], np.uint8)


def _sides_of_cells(mask: U8) -> NDArray[np.int32]:
    """Return upright lines that begin at about one level and are about equally high, a row each (left, top, width, height, area)."""
    height = mask.shape[0]
    nothing = np.empty((0, 5), np.int32)
    if min(mask.shape) < 12:
        return nothing
    upright = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((max(5, round(_SIDE * height)), 1), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(np.asarray(upright, np.uint8), connectivity=8)
    lines = np.asarray(stats[1:][stats[1:, _W] <= max(3, height // 8)], np.int32)
    if len(lines) < _LEAST_SIDES:
        return nothing
    high, top = np.median(lines[:, _H]), np.median(lines[:, _Y])
    is_alike = (abs(lines[:, _H] - high) < 0.15 * high) & (abs(lines[:, _Y] - top) < 0.15 * high)
    return np.asarray(lines[is_alike])
