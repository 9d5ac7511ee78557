"""Page to field regions: text lines from connected ink, each judged as amount, date and check number by soft signs.

Where a field usually lies is a sign among others (size, shape, what stands beside it), never a hard region.
"""

from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np

from edge.datatypes import F64, U8, Box, FieldName, FieldRegion, Page
from edge.locate.micr_line import MicrLine, find_micr_line, ink_of_page

_MOST_CANDIDATES = 4
_LEAST_CONFIDENCE = 0.08
# Ink level (of 255) from which a pixel belongs to a mark.
_INK_LEVEL = 75
# Widest gaps inside a line: close print, loose hands, cells with a digit each.
_GAPS_INCH = (0.15, 0.22, 0.32)
# Marks lower than the first or left of the second share of the page score too low for any field but the MICR line: not followed.
_LOWEST, _LEFTMOST = 0.64, 0.4
# An inch in page pixels where no MICR line tells: a page 1280 px wide of a check 7 inches wide.
_USUAL_INCH_PX = 183.0


@dataclass(frozen=True, slots=True)
class _Line:
    """A run of marks on one line, in page pixels, with what its marks are like."""

    x: float
    y: float
    w: float
    h: float
    n_marks: int
    mark_h: float

    @property
    def box(self) -> Box:
        return self.x, self.y, self.w, self.h


def find_fields(page: Page) -> tuple[FieldRegion, ...]:
    """Return the fields' likely regions, up to four a field, the best of each field first; empty on a page without ink."""
    ink = ink_of_page(page.pixels)
    micr = find_micr_line(ink)
    inch_px = float(np.clip(8 * micr.pitch_px, 110, 260)) if micr else _USUAL_INCH_PX
    clean = _without_rules(ink, inch_px)
    lines = [line for gap_inch in _GAPS_INCH for line in _lines(clean, inch_px, gap_inch)]
    lines += _neighbours(lines, inch_px)
    regions = [_micr_region(micr, ink)] if micr else []
    size = (ink.shape[1], ink.shape[0])
    for name, score in (("amount", _like_amount), ("date", _like_date), ("check_number", _like_number)):
        regions += _best(name, [(score(line, inch_px, size, lines), line) for line in lines], size, inch_px)  # type: ignore[arg-type]
    return tuple(regions)


def _without_rules(ink: U8, inch_px: float) -> U8:
    """Return the ink as a mask without long straight lines: frames, rules and the borders of boxes."""
    _, mask = cv2.threshold(ink, _INK_LEVEL, 255, cv2.THRESH_BINARY)
    reach = round(0.45 * inch_px)
    level = cv2.morphologyEx(mask, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, (reach, 1)))
    upright = cv2.morphologyEx(mask, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, (1, round(0.3 * inch_px))))
    rules = cv2.dilate(cv2.bitwise_or(level, upright), cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3)))
    return np.asarray(cv2.bitwise_and(mask, cv2.bitwise_not(rules)), np.uint8)


def _lines(mask: U8, inch_px: float, gap_inch: float) -> list[_Line]:
    """Join marks that overlap in height and are no further apart than a gap, and return the runs."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    marks = stats[1:, :5].astype(np.float64)
    size = np.maximum(marks[:, 2], marks[:, 3])
    keep = (marks[:, 4] >= 8) & (size >= 0.02 * inch_px) & (marks[:, 3] <= 0.62 * inch_px) & (marks[:, 2] <= 2.2 * inch_px)
    keep &= (marks[:, 1] < _LOWEST * mask.shape[0]) & (marks[:, 0] + marks[:, 2] > _LEFTMOST * mask.shape[1])
    marks = marks[keep]
    marks = marks[np.argsort(marks[:, 0])]
    tall = marks[:, 3] >= 0.05 * inch_px
    runs: list[list[tuple[float, ...]]] = []
    for mark in (tuple(row) for row in marks[tall].tolist()):
        x, y, _, h, _ = mark
        best, best_gap = None, gap_inch * inch_px
        for run in runs:
            near = run[-5:]
            gap = x - max(m[0] + m[2] for m in near)
            if gap >= best_gap:
                continue
            top, foot = median(m[1] for m in near), median(m[1] + m[3] for m in near)
            if min(foot, y + h) - max(top, y) > 0.45 * min(foot - top, h):
                best, best_gap = run, gap
        if best is None:
            runs.append([mark])
        else:
            best.append(mark)
    small = marks[~tall]
    return [_line_of(np.array(run), small, inch_px) for run in runs if len(run) > 1]


def _line_of(run: F64, small: F64, inch_px: float) -> _Line:
    """Return the run's box with the points, commas and dashes that stand within it or just beside it."""
    x0, y0 = run[:, 0].min(), run[:, 1].min()
    x1, y1 = (run[:, 0] + run[:, 2]).max(), (run[:, 1] + run[:, 3]).max()
    if len(small):
        middle = small[:, 1] + small[:, 3] / 2
        reach = 0.12 * inch_px
        beside = (small[:, 0] + small[:, 2] > x0) & (small[:, 0] < x1 + reach) & (middle > y0) & (middle < y1 + 0.04 * inch_px)
        if beside.any():
            x1 = max(x1, (small[beside, 0] + small[beside, 2]).max())
    return _Line(float(x0), float(y0), float(x1 - x0), float(y1 - y0), len(run), float(np.percentile(run[:, 3], 70)))


