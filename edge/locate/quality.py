"""Is the frame good enough to read from, and what can a person do about it."""

from collections.abc import Mapping

import cv2
import numpy as np

from edge.datatypes import F64, U8, FieldName, Frame, Page, Quality, Reading
from edge.locate.levels import percentile_of_each, percentiles
from edge.locate.quad import area_of

# Measured at one size, so that a number means the same for every camera.
_WORK_PX = 1280
# What each measure has to be at least. Fitted by `checkreader-train quality` to where readings fail, see docs/stages.md.
THRESHOLDS: Mapping[str, float] = {"blur": 0.212, "dark": 14.5, "glare": 0.887, "too_small": 460.0, "too_oblique": 0.389, "shadow": 0.216}
# A corner this near to the border, as a share of the frame's longer side, and a side along it, are cut off.
_BORDER = 0.002
# A check that takes so much of the frame is a scan, cut to its edges.
_SCAN_SHARE = 0.85
# Grey from which a pixel is burnt out, and the paper's own grey above which nothing can be told from it.
_BURNT, _WHITE_PAPER = 252, 240
# Around a field glare is looked for as far as this, in heights of it: to both sides, above and below.
_AROUND = (3.0, 1.0)
# Where the amount or the MICR line cannot be read, what is burnt out anywhere counts so many times: it may lie on it.
_UNREAD = 5.0
# A check is at least 2.75 inches high (ANSI X9.100-160), with what a page's outline and the pitch of its line may be off.
_LEAST_INCHES = 2.45
# It is at least 6 inches wide (likewise), with the same allowance.
_LEAST_WIDTH_INCHES = 5.7
# A MICR line seen so well tells the size of a check.
_SURE_LINE = 0.8
# What fills so much of the upright box around it is a rectangle.
_RECTANGLE = 0.9
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


def judge_frame(frame: Frame, page: Page | None, fields: Mapping[FieldName, Reading | None], is_mirrored: bool = False) -> Quality:
    """Return what makes this frame hard to read, the gravest first, with one sentence of advice; no page is a problem too.

    Args:
        fields: what was read, from which it is known where glare does harm.
        is_mirrored: what is written on the check says that the frame is a mirror image.
    """
    if page is None:
        problems = ["no_check"]
        if np.median(_grey(frame.pixels)) < THRESHOLDS["dark"] / 2:
            problems.append("dark")
        return Quality(tuple(problems), _ADVICE[problems[-1]])
    found = measures(frame, page, fields)
    is_there = {"mirrored": is_mirrored, "cut_off": _is_cut_off(frame, page) or _is_too_low(page)}
    is_there |= {name: found[name] < THRESHOLDS[name] for name in ("too_small", "too_oblique", "dark", "blur", "glare", "shadow")}
    problems = [name for name, is_so in is_there.items() if is_so]
    return Quality(tuple(problems), _ADVICE[problems[0]] if problems else "")


