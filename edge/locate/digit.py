"""From the picture of one isolated digit, of any size and polarity, to 32 x 32 ink."""

import math

import cv2
import numpy as np

from edge.datatypes import F32, U8

DIGIT_SIZE_PX = 32
# The longer side of the ink after scaling; the margin gives the network room for what thresholding missed.
_INK_PX = 24
_WORK_PX = 64
# Specks smaller than this share of the largest stroke do not move the frame around the digit.
_LEAST_PART = 0.08
# Widest stroke and widest shape, as shares of the longer side: what is broader is light, not ink.
_STROKE, _SHAPE = 0.45, 0.7
# Size of the corners that show the paper, as a share of each side, and how often the paper's plane is fitted to them.
_CORNER, _FITS = 0.22, 3
_DAMPING = np.array([1.0, 4.0, 4.0])
# A part that touches the rim and whose centre lies further than this (share of the side) from the middle is beside the digit.
_RIM_BAND = 0.3
_FRAME_FILL = 0.3
# Grey levels between paper and ink under which there is nothing to see.
_LEAST_CONTRAST = 5.0


def normalize_digit(picture: U8) -> U8:
    """Return the digit as ink, uint8 (32, 32), 0 paper, 255 ink, its bounding box centred with the longer side 24 pixels.

    Dark on light or light on dark is decided by the corners: a digit leaves them bare, so the light there is the paper's. A
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


def turn(ink: U8, angle_rad: float) -> U8:
    """Return normalised ink turned clockwise about its middle."""
    middle = (DIGIT_SIZE_PX - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), -math.degrees(angle_rad), 1.0)
    return np.asarray(cv2.warpAffine(ink, matrix, (DIGIT_SIZE_PX, DIGIT_SIZE_PX), flags=cv2.INTER_LINEAR), np.uint8)


def _depth(grey: U8) -> U8:
    """Return the distance of each pixel from its paper towards the ink's side, stretched to 255."""
    height, width = grey.shape
    departure = grey.astype(np.float32) - _paper(grey)
    # A digit is made of strokes and stands in the middle: broad light and frames at the rim have no vote on the polarity.
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    dark, light = np.clip(-departure, 0, None), np.clip(departure, 0, None)
    dark_votes = window * np.minimum(dark, _narrow(grey, _STROKE)) ** 2
    light_votes = window * np.minimum(light, _narrow(_inverse(grey), _STROKE)) ** 2
    is_dark = dark_votes.sum() >= light_votes.sum()
    signed = np.minimum(dark if is_dark else light, _narrow(grey if is_dark else _inverse(grey), _SHAPE))
    # Grain of the paper, as far as it lies on the ink's side, is cut off; clean pictures have none.
    signed = np.clip(signed - float(np.median(signed)), 0, None)
    top = float(np.percentile(signed, 98.5))
    if top < _LEAST_CONTRAST:
        return np.zeros(grey.shape, np.uint8)
    return np.asarray(np.clip(signed * (255.0 / top), 0, 255), np.uint8)


def _inverse(grey: U8) -> U8:
    return np.asarray(255 - grey, np.uint8)


def _narrow(dark_ink: U8, share: float) -> F32:
    """Return how far each pixel lies under the brightest paper around it, for what is narrower than a share of the longer side."""
    reach = round(share * max(dark_ink.shape)) | 1
    kernel = np.ones((reach, reach), np.uint8)
    hat = cv2.morphologyEx(dark_ink, cv2.MORPH_BLACKHAT, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(hat, np.float32)


def _paper(grey: U8) -> F32:
    """Return the plane of light through the corners, which a digit leaves bare; ink, frames and ruled lines are left out of the fit."""
    height, width = grey.shape
    corner = max(1, round(_CORNER * height)), max(1, round(_CORNER * width))
    corners = np.ones(grey.shape, bool)
    corners[corner[0] : height - corner[0]] = False
    corners[:, corner[1] : width - corner[1]] = False
    rows, columns = np.nonzero(corners)
    levels = grey[corners].astype(np.float32)
    terms = np.column_stack([np.ones_like(levels), columns / width, rows / height]).astype(np.float32)
    plane = np.array([np.median(levels), 0, 0], np.float32)
    for _ in range(_FITS):
        off = np.abs(levels - terms @ plane)
        kept = off <= 2.0 * np.median(off) + 3.0
        # Normal equations, slightly damped: where few pixels are kept, the plane stays level.
        some = terms[kept]
        plane = np.linalg.solve(some.T @ some + np.diag(_DAMPING), some.T @ levels[kept] + _DAMPING * [plane[0], 0, 0])
    offset, slope_x, slope_y = plane
    light = slope_x * np.arange(width)[None] / width + slope_y * np.arange(height)[:, None] / height
    return np.asarray(offset + light, np.float32)


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
    fill = areas / (parts[:, cv2.CC_STAT_WIDTH] * parts[:, cv2.CC_STAT_HEIGHT])
    # The corner of a cell's frame is a large box with little ink in it, around something whole.
    is_frame = (fill < _FRAME_FILL) & (areas[~at_rim].max(initial=0) > 0.15 * areas)
    beside = at_rim & ((off_centre > _RIM_BAND) | is_frame)
    if beside.all():
        beside[:] = False
    kept = ~beside & (areas >= _LEAST_PART * areas[~beside].max())
    x, y = int(left[kept].min()), int(top[kept].min())
    return x, y, int(right[kept].max()) - x, int(bottom[kept].max()) - y
