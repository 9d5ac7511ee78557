"""Check frames of our own: a drawn check laid on a desk under a camera, with exact corners."""

from dataclasses import dataclass

import cv2
import numpy as np

from edge.datatypes import F32, F64, U8
from train.data.checks import DrawnCheck


@dataclass(frozen=True, slots=True, eq=False)
class DeskFrame:
    """A camera's frame, BGR uint8 (h, w, 3); corners float64 (4, 2), clockwise from the check's own top-left."""

    pixels: U8
    corners: F64


def place_on_desk(check: DrawnCheck, rng: np.random.Generator, size: tuple[int, int] = (1600, 1200), turn_deg: float = 0.0) -> DeskFrame:
    """Lay a check on wood, cloth or a plain desk and take its picture, ``turn_deg`` clockwise plus what a hand misses.

    Raises:
        ValueError: the frame is smaller than 320 x 240.
    """
    width, height = size
    if width < 320 or height < 240:
        raise ValueError(f"a frame of {width} x {height} has no room for a check; at least 320 x 240")
    corners = _corners(check, rng, size, turn_deg)
    desk = _desk(width, height, rng)
    h, w = check.pixels.shape[:2]
    check_corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    matrix = cv2.getPerspectiveTransform(check_corners, corners.astype(np.float32))
    shrink = np.hypot(*(corners[1] - corners[0])) / w
    pixels = cv2.GaussianBlur(check.pixels, (0, 0), 0.45 / shrink) if shrink < 0.8 else check.pixels
    laid = cv2.warpPerspective(pixels, matrix, size, flags=cv2.INTER_LINEAR).astype(np.float32)
    mask = cv2.warpPerspective(np.full((h, w), 255, np.uint8), matrix, size, flags=cv2.INTER_LINEAR).astype(np.float32)[:, :, None] / 255
    desk *= 1 - 0.45 * _contact_shadow(corners, size, rng)
    scene: F32 = (desk * (1 - mask) + laid * mask) * _light(width, height, rng)
    scene = np.asarray(cv2.GaussianBlur(scene, (0, 0), float(rng.uniform(0.4, 0.9))), np.float32)
    scene += rng.normal(0, float(rng.uniform(1, 3.5)), scene.shape).astype(np.float32)
    return DeskFrame(np.clip(scene, 0, 255).astype(np.uint8), corners)


def _corners(check: DrawnCheck, rng: np.random.Generator, size: tuple[int, int], turn_deg: float) -> F64:
    """Return where the check's corners fall: turned, seen from one side, a little off the middle."""
    h, w = check.pixels.shape[:2]
    x, y = w / 2, h / 2
    corners = np.array([[-x, -y], [x, -y], [x, y], [-x, y]])
    angle = np.deg2rad(turn_deg + float(rng.normal(0, 4)))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = corners @ turn.T
    depth = 1 + corners @ (rng.normal(0, 0.07, 2) / x)
    corners = corners / depth[:, None]
    span = corners.max(axis=0) - corners.min(axis=0)
    scale = float(rng.uniform(0.76, 0.92)) * min(size[0] / span[0], size[1] / span[1])
    corners = (corners - (corners.max(axis=0) + corners.min(axis=0)) / 2) * scale
    room = (np.array(size) - span * scale) / 2
    return np.asarray(corners + np.array(size) / 2 + rng.uniform(-0.6, 0.6, 2) * room, np.float64)


def _noise(width: int, height: int, cell: tuple[float, float], rng: np.random.Generator) -> F32:
    """Return smooth noise of standard deviation about 1; ``cell`` is its grain in x and y."""
    coarse = rng.normal(0, 1, (max(2, round(height / cell[1])) + 1, max(2, round(width / cell[0])) + 1)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _desk(width: int, height: int, rng: np.random.Generator) -> F32:
    kind = int(rng.integers(3))
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    if kind == 0:  # wood: rings cut along the grain
        colour = np.array([60, 95, 140], np.float32) * float(rng.uniform(0.6, 1.15))
        rings = ys / float(rng.uniform(20, 60)) + 1.2 * _noise(width, height, (700, 120), rng)
        texture = 0.10 * np.sin(rings * 6.28) + 0.06 * _noise(width, height, (160, 3), rng) + 0.06 * _noise(width, height, (500, 40), rng)
    elif kind == 1:  # cloth: two threads
        colour = rng.uniform(30, 140, 3).astype(np.float32)
        pitch = float(rng.uniform(5, 11))
        texture = 0.09 * np.sin(xs * 6.28 / pitch) * np.sin(ys * 6.28 / pitch) + 0.05 * _noise(width, height, (4, 4), rng)
        texture = texture + 0.08 * _noise(width, height, (400, 400), rng)
    else:
        colour = (float(rng.uniform(40, 150)) + rng.uniform(-20, 20, 3)).astype(np.float32)
        texture = 0.03 * _noise(width, height, (300, 300), rng) + 0.02 * _noise(width, height, (2, 2), rng)
    return np.asarray(colour * (1 + texture)[:, :, None], np.float32)


def _contact_shadow(corners: F64, size: tuple[int, int], rng: np.random.Generator) -> F32:
    """Return the thin shadow of paper that does not lie quite flat, 0 to 1, (h, w, 1)."""
    offset = rng.uniform(-1, 1, 2) * 0.008 * size[0]
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners + offset).astype(np.int32), (255.0,))
    soft = cv2.GaussianBlur(mask, (0, 0), 0.006 * size[0])
    return soft.astype(np.float32)[:, :, None] / 255


def _light(width: int, height: int, rng: np.random.Generator) -> F32:
    """Return the light on the desk, about 1, (h, w, 3): a lamp to one side, its colour, sometimes a soft shadow across."""
    xs, ys = np.meshgrid(np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32))
    angle = float(rng.uniform(0, 6.28))
    across = xs * np.cos(angle) + ys * np.sin(angle)
    light = float(rng.uniform(0.8, 1.0)) + float(rng.uniform(0.03, 0.14)) * across
    if rng.random() < 0.4:
        edge = 1 / (1 + np.exp(-(across + 0.25 * xs * ys - float(rng.uniform(-0.6, 0.6))) * float(rng.uniform(6, 25))))
        light = light * (1 - float(rng.uniform(0.1, 0.3)) * edge)
    tint = 1 + rng.normal(0, 0.025, 3)
    return np.asarray(light[:, :, None] * tint, np.float32)
