"""Handwritten strings composed from isolated digits: one writer's slant, pen and spacing a string, overlaps and linked digits included."""

from dataclasses import dataclass

import cv2
import numpy as np

from edge.datatypes import F32, U8
from edge.locate.strip import normalize_strip
from train.data.printed import draw_currency_sign
from train.data.sources import LabelledDigits, LabelledStrip

# Height of a digit on the canvas; marks are drawn relative to it.
DIGIT_PX = 36


@dataclass(frozen=True, slots=True, eq=False)
class InkBank:
    """Digits cut out of the sets as tight ink, by class; one bank a source."""

    source: str
    inks: tuple[tuple[U8, ...], ...]

    def draw(self, digit: int, rng: np.random.Generator) -> U8:
        of_class = self.inks[digit]
        return of_class[int(rng.integers(len(of_class)))]


def bank_of_digits(digits: LabelledDigits, rows: list[int]) -> InkBank:
    """Return the bank of a set of isolated digits that are light ink on black paper (MNIST, USPS)."""
    classes: list[list[U8]] = [[] for _ in range(10)]
    for row in rows:
        ink = _tight(digits.pictures[row])
        if ink is not None:
            classes[int(digits.labels[row])].append(ink)
    return InkBank(digits.source, tuple(tuple(c) for c in classes))


def bank_of_strips(strips: list[LabelledStrip]) -> InkBank:
    """Return the bank of the digits inside strips whose boxes are known: the pens and shapes of real amounts."""
    classes: list[list[U8]] = [[] for _ in range(10)]
    for strip in strips:
        if strip.boxes is None:
            continue
        scale = 32 / strip.picture.shape[0]
        ink = normalize_strip(strip.picture).ink
        for symbol, box in zip(strip.text, strip.boxes, strict=True):
            x0, y0, x1, y1 = (round(float(v) * scale) for v in box)
            cut = ink[max(0, y0) : y1 + 1, max(0, x0) : x1 + 1]
            if cut.shape[0] >= 8 and cut.shape[1] >= 3:
                classes[int(symbol)].append(np.where(cut < 70, 0, cut).astype(np.uint8))
    return InkBank(strips[0].source if strips else "strips", tuple(tuple(c) for c in classes))


def _tight(ink: U8) -> U8 | None:
    rows, columns = np.flatnonzero((ink > 60).any(axis=1)), np.flatnonzero((ink > 60).any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) > 3 and len(columns) > 1 else None


def compose(text: str, bank: InkBank, rng: np.random.Generator) -> tuple[U8, F32]:
    """Write a text with the digits of one bank.

    Returns:
        ink uint8 (h, w) and boxes float32 (len(text), 4), x0, y0, x1, y1.
    """
    tightness = float(rng.normal(0.10, 0.10))
    wobble = float(rng.uniform(0.0, 0.08))
    aspect = float(np.exp(rng.normal(0, 0.12)))
    stroke = max(2.0, float(rng.normal(3.4, 0.8)))
    pieces: list[tuple[U8, float]] = []
    raised = _raised_cents(text, rng)
    # Some hands set their commas high between the digits, like short slanted strokes; only their height tells them from a 1.
    comma_lift = float(rng.uniform(0.0, 0.5)) if rng.random() < 0.3 else None
    zero_size = float(rng.uniform(0.5, 0.9)) if rng.random() < 0.3 else 1.0
    for index, symbol in enumerate(text):
        if symbol.isdigit():
            height = DIGIT_PX * float(np.exp(rng.normal(0, 0.05 + wobble))) * (zero_size if symbol == "0" else 1.0)
            lift = float(rng.normal(0, wobble)) * DIGIT_PX
            if raised is not None and index >= raised:
                height, lift = height * 0.6, lift + 0.42 * DIGIT_PX
            ink = _scaled(bank.draw(int(symbol), rng), height, aspect)
            pieces.append((ink, lift))
        else:
            pieces.append(_mark(symbol, stroke, rng) if symbol != "," else _comma(stroke, comma_lift, rng))
    ink, boxes = _assembled(pieces, text, tightness, rng)
    if text.endswith("/") and raised is not None and len(text) > 3:
        _stack_fraction(ink, boxes, bank, round(stroke), rng)
    return ink, boxes


