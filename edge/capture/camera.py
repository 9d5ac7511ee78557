"""Where frames come from when they are not named one by one: a camera, or a folder that stands in for one."""

from pathlib import Path
from typing import Protocol

from edge.datatypes import Frame
from edge.errors import CameraError, UsageError

CAMERAS = "replay:DIR, webcam or webcam:NUMBER"


class Camera(Protocol):
    """A source of frames that has been opened; close it, best with `contextlib.closing`."""

    def read(self) -> Frame | None:
        """Return the next frame, or None when no more will ever come.

        Raises:
            CameraError: the camera stands still, is gone, or gave less than a frame.
        """

    def close(self) -> None:
        """Give the device back; closing twice is allowed."""


def open_camera(name: str) -> Camera:
    """Return the camera that ``name`` stands for: `CAMERAS`. The driver is the one that is named, never another one instead.

    Raises:
        UsageError: no such kind of camera.
        CameraError: the camera is not there or gives no frames.
        PictureError: the folder of a replay holds no pictures.
    """
    kind, _, where = name.partition(":")
    if kind == "replay" and where:
        from edge.capture.replay import ReplayCamera

        return ReplayCamera(Path(where))
    if kind == "webcam" and (not where or where.isdecimal()):
        from edge.capture.webcam import Webcam

        return Webcam(int(where or 0))
    if name == "picam":
        raise CameraError("this version does not drive the Pi's camera module; use webcam, or replay:DIR with pictures from rpicam-still")
    raise UsageError(f"no camera is called {name!r}; use {CAMERAS}")
