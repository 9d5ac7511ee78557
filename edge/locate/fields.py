"""Page to field regions: the network says about where a field lies, the ink there how far it reaches, the pitch where the MICR line is.

There is no template: nothing here knows where on a check a field usually lies.
"""

import cv2
import numpy as np

from edge.datatypes import U8, Box, FieldMap, FieldName, FieldRegion, MicrLine, Page
from edge.locate.box_sides import without_box_sides
from edge.locate.cells import row_of_cells
from edge.locate.field_map import boxes_of

_MOST_CANDIDATES = 4
# Ink level (of 255) from which a pixel belongs to a mark.
_INK_LEVEL = 75
# Shares of the found box's height: how far above and below, and beside it marks are looked for, and the margin around them.
_REACH, _ASIDE, _MARGIN = 0.45, 1.8, 0.16
# Gaps over which a field goes on, likewise: to the right a stroke after the number may follow, to the left a printed sign may stand.
_GAP_RIGHT, _GAP_LEFT = 0.7, 0.4
# Likewise: so far around the found box the cells of a date are looked for.
_AROUND = 0.3
# An inch in page pixels where no MICR line tells: a page 1280 px wide of a check 7 inches wide.
_USUAL_INCH_PX = 183.0
# A line of the right pitch that the network does not see as one either is less sure.
_UNSEEN = 0.6


def find_fields(page: Page, field_map: FieldMap) -> tuple[FieldRegion, ...]:
    """Return the fields' likely regions, up to four a field, the best of each field first; empty on a page without ink."""
    ink, micr = page.ink, page.line
    if not ink.any():
        return ()
    size = (ink.shape[1], ink.shape[0])
    inch_px = float(np.clip(8 * micr.pitch_px, 110, 260)) if micr else _USUAL_INCH_PX
    regions = _micr_regions(micr, field_map, size)
    names: tuple[FieldName, ...] = ("amount", "date", "check_number")
    for name in names:
        for box, confidence in boxes_of(field_map, name, size)[:_MOST_CANDIDATES]:
            x, y, w, h = box
            margin = _MARGIN * h
            seen = _clipped((x - margin, y - margin, w + 2 * margin, h + 2 * margin), size)
            fitted = (_row_of_cells(box, ink) if name == "date" else None) or _fitted(box, ink, inch_px)
            regions.append(FieldRegion(name, fitted, confidence, seen if name == "amount" else None))
            if name == "date":  # cells have a label before and letters below them, which the ink alone does not tell from figures
                regions.append(FieldRegion(name, seen, confidence))
    return tuple(regions)


def cut_field(page: Page, page_box: Box, name: FieldName) -> tuple[U8, Box]:
    """Return what a page shows in a box, BGR, and the box in whole pixels, at least one; without the sides of boxes around an amount."""
    x, y, width, height = page_box
    left, top = max(0, int(x)), max(0, int(y))
    right, bottom = min(page.pixels.shape[1], round(x + width)), min(page.pixels.shape[0], round(y + height))
    box = (float(left), float(top), float(max(right - left, 1)), float(max(bottom - top, 1)))
    if name == "amount":
        return without_box_sides(page.pixels, page.ink, box), box
    return page.pixels[top : max(bottom, top + 1), left : max(right, left + 1)], box


def _micr_regions(micr: MicrLine | None, field_map: FieldMap, size: tuple[int, int]) -> list[FieldRegion]:
    """Return the row at MICR pitch first, then what only the network takes for the line."""
    seen = boxes_of(field_map, "micr", size)
    regions = []
    if micr is not None:
        x, y, w, h = micr.page_box
        margin = 0.35 * micr.pitch_px
        box = _clipped((x - 2 * margin, y - margin, w + 4 * margin, h + 2 * margin), size)
        is_seen = any(_common(box, other) > 0 for other, _ in seen)
        regions.append(FieldRegion("micr", box, micr.confidence * (1.0 if is_seen else _UNSEEN)))
    for (x, y, w, h), confidence in seen:
        box = _clipped((x - 0.5 * h, y - 0.3 * h, w + h, 1.6 * h), size)
        if micr is None or _common(box, regions[0].page_box) == 0:
            regions.append(FieldRegion("micr", box, confidence * _UNSEEN))
    return regions