def _stack_fraction(ink: U8, boxes: F32, bank: InkBank, pen: int, rng: np.random.Generator) -> None:
    """Replace the slash at the end by a bar under the cents with a small 100 below it.

    Columns are read from left to right, so the bar counts as the slash after the cents: its box is the end that stands out.
    """
    x0, y0, x1, y1 = boxes[-1].astype(int)
    ink[y0:y1, x0:x1] = 0
    left, right, foot = float(boxes[-3, 0]), float(boxes[-2, 2]), float(boxes[-3:-1, 3].max())
    end = min(right + DIGIT_PX * float(rng.uniform(0.15, 0.5)), ink.shape[1] - 3)
    bar_y = foot + DIGIT_PX * float(rng.uniform(0.02, 0.12))
    slope = DIGIT_PX * float(rng.uniform(0, 0.3))
    _line(ink, [(left - 3, bar_y + slope / 2), (end, bar_y - slope / 2)], max(2, pen - 1))
    boxes[-1] = right, bar_y - slope / 2 - pen, end, bar_y + pen
    x, height = left, DIGIT_PX * float(rng.uniform(0.3, 0.42))
    for digit in (1, 0, 0):
        small = _scaled(bank.draw(digit, rng), height, 0.9)
        top = round(bar_y + slope / 2 + 2)
        at = ink[top : top + small.shape[0], round(x) : round(x) + small.shape[1]]
        np.maximum(at, small[: at.shape[0], : at.shape[1]], out=at)
        x += small.shape[1] + 1


def _raised_cents(text: str, rng: np.random.Generator) -> int | None:
    """Return where raised small cents begin: written so before a fraction bar, and sometimes without any mark."""
    if "/" in text[1:] and text.count("/") == 1 and text.rstrip("10").endswith("/"):
        return text.index("/") - 2 if rng.random() < 0.6 else None
    return len(text) - 2 if len(text) > 3 and text[-3] in ".," and text[-2:].isdigit() and rng.random() < 0.35 else None


def _scaled(ink: U8, height: float, aspect: float) -> U8:
    # A dash-like 1 keeps its width; everything is scaled by its height, as a writer keeps the line.
    factor = height / ink.shape[0]
    width = max(2, round(ink.shape[1] * factor * aspect))
    shape = (width, max(4, round(height)))
    return np.asarray(cv2.resize(ink, shape, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC), np.uint8)


def _mark(symbol: str, stroke: float, rng: np.random.Generator) -> tuple[U8, float]:
    """Return a separator's ink and how far its foot lies above the line."""
    pen = max(2, round(stroke))
    size = DIGIT_PX * float(rng.uniform(0.85, 1.15))
    if symbol == " ":
        return np.zeros((2, max(2, round(size * float(rng.uniform(0.2, 0.6))))), np.uint8), 0.0
    if symbol == ".":
        radius = max(1, round(pen * float(rng.uniform(0.5, 1.0))))
        ink = np.zeros((2 * radius + 3, 2 * radius + 3), np.uint8)
        cv2.circle(ink, (radius + 1, radius + 1), radius, 255, -1, cv2.LINE_AA)
        lift = float(rng.choice([0.0, 0.0, 0.0, 0.45])) * DIGIT_PX * float(rng.uniform(0.3, 1.0))
        return ink, lift - 1
    if symbol == "-":
        width = size * float(rng.uniform(0.25, 1.0) if rng.random() < 0.8 else rng.uniform(1.0, 2.0))
        bend = size * float(rng.normal(0, 0.05))
        if rng.random() < 0.25:  # the double dash and the colon-like end mark that many close an amount with
            gap = size * float(rng.uniform(0.12, 0.3))
            upper, lower = _stroke([(0, 0), (width * 0.6, bend)], pen), _stroke([(0, 0), (width * 0.6, bend)], pen)
            spacer = np.zeros((max(1, round(gap)), upper.shape[1]), np.uint8)
            return np.vstack([upper, spacer, lower]), size * float(rng.uniform(0.1, 0.4))
        return _stroke([(0, 0), (width * 0.5, bend), (width, 0)], pen), size * float(rng.uniform(0.25, 0.6))
    if symbol == "/":
        height, width = size * float(rng.uniform(0.95, 1.7)), size * float(rng.uniform(0.05, 0.6))
        return _stroke([(width, 0), (0, height)], pen), -size * float(rng.uniform(0.05, 0.3))
    if symbol == "*":
        half = size * float(rng.uniform(0.18, 0.3))
        ink = np.zeros((round(2 * half) + 6, round(2 * half) + 6), np.uint8)
        centre = half + 3
        for angle in np.linspace(0, np.pi, 3, endpoint=False) + rng.uniform(0, 0.5):
            end = np.array([np.cos(angle), np.sin(angle)]) * half
            _line(ink, [(centre - end[0], centre - end[1]), (centre + end[0], centre + end[1])], pen)
        return ink, size * float(rng.uniform(0.0, 0.5))
    return _currency_sign(size, pen, rng) if rng.random() < 0.3 else _printed_sign(size, rng)


def _comma(stroke: float, lift: float | None, rng: np.random.Generator) -> tuple[U8, float]:
    """Return a comma's ink and how far its foot lies above the line; ``lift`` is a share of a digit's height, None at the foot."""
    pen, size = max(2, round(stroke)), DIGIT_PX * float(rng.uniform(0.85, 1.15))
    height, width = round(size * float(rng.uniform(0.2, 0.5))), round(size * float(rng.uniform(0.06, 0.25)))
    ink = _stroke([(width, 0), (width * 0.8, height * 0.5), (0, height)], pen)
    return ink, -height * float(rng.uniform(0.3, 0.9)) if lift is None else size * (lift + float(rng.normal(0, 0.05))) - height / 2


