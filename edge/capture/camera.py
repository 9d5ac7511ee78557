"""Where frames come from when they are not named one by one: a camera, or a replay that stands in for one."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from edge.config import CameraConfig
from edge.datatypes import U8, Frame, Glance
from edge.errors import CameraError, UsageError

CAMERAS = "picam, webcam, webcam:NUMBER or replay:PATH"
# A glance is at most this wide: enough to see that something moves, and for a person to see what.
_GLANCE_WIDTH_PX = 800
_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


class Camera(Protocol):
    """A source of frames that has been opened; close it, best with `contextlib.closing`. One thread at a time uses it."""

    def look(self) -> Glance | None:
        """Wait for the next picture and return it small; None when no more will ever come.

        Raises:
            CameraError: the camera stands still, is gone, or gave less than a frame.
        """

    def read(self) -> Frame | None:
        """Wait for the next picture and return it in full size; None when no more will ever come.

        Raises:
            CameraError: the camera stands still, is gone, or gave less than a frame.
        """

    def hold(self, is_held: bool) -> None:
        """Keep exposure and white balance as they are while a check is read, or let them follow the light again."""

    def close(self) -> None:
        """Give the device back; closing twice is allowed."""


def open_camera(config: CameraConfig) -> Camera:
    """Return the camera that ``config.source`` names: `CAMERAS`. The driver is the one that is named, never another one instead.

    Raises:
        UsageError: no such kind of camera.
        CameraError: the camera is not there or gives no frames.
        PictureError: the folder of a replay holds no pictures.
    """
    return camera_opener(config)()


def camera_opener(config: CameraConfig, is_live: bool = False) -> Callable[[], Camera]:
    """Return what opens the camera, again and again if need be; a replay goes on where it was.

    ``is_live``: the replay plays in real time and never ends, as a counter with one check after another; otherwise each picture comes
    once. Real cameras are always live.

    Raises:
        UsageError: no such kind of camera.
        PictureError: the folder of a replay holds no pictures.
    """
    kind, _, where = config.source.partition(":")
    if kind == "replay" and where:
        from edge.capture.replay import Reel, ReplayCamera
        from edge.capture.script import open_script

        script = open_script(Path(where), config.fps if is_live else None)
        reel = Reel(script)
        return lambda: _turned(ReplayCamera(reel), config)
    if kind == "webcam" and (not where or where.isdecimal()):
        from edge.capture.webcam import Webcam

        return lambda: _turned(Webcam(int(where or 0), config), config)
    if config.source == "picam":
        from edge.capture.picam import Picam

        return lambda: _turned(Picam(config), config)
    raise UsageError(f"no camera is called {config.source!r}; use {CAMERAS}")


def shrunk(pixels: U8) -> U8:
    """Return a frame as a glance shows it: a whole number of pixels become one, which costs little."""
    height, width = pixels.shape[:2]
    factor = shrink_factor(pixels)
    if factor <= 1:
        return pixels
    cut = pixels[: height // factor * factor, : width // factor * factor]
    return np.asarray(cv2.resize(cut, (width // factor, height // factor), interpolation=cv2.INTER_AREA), np.uint8)


def shrink_factor(pixels: U8) -> int:
    """Return how many pixels of a frame become one of its glance, along each side."""
    return -(-pixels.shape[1] // _GLANCE_WIDTH_PX)


def checked_pixels(pixels: U8 | None) -> U8:
    """Return a picture that a device gave.

    Raises:
        CameraError: it is no whole picture.
    """
    if pixels is None or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise CameraError("the camera gave less than a frame; read again, and look at its cable if this goes on")
    return pixels


class _Turned:
    """A camera that is mounted turned."""

    def __init__(self, camera: Camera, rotation: int) -> None:
        self._camera, self._rotation = camera, rotation
        self.hold, self.close = camera.hold, camera.close

    def look(self) -> Glance | None:
        glance = self._camera.look()
        return None if glance is None else Glance(self._turn(glance.pixels), glance.time_s)

    def read(self) -> Frame | None:
        frame = self._camera.read()
        return None if frame is None else Frame(self._turn(frame.pixels), frame.name, frame.scale)

    def _turn(self, pixels: U8) -> U8:
        return np.asarray(cv2.rotate(pixels, self._rotation), np.uint8)


def _turned(camera: Camera, config: CameraConfig) -> Camera:
    return _Turned(camera, _TURNS[config.rotation_degrees]) if config.rotation_degrees else camera
