"""Handwriting from our own pen: a writer has habits, and each symbol is drawn anew from its skeleton, with them and by chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.datatypes import F32, F64, U8
from train.data.skeletons import GARLANDS, SKELETONS, parse

SYMBOLS = tuple(SKELETONS)

# Steps of the pen between two points of a skeleton.
_STEPS = 6
# Pen paths are drawn at this multiple of the final size and averaged down.
_OVERSAMPLING = 2
_MOST_POINTS = 24


@dataclass(frozen=True, slots=True, eq=False)
class Writer:
    """One hand and its pen; lengths are shares of a digit's height.

    ``choices`` holds for each symbol the probability of each of its skeletons, ``habits`` the writer's own displacement of each
    skeleton's points.
    """

    size_px: float
    slant: float
    width: float
    roundness: float
    pen: float
    pressure: float
    taper: float
    nib_angle: float | None
    tremor: float
    unrest: float
    tilt: float
    spacing: float
    size_unrest: float
    links_zeros: float
    choices: dict[str, F64]
    habits: dict[str, F64]


def make_writer(rng: np.random.Generator) -> Writer:
    """Return a new writer with a pen."""
    choices, habits = {}, {}
    habit = float(rng.uniform(1.5, 4.5))
    fidelity = float(rng.uniform(1.0, 3.0))
    for symbol, skeletons in SKELETONS.items():
        shares = np.array([share for share, _ in skeletons]) * rng.exponential(1.0, len(skeletons)) ** fidelity
        choices[symbol] = shares / shares.sum()
        habits[symbol] = rng.normal(0, habit, (len(skeletons), _MOST_POINTS, 2))
    return Writer(
        size_px=float(np.clip(np.exp(rng.normal(3.58, 0.25)), 20, 64)),
        slant=float(rng.normal(0.14, 0.17)),
        width=float(np.exp(rng.normal(0.02, 0.17))),
        roundness=float(1 - rng.beta(1, 3) * 0.9),
        pen=float(np.clip(np.exp(rng.normal(-2.42, 0.28)), 0.045, 0.2)),
        pressure=float(rng.uniform(0, 0.3)),
        taper=float(rng.beta(1, 2)),
        nib_angle=float(rng.uniform(0.2, 1.2)) if rng.random() < 0.12 else None,
        tremor=float(rng.exponential(0.4)),
        unrest=float(rng.uniform(0.7, 3.0)),
        tilt=float(rng.normal(0, 0.02)),
        spacing=float(rng.normal(0.14, 0.09)),
        size_unrest=float(rng.uniform(0.02, 0.1)),
        links_zeros=float(rng.beta(0.4, 1.2)),
        choices=choices,
        habits=habits,
    )


def draw_symbol(symbol: str, writer: Writer, rng: np.random.Generator) -> U8:
    """Return one symbol as ink, uint8 (h, w), cropped tight; digits are about ``writer.size_px`` high."""
    return draw_placed(symbol, writer, rng)[0]


def draw_placed(symbol: str, writer: Writer, rng: np.random.Generator) -> tuple[U8, float]:
    """Return one symbol's ink and how many pixels its foot lies below the line it is written on (negative: above).

    Raises:
        ValueError: the symbol has no skeleton.
    """
    if symbol not in SKELETONS:
        raise ValueError(f"no skeleton for {symbol!r}; there are {' '.join(SYMBOLS)}")
    index = int(np.searchsorted(np.cumsum(writer.choices[symbol]), rng.random() * 0.999999))
    points, rounded, straight, lifts = _skeleton(symbol, index)
    n_points = len(points)
    displacement = writer.habits[symbol][index, :n_points] + rng.normal(0, writer.unrest, (n_points, 2))
    points = points + displacement * _restraint(symbol)
    path = _path(points, rounded, straight, writer, rng)
    ink, _, top = _inked(path, lifts, writer, rng)
    return ink, top + ink.shape[0] - writer.size_px


def draw_zeros(n_zeros: int, writer: Writer, rng: np.random.Generator) -> tuple[U8, F32]:
    """Write zeros without lifting the pen.

    Returns:
        ink uint8 (h, w) cropped tight, and boxes float32 (n_zeros, 4): x0, y0, x1, y1 of each zero in it.

    Raises:
        ValueError: no zeros are asked for.
    """
    if n_zeros < 1:
        raise ValueError(f"cannot link {n_zeros} zeros; ask for one or more")
    shares = np.array([share for share, _, _ in GARLANDS])
    _, pitch, text = GARLANDS[int(rng.choice(len(GARLANDS), p=shares / shares.sum()))]
    link = parse(text)[0]
    pitch = pitch * float(rng.uniform(0.8, 1.1))
    # Hasty garlands sink: each zero a little smaller or flatter than the one before.
    shrink = float(rng.uniform(0.86, 1.02))
    links, x = [], 0.0
    for index in range(n_zeros):
        size = shrink**index
        links.append((link + rng.normal(0, writer.unrest + 1, link.shape) - (0, 100)) * size + (x, 100))
        x += pitch * size
    if rng.random() < 0.5:  # closes the last one instead of leading on
        links[-1] = links[-1][:-1]
    points = np.concatenate(links)
    rounded, straight = _weights(len(points), (), ())
    path = _path(points, rounded, straight, writer, rng)
    ink, left, top = _inked(path, (), writer, rng)
    boxes = np.zeros((n_zeros, 4), np.float32)
    half = writer.pen * writer.size_px / 2
    for index in range(n_zeros):
        first = index * len(link) * _STEPS
        part = path[first : first + 6 * _STEPS + 1]
        boxes[index] = (*(part.min(axis=0) - half - (left, top)), *(part.max(axis=0) + half - (left, top)))
    return ink, np.clip(boxes, 0, [ink.shape[1], ink.shape[0]] * 2).astype(np.float32)


def draw_text(text: str, writer: Writer, rng: np.random.Generator) -> tuple[U8, F32, float]:
    """Write a text on one line.

    Returns:
        ink uint8 (h, w) cropped tight, boxes float32 (len(text), 4) x0, y0, x1, y1 (a space's box is empty), and the line's y.
    """
    size = writer.size_px
    pieces: list[tuple[U8, float, F32]] = []
    index = 0
    while index < len(text):
        n_zeros = len(text[index:]) - len(text[index:].lstrip("0"))
        if n_zeros >= 2 and rng.random() < writer.links_zeros:
            ink, boxes = draw_zeros(n_zeros, writer, rng)
            pieces.append((ink, float(rng.normal(0, 0.03)) * size, boxes))
            index += n_zeros
            continue
        if text[index] == " ":
            pieces.append((np.zeros((1, max(1, round(0.3 * size))), np.uint8), 0.0, np.zeros((1, 4), np.float32)))
        else:
            ink, foot = draw_placed(text[index], writer, rng)
            box = np.array([[0, 0, ink.shape[1], ink.shape[0]]], np.float32)
            pieces.append((ink, foot + float(rng.normal(0, 0.03)) * size, box))
        index += 1
    return _set(pieces, writer, rng)


def _set(pieces: Sequence[tuple[U8, float, F32]], writer: Writer, rng: np.random.Generator) -> tuple[U8, F32, float]:
    size = writer.size_px
    line_y = round(2.0 * size)
    canvas = np.zeros((round(3.2 * size), round(sum(p[0].shape[1] for p in pieces) + size * (len(pieces) + 2))), np.uint8)
    boxes, x = [], 0.5 * size
    for ink, foot, own in pieces:
        height, width = ink.shape
        top = int(np.clip(line_y + foot - height, 0, canvas.shape[0] - height))
        left = max(0, round(x))
        at = canvas[top : top + height, left : left + width]
        np.maximum(at, ink, out=at)
        boxes.append(own + np.array([left, top, left, top], np.float32) if own.any() else own)
        # Slanted neighbours lean into one another; the shear's overhang is no gap.
        overhang = abs(writer.slant) * height * 0.5 if height > 0.6 * size else 0.0
        x = left + width - overhang + size * (writer.spacing + float(rng.normal(0, 0.05)))
    rows, columns = np.flatnonzero(canvas.any(axis=1)), np.flatnonzero(canvas.any(axis=0))
    if not len(rows):
        return np.zeros((1, 1), np.uint8), np.concatenate(boxes or [np.zeros((0, 4), np.float32)]), 0.0
    top, left = int(rows[0]), int(columns[0])
    placed = np.concatenate(boxes)
    placed[placed.any(axis=1)] -= np.array([left, top, left, top], np.float32)
    return canvas[top : rows[-1] + 1, left : columns[-1] + 1], placed.astype(np.float32), float(line_y - top)


def _restraint(symbol: str) -> float:
    return 0.45 if symbol in ".:*=" else 1.0


@cache
def _skeleton(symbol: str, index: int) -> tuple[F64, F64, F64, tuple[int, ...]]:
    points, corners, lifts = parse(SKELETONS[symbol][index][1])
    rounded, straight = _weights(len(points), corners, lifts)
    return points, rounded, straight, tuple(lift * _STEPS for lift in lifts)


@cache
def _weights(n_points: int, corners: tuple[int, ...], lifts: tuple[int, ...]) -> tuple[F64, F64]:
    """Return matrices (n_points * steps, n_points) that turn points into a path: smooth (Catmull-Rom 1974) and with straight pieces.

    Both are linear in the points, so that a whole symbol is one product. A stroke's last point is repeated to fill its steps.
    """
    rounded, straight = np.zeros((n_points * _STEPS, n_points)), np.zeros((n_points * _STEPS, n_points))
    bounds = (0, *lifts, n_points)
    for first, end in pairwise(bounds):
        for p in range(first, end):
            last = end - 1
            before = p if p == first or p in corners else p - 1
            after = min(p + 1, last)
            beyond = after if after == last or after in corners else after + 1
            for step in range(_STEPS):
                row, t = p * _STEPS + step, step / _STEPS
                straight[row, p] += 1 - t
                straight[row, after] += t
                rounded[row, before] += (-t + 2 * t**2 - t**3) / 2
                rounded[row, p] += (2 - 5 * t**2 + 3 * t**3) / 2
                rounded[row, after] += (t + 4 * t**2 - 3 * t**3) / 2
                rounded[row, beyond] += (-(t**2) + t**3) / 2
    return rounded, straight


def _path(points: F64, rounded: F64, straight: F64, writer: Writer, rng: np.random.Generator) -> F64:
    """Return the pen's path in pixels of the final size."""
    weights = rounded if writer.roundness > 0.97 else rounded * writer.roundness + straight * (1 - writer.roundness)
    path = weights @ points
    if writer.tremor > 0.1:
        along = np.linspace(0, len(path) / 4.0, len(path))
        waves = np.sin(along[:, None] * rng.uniform(0.6, 2.5, 2) + rng.uniform(0, 6.3, 2))
        path = path + waves * writer.tremor
    x, y = path[:, 0], path[:, 1]
    scale = writer.size_px / 100 * float(np.exp(rng.normal(0, writer.size_unrest)))
    slant = writer.slant + float(rng.normal(0, 0.04))
    tilt = writer.tilt + float(rng.normal(0, 0.03))
    # Bellied or waisted, top-heavy or bottom-heavy: a gentle bend of the whole shape.
    bend, lean = rng.normal(0, 3.0, 2)
    u = y / 100
    wide = (x * writer.width * float(np.exp(rng.normal(0, 0.07))) + slant * (100 - y) + bend * 4 * u * (1 - u)) * scale
    high = (y + lean * u * (1 - u) * 2 + tilt * x) * scale + (1 - scale * 100 / writer.size_px) * writer.size_px
    return np.column_stack([wide, high])


def _inked(path: F64, lifts: tuple[int, ...], writer: Writer, rng: np.random.Generator) -> tuple[U8, int, int]:
    """Return the ink of a path cropped to whole pixels, with the left and top of the crop."""
    pen = max(1.1, writer.pen * writer.size_px * float(np.exp(rng.normal(0, 0.06))))
    margin = int(pen) + 2
    left, top = np.floor(path.min(axis=0)).astype(int) - margin
    right, bottom = np.ceil(path.max(axis=0)).astype(int) + margin
    k = _OVERSAMPLING
    canvas = np.zeros(((bottom - top) * k, (right - left) * k), np.uint8)
    fixed = np.round((path - (left, top)) * (16 * k)).astype(np.int32)
    widths = np.maximum(1, np.round(_pen_widths(path, pen, writer, rng) * k)).astype(int)
    bounds = (0, *lifts, len(path))
    for first, end in pairwise(bounds):
        _draw_stroke(canvas, fixed[first:end], widths[first:end])
    ink = cv2.resize(canvas, (canvas.shape[1] // k, canvas.shape[0] // k), interpolation=cv2.INTER_AREA)
    rows, columns = np.flatnonzero(ink.max(axis=1) > 40), np.flatnonzero(ink.max(axis=0) > 40)
    if not len(rows) or not len(columns):
        return np.full((2, 2), 255, np.uint8), int(left) + margin, int(top) + margin
    tight = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.ascontiguousarray(tight), int(left) + int(columns[0]), int(top) + int(rows[0])


def _pen_widths(path: F64, pen: float, writer: Writer, rng: np.random.Generator) -> F64:
    n = len(path)
    widths = np.full(n, pen)
    if writer.nib_angle is not None:  # a broad nib: wide across, thin along its edge
        step = np.gradient(path, axis=0)
        widths = pen * (0.5 + 0.8 * np.abs(np.sin(np.arctan2(step[:, 1], step[:, 0]) - writer.nib_angle)))
    elif writer.pressure > 0.08:
        widths = pen * (1 + writer.pressure * np.sin(np.linspace(0, float(rng.uniform(2, 9)), n) + float(rng.uniform(0, 6.3))))
    if writer.taper > 0.25 and n > 3 * _STEPS:
        reach = _STEPS
        ramp = 1 - writer.taper * 0.6 * np.linspace(1, 0, reach)
        widths[:reach] *= ramp
        widths[-2 * reach : -reach] *= ramp[::-1]
        widths[-reach:] *= ramp[0]
    return widths


def _draw_stroke(canvas: U8, fixed: NDArray[np.int32], widths: NDArray[np.int64]) -> None:
    changes = np.flatnonzero(np.diff(widths)) + 1
    bounds = [0, *changes.tolist(), len(fixed)]
    for first, end in pairwise(bounds):
        run = fixed[first : end + 1]
        cv2.polylines(canvas, [run.reshape(-1, 1, 2)], False, (255.0,), int(widths[first]), cv2.LINE_8, shift=4)
