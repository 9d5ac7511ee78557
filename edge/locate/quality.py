"""Is the frame good enough to read from, and what can a person do about it."""

from collections.abc import Mapping

import cv2
import numpy as np

from edge.datatypes import F64, U8, Frame, Page, Quality
from edge.locate.quad import area_of

# Measured at one size, so that a number means the same for every camera.
_WORK_PX = 1280
# What each measure has to be at least. Fitted by `checkreader-train quality` to where readings fail, see docs/stages.md.
THRESHOLDS: Mapping[str, float] = {"blur": 0.209, "dark": 14.5, "glare": 0.967, "too_small": 393.0, "too_oblique": 0.385, "shadow": 0.268}
# A corner this near to the border, as a share of the frame's longer side, and a side along it, are cut off.
_BORDER = 0.002
# A check that takes so much of the frame is a scan, cut to its edges.
_SCAN_SHARE = 0.85
# Grey from which a pixel is burnt out, and the paper's own grey above which nothing can be told from it.
_BURNT, _WHITE_PAPER = 252, 240
# Less contrast than this is no writing.
_LEAST_CONTRAST = 6.0
# A page is looked at in so many columns and rows to see its light.
_LIGHT_CELLS = (16, 8)

_ADVICE = {
    "no_check": "Lay the check flat on a plain darker surface so that all four corners are in the picture.",
    "mirrored": "Turn off the mirror image in the camera's settings, or flip the picture left to right.",
    "cut_off": "Move back a little so that all four corners of the check are in the picture.",
    "too_small": "Move closer until the check fills most of the picture.",
    "too_oblique": "Hold the camera straight above the middle of the check.",
    "dark": "Switch on a lamp, or lay the check nearer to a window.",
    "blur": "Hold the camera still and focus on the print.",
    "glare": "Move the lamp or tilt the check so that no light is mirrored from it.",
    "shadow": "Move the lamp or step aside so that no shadow falls across the check.",
}


def judge_frame(frame: Frame, page: Page | None, is_mirrored: bool = False) -> Quality:
    """Return what makes this frame hard to read, the gravest first, with one sentence of advice; no page is a problem too.

    Args:
        is_mirrored: what is written on the check says that the frame is a mirror image.
    """
    if page is None:
        problems = ["no_check"]
        if np.median(_grey(frame.pixels)) < THRESHOLDS["dark"] / 2:
            problems.append("dark")
        return Quality(tuple(problems), _ADVICE[problems[-1]])
    found = measures(frame, page)
    is_there = {"mirrored": is_mirrored, "cut_off": _is_cut_off(frame, page)}
    is_there |= {name: found[name] < THRESHOLDS[name] for name in ("too_small", "too_oblique", "dark", "blur", "glare", "shadow")}
    problems = [name for name, is_so in is_there.items() if is_so]
    return Quality(tuple(problems), _ADVICE[problems[0]] if problems else "")


def measures(frame: Frame, page: Page) -> dict[str, float]:
    """Return what `THRESHOLDS` are compared with; less is worse.

    ``blur``: steepest edges of the writing, a share of its contrast a pixel; ``dark``: the paper's grey; ``glare``: share that is not
    burnt out; ``too_small``: pixels of the file across the check; ``too_oblique``: the least of the ratios of opposite sides;
    ``shadow``: the darkest paper by the lightest.
    """
    grey = _grey(page.pixels)
    sides = np.hypot(*(np.roll(page.corners, -1, axis=0) - page.corners).T)
    return {
        "blur": _sharpness(grey),
        "dark": float(np.percentile(grey, 70)),
        "glare": 1.0 - _burnt_share(grey),
        "too_small": float(sides[0]) * frame.scale,
        "too_oblique": _evenness(sides),
        "shadow": _evenness_of_light(grey),
    }


def _grey(pixels: U8) -> U8:
    factor = max(pixels.shape[:2]) / _WORK_PX
    if factor > 1:
        size = (max(1, round(pixels.shape[1] / factor)), max(1, round(pixels.shape[0] / factor)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)


def _sharpness(grey: U8) -> float:
    """Return the steepest edges, levels a pixel, divided by the contrast of the writing; 1 where nothing is written."""
    calm = cv2.GaussianBlur(grey, (3, 3), 0)
    depth = cv2.morphologyEx(calm, cv2.MORPH_BLACKHAT, cv2.getStructuringElement(cv2.MORPH_RECT, (25, 25)))
    contrast = float(np.percentile(depth, 99.0))
    if contrast < _LEAST_CONTRAST:
        return 1.0
    written = depth > 0.3 * contrast
    across, down = (cv2.Sobel(calm, cv2.CV_16S, dx, 1 - dx)[written].astype(np.float32) for dx in (1, 0))
    steep = np.hypot(across, down) / 8  # the sum of the kernel's weights
    return min(1.0, float(np.percentile(steep, 95.0)) / contrast)


def _burnt_share(grey: U8) -> float:
    """Return the share of patches that are burnt out, whole and smooth, while the paper's own grey lies well below."""
    if float(np.percentile(grey, 60)) > _WHITE_PAPER:
        return 0.0
    burnt = cv2.erode((grey >= _BURNT).astype(np.uint8), np.ones((9, 9), np.uint8))
    return float((burnt > 0).mean())


def _evenness(sides: F64) -> float:
    pairs = sides.reshape(2, 2)
    return float((pairs.min(axis=0) / np.maximum(pairs.max(axis=0), 1.0)).min())


def _evenness_of_light(grey: U8) -> float:
    """Return the darkest paper by the lightest, the outermost cells left out: there the page may be a little too large."""
    columns, rows = _LIGHT_CELLS
    height, width = grey.shape[0] // rows, grey.shape[1] // columns
    if not height or not width:
        return 1.0
    cells = grey[: rows * height, : columns * width].reshape(rows, height, columns, width).transpose(0, 2, 1, 3)
    paper = np.percentile(cells.reshape(rows, columns, -1), 80, axis=2)[1:-1, 1:-1]
    return float(np.percentile(paper, 5) / max(1.0, float(np.percentile(paper, 95))))


def _is_cut_off(frame: Frame, page: Page) -> bool:
    """Do corners of the check lie outside the frame, or on its border while the rest of the outline does not follow it?"""
    width, height = frame.size
    reach = _BORDER * max(width, height)
    x, y = page.corners[:, 0], page.corners[:, 1]
    if area_of(page.corners) > _SCAN_SHARE * width * height:
        return False
    beyond = (x < -reach) | (y < -reach) | (x > width + reach) | (y > height + reach)
    on_border = (x < reach) | (y < reach) | (x > width - reach) | (y > height - reach)
    return bool(beyond.any() or 0 < np.count_nonzero(on_border) < 4)
