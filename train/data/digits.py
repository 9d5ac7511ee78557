"""Batches of isolated digits: the labelled sets, printed digits, and things that are no digit."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.datatypes import F32, U8
from edge.locate.digit import DIGIT_SIZE_PX, normalize_digit
from train.data.printed import draw_printed
from train.data.sources import NOT_A_DIGIT, LabelledDigits, LabelledStrip
from train.data.splits import Part, split
from train.data.strokes import draw_symbol, make_writer

# Letters and marks whose printed shape no person would take for a digit.
_OTHER_SYMBOLS = "AEFHKMNPRTUVWXY&#@%+=?!<>abdefhkmnrtuvwxy"
_RIM_PX = 3
_N_WRITERS = 300
# (x, y, 1) of every pixel, from the middle of the square, float32 (3, 1024).
_FROM_MIDDLE = (
    np.stack([*(np.mgrid[0:DIGIT_SIZE_PX, 0:DIGIT_SIZE_PX][::-1] - (DIGIT_SIZE_PX - 1) / 2), np.ones((DIGIT_SIZE_PX, DIGIT_SIZE_PX))])
    .reshape(3, -1)
    .astype(np.float32)
)
# Shares of samples that are no digit, printed, written by a hand of our own, and seen through a camera beside neighbours.
_NO_DIGIT, _PRINTED, _DRAWN, _CAMERA = 0.03, 0.05, 0.09, 0.20


@dataclass(frozen=True, slots=True, eq=False)
class DigitPool:
    """Pictures of digits as they were cut, with class and source."""

    pictures: list[U8]
    labels: NDArray[np.int64]
    sources: NDArray[np.str_]


def digit_pool(sets: list[LabelledDigits], strips: list[LabelledStrip], part: Part) -> DigitPool:
    """Gather one part of every set; digits are also cut out of the strips whose boxes are known."""
    pictures: list[U8] = []
    labels: list[int] = []
    sources: list[str] = []
    for digits in sets:
        parts = np.array(split(digits.source, [f"{digits.source}-{g}" for g in digits.groups]))
        rows = np.flatnonzero(parts == part)
        pictures += list(digits.pictures[rows])
        labels += digits.labels[rows].tolist()
        sources += [digits.source] * len(rows)
    for strip in strips:
        for symbol, box in zip(strip.text, strip.boxes if strip.boxes is not None else (), strict=False):
            x0, y0, x1, y1 = (round(float(v)) for v in box)
            cut = strip.picture[max(0, y0 - _RIM_PX) : y1 + _RIM_PX, max(0, x0 - _RIM_PX) : x1 + _RIM_PX]
            if min(cut.shape) >= 6:
                pictures.append(cut)
                labels.append(int(symbol))
                sources.append(strip.source)
    return DigitPool(pictures, np.array(labels), np.array(sources))


class DigitBatches:
    """Endless, seeded batches: ``epoch(i)`` is the same on every machine for the same seed."""

    def __init__(self, pool: DigitPool, seed: int, batch_size: int = 128, weights: dict[str, float] | None = None) -> None:
        self.pool = pool
        self.seed = seed
        self.batch_size = batch_size
        share = np.array([(weights or {}).get(source, 1.0) for source in pool.sources])
        self._odds = share / share.sum()
        self._inks = [normalize_digit(picture) for picture in pool.pictures]
        warps = np.random.default_rng(seed)
        self._waves = [_wave(warps) for _ in range(400)]
        self._writers = [make_writer(np.random.default_rng(writer)) for writer in range(_N_WRITERS)]

    def epoch(self, index: int, n_batches: int) -> Iterator[tuple[F32, F32]]:
        """Yield (x float32 (n, 32, 32, 1) in 0..1, y float32 (n,))."""
        rng = np.random.default_rng((self.seed, index))
        rows = rng.choice(len(self._inks), (n_batches, self.batch_size), p=self._odds)
        for batch in rows:
            x = np.empty((self.batch_size, DIGIT_SIZE_PX, DIGIT_SIZE_PX, 1), np.float32)
            y = np.empty(self.batch_size, np.float32)
            for place, row in enumerate(batch):
                ink, label = self._sample(int(row), rng)
                x[place, :, :, 0] = ink * np.float32(1 / 255)
                y[place] = label
            yield x, y

    def _sample(self, row: int, rng: np.random.Generator) -> tuple[U8, int]:
        draw = rng.random()
        if draw < _NO_DIGIT:
            return normalize_digit(_scene(self._no_digit(rng), rng)), NOT_A_DIGIT
        if draw < _NO_DIGIT + _PRINTED:
            digit = int(rng.integers(10))
            ink, _ = draw_printed(str(digit), rng)
            return _bent(normalize_digit(seen_digit(ink, rng)), self._waves, rng, 0.5), digit
        if draw < _NO_DIGIT + _PRINTED + _DRAWN:
            digit = int(rng.integers(10))
            ink = draw_symbol(str(digit), self._writers[int(rng.integers(_N_WRITERS))], rng)
            return _bent(normalize_digit(seen_digit(ink, rng)), self._waves, rng, 0.7), digit
        label = int(self.pool.labels[row])
        if draw < _NO_DIGIT + _PRINTED + _DRAWN + _CAMERA:
            return _bent(normalize_digit(_scene(self._with_neighbours(self._inks[row], rng), rng)), self._waves, rng), label
        return _bent(self._inks[row], self._waves, rng), label

    def _with_neighbours(self, ink: U8, rng: np.random.Generator) -> U8:
        """Put the digit on a larger square where other digits and ruled lines hang in from the rim."""
        margin = int(rng.integers(2, 9))
        canvas = np.pad(ink, margin)
        for side in (-1, 1):
            if rng.random() < 0.3:
                other = self._inks[int(rng.integers(len(self._inks)))]
                seen = int(rng.integers(2, margin + 4))
                part = other[:, :seen] if side > 0 else other[:, -seen:]
                at = canvas[margin : margin + 32, -seen:] if side > 0 else canvas[margin : margin + 32, :seen]
                np.maximum(at, part, out=at)
        if rng.random() < 0.2:
            y = int(rng.integers(canvas.shape[0]))
            cv2.line(canvas, (0, y), (canvas.shape[1], y + int(rng.integers(-3, 4))), int(rng.integers(60, 256)), 1, cv2.LINE_AA)
        return canvas

    def _no_digit(self, rng: np.random.Generator) -> U8:
        kind = int(rng.integers(4))
        if kind == 0:
            ink, _ = draw_printed(str(rng.choice(list(_OTHER_SYMBOLS))), rng)
            return _with_margin(ink, rng)
        if kind == 1:  # two digits or more side by side
            inks = [self._inks[int(i)] for i in rng.integers(len(self._inks), size=int(rng.integers(2, 5)))]
            return np.hstack([ink[:, 5:27] for ink in inks])
        if kind == 2:  # scribbles
            canvas = np.zeros((40, 40), np.uint8)
            points = rng.integers(0, 40, (int(rng.integers(8, 16)), 1, 2)).astype(np.int32)
            cv2.polylines(canvas, [points], bool(rng.random() < 0.5), 255, int(rng.integers(1, 4)), cv2.LINE_AA)
            return canvas
        grain = rng.integers(0, 256, (int(rng.integers(4, 40)),) * 2).astype(np.uint8)
        return np.asarray(cv2.resize(grain, (40, 40), interpolation=cv2.INTER_CUBIC), np.uint8)


def seen_digit(ink: U8, rng: np.random.Generator) -> U8:
    """Return a digit's tight ink as a camera sees it on paper, uint8 (h, w), of either polarity."""
    return _scene(_with_margin(ink, rng), rng)


