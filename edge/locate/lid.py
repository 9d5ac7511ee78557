"""The border that a scan leaves around a check: the scanner's lid, of one colour, beyond the paper's edge."""

import numpy as np
from numpy.typing import NDArray

from edge.datatypes import F64, U8
from edge.locate.sides import ALONG, crossing, robust_line

# A border is no deeper than this share of the picture's longer side, and a shallower one is not worth a look.
_DEEPEST, _LEAST = 0.05, 0.004
# The outermost pixels of a border differ by no more than this from their median, nearly everywhere.
_ONE_COLOUR, _NEARLY_ALL = 8, 0.9
# The paper differs by so much from the border at the edge, and nearly everywhere in so much of the depth behind it: behind a printed
# line the border's own colour comes again.
_OTHER_COLOUR, _BEHIND, _STAYS = 10, 0.4, 0.8
# The change takes place within so many pixels to either side of the edge, by so much: a slow one is the paper's own.
_STEP_PX, _STEP = 3, 6
# Places along a side that show the edge.
_MOST_PLACES = 0.7


def without_lid(picture: U8) -> F64:
    """Return the corners of the paper in a scan, clockwise from the top-left, float64 (4, 2): the picture's own where no border is seen.

    Args:
        picture: BGR uint8 (h, w, 3), a check that fills it.
    """
    height, width = picture.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    # Each side in turn as the top one of a picture turned to the left.
    depths = [_depths(np.rot90(picture, turns)) for turns in range(4)]
    sides = []
    for (at_first, at_last), a, b in zip(depths, corners, np.roll(corners, -1, axis=0), strict=True):
        along = (b - a) / float(np.hypot(*(b - a)))
        inward = np.array([-along[1], along[0]])
        start, end = a + at_first * inward, b + at_last * inward
        sides.append((start, end - start))
    crossed = [crossing(sides[index - 1], sides[index]) for index in range(4)]
    return np.array(crossed) if all(corner is not None for corner in crossed) else corners


def _depths(picture: U8) -> tuple[float, float]:
    """Return how deep the border above the paper is at the left and at the right end of a picture, in pixels; 0 where none is seen."""
    longest = max(picture.shape[:2])
    deepest, behind = round(_DEEPEST * longest), max(3, round(_BEHIND * _DEEPEST * longest))
    places = (ALONG * picture.shape[1]).astype(int)
    seen = picture[1 : deepest + behind, places].astype(np.int16)
    if seen.shape[0] <= behind + 1:
        return 0.0, 0.0
    lid = np.median(seen[:2].reshape(-1, 3), axis=0).astype(np.int16)
    if (_distance(seen[0], lid) < _ONE_COLOUR).mean() < _NEARLY_ALL:
        return 0.0, 0.0
    away = _distance(seen, lid)
    is_other = away > _OTHER_COLOUR
    first = is_other.argmax(axis=0)
    others = np.pad(np.cumsum(is_other, axis=0), ((1, 0), (0, 0)))
    rows = np.arange(len(places))
    share = (others[np.minimum(first + behind, len(is_other)), rows] - others[first, rows]) / behind
    step = away[np.minimum(first + _STEP_PX, len(away) - 1), rows] - away[np.maximum(first - _STEP_PX, 0), rows]
    is_edge = (share > _STAYS) & (step > _STEP) & (first + 1 >= _LEAST * longest) & (first < deepest)
    line = robust_line(first + 1.0, is_edge.astype(np.float64)) if is_edge.mean() > _MOST_PLACES else None
    return (0.0, 0.0) if line is None else (max(0.0, line[1]), max(0.0, line[0] + line[1]))


def _distance(colours: NDArray[np.int16], other: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.asarray(np.abs(colours - other).max(axis=-1))
