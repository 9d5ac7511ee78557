"""Batches of strips: real ones bent and photographed anew, pieces of real ones joined, and strips written by the generator."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from edge.datatypes import F32, F64, STRIP_HEIGHT_PX, U8
from edge.locate.strip import normalize_strip
from train.data.handwriting import InkBank, compose
from train.data.paper import lay_on_paper, photograph
from train.data.printed import draw_printed
from train.data.sources import LabelledStrip
from train.data.strokes import draw_text as write
from train.data.strokes import make_writer
from train.data.texts import draw_text
from train.losses import LONGEST_TEXT, strip_target
from train.networks import Design

_WIDEST_PX = 320
# Shares of strips that are bent by waves, and whose strokes are made thicker or thinner.
_WAVY, _OTHER_PEN = 0.6, 0.2
# Share of the fields of whole checks that are cut more or less loosely.
_LOOSE = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class TrainingStrip:
    """A picture with its text; boxes in picture pixels or None; ``band`` top and bottom of the digits where they are not boxed."""

    picture: U8
    text: str
    boxes: F32 | None
    has_separators: bool
    band: tuple[float, float] | None = None


Draw = Callable[[np.random.Generator], TrainingStrip]


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Where training strips come from: a share of each kind, drawn in this order."""

    kinds: tuple[tuple[str, float, Draw], ...]

    def draw(self, rng: np.random.Generator) -> TrainingStrip:
        shares = np.array([share for _, share, _ in self.kinds])
        choice = int(rng.choice(len(shares), p=shares / shares.sum()))
        return self.kinds[choice][2](rng)


def real_strip(strips: list[LabelledStrip]) -> Draw:
    """Draw one of the labelled strips; where more of the check is known, with more or less of it around the field."""

    bands = [ink_band(strip.picture) if strip.boxes is None else None for strip in strips]

    def draw(rng: np.random.Generator) -> TrainingStrip:
        row = int(rng.integers(len(strips)))
        strip = strips[row]
        if strip.around is not None and rng.random() < _LOOSE:
            return _loosely_cut(strip, bands[row], rng)
        return TrainingStrip(strip.picture, strip.text, strip.boxes, strip.has_separators, bands[row])

    return draw


def _loosely_cut(strip: LabelledStrip, band: tuple[float, float] | None, rng: np.random.Generator) -> TrainingStrip:
    """Cut a field as the reader finds it: a label, a frame or the next field's ink may come along."""
    assert strip.around is not None
    wide, (left, top, right, bottom) = strip.around
    room = (bottom - top) * rng.uniform(-0.03, [0.6, 0.35, 0.4, 0.45])
    x0, y0 = max(0, round(left - room[0])), max(0, round(top - room[1]))
    picture = wide[y0 : round(bottom + room[3]), x0 : round(right + room[2])]
    moved = None if band is None else (band[0] + top - y0, band[1] + top - y0)
    return TrainingStrip(picture, strip.text, None, strip.has_separators, moved)


def ink_band(picture: U8) -> tuple[float, float]:
    """Return the rows between which the symbols lie, in picture pixels, from the ink alone: frames and ruled lines do not count."""
    ink = (normalize_strip(picture).ink > 110).astype(np.float32)
    ink[ink.mean(axis=1) > 0.55] = 0
    ink[:, ink.mean(axis=0) > 0.75] = 0
    share = np.cumsum(ink.sum(axis=1))
    if share[-1] == 0:
        return 0.0, float(picture.shape[0])
    top, bottom = np.searchsorted(share / share[-1], [0.06, 0.94])
    scale = picture.shape[0] / STRIP_HEIGHT_PX
    return float(top) * scale, float(bottom + 1) * scale


