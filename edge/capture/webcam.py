"""A USB camera, through OpenCV's V4L2 driver."""

from pathlib import Path

import cv2
import numpy as np

from edge.datatypes import Frame
from edge.errors import CameraError

_SIZE = (1920, 1080)  # asked for; the camera gives the nearest it has
_ATTEMPTS = 3  # a camera that has just been opened may miss its first frames


class Webcam:
    """Read frames from /dev/video``number``.

    Raises:
        CameraError: no such device, or another program holds it.
    """

    def __init__(self, number: int = 0) -> None:
        self._device = f"/dev/video{number}"
        if not Path(self._device).exists():
            raise CameraError(f"there is no camera at {self._device}; plug one in, or name another: webcam:1")
        self._capture = cv2.VideoCapture(number, cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise CameraError(f"{self._device} cannot be opened; end the program that holds it, or add yourself to the group 'video'")
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, _SIZE[0])
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, _SIZE[1])

    def read(self) -> Frame:
        for _ in range(_ATTEMPTS):
            is_read, pixels = self._capture.read()
            if is_read:
                return Frame(np.asarray(pixels, np.uint8), self._device)
        raise CameraError(f"{self._device} gives no frames; unplug it and plug it in again")

    def close(self) -> None:
        self._capture.release()
