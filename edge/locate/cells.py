"""Empty cells of a boxed date, whose sides look like ones and whose printed D, M and Y like other figures."""

import cv2
import numpy as np

from edge.datatypes import U8

# Ink (of 255) from which a pixel is printed or written.
_LEVEL = 60
# Sides are at least this share of the field high; a date has six or eight cells, and some sides may be faint.
_SIDE, _LEAST_SIDES = 0.3, 5
# What is written into a cell is at least this share of its height; printed letters are smaller.
_WRITTEN = 0.5
# One mark of that height may be a stain, or print that reaches into the field.
_MOST_STAINS = 1


def has_empty_cells(ink: U8) -> bool:
    """Return whether a field shows a row of cells and nothing written in them; ``ink``: of the field, uint8 (h, w)."""
    height, width = ink.shape
    if min(height, width) < 12:
        return False
    mask = np.asarray(cv2.threshold(ink, _LEVEL, 255, cv2.THRESH_BINARY)[1], np.uint8)
    upright = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((max(5, round(_SIDE * height)), 1), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(np.asarray(upright, np.uint8), connectivity=8)
    sides = stats[1:][stats[1:, cv2.CC_STAT_WIDTH] <= max(3, height // 8)]
    if len(sides) < _LEAST_SIDES:
        return False
    # Sides of one row are about equally high and begin at about one level.
    high, top = np.median(sides[:, cv2.CC_STAT_HEIGHT]), np.median(sides[:, cv2.CC_STAT_TOP])
    alike = (abs(sides[:, cv2.CC_STAT_HEIGHT] - high) < 0.15 * high) & (abs(sides[:, cv2.CC_STAT_TOP] - top) < 0.15 * high)
    sides = sides[alike]
    if len(sides) < _LEAST_SIDES:
        return False
    level = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, max(9, round(0.5 * high))), np.uint8))
    lines = cv2.dilate(level, np.ones((3, 1), np.uint8))
    for x, y, wide, tall, _ in sides:
        cv2.rectangle(lines, (int(x) - 2, int(y) - 2), (int(x + wide) + 1, int(y + tall) + 1), (255.0,), -1)
    left = cv2.bitwise_and(mask, cv2.bitwise_not(lines))
    inside = np.ascontiguousarray(left[max(0, int(top) - 2) : int(top + high) + 2, int(sides[:, 0].min()) : int(sides[:, 0].max())])
    _, _, marks, _ = cv2.connectedComponentsWithStats(np.asarray(inside, np.uint8), connectivity=8)
    return int(np.count_nonzero(marks[1:, cv2.CC_STAT_HEIGHT] > _WRITTEN * high)) <= _MOST_STAINS