def _currency_sign(size: float, pen: int, rng: np.random.Generator) -> tuple[U8, float]:
    s = size
    width = 0.5 * s
    curve = [
        (0.48, 0.2),
        (0.38, 0.1),
        (0.18, 0.1),
        (0.05, 0.25),
        (0.1, 0.42),
        (0.38, 0.55),
        (0.46, 0.7),
        (0.35, 0.88),
        (0.12, 0.9),
        (0.02, 0.78),
    ]
    ink = np.zeros((round(1.1 * s) + 4, round(width) + 6), np.uint8)
    _line(ink, [(2 + x * s, 2 + y * s) for x, y in curve], pen)
    for x in (0.25,) if rng.random() < 0.7 else (0.19, 0.31):
        lean = float(rng.normal(0, 0.04))
        _line(ink, [(2 + (x + lean) * s, 2), (2 + (x - lean) * s, 1.05 * s)], pen)
    return ink, -0.05 * s


def _printed_sign(size: float, rng: np.random.Generator) -> tuple[U8, float]:
    """Return the sign that a form prints before the amount; whatever the currency, the network calls it ``$``."""
    ink = draw_currency_sign(rng)
    scale = size * float(rng.uniform(0.4, 1.05)) / ink.shape[0]
    shape = (max(3, round(ink.shape[1] * scale)), max(6, round(ink.shape[0] * scale)))
    small = cv2.resize(ink, shape, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.4:  # a worn or badly copied sign keeps little of its shape
        small = cv2.GaussianBlur(np.pad(small, 2), (0, 0), float(rng.uniform(0.5, 1.8)))
    if rng.random() < 0.3:
        small = cv2.dilate(small, np.ones((2, 2), np.uint8)) if rng.random() < 0.5 else cv2.erode(small, np.ones((2, 2), np.uint8))
    faded = np.asarray(small * float(rng.uniform(0.4, 1.0)), np.uint8)
    if rng.random() < 0.15:  # the border between the sign and the box for the number
        faded = np.pad(faded, ((0, 0), (0, round(0.4 * size))))
        faded[:, -1 - int(rng.integers(0, 2)) :] = int(rng.integers(120, 256))
    return faded, size * float(rng.uniform(-0.25, 0.3))


def _stroke(points: list[tuple[float, float]], pen: int) -> U8:
    array = np.array(points)
    array = array - array.min(axis=0) + pen
    width, height = (array.max(axis=0) + pen + 1).astype(int)
    ink = np.zeros((height, width), np.uint8)
    _line(ink, [(float(x), float(y)) for x, y in array], pen)
    return ink


def _line(ink: U8, points: list[tuple[float, float]], pen: int) -> None:
    fixed = np.round(np.array(points) * 16).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(ink, [fixed], False, 255, pen, cv2.LINE_AA, shift=4)


def _assembled(pieces: list[tuple[U8, float]], text: str, tightness: float, rng: np.random.Generator) -> tuple[U8, F32]:
    """Set the pieces on one line, each as close to the ink before it as the writer's hand is tight."""
    line_y = round(DIGIT_PX * 2.2)
    canvas = np.zeros((round(DIGIT_PX * 3.2), sum(ink.shape[1] for ink, _ in pieces) + DIGIT_PX * (len(pieces) + 2)), np.uint8)
    boxes = np.zeros((len(pieces), 4), np.float32)
    x = float(DIGIT_PX)
    after_comma = float(rng.uniform(0.1, 0.6)) if rng.random() < 0.3 else 0.0
    for index, (ink, lift) in enumerate(pieces):
        height, width = ink.shape
        top = int(np.clip(line_y - lift - height, 0, canvas.shape[0] - height))
        left = max(0, round(x))
        at = canvas[top : top + height, left : left + width]
        np.maximum(at, ink, out=at)
        boxes[index] = left, top, left + width, top + height
        gap = tightness + float(rng.normal(0, 0.08))
        if text[index] == ",":
            gap += after_comma
        if text[index] == "$":  # forms leave room after their sign; writers use it or not
            gap += float(rng.exponential(0.3))
        if text[index] == "0" and text[index + 1 : index + 2] == "0" and rng.random() < 0.3:
            # Zeros written without lifting the pen: a bridge from one to the next.
            bridge_y = top + round(height * float(rng.uniform(0.05, 0.4)))
            cv2.line(canvas, (left + width // 2, bridge_y), (left + width + round(0.3 * DIGIT_PX), bridge_y), 255, 2, cv2.LINE_AA)
            gap = min(gap, 0.08)
        x = left + width + gap * DIGIT_PX
    return canvas[:, : max(8, round(x) + DIGIT_PX)], boxes
