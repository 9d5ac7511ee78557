"""What lies under and over the ink of a strip: security patterns, ruled lines, cell frames, light, and the camera."""

import cv2
import numpy as np

from edge.datatypes import F32, U8
from train.data.sources import LabelledStrip


def empty_papers(strips: list[LabelledStrip]) -> list[U8]:
    """Return the backgrounds of real strips with the ink painted away: patterns, ruled lines and grain stay.

    Ink is what is clearly darker than the paper around it (Telea 2004 fills it in).
    """
    papers = []
    for strip in strips:
        grey = strip.picture
        paper = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((21, 21), np.uint8))
        depth = cv2.subtract(paper, grey)
        level = max(18.0, 0.45 * float(np.percentile(depth, 98)))
        mask = cv2.dilate((depth > level).astype(np.uint8), np.ones((5, 5), np.uint8))
        papers.append(np.asarray(cv2.inpaint(grey, mask, 3, cv2.INPAINT_TELEA), np.uint8))
    return papers


def security_papers(n_papers: int, rng: np.random.Generator) -> list[U8]:
    """Return drawn security patterns, as wide as long amounts."""
    return [_security_pattern(80, 400, rng) for _ in range(n_papers)]


def lay_on_paper(ink: U8, papers: list[U8], rng: np.random.Generator) -> U8:
    """Return a grey picture, uint8 (h, w), of ink written on paper of one kind or another."""
    height, width = ink.shape
    draw = rng.random()
    if draw < 0.7 and papers:
        paper = _tiled(papers[int(rng.integers(len(papers)))], height, width, rng)
    else:
        paper = np.full((height, width), rng.uniform(110, 250), np.float32)
    paper = _ruled(paper, rng) if rng.random() < 0.55 else paper
    darkness = float(rng.uniform(0.3, 0.95)) if rng.random() < 0.8 else float(rng.uniform(0.12, 0.3))
    pressure = ink.astype(np.float32) * np.float32(darkness / 255)
    return np.asarray(np.clip(paper * (1 - pressure), 0, 255), np.uint8)


def _tiled(paper: U8, height: int, width: int, rng: np.random.Generator) -> F32:
    scale = height / paper.shape[0] * float(rng.uniform(1.0, 1.3))
    piece = cv2.resize(paper, (max(8, round(paper.shape[1] * scale)), round(paper.shape[0] * scale)))
    top = int(rng.integers(0, piece.shape[0] - height + 1))
    piece = piece[top : top + height]
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    n_copies = -(-width // piece.shape[1])
    mirrored = np.hstack([piece if i % 2 == 0 else piece[:, ::-1] for i in range(n_copies)])
    return mirrored[:, :width].astype(np.float32)


def _security_pattern(height: int, width: int, rng: np.random.Generator) -> U8:
    """Return wavy fine lines, crossed or not, as they are printed under amounts (a guilloche, or a screen of dots)."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    base = float(rng.uniform(120, 245))
    pattern = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.uniform(0, np.pi)
        along, across = columns * np.cos(angle) + rows * np.sin(angle), rows * np.cos(angle) - columns * np.sin(angle)
        wave = rng.uniform(0, 6) * np.sin(along / rng.uniform(6, 40) + rng.uniform(0, 6))
        lines = np.sin((across + wave) * 2 * np.pi / rng.uniform(3.5, 12.0))
        pattern += np.clip(lines - rng.uniform(-0.3, 0.7), 0, None)
    printed = base * (1 - float(rng.uniform(0.03, 0.28)) * pattern / max(1e-6, float(pattern.max())))
    return np.clip(printed, 0, 255).astype(np.uint8)


def _ruled(paper: F32, rng: np.random.Generator) -> F32:
    """Draw what the form prints: a line at the feet, a box, or the frame of a cell."""
    height, width = paper.shape
    drawn = paper.copy()
    dark = float(rng.uniform(0.2, 0.85)) * float(paper.mean())
    pen = int(rng.integers(1, 4))
    kind = rng.random()

    def line(x0: float, y0: float, x1: float, y1: float) -> None:
        cv2.line(drawn, (round(x0), round(y0)), (round(x1), round(y1)), dark, pen, cv2.LINE_AA)

    tilt = float(rng.normal(0, 0.015)) * width
    if kind < 0.5:
        for _ in range(1 if rng.random() < 0.7 else 2):
            y = height * float(rng.uniform(0.05, 0.98))
            line(0, y, width * float(rng.uniform(0.6, 1.0)) if rng.random() < 0.2 else width, y + tilt)
    else:
        x0, x1 = width * float(rng.uniform(0, 0.06)), width * float(rng.uniform(0.94, 1.0))
        y0, y1 = height * float(rng.uniform(0, 0.12)), height * float(rng.uniform(0.85, 1.0))
        sides = [(x0, y0, x1, y0 + tilt), (x0, y1, x1, y1 + tilt), (x0, y0, x0, y1), (x1, y0, x1, y1)]
        for side in sides:
            if rng.random() < 0.75:
                line(*side)
    return drawn


def photograph(picture: U8, rng: np.random.Generator) -> U8:
    """Imitate a camera: shadow, few pixels, blur, grain, gamma, JPEG; the size stays the same."""
    height, width = picture.shape
    seen = picture.astype(np.float32)
    if rng.random() < 0.35:
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        direction = rng.normal(0, 1, 2)
        ramp = np.float32(direction[0]) * rows / height + np.float32(direction[1]) * columns / width
        edge = 0.5 + 0.5 * np.tanh((ramp - np.float32(rng.uniform(-1, 1))) * np.float32(rng.uniform(1, 10)))
        seen *= 1 - np.float32(rng.uniform(0, 0.4)) * edge
    if rng.random() < 0.25:
        small = max(14, round(height * float(rng.uniform(0.35, 0.9))))
        small_width = max(6, round(width * small / height))
        seen = cv2.resize(
            cv2.resize(seen, (small_width, small), interpolation=cv2.INTER_AREA), (width, height), interpolation=cv2.INTER_LINEAR
        )
    draw = rng.random()
    if draw < 0.3:
        seen = cv2.GaussianBlur(seen, (0, 0), float(rng.uniform(0.3, 0.025 * height + 0.3)))
    elif draw < 0.38:
        length = int(rng.integers(2, max(3, height // 14)))
        seen = cv2.blur(seen, (length, 1) if rng.random() < 0.5 else (1, length))
    if rng.random() < 0.6:
        seen = seen + rng.standard_normal(seen.shape, np.float32) * np.float32(rng.uniform(0.5, 9))
    if rng.random() < 0.3:
        seen = 255 * np.power(np.clip(seen, 0, 255) / 255, np.float32(rng.uniform(0.6, 1.6)))
    result = np.clip(seen, 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        _, data = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])
        result = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    return np.asarray(result, np.uint8)
