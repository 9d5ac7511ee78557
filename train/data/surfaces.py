"""What a check lies on in front of a camera: desks of wood, cloth, stone and tiles, white tables, and other paper."""

from collections.abc import Callable

import cv2
import numpy as np

from edge.datatypes import F32


def draw_surface(width: int, height: int, rng: np.random.Generator) -> F32:
    """Return a desk of any kind, BGR float32 (h, w, 3) in 0..255 under even light."""
    draw = _SURFACES[int(rng.integers(len(_SURFACES)))]
    return np.ascontiguousarray(draw(width, height, rng), np.float32)


def smooth_noise(width: int, height: int, cell: tuple[float, float], rng: np.random.Generator) -> F32:
    """Return smooth noise of standard deviation about 1; ``cell`` is its grain in x and y, in pixels."""
    coarse = rng.standard_normal((max(2, round(height / cell[1])) + 1, max(2, round(width / cell[0])) + 1), np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _colour(rng: np.random.Generator, low: float, high: float, spread: float) -> F32:
    return np.clip(rng.uniform(low, high) + rng.uniform(-spread, spread, 3), 5, 250).astype(np.float32)


def _wood(width: int, height: int, rng: np.random.Generator) -> F32:
    longest = max(width, height)
    colour = np.array([60, 95, 140], np.float32) * rng.uniform(0.6, 1, 3).astype(np.float32) * float(rng.uniform(0.5, 1.7))
    ys = np.arange(height, dtype=np.float32)[:, None]
    rings = ys / (longest * float(rng.uniform(0.012, 0.04))) + 1.2 * smooth_noise(width, height, (0.45 * longest, 0.08 * longest), rng)
    texture = float(rng.uniform(0.02, 0.12)) * np.sin(rings * 6.28) + 0.06 * smooth_noise(width, height, (0.1 * longest, 2), rng)
    grain = colour * (1 + texture)[:, :, None]
    if rng.random() < 0.4:  # boards
        board = longest * float(rng.uniform(0.1, 0.3))
        for y in np.arange(float(rng.uniform(0, board)), height, board):
            grain[int(y) : int(y) + max(1, round(0.003 * longest))] *= 0.55
    return np.asarray(grain[:, ::-1] if rng.random() < 0.5 else grain, np.float32)


def _cloth(width: int, height: int, rng: np.random.Generator) -> F32:
    xs, ys = np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]
    pitch = float(rng.uniform(0.003, 0.02)) * max(width, height)
    weave = float(rng.uniform(0.02, 0.12)) * np.sin(xs * (6.28 / pitch)) * np.sin(ys * (6.28 / pitch))
    folds = float(rng.uniform(0.02, 0.12)) * smooth_noise(width, height, (0.25 * width, 0.25 * width), rng)
    cloth = _colour(rng, 25, 200, 40) * (1 + weave + folds)[:, :, None]
    if rng.random() < 0.3:  # checked or striped
        stripe = (xs // (float(rng.uniform(0.02, 0.12)) * width)) % 2 + (ys // (float(rng.uniform(0.02, 0.2)) * width)) % 2
        cloth = cloth + stripe[:, :, None] * rng.uniform(-40, 40, 3).astype(np.float32)
    return np.asarray(cloth, np.float32)


def _plain(width: int, height: int, rng: np.random.Generator) -> F32:
    longest = max(width, height)
    texture = 0.03 * smooth_noise(width, height, (0.2 * longest, 0.2 * longest), rng) + 0.015 * smooth_noise(width, height, (2, 2), rng)
    return np.asarray(_colour(rng, 15, 215, 30) * (1 + texture)[:, :, None], np.float32)


def _white(width: int, height: int, rng: np.random.Generator) -> F32:
    """A table or a sheet as white as the paper of a check."""
    texture = float(rng.uniform(0.003, 0.02)) * smooth_noise(width, height, (0.1 * width, 0.1 * width), rng)
    return np.asarray(_colour(rng, 205, 246, 9) * (1 + texture)[:, :, None], np.float32)


def _stone(width: int, height: int, rng: np.random.Generator) -> F32:
    longest = max(width, height)
    grains = sum(smooth_noise(width, height, (cell, cell), rng) for cell in (0.003 * longest + 1, 0.01 * longest, 0.05 * longest))
    return np.asarray(_colour(rng, 50, 200, 15) * (1 + float(rng.uniform(0.03, 0.16)) * np.asarray(grains))[:, :, None], np.float32)


def _tiles(width: int, height: int, rng: np.random.Generator) -> F32:
    tiles = _plain(width, height, rng)
    step = max(8.0, float(rng.uniform(0.06, 0.4)) * width)
    colour, pen = rng.uniform(20, 240, 3).tolist(), max(1, round(0.004 * width))
    for x in np.arange(rng.uniform(0, step), width, step):
        cv2.line(tiles, (round(x), 0), (round(x), height), colour, pen)
    for y in np.arange(rng.uniform(0, step), height, step):
        cv2.line(tiles, (0, round(y)), (width, round(y)), colour, pen)
    return tiles


def _clutter(width: int, height: int, rng: np.random.Generator) -> F32:
    """Boxes, books and rounds of all colours."""
    scene = _plain(width, height, rng)
    for _ in range(int(rng.integers(4, 18))):
        centre = (round(rng.uniform(0, width)), round(rng.uniform(0, height)))
        size = (float(rng.uniform(0.03, 0.5)) * width, float(rng.uniform(0.03, 0.35)) * width)
        colour = rng.uniform(10, 245, 3).tolist()
        if rng.random() < 0.25:
            cv2.circle(scene, centre, round(size[0] / 2), colour, -1, cv2.LINE_AA)
        else:
            box = cv2.boxPoints((centre, size, float(rng.uniform(0, 180))))
            cv2.fillConvexPoly(scene, np.round(box).astype(np.int32), colour, cv2.LINE_AA)
    return np.asarray(scene + 3 * smooth_noise(width, height, (3, 3), rng)[:, :, None], np.float32)


_SURFACES: tuple[Callable[[int, int, np.random.Generator], F32], ...] = (
    _wood, _wood, _cloth, _cloth, _plain, _white, _white, _stone, _tiles, _clutter,
)  # fmt: skip