def _with_margin(ink: U8, rng: np.random.Generator) -> U8:
    return np.pad(ink, rng.integers(2, 8, (2, 2)))


def _wave(rng: np.random.Generator) -> F32:
    """Return a smooth random displacement, float32 (2, 32, 32), of about one pixel (Simard, Steinkraus, Platt 2003)."""
    noise = rng.normal(size=(2, DIGIT_SIZE_PX, DIGIT_SIZE_PX)).astype(np.float32)
    sigma = float(rng.uniform(3.5, 6.0))
    smooth = np.stack([cv2.GaussianBlur(axis, (0, 0), sigma) for axis in noise])
    return np.asarray(smooth / smooth.std(), np.float32)


def _bent(ink: U8, waves: list[F32], rng: np.random.Generator, strength: float = 1.0) -> U8:
    """Rotate, slant, stretch, shift and bend; sometimes make the pen thicker or thinner."""
    angle, slant = rng.normal(0, 0.13 * strength), rng.normal(0, 0.16 * strength)
    scale_x, scale_y = np.exp(rng.normal(0, 0.1 * strength, 2))
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix = np.array([[cosine, -sine], [sine, cosine]]) @ np.array([[1, slant], [0, 1]]) @ np.diag([scale_x, scale_y])
    middle = (DIGIT_SIZE_PX - 1) / 2
    shift = rng.normal(0, 1.0, 2)
    wave = waves[int(rng.integers(len(waves)))] * np.float32(rng.uniform(0, 1.3 * strength))
    affine = np.column_stack([matrix, middle + shift]).astype(np.float32)
    source = (affine @ _FROM_MIDDLE).reshape(wave.shape) + wave
    bent = cv2.remap(ink, source[0], source[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    draw = rng.random()
    if draw < 0.08:
        bent = cv2.dilate(bent, np.ones((2, 2), np.uint8))
    elif draw < 0.14:
        bent = cv2.erode(bent, np.ones((2, 2), np.uint8))
    elif draw < 0.30:
        bent = cv2.GaussianBlur(bent, (0, 0), float(rng.uniform(0.4, 1.2)))
    return np.asarray(bent, np.uint8)


def _scene(ink: U8, rng: np.random.Generator) -> U8:
    """Lay ink on paper under a lamp: either polarity, low contrast, uneven light, grain, blur, few pixels."""
    height, width = ink.shape
    shape = ink.astype(np.float32) * np.float32(1 / 255)
    if rng.random() < 0.4:
        small = int(rng.integers(8, 28))
        shape = cv2.resize(shape, (max(4, round(small * width / height)), small), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        shape = cv2.GaussianBlur(shape, (0, 0), float(rng.uniform(0.3, 2.0)))
    if rng.random() < 0.3:  # ink that fades along the stroke
        shape = shape * np.clip(_clouds(shape.shape, rng) * 0.3 + 0.8, 0.2, 1.0)
    height, width = shape.shape
    paper = float(rng.uniform(60, 255))
    contrast = float(rng.uniform(0.12, 1.0)) * paper
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    slope = rng.normal(0, 0.1 * contrast, 2)
    light = paper + slope[0] * (rows / height - 0.5) + slope[1] * (columns / width - 0.5)
    grain = rng.normal(0, float(rng.uniform(0, 0.08)) * contrast, shape.shape)
    if rng.random() < 0.3:
        grain = cv2.GaussianBlur(grain, (0, 0), 1.0) * 2
    if rng.random() < 0.3:  # old or stained paper
        grain = grain + _clouds(shape.shape, rng) * float(rng.uniform(0.02, 0.12)) * contrast
    picture = np.clip(light - contrast * shape + grain, 0, 255).astype(np.uint8)
    return np.asarray(255 - picture if rng.random() < 0.4 else picture, np.uint8)


def _clouds(shape: tuple[int, ...], rng: np.random.Generator) -> F32:
    """Return smooth unevenness over a picture, float32, mean 0, deviation about 1."""
    knots = rng.normal(0, 1.3, tuple(rng.integers(2, 6, 2))).astype(np.float32)
    return np.asarray(cv2.resize(knots, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)
