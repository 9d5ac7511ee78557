"""What makes figures doubtful that look clear by themselves: something lies on a part of them, or somebody changed them."""

from collections.abc import Sequence

import cv2
import numpy as np

from edge.datatypes import F64, U8, Box
from edge.locate.levels import percentiles

# A patch of one colour as wide and high as this share of the field's height is no stroke of a pen: the boldest print has 0.2.
_PATCH = 0.36
# So far beside the field, likewise, a patch may hide a digit of it.
_BESIDE = 0.8
# A patch differs from the paper in one colour at least, by this share of how light the paper is.
_OTHER_COLOUR = 0.2
# Another pen wrote a digit when its strokes are so many times as wide as those of the digits around it, or its colour is so many levels
# away from theirs. Of 107 amounts of real checks that were accepted, strokes went up to 1.52 and colours to 24.
_BROAD, _OTHER_INK = 1.55, 32.0
# A colour is another one from fewer levels on, where it is so many times as far away as any other digit's. Of 47 amounts of real checks
# that were accepted, one stood out by 21 levels.
_ALONE_INK, _ALONE = 24.0, 5.0
# The broadest digit by the narrowest, likewise, where two of three were changed: 1.64, of 203 drawn amounts 1.78.
_BROAD_TO_NARROW = 1.9
# Nor has more than this share of one pen's ink a colour so many levels from the rest: 0.06 of the same amounts.
_PARTLY, _TWO_INKS = 0.25, 40.0
# Ink is what is at least so deep as this share of the darkest.
_DEEP = 0.5
# What is both broader and of another colour, each a little: strokes broader by a share, times levels of colour. The same amounts: 5.
_BROAD_AND_OTHER = 9.0
# What shows through from behind, or from another exposure, is so much fainter than the digits around it.
_FAINT = 0.45
# Fewer digits than this do not say what is usual; narrower strokes are measured too roughly.
_LEAST_DIGITS, _LEAST_STROKE_PX = 3, 1.6
# A mark of the figures' height is so high, and begins and ends so near to where they do, as shares of their height; ink counts from this
# share of theirs on. What is this many figures wide is a rule, and what is straight and so much higher than they the side of a box.
_MARK, _WITHIN, _MARK_LEVEL, _RULE, _SIDE = (0.6, 1.6), 0.35, 0.4, 2.5, 1.1
# A box's top and foot are so far from the figures at most, and torn ends of the two so far from one another, in heights of figures; a rule
# is so dark, and so long in pixels of a page.
_FROM_BOX, _TOGETHER, _RULE_LEVEL, _RULE_PX = 1.5, 0.15, 40, 40
# A stroke through one digit may be a part of it.
_LEAST_STRUCK = 2
# A stroke through the figures is this share of them long, and its middle lies here between their tops and their feet.
_STRUCK, _MIDDLE, _LEAST_BAND_PX = 0.7, (0.25, 0.75), 8


