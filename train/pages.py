"""What the page network is trained on: our own checks and other paper in our own frames, fresh ones for every batch."""

from collections.abc import Callable, Iterator, Sequence

import cv2
import keras
import numpy as np

from edge.datatypes import F32, F64, PAGE_PARTS, U8, Frame
from edge.locate.page_map import PICTURE_SIZE, is_wide, picture_of_frame
from train.data.checks import draw_check
from train.data.frames import DrawnFrame, draw_frame, draw_frame_without
from train.data.layouts import draw_layout
from train.data.other_paper import draw_other_paper

# Drawn at once and laid out again and again; a check costs more to draw than to photograph.
_N_CHECKS, _N_OTHERS, _CHECK_PX_PER_INCH = 500, 250, 80.0
_FRAME_SIZES = ((320, 240), (320, 180), (240, 320), (288, 288))
_EMPTY_SHARE = 0.15
# Width of the sides in cells, inwards from the edge.
_SIDE_CELLS = 1.5
_CELL_PX = 4
_N_VALIDATION = 120


class PageBatches:
    """Batches of small frames; the same seed and epoch give the same frames."""

    def __init__(self, seed: int, batch_size: int, n_checks: int = _N_CHECKS, n_others: int = _N_OTHERS) -> None:
        rng = np.random.default_rng((seed, 77))
        self._seed, self._batch_size = seed, batch_size
        # Every layout, half of them the common one.
        drawn = (draw_check(rng, _CHECK_PX_PER_INCH) if i % 2 else draw_layout(rng, _CHECK_PX_PER_INCH) for i in range(n_checks))
        self._checks = [recoloured(check.pixels, rng) for check in drawn]
        self._others = [draw_other_paper(rng) for _ in range(n_others)]

    def epoch(self, index: int, n_batches: int) -> Iterator[tuple[F32, F32]]:
        rng = np.random.default_rng((self._seed, index))
        for _ in range(n_batches):
            frames = [self.draw(rng) for _ in range(self._batch_size // 2)]
            x = np.stack([picture_of(f) for f in frames]).astype(np.float32) / 255
            y = np.stack([page_target(f) for f in frames])
            # Every frame is shown a second time on its head, under other light: drawing is what costs time.
            again = x[:, ::-1, ::-1] ** rng.uniform(0.7, 1.4, (len(x), 1, 1, 3)).astype(np.float32)
            yield np.concatenate([x, again]), np.concatenate([y, y[:, ::-1, ::-1]])

    def draw(self, rng: np.random.Generator) -> DrawnFrame:
        size = _FRAME_SIZES[int(rng.integers(len(_FRAME_SIZES)))]
        if rng.random() < _EMPTY_SHARE:
            return draw_frame_without(rng, lambda: self._other(rng), size)
        return draw_frame(rng, self._checks, lambda: self._other(rng), size)

    def _other(self, rng: np.random.Generator) -> U8:
        return self._others[int(rng.integers(len(self._others)))]


def recoloured(check: U8, rng: np.random.Generator) -> U8:
    """Return a check on paper of another colour, sometimes with a picture printed under the text, as banks have them made."""
    paper = check.astype(np.float32) * (1 - rng.uniform(0, 0.3, 3) * (rng.random() < 0.6)).astype(np.float32)
    if rng.random() < 0.35:
        height, width = check.shape[:2]
        coarse = rng.normal(0, 1, (int(rng.integers(2, 7)), int(rng.integers(2, 12)), 3)).astype(np.float32)
        paper *= 1 - 0.08 * np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), -1.5, 2.5)
    return np.clip(paper, 0, 255).astype(np.uint8)


def picture_of(frame: DrawnFrame) -> U8:
    return picture_of_frame(Frame(frame.pixels))


def page_target(frame: DrawnFrame) -> F32:
    """Return float32 (48, 64, 6): the share of each of `PAGE_PARTS` in each cell."""
    width, height = PICTURE_SIZE
    parts = np.full((height, width), len(PAGE_PARTS) - 1, np.uint8)
    whole = Frame(frame.pixels)
    for corners in frame.corners:
        quad = corners / np.array(whole.size)
        if not is_wide(whole):  # as np.rot90 turns it
            quad = np.column_stack([quad[:, 1], 1 - quad[:, 0]])
        _draw_parts(parts, quad * PICTURE_SIZE)
    shares = np.eye(len(PAGE_PARTS), dtype=np.float32)[parts]
    return np.asarray(shares.reshape(height // _CELL_PX, _CELL_PX, width // _CELL_PX, _CELL_PX, -1).mean(axis=(1, 3)), np.float32)


# In the order of the corners.
_SIDES = ("top", "right", "bottom", "left")


def _draw_parts(parts: U8, quad: F64) -> None:
    """Draw one check: its sides as bands of one and a half cells along the inner edge, the rest as inside."""
    high = np.hypot(*(quad[3] - quad[0])) + np.hypot(*(quad[2] - quad[1]))
    wide = np.hypot(*(quad[1] - quad[0])) + np.hypot(*(quad[2] - quad[3]))
    depth = 2 * _SIDE_CELLS * _CELL_PX / np.array([high, wide])
    # Corners of the inside: so far towards the opposite sides as the bands are deep.
    along, down = (quad[[1, 0, 3, 2]] - quad), (quad[[3, 2, 1, 0]] - quad)
    inner = quad + along * min(0.5, depth[1]) + down * min(0.5, depth[0])
    for index in range(4):
        after = (index + 1) % 4
        _fill(
            parts,
            np.stack([quad[index], quad[after], inner[after], inner[index]]),
            PAGE_PARTS.index(_SIDES[index]),
        )
    _fill(parts, inner, PAGE_PARTS.index("inside"))


def _fill(parts: U8, polygon: F64, value: int) -> None:
    cv2.fillPoly(parts, [np.round((polygon - 0.5) * 16).astype(np.int32)], (float(value),), cv2.LINE_8, 4)


def page_validation(frames: Sequence[DrawnFrame]) -> Callable[[keras.Model], dict[str, float]]:
    """Return a function that gives the overlap of seen and true checks, in cells, and the share of side cells seen as the right side."""
    x = np.stack([picture_of(f) for f in frames]).astype(np.float32) / 255
    truth = np.stack([page_target(f) for f in frames]).argmax(axis=-1)
    nothing = len(PAGE_PARTS) - 1

    def validate(model: keras.Model) -> dict[str, float]:
        seen = np.concatenate(
            [keras.ops.convert_to_numpy(model(x[i : i + 16], training=False)).argmax(axis=-1) for i in range(0, len(x), 16)]
        )
        is_side, is_page = (truth >= 1) & (truth <= 4), truth != nothing
        union = is_page | (seen != nothing)
        figures = {
            "page_iou": float((is_page & (seen != nothing)).sum() / max(1, union.sum())),
            "side_right": float((seen == truth)[is_side].mean()),
        }
        return {"score": float(np.mean(list(figures.values()))), **figures}

    return validate


def validation_frames(seed: int) -> list[DrawnFrame]:
    """Return a fixed set of frames of checks and papers that no training run of the seed draws."""
    made, rng = PageBatches(seed + 1000, 1, 40, 20), np.random.default_rng((seed, 10**6))
    return [made.draw(rng) for _ in range(_N_VALIDATION)]
