"""From the picture of one field to ink of fixed height: paper, pattern and shadow taken away, contrast made equal."""

from dataclasses import dataclass

import cv2
import numpy as np

from edge.datatypes import STRIP_HEIGHT_PX, U8, Strip

# Everything but the final strip is computed at no more than this height: enough for pen strokes, cheap on a Pi.
_WORK_HEIGHT_PX = 64
# Below this depth (grey levels) the darkest mark is paper grain, and stretching it would only make noise look like ink.
_LEAST_CONTRAST = 14.0
# Rows that the band of symbols fills after a second look, of the 32.
_BAND_ROWS = (4.0, 28.0)


@dataclass(frozen=True, slots=True, eq=False)
class FlatField:
    """A field's ink at working size, uint8 (height, width), 0 paper, 255 the darkest ink, and the size of its picture."""

    ink: U8
    picture_size: tuple[int, int]


def normalize_strip(picture: U8) -> Strip:
    """Turn a cut field, grey or BGR, into a strip of ink that keeps the whole height of the picture.

    Raises:
        ValueError: the picture has no pixels.
    """
    return cut_strip(flatten_field(picture), 0.0, 1.0)


def flatten_field(picture: U8) -> FlatField:
    """Take paper, pattern and shadow away from a cut field, grey or BGR.

    Raises:
        ValueError: the picture has no pixels.
    """
    if picture.size == 0:
        raise ValueError("the strip's picture has no pixels")
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    if height > _WORK_HEIGHT_PX:
        size = (max(1, round(width * _WORK_HEIGHT_PX / height)), _WORK_HEIGHT_PX)
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return FlatField(_ink(np.asarray(grey, np.uint8)), (width, height))


def cut_strip(field: FlatField, top: float, bottom: float) -> Strip:
    """Scale the rows between two shares of the field's height to a strip; rows beyond the field are paper."""
    height, width = field.ink.shape
    first = round(top * height)
    last = max(first + 1, round(bottom * height))
    seen = field.ink[max(0, first) : max(0, last)]
    if first < 0 or last > height:
        seen = np.pad(seen, ((max(0, -first), max(0, last - max(height, first))), (0, 0)))
    strip_width = max(1, round(width * STRIP_HEIGHT_PX / (last - first)))
    interpolation = cv2.INTER_AREA if last - first > STRIP_HEIGHT_PX else cv2.INTER_LINEAR
    ink = cv2.resize(seen, (strip_width, STRIP_HEIGHT_PX), interpolation=interpolation)
    per_row = field.picture_size[1] / height
    strip_to_picture = np.diag([field.picture_size[0] / strip_width, (last - first) * per_row / STRIP_HEIGHT_PX, 1.0])
    strip_to_picture[1, 2] = first * per_row
    return Strip(np.asarray(ink, np.uint8), strip_to_picture)


def zoom_strip(field: FlatField, top_px: float, bottom_px: float) -> Strip:
    """Look again at a field, with the rows ``top_px`` to ``bottom_px`` of its first strip enlarged to most of the height."""
    first, last = _BAND_ROWS
    rows_px = (bottom_px - top_px) * STRIP_HEIGHT_PX / (last - first)
    start_px = top_px - first * rows_px / STRIP_HEIGHT_PX
    return cut_strip(field, start_px / STRIP_HEIGHT_PX, (start_px + rows_px) / STRIP_HEIGHT_PX)


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