def _neighbours(lines: list[_Line], inch_px: float) -> list[_Line]:
    """Return pairs of lines that a comma or a wide space may have parted, each as one line."""
    joined = []
    for left in lines:
        for right in lines:
            gap = right.x - left.x - left.w
            common = min(left.y + left.h, right.y + right.h) - max(left.y, right.y)
            if not 0.1 * inch_px < gap < 0.4 * inch_px or common < 0.5 * min(left.h, right.h) or not 0.6 < left.mark_h / right.mark_h < 1.7:
                continue
            top, foot = min(left.y, right.y), max(left.y + left.h, right.y + right.h)
            width, mark_h = right.x + right.w - left.x, max(left.mark_h, right.mark_h)
            joined.append(_Line(left.x, top, width, foot - top, left.n_marks + right.n_marks, mark_h))
    return joined


def _bell(value: float, middle: float, width: float) -> float:
    return float(np.exp(-(((value - middle) / width) ** 2) / 2))


def _plateau(value: float, low: float, high: float, width: float) -> float:
    """Return 1 from low to high, falling off like a bell beyond."""
    return _bell(value, min(max(value, low), high), width)


def _like_amount(line: _Line, inch_px: float, size: tuple[int, int], lines: list[_Line]) -> float:
    """Figures in the right third, above the middle, as tall as handwriting or a printer's, ending near the edge."""
    height, width = line.mark_h / inch_px, line.w / inch_px
    if not 0.06 < height < 0.6 or not 0.2 < width < 2.6:
        return 0.0
    middle, centre = (line.y + line.h / 2) / size[1], (line.x + line.w / 2) / size[0]
    place = _bell((line.x + line.w) / size[0], 0.93, 0.1) * _bell(centre, 0.86, 0.09) * _plateau(middle, 0.33, 0.43, 0.07)
    shape = _bell(height, 0.19, 0.11) * _bell(width, 0.9, 0.6)
    return place * shape * min(1.0, 0.55 + 0.12 * line.n_marks) * _completeness(line, inch_px, lines)


def _like_date(line: _Line, inch_px: float, size: tuple[int, int], lines: list[_Line]) -> float:
    """A line in the upper right, above the amount: six to ten marks, or twice that with cells around them."""
    height, width = line.mark_h / inch_px, line.w / inch_px
    if not 0.05 < height < 0.5 or not 0.3 < width < 2.8 or line.n_marks < 3:
        return 0.0
    middle, centre = (line.y + line.h / 2) / size[1], (line.x + line.w / 2) / size[0]
    place = _plateau(middle, 0.11, 0.23, 0.06) * _bell(centre, 0.81, 0.12)
    shape = _bell(height, 0.18, 0.06) * _bell(width, 1.1, 0.5) * _plateau(line.n_marks, 6, 18, 3)
    return place * shape * _completeness(line, inch_px, lines)


def _like_number(line: _Line, inch_px: float, size: tuple[int, int], lines: list[_Line]) -> float:
    """A short printed line in the top right corner."""
    height, width = line.mark_h / inch_px, line.w / inch_px
    if not 0.05 < height < 0.3 or not 0.12 < width < 1.1 or not 2 <= line.n_marks <= 9:
        return 0.0
    middle, right = (line.y + line.h / 2) / size[1], (line.x + line.w) / size[0]
    place = _bell(middle, 0.09, 0.045) * _bell(right, 0.94, 0.06)
    even = _bell(line.h / max(line.mark_h, 1.0), 1.05, 0.25)
    return place * even * _bell(height, 0.13, 0.05) * _bell(line.n_marks, 4, 2.5) * _completeness(line, inch_px, lines)


def _completeness(line: _Line, inch_px: float, lines: list[_Line]) -> float:
    """Return less than 1 where marks of the same height go on beside the line: then it is only a part."""
    for other in lines:
        common = min(line.y + line.h, other.y + other.h) - max(line.y, other.y)
        if common < 0.6 * min(line.h, other.h) or not 0.6 < other.mark_h / line.mark_h < 1.7:
            continue
        gap = max(other.x - line.x - line.w, line.x - other.x - other.w)
        if 0 <= gap < 0.26 * inch_px:
            return 0.7
    return 1.0


def _best(name: FieldName, scored: list[tuple[float, _Line]], size: tuple[int, int], inch_px: float) -> list[FieldRegion]:
    """Return the best candidates with a margin around, each unlike the ones before."""
    regions: list[FieldRegion] = []
    for score, line in sorted(scored, key=lambda pair: -pair[0]):
        if score < _LEAST_CONFIDENCE or len(regions) >= _MOST_CANDIDATES:
            break
        margin = 0.18 * line.mark_h + 0.015 * inch_px
        box = _clipped((line.x - 1.3 * margin, line.y - margin, line.w + 2.6 * margin, line.h + 2 * margin), size)
        if all(_overlap(box, other.page_box) < 0.8 for other in regions):
            regions.append(FieldRegion(name, box, float(min(score, 0.99))))
    return regions


def _micr_region(micr: MicrLine, ink: U8) -> FieldRegion:
    x, y, w, h = micr.page_box
    margin = 0.35 * micr.pitch_px
    box = _clipped((x - 2 * margin, y - margin, w + 4 * margin, h + 2 * margin), (ink.shape[1], ink.shape[0]))
    return FieldRegion("micr", box, micr.confidence)


def _clipped(box: Box, size: tuple[int, int]) -> Box:
    x0, y0 = max(0.0, box[0]), max(0.0, box[1])
    x1, y1 = min(float(size[0]), box[0] + box[2]), min(float(size[1]), box[1] + box[3])
    return x0, y0, max(1.0, x1 - x0), max(1.0, y1 - y0)


def _overlap(a: Box, b: Box) -> float:
    """Return intersection over union."""
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    common = max(0.0, wide) * max(0.0, high)
    return common / (a[2] * a[3] + b[2] * b[3] - common)