def has_cover(pixels: U8, page_box: Box) -> bool:
    """Return whether something without writing, of another colour than the paper, lies on a field or close beside it.

    Args:
        pixels: the page, BGR uint8 (h, w, 3).
    """
    x, y, width, height = page_box
    reach, side = _BESIDE * height, max(3, round(_PATCH * height))
    rows, columns = pixels.shape[:2]
    cut = pixels[max(0, int(y)) : min(rows, round(y + height)), max(0, int(x - reach)) : min(columns, round(x + width + reach))]
    if min(cut.shape[:2]) <= side:
        return False
    calm = np.asarray(cv2.blur(cut, (3, 3)), np.uint8)
    paper = _middle_colour(calm)
    is_other = np.abs(np.arange(256)[:, None] - paper) > _OTHER_COLOUR * paper.max()
    blue, green, red = cv2.split(cv2.LUT(calm, is_other.astype(np.uint8)[:, None]))
    differs = cv2.bitwise_or(cv2.bitwise_or(blue, green), red)
    solid = cv2.erode(differs, np.ones((side, side), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=(0.0,))
    return bool(solid.any())


def odd_digit(pixels: U8, boxes: Sequence[Box]) -> int | None:
    """Return which of the digits, counted from 0, is not of the pen that wrote the others: much broader, fainter, or of another colour.

    None where all are alike.

    Args:
        pixels: the field, BGR uint8 (h, w, 3).
        boxes: where each digit stands in it.
    """
    if len(boxes) < _LEAST_DIGITS:
        return None
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    widths = np.array([_stroke_px(_cut(grey, box)) for box in boxes])
    broadest = int(widths.argmax())
    usual = float(np.median(np.delete(widths, broadest)))
    narrowest = float(widths.min())
    if narrowest >= _LEAST_STROKE_PX and widths[broadest] > _BROAD_TO_NARROW * narrowest:
        return broadest
    if usual >= _LEAST_STROKE_PX and widths[broadest] > _BROAD * usual:
        return broadest
    paper = _middle_colour(pixels)
    depths = np.array([paper.mean() - percentiles(cut, (10,))[0] if (cut := _cut(grey, box)).size else np.inf for box in boxes])
    if depths.min() < _FAINT * float(np.median(depths)):
        return int(depths.argmin())
    tints = np.array([_tint(_cut(pixels, box), paper) for box in boxes])
    others = np.array([[j for j in range(len(boxes)) if j != i] for i in range(len(boxes))])
    away = np.linalg.norm(tints - np.median(tints[others], axis=1), axis=1)
    second, furthest = np.sort(away)[-2:]
    if furthest > _OTHER_INK or (furthest > _ALONE_INK and furthest > _ALONE * second):
        return int(np.argmax(away))
    both = (widths / usual - 1) * away if usual >= _LEAST_STROKE_PX else np.zeros(1)
    return int(both.argmax()) if both.max() > _BROAD_AND_OTHER else None


def has_two_inks(pixels: U8, boxes: Sequence[Box]) -> bool:
    """Return whether a good part of the digits' ink is of another colour than the rest: of another pen, or of a stamp on them.

    Args:
        pixels: the field, BGR uint8 (h, w, 3).
        boxes: where each digit stands in it.
    """
    calm = np.asarray(cv2.blur(pixels, (3, 3)), np.uint8)  # grain of a sensor is of all colours
    levels = np.concatenate([np.zeros((0, 3), np.uint8), *(_cut(calm, box).reshape(-1, 3) for box in boxes)])
    if not len(levels):
        return False
    depths = _middle_colour(pixels).sum() - levels.sum(axis=1, dtype=np.int32)
    deepest = np.partition(depths, at := int(0.95 * (len(depths) - 1)))[at]
    ink = levels[depths >= _DEEP * deepest] - _middle_colour(pixels)
    tints = ink - ink.mean(axis=1, keepdims=True)
    return bool((np.linalg.norm(tints - np.median(tints, axis=0), axis=1) > _TWO_INKS).mean() > _PARTLY)


def is_torn(ink: U8, field: Box, digits: Sequence[Box]) -> bool:
    """Return whether the top and the foot of a box around an amount end together, without a side, close to its figures.

    There the picture was cut or shifted, and more figures may have stood beyond.

    Args:
        ink: the page's, uint8 (h, w).
        digits: where each stands in the field.
    """
    if not digits:
        return False
    boxes = np.array(digits) + np.array([field[0], field[1], 0.0, 0.0])
    wide, high, top = (float(np.median(boxes[:, side])) for side in (2, 3, 1))
    first, last = float(boxes[:, 0].min()), float((boxes[:, 0] + boxes[:, 2]).max())
    left, upper = max(0, int(first - 2 * wide - _RULE_PX)), max(0, int(top - _FROM_BOX * high))
    window = ink[upper : round(top + (1 + _FROM_BOX) * high), left : round(last + 2 * wide + _RULE_PX)]
    if min(window.shape, default=0) < _LEAST_BAND_PX:
        return False
    mask = cv2.threshold(np.ascontiguousarray(window), _RULE_LEVEL, 255, cv2.THRESH_BINARY)[1]
    level = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, _RULE_PX), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(level, connectivity=8)
    starts, ends = stats[1:, 0] + left, stats[1:, 0] + stats[1:, 2] + left
    is_rule = (np.minimum(ends, last) - np.maximum(starts, first) > (last - first) / 2) & (stats[1:, 3] < 0.4 * high)
    heights = upper + stats[1:, 1]
    above, below = is_rule & (heights < top), is_rule & (heights > top + 0.8 * high)
    upright = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((max(5, round(_MARK[0] * high)), 1), np.uint8))
    for tips, figure, away in ((starts, first, 1), (ends, last, -1)):
        over, under = tips[above][:, None], tips[below]
        for tip in ((over + under) / 2)[abs(over - under) < _TOGETHER * high + 3]:
            side = upright[:, max(0, round(tip) - left - 6) : round(tip) - left + 7]
            is_inside = 6 < tip - left < window.shape[1] - 6
            if is_inside and -0.5 * wide < away * (figure - tip) < 1.5 * wide and not side.any():
                return True
    return False