def joined_strip(strips: list[LabelledStrip]) -> Draw:
    """Cut real strips between two digits and join the pieces to a number that nobody wrote."""
    with_boxes = [s for s in strips if s.boxes is not None and len(s.text) >= 2]

    def draw(rng: np.random.Generator) -> TrainingStrip:
        pieces, texts, boxes, x = [], [], [], 0.0
        for _ in range(2):
            strip = with_boxes[int(rng.integers(len(with_boxes)))]
            assert strip.boxes is not None
            first = int(rng.integers(0, len(strip.text) - 1)) if rng.random() < 0.7 else 0
            last = int(rng.integers(first, len(strip.text)))
            left = 0.0 if first == 0 else (strip.boxes[first - 1, 2] + strip.boxes[first, 0]) / 2
            at_end = last == len(strip.text) - 1
            right = float(strip.picture.shape[1]) if at_end else (strip.boxes[last, 2] + strip.boxes[last + 1, 0]) / 2
            if right - left < 6:
                continue
            own = strip.boxes[first : last + 1]
            # Digits of both pieces come to one height: that is how one writer would have written them.
            scale = 36.0 / float(np.median(own[:, 3] - own[:, 1]))
            piece = strip.picture[:, round(left) : round(right)]
            piece = cv2.resize(piece, (max(3, round(piece.shape[1] * scale)), max(8, round(piece.shape[0] * scale))))
            moved = (own - np.array([round(left), 0, round(left), 0], np.float32)) * scale
            foot = float(np.median(moved[:, 3]))
            pieces.append((piece, foot))
            boxes.append(moved + np.array([x, -foot, x, -foot], np.float32))
            texts.append(strip.text[first : last + 1])
            x += piece.shape[1]
        if not pieces:
            return draw(rng)
        above = max(foot for _, foot in pieces)
        below = max(p.shape[0] - foot for p, foot in pieces)
        height = round(above + below)
        canvas = np.full((height, round(x)), 0, np.uint8)
        column = 0
        for piece, foot in pieces:
            top = min(round(above - foot), height - piece.shape[0])
            paper = float(np.median(piece))
            part = np.pad(piece, ((top, height - piece.shape[0] - top), (0, 0)), constant_values=round(paper))
            # Bring the papers to one brightness, or the seam would tell where to cut.
            canvas[:, column : column + piece.shape[1]] = np.clip(part.astype(np.float32) * (170.0 / max(paper, 20.0)), 0, 255)
            column += piece.shape[1]
        joined = np.concatenate(boxes) + np.array([0, above, 0, above], np.float32)
        return TrainingStrip(canvas, "".join(texts), joined.astype(np.float32), False)

    return draw


def written_strip(banks: list[InkBank], odds: list[float], papers: list[U8]) -> Draw:
    """Write an amount, date or number with the digits of one bank, on some paper."""
    shares = np.array(odds) / np.sum(odds)

    def draw(rng: np.random.Generator) -> TrainingStrip:
        text = draw_text(rng)
        ink, boxes = compose(text, banks[int(rng.choice(len(banks), p=shares))], rng)
        return _on_paper(ink, text, boxes, papers, rng)

    return draw


def drawn_strip(papers: list[U8]) -> Draw:
    """Write an amount, date or number with a hand of our own, drawn from skeletons."""
    writers = [make_writer(np.random.default_rng(seed)) for seed in range(400)]

    def draw(rng: np.random.Generator) -> TrainingStrip:
        text = _with_whole_fraction(draw_text(rng))
        ink, boxes, _ = write(text, writers[int(rng.integers(len(writers)))], rng)
        return _on_paper(ink, text, boxes, papers, rng)

    return draw


def printed_strip(papers: list[U8]) -> Draw:
    """Print an amount, date or number."""

    def draw(rng: np.random.Generator) -> TrainingStrip:
        text = _with_whole_fraction(draw_text(rng))
        ink, columns = draw_printed(text, rng)
        rows = np.array([_rows_of(ink[:, a:b]) for a, b in columns], np.float32)
        boxes = np.column_stack([np.array(columns, np.float32), rows])[:, [0, 2, 1, 3]]
        return _on_paper(np.pad(ink, 12), text, np.asarray(boxes + 12, np.float32), papers, rng)

    return draw


def _with_whole_fraction(text: str) -> str:
    """Complete a fraction: only the hand that stacks cents over a bar can end with the bar."""
    return text + "100" if text.endswith("/") else text


def _rows_of(ink: U8) -> tuple[int, int]:
    rows = np.flatnonzero(ink.any(axis=1))
    return (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, ink.shape[0])


def _on_paper(ink: U8, text: str, boxes: F32, papers: list[U8], rng: np.random.Generator) -> TrainingStrip:
    """Cut the canvas around the ink as a field would be cut: margins of any size, now and then too tight."""
    x0, y0, x1, y1 = boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max()
    tall = float(y1 - y0)
    margins = tall * rng.uniform([-0.0, -0.03, -0.0, -0.03], [0.6, 0.5, 0.9, 0.5])
    left, top = max(0, round(x0 - margins[0])), max(0, round(y0 - margins[1]))
    right, bottom = round(x1 + margins[2]), round(y1 + margins[3])
    cut = ink[top:bottom, left:right]
    moved = boxes - np.array([left, top, left, top], np.float32)
    return TrainingStrip(lay_on_paper(cut, papers, rng), text, moved, True)


