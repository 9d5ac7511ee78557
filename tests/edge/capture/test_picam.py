"""What the Pi's camera grants is brought into one form; tests/device drives the real picamera2."""

from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
import pytest

from edge.capture.picam import Picam, sensor_mode, to_bgr
from edge.config import CameraConfig
from edge.errors import CameraError, MissingDependencyError

BGR = (60, 120, 200)
SIZE = (64, 48)


def planes() -> tuple[np.ndarray, int, int]:
    """A flat colour as full-range BT.601: the luma plane, and the values of the two chroma planes."""
    red_blue = cv2.cvtColor(np.full((1, 1, 3), BGR, np.uint8), cv2.COLOR_BGR2YCrCb)[0, 0]
    return np.full((SIZE[1], SIZE[0] + 16), red_blue[0], np.uint8), int(red_blue[2]), int(red_blue[1])


def nv12() -> np.ndarray:
    luma, blue, red = planes()
    chroma = np.zeros((SIZE[1] // 2, luma.shape[1]), np.uint8)
    chroma[:, 0::2], chroma[:, 1::2] = blue, red
    return np.vstack([luma, chroma])


def yuv420() -> np.ndarray:
    luma, blue, red = planes()
    quarter = (SIZE[1] // 4, luma.shape[1])
    return np.vstack([luma, np.full(quarter, blue, np.uint8), np.full(quarter, red, np.uint8)])


@pytest.mark.parametrize(
    ("array", "form"),
    [
        (nv12(), "NV12"),
        (yuv420(), "YUV420"),
        (np.full((48, 64, 3), BGR, np.uint8), "RGB888"),
        (np.full((48, 64, 4), (*BGR, 0), np.uint8), "XRGB8888"),
    ],
)
def test_each_granted_format_gives_the_same_picture(array: np.ndarray, form: str) -> None:
    pixels = to_bgr(array, form, SIZE)
    assert pixels.shape == (48, 64, 3)
    assert np.abs(pixels.astype(int) - BGR).max() <= 2


# What picamera2 lists of two modules, and of a camera that is none.
MODULE_3 = [{"size": size, "bit_depth": 10} for size in ((1536, 864), (2304, 1296), (4608, 2592))]
MODULE_2 = [{"size": size, "bit_depth": depth} for depth in (8, 10) for size in ((640, 480), (1640, 1232), (1920, 1080), (3280, 2464))]


@pytest.mark.parametrize(
    ("modes", "asked", "expected"),
    [
        (MODULE_3, (1920, 1080), ((2304, 1296), 10)),
        (MODULE_3, (4608, 2592), ((4608, 2592), 10)),
        (MODULE_2, (1280, 720), ((1640, 1232), 10)),
        (MODULE_2, (9000, 6000), ((3280, 2464), 10)),
        ([{"format": "NV12"}], (1920, 1080), None),
        ([], (1920, 1080), None),
    ],
)
def test_the_sensors_mode_is_the_smallest_that_has_the_pixels(modes: list[Any], asked: tuple[int, int], expected: Any) -> None:
    mode = sensor_mode(modes, asked)
    assert (None if mode is None else (mode["size"], mode["bit_depth"])) == expected


def test_a_format_that_nobody_knows_is_refused() -> None:
    with pytest.raises(CameraError, match="SRGGB10"):
        to_bgr(nv12(), "SRGGB10", SIZE)


@pytest.mark.parametrize("form", ["NV12", "RGB888"])
def test_a_buffer_that_is_too_short_is_less_than_a_frame(form: str) -> None:
    with pytest.raises(CameraError, match="less than a frame"):
        to_bgr(nv12()[:40], form, SIZE)


@pytest.mark.skipif(find_spec("picamera2") is not None, reason="picamera2 is installed here")
def test_without_picamera2_the_error_says_how_to_install_it() -> None:
    with pytest.raises(MissingDependencyError, match="apt install python3-picamera2"):
        Picam(CameraConfig())
