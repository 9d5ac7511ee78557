"""The upright sides of a printed box around an amount, which stand beside the first figure and the last like a one."""

import cv2
import numpy as np

from edge.datatypes import U8, Box

# Ink (of 255) from which a pixel may belong to a box, which is often printed in grey.
_LEVEL = 40
# In pixels of a page 1280 wide: the shortest side of a box, the shortest part of its top and foot, and the broadest line. The lines of
# boxes on real checks are 1 to 4 broad, the upright strokes of figures 6 to 8.
_SIDE_PX, _RULE_PX, _BROAD_PX = 24, 40, 5
# So far beyond an end of a side its top and foot are looked for.
_SLACK_PX = 3
# An amount's box is at least so many times as wide as high: the tops of two figures that touch make a shorter line. Nearly as much of
# that length is seen, and hardly anything close to the side's other hand.
_WIDE, _SEEN, _CLOSE_PX, _STRAY = 2.0, 0.75, 10, 0.3


def without_box_sides(pixels: U8, ink: U8, box: Box) -> U8:
    """Return what a page shows in ``box``, with the sides of printed boxes painted over; of ``pixels`` itself nothing changes.

    A side is a straight upright line with a level line at either end, both to the same hand: the corners of a box. A one between two
    rules has them to both hands, and the strokes of a pen are not so straight.

    Args:
        pixels: uint8 (h, w, 3); ``ink``: of the same page, uint8 (h, w); ``box``: x, y, width, height in whole pixels within the page.
    """
    x, y, width, height = (int(n) for n in box)
    cut = pixels[y : y + height, x : x + width]
    left, top = max(0, x - _RULE_PX), max(0, y - height // 2)
    _, mask = cv2.threshold(ink[top : y + height + height // 2, left : x + width + _RULE_PX], _LEVEL, 255, cv2.THRESH_BINARY)
    upright = cv2.morphologyEx(mask, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, (1, _SIDE_PX)))
    _, _, stats, _ = cv2.connectedComponentsWithStats(upright, connectivity=8)
    narrow = stats[1:][stats[1:, cv2.CC_STAT_WIDTH] <= _BROAD_PX]
    if not len(narrow):
        return cut
    level = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, (_RULE_PX, 1))), np.uint8)
    for side_x, side_y, broad, high, _ in narrow:
        if _is_side(level, side_x, side_y, broad, high):
            cut = _painted_over(cut, left + side_x - x, top + side_y - y, broad, high)
    return cut


def _is_side(level: U8, x: int, y: int, broad: int, high: int) -> bool:
    hands = [_hand(level, x, end, broad, round(_WIDE * high)) for end in (y, y + high - broad)]
    return hands[0] == hands[1] and hands[0] is not None


def _hand(level: U8, x: int, y: int, broad: int, along: int) -> str | None:
    """Return to which hand a level line goes on from an end of a side; None where to neither or to both."""
    band = (level[max(0, y - _SLACK_PX) : y + broad + _SLACK_PX] > 0).any(axis=0)
    before, behind = band[max(0, x - along) : max(0, x - 2)][::-1], band[x + broad + 2 : x + broad + along]
    for hand, line, other in (("left", before, behind), ("right", behind, before)):
        if len(line) >= _RULE_PX - 2 and line.mean() > _SEEN and not (other.size and other[:_CLOSE_PX].mean() > _STRAY):
            return hand
    return None


def _painted_over(cut: U8, x: int, y: int, broad: int, high: int) -> U8:
    """Return a copy in which a line is as the paper on both hands of it, in proportion."""
    rows = slice(max(0, y), max(0, y + high))
    first, last = max(0, x - 2), min(cut.shape[1], x + broad + 2)
    if first >= last:
        return cut
    ends = [cut[rows, place : place + 1].astype(np.float64) for place in (max(0, first - 1), min(cut.shape[1] - 1, last))]
    share = np.linspace(0.0, 1.0, last - first + 2)[1:-1].reshape(1, -1, 1)
    painted = cut.copy()
    painted[rows, first:last] = np.round(ends[0] * (1 - share) + ends[1] * share)
    return painted
