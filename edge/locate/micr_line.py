"""The MICR line as a shape: a row of equally high marks near the foot of the page, one every 0.125 inch.

It is what every check has and hardly anything else, so it says that a page is a check, which side is down, and where the line is.
"""

import cv2
import numpy as np

from edge.datatypes import F64, U8, MicrLine
from edge.locate.levels import percentiles

# A digit is 0.117 inch high and stands every 0.125 inch (ISO 1004).
_HEIGHT_BY_PITCH = 0.117 / 0.125
# Heights of a digit that are looked for, in pages 1280 px wide: checks of 5 to 10 inches.
_DIGIT_HEIGHTS_PX = (11.0, 34.0)
# A row needs this many marks of a digit's height, and this share of them at whole pitches from their neighbours.
_LEAST_DIGITS = 7
# Digits of one row differ by so much of their height at most.
_ALIKE = 0.17
_LEAST_REGULAR = 0.62
# Where the line may lie: the lowest part of the page.
_ZONE = 0.66
# Spaces between the groups of one line, in pitches.
_WIDEST_GAP = 11.0
# No digit is wider than 0.091 inch, 0.73 of the pitch (ISO 1004); blur adds to it.
_WIDEST_DIGIT = 0.9
# Digits without a symbol or a space between them; the longest field of a line has 19. More are a border of ornaments.
_LONGEST_RUN = 24
# More marks of a digit's height than this are grain, or stripes of a screen. On 144 real and 200 drawn checks there are up to 259, around a
# line that is likely up to 140; grain has 500 to 1,200.
_MOST_MARKS = 400
# So many pitches around a mark are at hand; a mark that has not two digits at hand belongs only if it stands close.
_AT_HAND, _CLOSE = 3.5, 1.3


def ink_of_page(pixels: U8) -> U8:
    """Return how much darker each pixel is than the paper around it, uint8 (h, w), 255 the darkest ink of the page."""
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (25, 25))
    depth = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, kernel)
    darkest = max(40.0, float(percentiles(depth[::3, ::3], (99.0,))[0]))
    return np.asarray(cv2.convertScaleAbs(depth, alpha=255.0 / darkest), np.uint8)


def find_micr_line(ink: U8) -> MicrLine | None:
    """Return the row most like a MICR line in the lower part of a page's ink, or None."""
    height = ink.shape[0]
    top = round(height * _ZONE)
    zone = ink[top:]
    best: MicrLine | None = None
    for level in (70, 110):
        boxes = _marks(zone, level)
        line = _best_row(boxes, top)
        if line is not None and (best is None or line.confidence > best.confidence):
            best = line
        if best is not None and best.confidence > 0.9:
            break
    return best


def _marks(zone: U8, level: int) -> F64:
    """Return the boxes x, y, w, h of connected ink that is no larger than a symbol."""
    _, mask = cv2.threshold(zone, level, 255, cv2.THRESH_BINARY)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    boxes = stats[1:, :5].astype(np.float64)
    low, high = _DIGIT_HEIGHTS_PX
    keep = (boxes[:, 3] >= 0.25 * low) & (boxes[:, 3] <= 1.15 * high) & (boxes[:, 2] <= 1.3 * high) & (boxes[:, 4] >= 12)
    return np.asarray(boxes[keep, :4], np.float64)


def _best_row(boxes: F64, top: int) -> MicrLine | None:
    centres = boxes[:, 1] + boxes[:, 3] / 2
    low, high = _DIGIT_HEIGHTS_PX
    tall = boxes[(boxes[:, 3] >= low) & (boxes[:, 3] <= high)]
    if len(tall) > _MOST_MARKS:
        return None
    best: MicrLine | None = None
    # What was seen, by its level: a grained page has thousands of marks.
    seen: dict[int, list[tuple[float, float]]] = {}
    for x, y, _, h in tall[np.argsort(tall[:, 0])].tolist():
        middle = y + h / 2
        step = int(middle / high)
        if any(abs(middle - m) < 0.2 * h and abs(h - k) < 0.12 * h for at in (step, step - 1, step + 1) for m, k in seen.get(at, ())):
            continue
        seen.setdefault(step, []).append((middle, h))
        # The row may still run a little uphill: take what lies beside, then follow its own straight line.
        near = np.abs(centres - middle) < 0.9 * h
        if np.count_nonzero(near & (np.abs(boxes[:, 3] - h) <= _ALIKE * h)) < _LEAST_DIGITS:
            continue
        row = _follow(boxes[near], x, middle, h)
        line = _judge(row, h, top, boxes)
        if line is not None and (best is None or line.confidence > best.confidence):
            best = line
    return best