def measures(frame: Frame, page: Page, fields: Mapping[FieldName, Reading | None]) -> dict[str, float]:
    """Return what `THRESHOLDS` are compared with; less is worse.

    ``blur``: steepest edges of the writing, a share of its contrast a pixel; ``dark``: the paper's grey; ``glare``: the least share of a
    field and what is around it that is not burnt out; ``too_small``: pixels of the file across the check; ``too_oblique``: the least of
    the ratios of opposite sides; ``shadow``: the darkest paper by the lightest.
    """
    grey = _grey(page.pixels)
    usual, light = percentiles(grey, (60, 70))
    sides = np.hypot(*(np.roll(page.corners, -1, axis=0) - page.corners).T)
    return {
        "blur": _sharpness(grey),
        "dark": float(light),
        "glare": 1.0 - _burnt_share(grey, float(usual), page.pixels.shape[1], fields),
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
    contrast = float(percentiles(depth, (99.0,))[0])
    if contrast < _LEAST_CONTRAST:
        return 1.0
    is_ink = depth > 0.3 * contrast
    across, down = (cv2.Sobel(calm, cv2.CV_16S, dx, 1 - dx)[is_ink] / np.float32(8) for dx in (1, 0))
    return min(1.0, float(np.percentile(np.sqrt(across**2 + down**2), 95.0)) / contrast)


def _burnt_share(grey: U8, usual: float, page_width: int, fields: Mapping[FieldName, Reading | None]) -> float:
    """Return the largest share of a field that is burnt out, in whole smooth patches, while the paper's own grey, ``usual``, is well below.

    Where the amount or the MICR line could not be read, the share of the page counts `_UNREAD` times as well.
    """
    if usual > _WHITE_PAPER:
        return 0.0
    patches = _burnt_patches(grey, usual)
    shares, scale = [0.0], grey.shape[1] / page_width
    for name in ("amount", "date", "micr"):
        reading = fields.get(name)
        if reading is not None and reading.box is not None and (reading.text is not None or reading.reason == "empty"):
            x, y, width, height = (side * scale for side in reading.box)
            aside, above = (reach * height for reach in _AROUND)
            around = patches[max(0, int(y - above)) : int(y + height + above) + 1, max(0, int(x - aside)) : int(x + width + aside) + 1]
            shares.append(cv2.countNonZero(around) / max(1, around.size))
        elif name != "date":
            shares.append(_UNREAD * cv2.countNonZero(patches) / grey.size)
    return min(1.0, max(shares))


def _burnt_patches(grey: U8, usual: float) -> U8:
    """Return a mask of what is burnt out, whole and smooth; what is printed white, a rectangle with sharp edges, is not."""
    _, burnt = cv2.threshold(grey, _BURNT - 1, 255, cv2.THRESH_BINARY)
    smooth = np.asarray(cv2.erode(burnt, np.ones((9, 9), np.uint8)), np.uint8)
    contours, _ = cv2.findContours(smooth, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        x, y, width, height = cv2.boundingRect(contour)
        if cv2.contourArea(contour) > _RECTANGLE * (width - 1) * (height - 1) > 0:
            # The mask ends four pixels inside what is burnt out; two beyond that the light of a lamp has hardly begun to fade.
            outer = grey[max(0, y - 7) : y + height + 7, max(0, x - 7) : x + width + 7]
            rim = np.concatenate([outer[0], outer[-1], outer[:, 0], outer[:, -1]])
            if np.median(rim) < (usual + _BURNT) / 2:
                cv2.drawContours(smooth, [contour], -1, (0.0,), -1)
    return smooth


def _evenness(sides: F64) -> float:
    pairs = sides.reshape(2, 2)
    return float((pairs.min(axis=0) / np.maximum(pairs.max(axis=0), 1.0)).min())


def _evenness_of_light(grey: U8) -> float:
    """Return the darkest paper by the lightest, the outermost cells left out: there the page may be a little too large."""
    columns, rows = _LIGHT_CELLS
    height, width = grey.shape[0] // rows, grey.shape[1] // columns
    if not height or not width:
        return 1.0
    inner = [(row * height, column * width) for row in range(1, rows - 1) for column in range(1, columns - 1)]
    paper = percentile_of_each([grey[y : y + height, x : x + width] for y, x in inner], 80.0)
    darkest, lightest = np.percentile(paper, (5, 95))
    return float(darkest / max(1.0, lightest))


def _is_too_low(page: Page) -> bool:
    """Is the check lower than any is, by the pitch of its MICR line? Its top, where no outline shows it, is out of the picture."""
    height, width = page.ink.shape
    if height * _LEAST_WIDTH_INCHES > _LEAST_INCHES * width:  # its outline is that of a whole check
        return False
    line = page.line
    return line is not None and line.confidence > _SURE_LINE and height < _LEAST_INCHES * 8 * line.pitch_px


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
