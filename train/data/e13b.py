"""E-13B as ANSI X9.27 and ISO 1004 describe it: shapes on a grid of 0.013 inch, one symbol every 0.125 inch, right edges aligned.

The shapes are our own drawing of the standard's figures as rectangles, rounded afterwards. A is the transit symbol, B amount, C on-us,
D dash; a space is an empty place.
"""

from functools import cache

import cv2
import numpy as np

from edge.datatypes import F32, U8

PITCH_INCH = 0.125
UNIT_INCH = 0.013
HEIGHT_UNITS = 9
# The master is drawn at this many pixels a unit.
_MASTER_PX = 10

# Ink as x0, y0, x1, y1 in units from the symbol's left edge and the digits' top; negative rectangles (paper) come after "-".
_SHAPES: dict[str, tuple[int, str]] = {
    "0": (7, "0,0,7,9 - 1,1,6,8"),
    "1": (4, "0,0,2,1 1,0,2,6 0,5,4,9"),
    "2": (4, "0,0,4,1 3,0,4,5 0,4,4,5 0,4,1,9 0,8,4,9"),
    "3": (5, "0,0,4,1 3,0,4,5 0,4,4,5 3,4.6,5,9 0,8,5,9"),
    "4": (6, "0,0,2,7 0,6,6,7 4,5,6,9"),
    "5": (5, "0,0,5,1 0,0,1,5 0,4,5,5 4,4,5,9 0,8,5,9"),
    "6": (6, "0,0,4,1 3,0,4,2.5 0,0,1,9 0,5,6,9 - 1,6,5,8"),
    "7": (5, "0,0,5,1 0,0,1,3 4,0,5,3.8 2,4.6,3,9"),
    "8": (7, "1,0,6,5 0,4.6,7,9 - 2,1,5,4 2,5,5,8"),
    "9": (6, "0,0,6,5 4,4,6,9 - 1,1,5,4"),
    "A": (7, "0,1.5,2,7.5 4,0,7,3 4,6,7,9"),
    "B": (7, "0,5,2,9 3,2.2,4,6.8 5,0,7,4"),
    "C": (7, "0,1,1,7 2,1,3,7 4,0,7,4"),
    "D": (7, "0,2.7,2,6.3 3,2.7,5,6.3 6,2.7,7,6.3"),
}
SYMBOLS = tuple(_SHAPES)


@cache
def _master(symbol: str) -> U8:
    """Return one symbol large, with the rounded corners of the standard, uint8 (9 units, its width)."""
    width, text = _SHAPES[symbol]
    k = _MASTER_PX
    margin = k
    ink = np.zeros((HEIGHT_UNITS * k + 2 * margin, width * k + 2 * margin), np.uint8)
    level = 255
    for token in text.split():
        if token == "-":
            level = 0
            continue
        x0, y0, x1, y1 = (round(float(v) * k) + margin for v in token.split(","))
        ink[y0:y1, x0:x1] = level
    if symbol == "7":
        slope = np.array([[5, 3.6], [5, 4], [3, 5], [2, 5], [2, 4.5], [4, 3.4]]) * k + margin
        cv2.fillPoly(ink, [slope.round().astype(np.int32)], (255.0,))
    if symbol == "0":  # the wide bends of the nought: 2 units outside, 1 inside
        solid, hole = np.zeros_like(ink), np.zeros_like(ink)
        solid[margin : margin + 9 * k, margin : margin + 7 * k] = 255
        hole[margin + k : margin + 8 * k, margin + k : margin + 6 * k] = 255
        ink = np.asarray(cv2.subtract(_rounded(solid, 4 * k), _rounded(hole, 2 * k)), np.uint8)
    else:
        ink = _rounded(ink, round(0.8 * k))
    return np.ascontiguousarray(ink[margin:-margin, margin:-margin])


def _rounded(ink: U8, diameter: int) -> U8:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter | 1, diameter | 1))
    return np.asarray(cv2.morphologyEx(ink, cv2.MORPH_OPEN, kernel), np.uint8)


def set_line(text: str, px_per_inch: float, rng: np.random.Generator) -> tuple[U8, F32]:
    """Print a MICR line.

    Returns:
        ink uint8 (h, w), as high as the digits plus the printer's unrest, and boxes float32 (len(text), 4) x0, y0, x1, y1; a
        space's box is zero.

    Raises:
        ValueError: a symbol that E-13B does not have.
    """
    strange = sorted(set(text) - set(SYMBOLS) - {" "})
    if strange:
        raise ValueError(f"E-13B has no {strange}; it has {' '.join(SYMBOLS)} and the space")
    scale = _MASTER_PX / UNIT_INCH / px_per_inch  # master pixels a pixel
    pitch, unrest = PITCH_INCH / UNIT_INCH * _MASTER_PX, _MASTER_PX // 3
    height = HEIGHT_UNITS * _MASTER_PX + 4 * unrest
    canvas = np.zeros((height, round(pitch * len(text)) + 4 * unrest), np.uint8)
    boxes = np.zeros((len(text), 4), np.float32)
    for index, symbol in enumerate(text):
        if symbol == " ":
            continue
        ink = _master(symbol)
        right = round(pitch * (index + 1) + rng.normal(0, unrest * 0.2))
        top = 2 * unrest + round(float(np.clip(rng.normal(0, unrest * 0.4), -unrest, unrest)))
        at = canvas[top : top + ink.shape[0], right - ink.shape[1] : right]
        np.maximum(at, ink, out=at)
        rows = np.flatnonzero(ink.any(axis=1))
        boxes[index] = right - ink.shape[1], top + rows[0], right, top + rows[-1] + 1
    canvas = _printed(canvas, rng)
    size = (max(1, round(canvas.shape[1] / scale)), max(1, round(height / scale)))
    line = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    return np.asarray(line, np.uint8), (boxes / scale).astype(np.float32)


def draw_line(text: str, px_per_inch: float, rng: np.random.Generator) -> U8:
    """Return a printed MICR line as ink, uint8 (h, w), 255 the ink."""
    return set_line(text, px_per_inch, rng)[0]


def _printed(canvas: U8, rng: np.random.Generator) -> U8:
    """Let the toner spread or thin a little, and miss spots."""
    gain = float(rng.normal(0, 0.18)) * _MASTER_PX
    if abs(gain) >= 1:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * (abs(round(gain)) // 2) + 1,) * 2)
        canvas = np.asarray(cv2.dilate(canvas, kernel) if gain > 0 else cv2.erode(canvas, kernel), np.uint8)
    if rng.random() < 0.4:
        coarse = rng.random((canvas.shape[0] // 5 + 1, canvas.shape[1] // 5 + 1)).astype(np.float32)
        grain = cv2.resize(coarse, (canvas.shape[1], canvas.shape[0]))
        canvas = np.where(grain < 0.05 + 0.12 * rng.random(), 0, canvas).astype(np.uint8)
    return canvas


def routing_number(rng: np.random.Generator) -> str:
    """Return a routing number that belongs to nobody (first two digits 51 to 59 are not assigned) with a valid check digit.

    The weights are 3, 7, 1 (ABA routing number policy).
    """
    digits = [5, int(rng.integers(1, 10)), *(int(d) for d in rng.integers(0, 10, 6))]
    weighted = sum(d * w for d, w in zip(digits, (3, 7, 1, 3, 7, 1, 3, 7), strict=True))
    return "".join(str(d) for d in (*digits, -weighted % 10))
