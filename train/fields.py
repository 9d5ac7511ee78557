"""What the field network is trained on: our own checks of every layout, rectified as badly as a page finder may do it."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import cv2
import keras
import numpy as np

from edge.datatypes import F32, F64, FIELD_PARTS, U8, Box
from edge.locate.field_map import PICTURE_SIZE, picture_of_ink
from edge.locate.micr_line import ink_of_page
from edge.locate.page import PAGE_WIDTH_PX
from train.data.checks import DrawnCheck
from train.data.layouts import draw_layout, largest_first

# Drawn at once and shown again and again; a check costs more to draw than to photograph.
_N_CHECKS, _CHECK_PX_PER_INCH = 1600, 110.0
_CELL_PX = 4
_N_VALIDATION = 120
# How far a found corner may be off, as a share of the page's width.
_CORNER_ERROR = 0.008


class FieldBatches:
    """Batches of pages; the same seed and epoch give the same pages."""

    def __init__(self, seed: int, batch_size: int, n_checks: int = _N_CHECKS) -> None:
        rng = np.random.default_rng((seed, 78))
        self._seed, self._batch_size = seed, batch_size
        self._checks = [draw_layout(rng, _CHECK_PX_PER_INCH) for _ in range(n_checks)]

    def epoch(self, index: int, n_batches: int) -> Iterator[tuple[F32, F32]]:
        """Yield (x float32 (n, 192, 384, 1) in 0..1, y float32 (n, 48, 96, 7))."""
        rng = np.random.default_rng((self._seed, index))
        for _ in range(n_batches):
            pages = [self.draw(rng) for _ in range(self._batch_size)]
            yield np.stack([p for p, _ in pages]).astype(np.float32) / 255, np.stack([t for _, t in pages])

    def draw(self, rng: np.random.Generator) -> tuple[U8, F32]:
        return photographed_page(self._checks[int(rng.integers(len(self._checks)))], rng)


def photographed_page(check: DrawnCheck, rng: np.random.Generator) -> tuple[U8, F32]:
    """Return the network's picture of a check and its target, as a camera and a page finder would show it."""
    height, width = check.pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    seen = corners + rng.normal(0, _CORNER_ERROR * width, (4, 2))
    size = (PAGE_WIDTH_PX, round(PAGE_WIDTH_PX * height / width))
    flat = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
    matrix = cv2.getPerspectiveTransform(seen.astype(np.float32), flat)
    desk = tuple(float(v) for v in rng.uniform(20, 230, 3))
    pixels = check.pixels
    if rng.random() < 0.5:
        pixels = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.3, 1.1)))
    page = cv2.warpPerspective(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=desk)
    grey = cv2.cvtColor(page, cv2.COLOR_BGR2GRAY).astype(np.float32)
    slope = rng.normal(0, 0.15, 2)
    light = (
        1
        + slope[0] * np.linspace(-1, 1, size[0], dtype=np.float32)[None]
        + slope[1] * np.linspace(-1, 1, size[1], dtype=np.float32)[:, None]
    )
    noise = cv2.resize(rng.normal(0, float(rng.uniform(0, 7)), (size[1] // 2, size[0] // 2)).astype(np.float32), size)
    ink = ink_of_page(np.clip(grey * light * float(rng.uniform(0.5, 1.05)) + noise, 0, 255).astype(np.uint8))
    if rng.random() < 0.15:  # faint or heavy ink
        ink = np.asarray(cv2.convertScaleAbs(ink, alpha=float(rng.uniform(0.5, 1.4))), np.uint8)
    return picture_of_ink(ink), field_target(check.boxes, matrix, size)


def field_target(boxes: Mapping[str, Box], check_to_page: F64, page_size: tuple[int, int]) -> F32:
    """Return float32 (48, 96, 7): the share of each of `FIELD_PARTS` in each cell."""
    width, height = PICTURE_SIZE
    parts = np.full((height, width), len(FIELD_PARTS) - 1, np.uint8)
    to_picture = np.array([width / page_size[0], height / page_size[1]])
    for name, (x, y, w, h) in largest_first(boxes):
        corners = np.array([[[x, y], [x + w, y], [x + w, y + h], [x, y + h]]], np.float64)
        polygon = cv2.perspectiveTransform(corners, check_to_page)[0] * to_picture
        cv2.fillPoly(parts, [np.round((polygon - 0.5) * 16).astype(np.int32)], (float(FIELD_PARTS.index(name)),), cv2.LINE_8, 4)
    shares = np.eye(len(FIELD_PARTS), dtype=np.float32)[parts]
    return np.asarray(shares.reshape(height // _CELL_PX, _CELL_PX, width // _CELL_PX, _CELL_PX, -1).mean(axis=(1, 3)), np.float32)


def field_validation(pages: Sequence[tuple[U8, F32]]) -> Callable[[keras.Model], dict[str, float]]:
    """Return a function that gives each field's overlap of seen and true cells; the score is their mean."""
    x = np.stack([page for page, _ in pages]).astype(np.float32) / 255
    truth = np.stack([target for _, target in pages]).argmax(axis=-1)

    def validate(model: keras.Model) -> dict[str, float]:
        seen = np.concatenate(
            [keras.ops.convert_to_numpy(model(x[i : i + 16], training=False)).argmax(axis=-1) for i in range(0, len(x), 16)]
        )
        figures = {}
        for part, name in enumerate(FIELD_PARTS[:-1]):
            both, either = ((seen == part) & (truth == part)).sum(), ((seen == part) | (truth == part)).sum()
            figures[name] = float(both / max(1, either))
        return {"score": float(np.mean(list(figures.values()))), **figures}

    return validate


def validation_pages(seed: int) -> list[tuple[U8, F32]]:
    """Return a fixed set of pages of checks that no training run of the seed draws."""
    rng = np.random.default_rng((seed, 10**6))
    return [photographed_page(draw_layout(rng, _CHECK_PX_PER_INCH), rng) for _ in range(_N_VALIDATION)]
