"""The live picture: the latest glance with what was found drawn over it."""

from collections.abc import Sequence

import cv2
import numpy as np

from edge.datatypes import F64, CheckReading, Glance, Reading

_COLOURS = {"accepted": (96, 174, 39), "unsure": (0, 152, 255), "unreadable": (60, 60, 220)}  # BGR
_OUTLINE = (214, 144, 32)
_QUALITY = 80


def draw_live(glance: Glance, checks: Sequence[CheckReading]) -> bytes:
    """Return a JPEG of the glance; ``checks`` were found and still lie there, their places in the full frame's pixels."""
    pixels = np.array(glance.pixels)
    for check in checks:
        if check.page is None:
            continue
        scale = pixels.shape[1] / check.frame_size[0]
        _ring(pixels, check.page.corners * scale, _OUTLINE, 3)
        for reading in check.fields.values():
            if reading is not None and reading.box is not None:
                _draw_field(pixels, reading, np.diag([scale, scale, 1.0]) @ check.page.page_to_frame)
    is_written, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert is_written  # a picture in memory can always be encoded
    return encoded.tobytes()


def _draw_field(pixels: "cv2.typing.MatLike", reading: Reading, page_to_glance: F64) -> None:
    assert reading.box is not None
    x, y, width, height = reading.box
    corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
    mapped = np.column_stack([corners, np.ones(4)]) @ page_to_glance.T
    _ring(pixels, mapped[:, :2] / mapped[:, 2:], _COLOURS[reading.verdict], 2)


def _ring(pixels: "cv2.typing.MatLike", corners: F64, colour: tuple[int, int, int], thickness: int) -> None:
    cv2.polylines(pixels, [np.round(corners).astype(np.int32)], True, colour, thickness, cv2.LINE_AA)
