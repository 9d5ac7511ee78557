"""The live picture: the latest glance with what was found drawn over it, and nothing by which an account number could be read."""

from collections.abc import Sequence

import cv2
import numpy as np

from edge.datatypes import F64, U8, Box, CheckReading, Glance

_COLOURS = {"accepted": (96, 174, 39), "unsure": (0, 152, 255), "unreadable": (60, 60, 220)}  # BGR
_OUTLINE = (214, 144, 32)
_COVER = (160, 166, 163)
_QUALITY = 80
# From pictures of 240 pixels our own reader still read account numbers, from 160 it did not.
_COARSE_PX = 128


def draw_live(glance: Glance, checks: Sequence[CheckReading], is_bare: bool) -> bytes:
    """Return a JPEG of the glance, with the MICR lines painted over; as long as nobody knows where one is, the whole is coarse.

    Args:
        checks: what was found and still lies there, places in the full frame's pixels.
        is_bare: no check lies there, as far as is known.
    """
    found = [(check, check.page) for check in checks if check.page is not None]
    is_fine = all(_micr_box(check) is not None for check, _ in found) if found else is_bare
    pixels = np.array(glance.pixels) if is_fine else _coarse(glance.pixels)
    for check, page in found:
        scale = pixels.shape[1] / check.frame_size[0]
        _ring(pixels, page.corners * scale, _OUTLINE, 3)
        page_to_glance = np.diag([scale, scale, 1.0]) @ page.page_to_frame
        if (line := _micr_box(check)) is not None:
            x, y, width, height = line
            over = _mapped((x - height, y - 0.4 * height, width + 2 * height, 1.8 * height), page_to_glance)
            cv2.fillConvexPoly(pixels, np.round(over).astype(np.int32), _COVER, cv2.LINE_AA)
        for reading in check.fields.values():
            if reading is not None and reading.box is not None:
                _ring(pixels, _mapped(reading.box, page_to_glance), _COLOURS[reading.verdict], 2)
    is_written, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert is_written  # a picture in memory can always be encoded
    return encoded.tobytes()


class LivePicture:
    """The live picture, drawn once for each glance however many look on: the same object until there is another."""

    def __init__(self) -> None:
        self._drawn: tuple[Glance, Sequence[CheckReading], bytes] | None = None

    def of(self, glance: Glance, checks: Sequence[CheckReading], is_bare: bool) -> bytes:
        """Return :func:`draw_live` of the same."""
        drawn = self._drawn
        if drawn is None or drawn[0] is not glance or drawn[1] is not checks:
            drawn = self._drawn = (glance, checks, draw_live(glance, checks, is_bare))
        return drawn[2]


def _micr_box(check: CheckReading) -> Box | None:
    line = check.fields.get("micr")
    return None if line is None else line.box


def _coarse(pixels: U8) -> U8:
    height, width = pixels.shape[:2]
    if width <= _COARSE_PX:
        return np.array(pixels)
    small = cv2.resize(pixels, (_COARSE_PX, max(1, round(height * _COARSE_PX / width))), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _mapped(box: Box, page_to_glance: F64) -> F64:
    """Return where a box of the page lies in the glance, its four corners."""
    x, y, width, height = box
    corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
    mapped = np.column_stack([corners, np.ones(4)]) @ page_to_glance.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)


def _ring(pixels: "cv2.typing.MatLike", corners: F64, colour: tuple[int, int, int], thickness: int) -> None:
    cv2.polylines(pixels, [np.round(corners).astype(np.int32)], True, colour, thickness, cv2.LINE_AA)
