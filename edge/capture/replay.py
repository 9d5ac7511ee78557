"""Pictures or a video that play the camera, with the faults of real cameras on demand: it ships, and the tests lean on it."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from edge.capture.camera import checked_pixels, shrink_factor, shrunk
from edge.capture.picture import load_picture
from edge.capture.script import FaultKind, Scene, Script
from edge.datatypes import U8, Frame, Glance
from edge.errors import CameraError, PictureError

_GONE = "the camera is gone; look at its cable and open it again"


class Reel:
    """A script with its place in it, which outlives the cameras that play it; ``clock`` and ``sleep`` may be simulated.

    Without a rate the next frame is there at once; with one, frames that nobody waited for are missed, as with any camera.
    """

    def __init__(self, script: Script, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self.script = script
        self.clock, self.sleep = clock, sleep
        self.index = -1  # of the latest frame, from the first opening on
        self._started_s: float | None = None
        self._shown: tuple[Path, U8] | None = None
        self._counter: tuple[Path, U8] | None = None  # one pixel, seen as a whole picture
        self._video: cv2.VideoCapture | None = None
        self._size: tuple[int, int] | None = None  # live, all pictures have that of the first, as those of one camera have
        self._ends = np.cumsum([scene.n_frames for scene in script.scenes])

    def wait(self) -> bool:
        """Wait for the next frame; return whether there is one."""
        if self.script.fps is None:
            self.index += 1
        else:
            if self._started_s is None:
                self._started_s = self.clock()
            due_s = self.due_s(self.index + 1)
            now_s = self.clock()
            if now_s < due_s:
                self.sleep(due_s - now_s)
                self.index += 1
            else:
                self.index = max(self.index + 1, int((now_s - self._started_s) * self.script.fps))
        return self.script.is_looped or self.script.video is not None or self.index < self.script.n_frames

    def due_s(self, index: int) -> float:
        """Return when a frame is due, in the reel's clock."""
        assert self.script.fps is not None
        return (self._started_s or 0.0) + index / self.script.fps

    def fault(self) -> FaultKind | None:
        for fault in self.script.faults:
            if fault.first <= self.index < fault.first + fault.n_frames:
                return fault.kind
        return None

    def picture(self) -> tuple[U8, str] | None:
        """Return what the camera sees now and where it comes from; None when a video is over."""
        if self.script.video is not None:
            return self._next_of_video(self.script.video)
        scene, share = self.scene()
        picture = scene.picture or self._next_picture()
        pixels = self._load(picture)
        if scene.picture is None:
            if self._counter is None or self._counter[0] != picture:
                self._counter = picture, _bare(pixels)
            return self._counter[1], "bare"
        if scene.motion == "arrives":
            return _shifted(pixels, 1.0 - share), str(picture)
        return (_shifted(pixels, share) if scene.motion == "leaves" else pixels), str(picture)

    def scene(self) -> tuple[Scene, float]:
        """Return the scene of the latest frame, and which share of it is over."""
        place = self.index % self.script.n_frames
        number = int(np.searchsorted(self._ends, place, side="right"))
        scene = self.script.scenes[number]
        return scene, (place - (int(self._ends[number]) - scene.n_frames)) / scene.n_frames

    def _next_picture(self) -> Path:
        place = self.index % self.script.n_frames
        number = int(np.searchsorted(self._ends, place, side="right"))
        return next(s.picture for s in (*self.script.scenes[number:], *self.script.scenes) if s.picture is not None)

    def _load(self, path: Path) -> U8:
        if self._shown is None or self._shown[0] != path:
            self._shown = self._counter = None  # before the next one takes its place, not beside it
            try:
                pixels = load_picture(path).pixels
            except PictureError as error:
                raise PictureError(f"{path}: {error}") from None
            if self.script.fps is not None:
                self._size = self._size or (pixels.shape[1], pixels.shape[0])
                pixels = _fitted(pixels, self._size)
            self._shown = path, pixels
        return self._shown[1]

    def _next_of_video(self, path: Path) -> tuple[U8, str] | None:
        for _ in range(2):
            if self._video is None:
                self._video = cv2.VideoCapture(str(path))
            is_read, pixels = self._video.read()
            if is_read:
                return np.asarray(pixels, np.uint8), str(path)
            if int(self._video.get(cv2.CAP_PROP_POS_FRAMES)) == 0:
                raise PictureError(f"{path}: neither a folder of pictures, nor a script, nor a video that can be read; check the path")
            self._video.release()
            self._video = None
            if not self.script.is_looped:
                return None
        raise PictureError(f"{path}: the video has no frames; record it again")