def bend(strip: TrainingStrip, rng: np.random.Generator) -> TrainingStrip:
    """Turn, slant, stretch and crop a picture a little; boxes follow.

    Half of the pictures are shown as the reader's second look sees them: the digits' band fills most of the height.
    """
    height, width = strip.picture.shape
    angle, slant = float(rng.normal(0, 0.018)), float(rng.normal(0, 0.14))
    stretch = float(np.exp(rng.normal(0, 0.13)))
    zoom, centre_y = float(np.exp(rng.normal(0.02, 0.12))), height / 2
    band = _band(strip)
    if band is not None and rng.random() < 0.5:
        zoom = float(np.clip(height * rng.uniform(0.62, 0.85) / max(4.0, band[1] - band[0]), 0.6, 2.5))
        centre_y = (band[0] + band[1]) / 2
    matrix = np.array([[stretch * zoom, slant], [angle * stretch, zoom]])
    middle = np.array([width / 2, centre_y])
    new_width = max(8, round(width * stretch * zoom))
    shift = np.array([new_width / 2, height / 2]) - matrix @ middle + rng.normal(0, [0.015 * height, 0.035 * height])
    warp = np.column_stack([matrix, shift])
    picture = _warped(_with_other_pen(strip.picture, rng), warp, (new_width, height), rng)
    boxes = strip.boxes
    if boxes is not None:
        middles = np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2])
        moved = middles @ matrix.T + shift
        # A slanted box keeps its size: the digit's own width changes with the stretch alone.
        half = (boxes[:, 2:] - boxes[:, :2]) / 2 * np.array([stretch * zoom, zoom])
        boxes = np.column_stack([moved - half, moved + half]).astype(np.float32)
    return TrainingStrip(np.asarray(picture, np.uint8), strip.text, boxes, strip.has_separators)


def padded_width(ink: U8, design: Design) -> int:
    """Return the width that a strip is padded to before the network sees it."""
    return -(-ink.shape[1] // design.width_step_px) * design.width_step_px


def _warped(picture: U8, warp: F64, size: tuple[int, int], rng: np.random.Generator) -> U8:
    """Warp by an affine map and, on top, by smooth waves of a few percent of the height: no writer draws the same digit twice."""
    width, height = size
    inverse = cv2.invertAffineTransform(warp)
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x = (inverse[0, 0] * columns + inverse[0, 1] * rows + inverse[0, 2]).astype(np.float32)
    y = (inverse[1, 0] * columns + inverse[1, 1] * rows + inverse[1, 2]).astype(np.float32)
    if rng.random() < _WAVY:
        knots = (2, 4, max(3, round(width / height * 4)))
        waves = rng.normal(0, float(rng.uniform(0.01, 0.035)) * height, knots).astype(np.float32)
        x += cv2.resize(waves[0], (width, height), interpolation=cv2.INTER_CUBIC)
        y += cv2.resize(waves[1], (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _with_other_pen(picture: U8, rng: np.random.Generator) -> U8:
    """Now and then make dark strokes thicker or thinner."""
    draw = rng.random()
    if draw > _OTHER_PEN:
        return picture
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3) if picture.shape[0] > 48 else (2, 2))
    changed = cv2.erode(picture, kernel) if draw < _OTHER_PEN / 2 else cv2.dilate(picture, kernel)
    return np.asarray(changed, np.uint8)


def _band(strip: TrainingStrip) -> tuple[float, float] | None:
    if strip.boxes is None:
        return strip.band
    return float(np.percentile(strip.boxes[:, 1], 10)), float(np.percentile(strip.boxes[:, 3], 90))


class StripBatches:
    """Endless, seeded batches of equal width: ``epoch(i)`` is the same on every machine for the same seed."""

    def __init__(self, mixture: Mixture, design: Design, seed: int, batch_size: int) -> None:
        self.mixture, self.design, self.seed, self.batch_size = mixture, design, seed, batch_size
        self.widest_px = _WIDEST_PX if design.network == "strip" else 4 * _WIDEST_PX

    def epoch(self, index: int, n_batches: int) -> Iterator[tuple[F32, F32]]:
        """Yield (x float32 (n, 32, width, 1) in 0..1, y float32 (n, width / column_px, 8))."""
        rng = np.random.default_rng((self.seed, index))
        waiting: dict[int, list[tuple[U8, TrainingStrip]]] = {}
        made = 0
        while made < n_batches:
            strip = bend(self.mixture.draw(rng), rng)
            strip = TrainingStrip(photograph(strip.picture, rng), strip.text, strip.boxes, strip.has_separators)
            ink = normalize_strip(strip.picture).ink
            if ink.shape[1] > self.widest_px or len(strip.text) > min(
                LONGEST_TEXT[self.design.network], ink.shape[1] // self.design.column_px
            ):
                continue
            width = padded_width(ink, self.design)
            bucket = waiting.setdefault(width, [])
            bucket.append((ink, strip))
            if len(bucket) == self.batch_size:
                yield self._batch(waiting.pop(width), width, rng)
                made += 1

    def _batch(self, strips: list[tuple[U8, TrainingStrip]], width: int, rng: np.random.Generator) -> tuple[F32, F32]:
        x = np.zeros((len(strips), STRIP_HEIGHT_PX, width, 1), np.float32)
        y = np.empty((len(strips), width // self.design.column_px, 8), np.float32)
        for row, (ink, strip) in enumerate(strips):
            scale = STRIP_HEIGHT_PX / strip.picture.shape[0]
            boxes = strip.boxes * np.float32(scale) if strip.boxes is not None else None
            x[row, :, : ink.shape[1], 0] = ink * np.float32(1 / 255)
            y[row] = strip_target(strip.text, boxes, strip.has_separators, width // self.design.column_px, self.design)
        return x, y