def is_cut(ink: U8, field: Box, digits: Sequence[Box]) -> bool:
    """Return whether a mark of the digits' height crosses the left or the right end of a field, so that it was read without a part.

    Printed signs beside an amount stand apart from its field, and rules and boxes that cross its ends are longer or higher than figures.

    Args:
        ink: the page's, uint8 (h, w).
        digits: where each stands in the field.
    """
    if not digits:
        return False
    x, y, width, height = (round(side) for side in field)
    top, wide, high = (float(np.median([box[side] for box in digits])) for side in (1, 2, 3))
    reach, margin = round(_RULE * wide) + 2, round(_MARK[1] * high)
    left, upper = max(0, x - reach), max(0, round(y + top) - margin)
    window = ink[upper : round(y + top + high) + margin, left : x + width + reach]
    depth = percentiles(ink[y : y + height, x : x + width], (98,))[0]
    ends = [window[margin:-margin, end] for end in (x - left, x - left + width) if 0 < end < window.shape[1]]
    if all(end.max(initial=0) <= _MARK_LEVEL * depth for end in ends):
        return False
    mask = cv2.threshold(window, _MARK_LEVEL * depth, 255, cv2.THRESH_BINARY)[1]
    rules = [cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones(size, np.uint8)) for size in ((1, reach), (round(_SIDE * high), 1))]
    marks = cv2.bitwise_and(mask, cv2.bitwise_not(cv2.dilate(cv2.bitwise_or(*rules), np.ones((3, 3), np.uint8))))
    _, _, stats, _ = cv2.connectedComponentsWithStats(marks, connectivity=8)
    for mark_x, mark_y, mark_wide, mark_high, _ in stats[1:]:
        start, above = left + mark_x - x, (upper + mark_y - y - top) / high
        is_level = above < _WITHIN and above + mark_high / high > 1 - _WITHIN
        is_figure = is_level and _MARK[0] * high < mark_high < _MARK[1] * high and mark_wide < _RULE * wide
        if is_figure and (start < 0 < start + mark_wide or start < width < start + mark_wide):
            return True
    return False


def is_crossed_out(pixels: U8, boxes: Sequence[Box]) -> bool:
    """Return whether one straight stroke goes through most of the digits; ``boxes``: where each stands in the field."""
    if len(boxes) < _LEAST_STRUCK:
        return False
    low = np.min([box[:2] for box in boxes], axis=0)
    high = np.max([(x + width, y + height) for x, y, width, height in boxes], axis=0)
    band = _cut(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8), (*low, *(high - low)))
    if min(band.shape, default=0) < _LEAST_BAND_PX:
        return False
    _, ink = cv2.threshold(np.ascontiguousarray(band), 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    length = _STRUCK * band.shape[1]
    lines = cv2.HoughLinesP(ink, 1, np.pi / 180, round(0.8 * length), minLineLength=length, maxLineGap=2)
    # OpenCV's types do not say that there may be none.
    ends = np.zeros((0, 4)) if lines is None else np.reshape(lines, (-1, 4))
    heights = ends[:, 1::2].mean(axis=1) / band.shape[0]
    return bool(((heights > _MIDDLE[0]) & (heights < _MIDDLE[1])).any())


def _cut(pixels: U8, box: Box) -> U8:
    x, y, width, height = box
    return pixels[max(0, int(y)) : round(y + height) + 1, max(0, int(x)) : round(x + width) + 1]


def _middle_colour(pixels: U8) -> F64:
    """Return the median of each colour."""
    return np.concatenate([percentiles(channel, (50,)) for channel in cv2.split(pixels)])


def _tint(cut: U8, paper: F64) -> F64:
    """Return the colour of the darkest fifth of a digit's box against the paper, without how dark it is."""
    levels = cut.reshape(-1, 3).astype(np.float64)
    if not len(levels):
        return np.zeros(3)
    sums = levels.sum(axis=1)
    fifth = (len(sums) - 1) // 5
    ink = levels[sums <= np.partition(sums, fifth)[fifth]].mean(axis=0) - paper
    return np.asarray(ink - ink.mean(), np.float64)


def _stroke_px(cut: U8) -> float:
    """Return the mean width of the strokes in a grey cut: their area over half of their outline's length."""
    if min(cut.shape, default=0) < 3:
        return 0.0
    _, ink = cv2.threshold(np.ascontiguousarray(cut), 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    framed = np.pad(ink, 1)
    outlines, _ = cv2.findContours(framed, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(outline, True) for outline in outlines)
    return 2 * float(np.count_nonzero(framed)) / max(length, 1.0)
