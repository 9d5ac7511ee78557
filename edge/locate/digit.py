"""From the picture of one isolated digit, of any size and polarity, to 32 x 32 ink."""

import cv2
import numpy as np

from edge.datatypes import F32, U8

DIGIT_SIZE_PX = 32
# The longer side of the ink after scaling; the margin gives the network room for what thresholding missed.
_INK_PX = 24
_WORK_PX = 64
# Specks smaller than this share of the largest stroke do not move the frame around the digit.
_LEAST_PART = 0.08
# Light that changes over less than this share of the side is taken for ink, not for shadow.
_REACH = 0.8
# A part that touches the rim and whose centre lies further than this (share of the side) from the middle is beside the digit.
_RIM_BAND = 0.3
# Grey levels between paper and ink under which there is nothing to see.
_LEAST_CONTRAST = 5.0


def normalize_digit(picture: U8) -> U8:
    """Return the digit as ink, uint8 (32, 32), 0 paper, 255 ink, its bounding box centred with the longer side 24 pixels.

    Dark on light or light on dark is decided by the rim: paper surrounds a digit, so the light at the rim is the paper's. A
    picture without contrast gives an empty square.
    """
    work = picture
    longest = max(picture.shape)
    if longest > _WORK_PX:
        size = [max(1, round(s * _WORK_PX / longest)) for s in picture.shape]
        work = np.asarray(cv2.resize(picture, (size[1], size[0]), interpolation=cv2.INTER_AREA), np.uint8)
    elif longest < DIGIT_SIZE_PX:
        size = [max(1, round(s * DIGIT_SIZE_PX / longest)) for s in picture.shape]
        work = np.asarray(cv2.resize(picture, (size[1], size[0]), interpolation=cv2.INTER_CUBIC), np.uint8)
    depth = _depth(work)
    _, mask = cv2.threshold(depth, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    box = _ink_box(np.asarray(mask, np.uint8))
    if box is None:
        return np.zeros((DIGIT_SIZE_PX, DIGIT_SIZE_PX), np.uint8)
    x, y, width, height = box
    scale = _INK_PX / max(width, height)
    if scale < 0.7:
        depth = np.asarray(cv2.blur(depth, (2, 2)), np.uint8)
    centre_x, centre_y, middle = x + (width - 1) / 2, y + (height - 1) / 2, (DIGIT_SIZE_PX - 1) / 2
    matrix = np.array([[scale, 0, middle - scale * centre_x], [0, scale, middle - scale * centre_y]])
    return np.asarray(cv2.warpAffine(depth, matrix, (DIGIT_SIZE_PX, DIGIT_SIZE_PX), flags=cv2.INTER_LINEAR), np.uint8)


def _depth(grey: U8) -> U8:
    """Return the distance of each pixel from its paper towards the ink's side, stretched to 255."""
    height, width = grey.shape
    departure = grey.astype(np.float32) - _paper(grey)
    # A digit stands in the middle: shadows and frames at the rim have no vote on the polarity.
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    is_dark = (window * np.clip(-departure, 0, None) ** 2).sum() >= (window * np.clip(departure, 0, None) ** 2).sum()
    dark_ink = grey if is_dark else 255 - grey
    kernel = np.ones((round(_REACH * height) | 1, round(_REACH * width) | 1), np.uint8)
    above = cv2.morphologyEx(dark_ink, cv2.MORPH_BLACKHAT, kernel, borderType=cv2.BORDER_REPLICATE).astype(np.float32)
    signed = np.minimum(np.clip(-departure if is_dark else departure, 0, None), above)
    # Grain of the paper, as far as it lies on the ink's side, is cut off; clean pictures have none.
    signed = np.clip(signed - float(np.median(signed)), 0, None)
    top = float(np.percentile(signed, 98.5))
    if top < _LEAST_CONTRAST:
        return np.zeros(grey.shape, np.uint8)
    return np.asarray(np.clip(signed * (255.0 / top), 0, 255), np.uint8)


def _paper(grey: U8) -> F32:
    """Return the plane of light through the rim's pixels; ink and ruled lines that cross the rim are left out of the fit."""
    height, width = grey.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    ring = np.ones(grey.shape, bool)
    ring[1:-1, 1:-1] = False
    levels = grey[ring].astype(np.float32)
    terms = np.column_stack([np.ones_like(levels), columns[ring], rows[ring]])
    kept = np.abs(levels - np.median(levels)) <= 2.0 * np.median(np.abs(levels - np.median(levels))) + 4.0
    if kept.sum() < 8 or height < 3 or width < 3:
        return np.full(grey.shape, np.median(levels), np.float32)
    offset, slope_x, slope_y = np.linalg.lstsq(terms[kept], levels[kept], rcond=None)[0]
    return np.asarray(offset + slope_x * columns + slope_y * rows, np.float32)


def _ink_box(mask: U8) -> tuple[int, int, int, int] | None:
    """Return the box around the strokes; what hangs in from the rim beside the digit is a ruled line or a neighbour."""
    n_parts, _, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if n_parts < 2:
        return None
    parts = stats[1:]
    areas = parts[:, cv2.CC_STAT_AREA].astype(np.float64)
    left, top = parts[:, cv2.CC_STAT_LEFT], parts[:, cv2.CC_STAT_TOP]
    right, bottom = left + parts[:, cv2.CC_STAT_WIDTH], top + parts[:, cv2.CC_STAT_HEIGHT]
    at_rim = (left == 0) | (top == 0) | (right == mask.shape[1]) | (bottom == mask.shape[0])
    off_centre = np.abs(centres[1:] / np.array(mask.shape[::-1]) - 0.5).max(axis=1)
    beside = at_rim & (off_centre > _RIM_BAND)
    if beside.all():
        beside[:] = False
    kept = ~beside & (areas >= _LEAST_PART * areas[~beside].max())
    x, y = int(left[kept].min()), int(top[kept].min())
    return x, y, int(right[kept].max()) - x, int(bottom[kept].max()) - y
