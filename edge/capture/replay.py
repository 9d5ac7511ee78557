"""A folder of pictures that plays the camera, with the faults of real cameras on demand: it ships, and the tests lean on it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from edge.capture.picture import find_pictures, load_picture
from edge.datatypes import Frame
from edge.errors import CameraError, PictureError

Fault = Literal["stall", "vanish", "short"]


class ReplayCamera:
    """Give the pictures of ``folder`` once, in the order of their names.

    ``faults`` says what goes wrong at the n-th reading, from 0: ``stall`` and ``short`` fail once and the picture comes at the
    next reading, as after a camera's hiccup; after ``vanish`` every reading fails.

    Raises:
        PictureError: the folder is missing or holds no pictures.
    """

    def __init__(self, folder: Path, faults: Mapping[int, Fault] | None = None) -> None:
        self._waiting = find_pictures([folder])[::-1]
        self._faults = faults or {}
        self._n_readings = 0
        self._is_gone = False

    def read(self) -> Frame | None:
        fault = self._faults.get(self._n_readings)
        self._n_readings += 1
        self._is_gone |= fault == "vanish"
        if self._is_gone:
            raise CameraError("the camera is gone; look at its cable and open it again")
        if fault == "stall":
            raise CameraError("no frame came in time; read again, and reopen the camera if none comes")
        if fault == "short":
            raise CameraError("the camera gave less than a frame; read again, and look at its cable if this goes on")
        if not self._waiting:
            return None
        path = self._waiting.pop()
        try:
            return load_picture(path)
        except PictureError as error:
            raise PictureError(f"{path}: {error}") from None

    def close(self) -> None:
        self._waiting.clear()
