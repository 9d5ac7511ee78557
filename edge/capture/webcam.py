"""A USB camera, through OpenCV's V4L2 driver."""

import time
from pathlib import Path

import cv2
import numpy as np

from edge.capture.camera import checked_pixels, shrunk
from edge.config import CameraConfig
from edge.datatypes import U8, Frame, Glance
from edge.errors import CameraError

_ATTEMPTS = 3  # a camera that has just been opened may miss its first frames
_V4L2_MANUAL, _V4L2_AUTO = 1, 3  # V4L2_CID_EXPOSURE_AUTO, videodev2.h
_EXPOSURE_UNIT_US = 100  # V4L2_CID_EXPOSURE_ABSOLUTE counts in these


class Webcam:
    """Read frames from /dev/video``number``.

    Raises:
        CameraError: no such device, or another program holds it.
    """

    def __init__(self, number: int, config: CameraConfig) -> None:
        self._device = f"/dev/video{number}"
        self._config = config
        if not Path(self._device).exists():
            raise CameraError(f"there is no camera at {self._device}; plug one in, or name another: webcam:1")
        self._capture = cv2.VideoCapture(number, cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise CameraError(f"{self._device} cannot be opened; end the program that holds it, or add yourself to the group 'video'")
        # As JPEGs; few USB cameras can send full-size frames otherwise. The camera gives the nearest size that it has.
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.width_px)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height_px)
        self._capture.set(cv2.CAP_PROP_FPS, config.fps)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame, not one of a queue
        if config.exposure_us is not None:
            self._capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, _V4L2_MANUAL)
            self._capture.set(cv2.CAP_PROP_EXPOSURE, config.exposure_us / _EXPOSURE_UNIT_US)

    def look(self) -> Glance:
        return Glance(shrunk(self._next()), time.monotonic())

    def read(self) -> Frame:
        return Frame(self._next(), self._device)

    def hold(self, is_held: bool) -> None:
        if self._config.exposure_us is None:
            exposure = self._capture.get(cv2.CAP_PROP_EXPOSURE)
            self._capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, _V4L2_MANUAL if is_held else _V4L2_AUTO)
            if is_held:
                self._capture.set(cv2.CAP_PROP_EXPOSURE, exposure)
        self._capture.set(cv2.CAP_PROP_AUTO_WB, float(not is_held))

    def close(self) -> None:
        self._capture.release()

    def _next(self) -> U8:
        for _ in range(_ATTEMPTS):
            is_read, pixels = self._capture.read()
            if is_read:
                return checked_pixels(np.asarray(pixels, np.uint8))
        raise CameraError(f"{self._device} gives no frames; unplug it and plug it in again")