class ReplayCamera:
    """Play a reel, from where it is.

    Raises:
        CameraError: the reel's camera is gone just now.
    """

    def __init__(self, reel: Reel) -> None:
        self._reel = reel
        self._closed = threading.Event()
        if reel.script.fps is not None and reel.index >= 0 and not reel.wait():
            self._closed.set()
        if reel.fault() == "vanish":
            raise CameraError(_GONE)

    def look(self) -> Glance | None:
        found = self._next()
        if found is None:
            return None
        time_s = self._reel.clock() - (60.0 if self._reel.fault() == "clock_back" else 0.0)
        return Glance(_small(found[0]), time_s)

    def read(self) -> Frame | None:
        found = self._next()
        return None if found is None else Frame(_whole(found[0]), found[1])

    def hold(self, is_held: bool) -> None:
        """Pictures have the light they were taken in."""

    def close(self) -> None:
        self._closed.set()

    def _next(self) -> tuple[U8, str] | None:
        if self._closed.is_set() or not self._reel.wait():
            return None
        while (fault := self._reel.fault()) == "stall":
            if self._reel.script.fps is None or self._closed.is_set():
                raise CameraError("no frame came in time; read again, and reopen the camera if none comes")
            self._reel.wait()
        if fault == "vanish":
            raise CameraError(_GONE)
        if fault == "short":
            return checked_pixels(None), ""
        found = self._reel.picture()
        if found is None or fault not in ("black", "wrong_size"):
            return found
        pixels, name = found
        return (np.zeros_like(pixels), name) if fault == "black" else (pixels[: len(pixels) // 2], name)


def _bare(pixels: U8) -> U8:
    """Return the counter without a check: the colour of the picture's border."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return np.broadcast_to(np.median(border, axis=0).astype(np.uint8), pixels.shape)


def _small(pixels: U8) -> U8:
    """Return a picture as a glance shows it; one that is of one colour, as a bare counter is, costs nothing."""
    if any(pixels.strides[:2]):
        return shrunk(pixels)
    factor = shrink_factor(pixels)
    return _whole(pixels[: len(pixels) // factor, : pixels.shape[1] // factor])


def _whole(pixels: U8) -> U8:
    """Return a picture with all its pixels in memory; row after row, since NumPy spreads a single pixel fifty times more slowly."""
    return pixels if any(pixels.strides[:2]) else np.repeat(np.ascontiguousarray(pixels[:1]), len(pixels), axis=0)


def _shifted(pixels: U8, share: float) -> U8:
    """Return the picture moved out of the frame by a share of its height; what it leaves is bare."""
    rows = round(share * len(pixels))
    moved = np.array(_bare(pixels))
    moved[rows:] = pixels[: len(pixels) - rows]
    return moved


def _fitted(pixels: U8, size: tuple[int, int]) -> U8:
    """Return the picture as large as it fits into a frame of this size, on a bare counter."""
    height, width = pixels.shape[:2]
    if (width, height) == size:
        return pixels
    scale = min(size[0] / width, size[1] / height)
    inside = round(width * scale), round(height * scale)
    frame = np.empty((size[1], size[0], 3), np.uint8)
    frame[:] = _bare(pixels)[0, 0]
    left, top = (size[0] - inside[0]) // 2, (size[1] - inside[1]) // 2
    frame[top : top + inside[1], left : left + inside[0]] = cv2.resize(pixels, inside, interpolation=cv2.INTER_AREA)
    return frame