def _follow(boxes: F64, x: float, middle: float, h: float) -> F64:
    """Return the marks on one straight, nearly level line through a mark, left to right."""
    centres = boxes[:, 1] + boxes[:, 3] / 2
    same = np.abs(boxes[:, 3] - h) <= 0.2 * h
    slope = 0.0
    if np.count_nonzero(same) >= 4:
        dx, dy = boxes[same, 0] - x, centres[same] - middle
        far = np.abs(dx) > 2 * h
        if far.any():
            slope = float(np.clip(np.median(dy[far] / dx[far]), -0.03, 0.03))
    on_line = np.abs(centres - middle - slope * (boxes[:, 0] - x)) < 0.45 * h
    row = boxes[on_line & (boxes[:, 3] <= 1.25 * h)]
    return np.asarray(row[np.argsort(row[:, 0])], np.float64)


def _judge(row: F64, h: float, top: int, boxes: F64) -> MicrLine | None:
    """Return a row as a MICR line if its right edges stand at whole pitches from one another."""
    digits = row[np.abs(row[:, 3] - h) <= _ALIKE * h]
    if len(digits) < _LEAST_DIGITS:
        return None
    right = digits[:, 0] + digits[:, 2]
    steps = np.diff(right)
    steps = steps[(steps > 0.5 * h) & (steps < _WIDEST_GAP * h)]
    if len(steps) < _LEAST_DIGITS - 1:
        return None
    pitches = h / _HEIGHT_BY_PITCH * np.linspace(0.82, 1.25, 44)
    turns = steps[:, None] / pitches
    whole = np.maximum(1, np.round(turns))
    off = np.abs(turns - whole)
    regular = (off < 0.13) & (whole <= _WIDEST_GAP)
    weight = regular / np.sqrt(whole)  # a neighbour at one pitch says more than one at five
    scores = weight.sum(axis=0) - 0.5 * off.clip(0, 0.13).sum(axis=0)
    at = int(np.argmax(scores))
    share = float(regular[:, at].mean())
    single = regular[:, at] & (whole[:, at] == 1)
    longest = int(np.diff(np.flatnonzero(np.concatenate([[True], ~single, [True]]))).max())
    if share < _LEAST_REGULAR or np.count_nonzero(single) < 4 or longest > _LONGEST_RUN:
        return None
    pitch = float(pitches[at])
    group = _group(row, digits, pitch)
    n_regular = float(regular[:, at].sum())
    narrow = float(np.mean(digits[:, 2] <= _WIDEST_DIGIT * pitch))
    # Print at another pitch hits whole pitches by chance: then the hits are wide off.
    spread = float(off[:, at][regular[:, at]].mean())
    exact = float(np.exp(-max(0.0, spread - 0.05) / 0.03))
    is_row = float((1 - np.exp(-n_regular / 5.0)) * (share - 0.3) / 0.7 * narrow * exact)
    confidence = is_row / (1 + _crowd(group, digits, h, boxes) ** 2)
    x0, y0 = float(group[:, 0].min()), float(group[:, 1].min())
    x1, y1 = float((group[:, 0] + group[:, 2]).max()), float((group[:, 1] + group[:, 3]).max())
    return MicrLine((x0, y0 + top, x1 - x0, y1 - y0), pitch, min(confidence, 0.999))


def _crowd(group: F64, digits: F64, h: float, boxes: F64) -> float:
    """Return how many marks of a digit's height stand close above and below the row, a digit of it.

    The lowest 5/8 inch of a check is kept clear of all other print (ANSI X9.13); a line of a letter has neighbours.
    """
    middle = float(np.median(digits[:, 1] + digits[:, 3] / 2))
    away = np.abs(boxes[:, 1] + boxes[:, 3] / 2 - middle)
    within = (boxes[:, 0] > group[0, 0] - h) & (boxes[:, 0] < group[-1, 0] + h)
    alike = (boxes[:, 3] > 0.6 * h) & (boxes[:, 3] < 1.35 * h)
    return float(np.count_nonzero(within & alike & (away > 0.9 * h) & (away < 2.8 * h))) / len(digits)


def _group(row: F64, digits: F64, pitch: float) -> F64:
    """Return the marks that belong together: around the median digit, without a gap wider than a line has.

    Beyond its ends come ornaments and borders, which may be as high as a digit but stand away from the digits.
    """
    is_near = np.count_nonzero(np.abs(row[:, None, 0] - digits[None, :, 0]) < _AT_HAND * pitch, axis=1) >= 2
    gaps = row[1:, 0] - (row[:-1, 0] + row[:-1, 2])
    first = last = int(np.argmin(np.abs(row[:, 0] - np.median(digits[:, 0]))))
    while first > 0 and gaps[first - 1] < (_WIDEST_GAP if is_near[first - 1] else _CLOSE) * pitch:
        first -= 1
    while last < len(row) - 1 and gaps[last] < (_WIDEST_GAP if is_near[last + 1] else _CLOSE) * pitch:
        last += 1
    return np.asarray(row[first : last + 1], np.float64)
