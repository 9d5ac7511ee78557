"""A page as the field network sees it, and the boxes of fields from what it says of each cell."""

import cv2
import numpy as np

from edge.datatypes import FIELD_PARTS, U8, Box, FieldMap

# Width and height of the network's picture, whatever the page's own shape.
PICTURE_SIZE = (384, 192)
# Thin strokes fade when a page is made small; so much stronger they are shown.
_GAIN = 1.7
# A cell of a field is this sure of it; what no cell of is surer than the second is not worth reading.
_CELL, _HEART = 0.25, 0.45
_LEAST_CELLS = 3
# Rows of cells that see so little of the field, as a share of what the fullest row sees, are other print above or below it.
_ROW = 0.4
# Parts of one field stand no further apart than this share of their height.
_WIDEST_GAP = 1.2


def picture_of_ink(ink: U8) -> U8:
    """Return a page's ink as the network's picture, uint8 (192, 384, 1), stretched to fit."""
    small = cv2.resize(ink, PICTURE_SIZE, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.convertScaleAbs(small, alpha=_GAIN), np.uint8)[:, :, None]


def boxes_of(field_map: FieldMap, name: str, page_size: tuple[int, int]) -> list[tuple[Box, float]]:
    """Return where a field may lie, in page pixels, the surest place first, each with its probability."""
    seen = field_map.probabilities[:, :, FIELD_PARTS.index(name)]
    rows, columns = seen.shape
    n_parts, parts, stats, _ = cv2.connectedComponentsWithStats((seen > _CELL).astype(np.uint8), connectivity=8)
    found = []
    for part in range(1, n_parts):
        x, y, w, h, area = (int(v) for v in stats[part])
        own = seen[parts == part]
        heart = np.sort(own)[-max(_LEAST_CELLS, area // 2) :]
        if area < _LEAST_CELLS or float(heart.max()) < _HEART:
            continue
        inner = np.where(parts[y : y + h, x : x + w] == part, seen[y : y + h, x : x + w], 0.0)
        # Print above or below that looks a little like the field hangs on to it in weak or short rows.
        rows_seen = np.flatnonzero(inner.sum(axis=1) > _ROW * inner.sum(axis=1).max())
        y, h = y + int(rows_seen[0]), int(rows_seen[-1] - rows_seen[0]) + 1
        inner = inner[rows_seen[0] : rows_seen[-1] + 1]
        columns_seen = np.flatnonzero(inner.max(axis=0) > _CELL)
        x, w = x + int(columns_seen[0]), int(columns_seen[-1] - columns_seen[0]) + 1
        inner = inner[:, columns_seen[0] : columns_seen[-1] + 1]
        # Cells that show the field in part stand out of it by so much.
        left, right = 1 - inner[:, 0].max(), 1 - inner[:, -1].max()
        top, foot = 1 - inner[0].max(), 1 - inner[-1].max()
        scale_x, scale_y = page_size[0] / columns, page_size[1] / rows
        wide, high = max(0.5, w - left - right), max(0.5, h - top - foot)
        box = ((x + left) * scale_x, (y + top) * scale_y, wide * scale_x, high * scale_y)
        found.append((box, float(heart.mean())))
    return sorted(_joined(found), key=lambda pair: -pair[1])


def _joined(found: list[tuple[Box, float]]) -> list[tuple[Box, float]]:
    """Join what lies on one line with little room between: wide spaces part the groups of one number."""
    joined: list[tuple[Box, float]] = []
    for box, confidence in sorted(found):
        if joined:
            (x, y, w, h), before = joined[-1]
            common = min(y + h, box[1] + box[3]) - max(y, box[1])
            if box[0] - x - w < _WIDEST_GAP * min(h, box[3]) and common > 0.5 * min(h, box[3]):
                top, foot, right = min(y, box[1]), max(y + h, box[1] + box[3]), max(x + w, box[0] + box[2])
                joined[-1] = ((x, top, right - x, foot - top), max(before, confidence))
                continue
        joined.append((box, confidence))
    return joined