def _marks(ink: U8, window: tuple[int, int, int, int], inch_px: float) -> U8:
    """Return the ink between left, top, right and foot as a mask without long straight lines: frames, rules and the borders of boxes."""
    left, top, right, foot = window
    wide, high = round(0.45 * inch_px), round(0.3 * inch_px)
    x, y = max(0, left - wide), max(0, top - high)  # a rule is seen whole
    _, mask = cv2.threshold(ink[y : foot + high, x : right + wide], _INK_LEVEL, 255, cv2.THRESH_BINARY)
    level = cv2.morphologyEx(mask, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, (wide, 1)))
    upright = cv2.morphologyEx(mask, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, (1, high)))
    rules = cv2.dilate(cv2.bitwise_or(level, upright), cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3)))
    marks = cv2.bitwise_and(mask, cv2.bitwise_not(rules))
    return np.ascontiguousarray(marks[top - y : foot - y, left - x : right - x], np.uint8)


def _fitted(box: Box, ink: U8, inch_px: float) -> Box:
    """Return the box of the marks that a found box holds, with those that go on beside it, and a margin; the box itself where none are."""
    height, width = ink.shape
    x, y, w, h = box
    reach = _REACH * h
    left, top = max(0, int(x - _ASIDE * h)), max(0, int(y - reach))
    # OpenCV looks for marks in no picture without pixels.
    foot, right = max(top + 1, min(height, round(y + h + reach))), max(left + 1, min(width, round(x + w + _ASIDE * h)))
    window = _marks(ink, (left, top, right, foot), inch_px)
    _, _, stats, _ = cv2.connectedComponentsWithStats(window, connectivity=8)
    own = stats[1:, :5].astype(np.float64)
    own[:, 0] += left
    own[:, 1] += top
    middle_x, middle_y = own[:, 0] + own[:, 2] / 2, own[:, 1] + own[:, 3] / 2
    is_mark = (own[:, 4] >= 8) & (own[:, 3] < 2.2 * h) & (middle_y > y - 0.15 * h) & (middle_y < y + 1.15 * h)
    inside = is_mark & (middle_x > x - 0.1 * h) & (middle_x < x + w + 0.1 * h)
    if not inside.any():
        return _clipped((x - _MARGIN * h, y - _MARGIN * h, w + 2 * _MARGIN * h, h + 2 * _MARGIN * h), (width, height))
    x0, x1 = float(own[inside, 0].min()), float((own[inside, 0] + own[inside, 2]).max())
    # The cells may miss digits at either end, and the stroke after them: what goes on without a wide gap belongs to the field.
    beside = own[is_mark & ~inside & (np.maximum(own[:, 2], own[:, 3]) > 0.3 * h)]
    for mark_x, _, mark_w, _, _ in beside[np.argsort(beside[:, 0])]:
        if mark_x + mark_w > x1 and mark_x - x1 < _GAP_RIGHT * h:
            x1 = float(mark_x + mark_w)
    for mark_x, _, mark_w, _, _ in beside[np.argsort(-beside[:, 0])]:
        if mark_x < x0 and x0 - mark_x - mark_w < _GAP_LEFT * h:
            x0 = float(mark_x)
    y0, y1 = float(own[inside, 1].min()), float((own[inside, 1] + own[inside, 3]).max())
    margin = _MARGIN * (y1 - y0)
    return _clipped((x0 - 1.3 * margin, y0 - margin, x1 - x0 + 2.6 * margin, y1 - y0 + 2 * margin), (width, height))


def _row_of_cells(box: Box, ink: U8) -> Box | None:
    """Return the row of cells that a found box holds or touches, with a margin; None where there is none."""
    height, width = ink.shape
    x, y, w, h = box
    left, top = max(0, int(x - _AROUND * h)), max(0, int(y - _AROUND * h))
    row = row_of_cells(ink[top : round(y + h + _AROUND * h), left : round(x + w + _AROUND * h)])
    if row is None:
        return None
    margin = _MARGIN * row[3]
    return _clipped((left + row[0] - margin, top + row[1] - margin, row[2] + 2 * margin, row[3] + 2 * margin), (width, height))


def _clipped(box: Box, size: tuple[int, int]) -> Box:
    x0, y0 = max(0.0, box[0]), max(0.0, box[1])
    x1, y1 = min(float(size[0]), box[0] + box[2]), min(float(size[1]), box[1] + box[3])
    return x0, y0, max(1.0, x1 - x0), max(1.0, y1 - y0)


def _common(a: Box, b: Box) -> float:
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(0.0, wide) * max(0.0, high)
