"""From the picture of one field to ink of fixed height: paper, pattern and shadow taken away, contrast made equal."""

import cv2
import numpy as np

from edge.datatypes import F64, STRIP_HEIGHT_PX, U8, Strip

# Everything but the final strip is computed at no more than this height: enough for pen strokes, cheap on a Pi.
_WORK_HEIGHT_PX = 64
# Below this depth (grey levels) the darkest mark is paper grain, and stretching it would only make noise look like ink.
_LEAST_CONTRAST = 14.0
# Rows that the band of symbols fills after a second look, of the 32.
_BAND_ROWS = (4.0, 28.0)


def normalize_strip(picture: U8) -> Strip:
    """Turn a cut field, grey or BGR, into a strip of ink that keeps the whole height of the picture.

    Raises:
        ValueError: the picture has no pixels.
    """
    if picture.size == 0:
        raise ValueError("the strip's picture has no pixels")
    height, width = picture.shape[:2]
    ink = _ink(_work_size(picture)[0])
    scale = STRIP_HEIGHT_PX / height
    strip_width = max(1, round(width * scale))
    strip = cv2.resize(ink, (strip_width, STRIP_HEIGHT_PX), interpolation=_interpolation(ink.shape[0]))
    return Strip(np.asarray(strip, np.uint8), np.diag([width / strip_width, height / STRIP_HEIGHT_PX, 1.0]))


def zoom_strip(picture: U8, strip: Strip, top_px: float, bottom_px: float) -> Strip:
    """Look again at the same picture, with the rows ``top_px`` to ``bottom_px`` of ``strip`` enlarged to the height of the band.

    Rows beyond the picture are paper.
    """
    first, last = _BAND_ROWS
    rows_px = (bottom_px - top_px) * STRIP_HEIGHT_PX / (last - first)
    start_px = top_px - first * rows_px / STRIP_HEIGHT_PX
    grey, work_to_picture = _work_size(picture)
    ink = _ink(grey)
    strip_to_work = np.linalg.inv(work_to_picture) @ strip.strip_to_picture
    top = round(strip_to_work[1, 1] * start_px)
    bottom = max(top + 4, round(strip_to_work[1, 1] * (start_px + rows_px)))
    seen = ink[max(0, top) : max(0, bottom)]
    seen = np.pad(seen, ((max(0, -top), max(0, bottom - max(ink.shape[0], top))), (0, 0)))
    width = max(1, round(ink.shape[1] * STRIP_HEIGHT_PX / (bottom - top)))
    look = cv2.resize(seen, (width, STRIP_HEIGHT_PX), interpolation=_interpolation(bottom - top))
    look_to_work = np.array([[ink.shape[1] / width, 0, 0], [0, (bottom - top) / STRIP_HEIGHT_PX, top], [0, 0, 1]])
    return Strip(np.asarray(look, np.uint8), work_to_picture @ look_to_work)


def _work_size(picture: U8) -> tuple[U8, F64]:
    """Return the grey picture at working size and the map from there to the picture."""
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    if height <= _WORK_HEIGHT_PX:
        return np.asarray(grey, np.uint8), np.eye(3)
    work_width = max(1, round(width * _WORK_HEIGHT_PX / height))
    small = cv2.resize(grey, (work_width, _WORK_HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), np.diag([width / work_width, height / _WORK_HEIGHT_PX, 1.0])


def _ink(grey: U8) -> U8:
    """Return how much darker each pixel is than its paper, stretched so that the pen's darkest strokes are 255.

    The paper is the grey closing (brightest paper between strokes), smoothed; the median depth over the strip is the
    security pattern and grain, and goes too.
    """
    height = grey.shape[0]
    reach = max(3, round(height * 0.4) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (reach, reach))
    paper = cv2.blur(cv2.morphologyEx(grey, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE), (reach, reach))
    depth = cv2.subtract(paper, grey)
    histogram = np.cumsum(np.bincount(depth.ravel(), minlength=256))
    grain, darkest = np.searchsorted(histogram, [0.5 * depth.size, 0.99 * depth.size])
    gain = 255.0 / max(float(darkest) - float(grain), _LEAST_CONTRAST)
    levels = np.clip((np.arange(256) - float(grain)) * gain, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(depth, levels), np.uint8)


def _interpolation(from_height: int) -> int:
    return cv2.INTER_AREA if from_height > STRIP_HEIGHT_PX else cv2.INTER_LINEAR
