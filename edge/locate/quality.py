"""Is the frame good enough to read from, and what can a person do about it."""

import cv2
import numpy as np

from edge.datatypes import U8, Frame, Page, Quality

# Measured at one size, so that a number means the same for every camera.
_WORK_PX = 1280
# Variance of the Laplacian near ink, relative to the ink's contrast squared: checks in focus had 0.02 to 0.12, blurred with a
# sigma of 1.5 px (still readable) 0.007 to 0.016, with 2.5 px 0.002 to 0.006.
_LEAST_SHARPNESS = 0.007
# Median grey of the paper, and the share of it that is burnt out while the rest is not.
_DARK_PAPER = 70
_GLARE_SHARE = 0.015
# Frame pixels across the check: under this an E-13B digit is less than 8 pixels high.
_LEAST_CHECK_PX = 480
# A corner this near to the border, as a share of the frame's longer side, and a side along it, are cut off.
_BORDER = 0.002

_ADVICE = {
    "no_check": "Lay the check flat on a plain darker surface so that all four corners are in the picture.",
    "mirrored": "Turn off the mirror image in the camera's settings, or flip the picture left to right.",
    "cut_off": "Move back a little so that all four corners of the check are in the picture.",
    "too_small": "Move closer until the check fills most of the picture.",
    "dark": "Add light, or let the camera expose for longer.",
    "blur": "Hold the camera still and focus on the print.",
    "glare": "Move the lamp or tilt the check so that no light is mirrored from it.",
}


def judge_frame(frame: Frame, page: Page | None, is_mirrored: bool = False) -> Quality:
    """Return what makes this frame hard to read, the gravest first, with one sentence of advice; no page is a problem too.

    Args:
        is_mirrored: what is written on the check says that the frame is a mirror image.
    """
    if page is None:
        problems = ["no_check"]
        if np.median(_grey(frame.pixels)) < _DARK_PAPER / 2:
            problems.append("dark")
        return Quality(tuple(problems), _ADVICE[problems[-1]])
    grey = _grey(page.pixels)
    found = {
        "mirrored": is_mirrored,
        "cut_off": _is_cut_off(frame, page),
        "too_small": float(np.hypot(*(page.corners[1] - page.corners[0]))) < _LEAST_CHECK_PX,
        "dark": float(np.percentile(grey, 70)) < _DARK_PAPER,
        "blur": _sharpness(grey) < _LEAST_SHARPNESS,
        "glare": _has_glare(grey),
    }
    problems = [name for name, is_there in found.items() if is_there]
    return Quality(tuple(problems), _ADVICE[problems[0]] if problems else "")


def _grey(pixels: U8) -> U8:
    factor = max(pixels.shape[:2]) / _WORK_PX
    if factor > 1:
        size = (max(1, round(pixels.shape[1] / factor)), max(1, round(pixels.shape[0] / factor)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)


def _sharpness(grey: U8) -> float:
    """Return the variance of the Laplacian where there is ink, divided by the squared contrast of that ink."""
    calm = cv2.GaussianBlur(grey, (3, 3), 0)
    depth = cv2.morphologyEx(calm, cv2.MORPH_BLACKHAT, cv2.getStructuringElement(cv2.MORPH_RECT, (15, 15)))
    contrast = float(np.percentile(depth, 99.0))
    if contrast < 6:
        return 1.0  # nothing is written here, so nothing is out of focus
    near_ink = cv2.dilate(np.where(depth > 0.5 * contrast, 255, 0).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    laplacian = cv2.Laplacian(calm, cv2.CV_32F)
    return float(laplacian[near_ink].var()) / contrast**2


def _has_glare(grey: U8) -> bool:
    """Is a patch burnt out, whole and smooth, while the paper's own grey lies well below?"""
    paper = float(np.percentile(grey, 60))
    if paper > 240:
        return False
    burnt = cv2.erode(np.where(grey >= 252, 255, 0).astype(np.uint8), np.ones((9, 9), np.uint8))
    return float((burnt > 0).mean()) > _GLARE_SHARE


def _is_cut_off(frame: Frame, page: Page) -> bool:
    """Do corners of the check lie outside the frame, or on its border while the rest of the outline does not follow it?"""
    width, height = frame.size
    reach = _BORDER * max(width, height)
    x, y = page.corners[:, 0], page.corners[:, 1]
    beyond = (x < -reach) | (y < -reach) | (x > width + reach) | (y > height + reach)
    on_border = (x < reach) | (y < reach) | (x > width - reach) | (y > height - reach)
    return bool(beyond.any() or 0 < np.count_nonzero(on_border) < 4)
