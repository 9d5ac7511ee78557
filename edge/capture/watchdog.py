"""A camera that comes back: each call has a time limit, what no camera should give is a fault, and after a fault it is opened again."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from edge.capture.camera import Camera
from edge.datatypes import U8, Frame, Glance
from edge.errors import CameraError, EdgeError, PictureError

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_ANSWER_S = 2.0  # a frame takes a tenth of it even in the dark
_OPEN_S = 4.0
_RETRY_S = 1.0
# A camera that was opened again while it gave frames of another size gives them still: what it gave before stays the measure so long.
_OTHER_CAMERA_S = 4.0
_BLACK_GREY = 4  # a covered lens gives 0 to 2
_BLACK = "the picture is black; take the cover off the lens, or switch the light on"


class Watchdog:
    """Gives glances and frames, or None while the camera is at fault; one log line says that it is, one that it is over.

    Args:
        open_camera: opens the camera, again and again if need be.
        size: height, width and channels of its glances, where they are known from before: :attr:`size` then.
    """

    def __init__(
        self,
        open_camera: Callable[[], Camera],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        size: tuple[int, ...] | None = None,
    ) -> None:
        self._open_camera = open_camera
        self._clock, self._sleep = clock, sleep
        self._worker: _Worker | None = None
        self._camera: Camera | None = None
        self._retry_at_s = clock()
        self.size = size
        self._full_size: tuple[int, ...] | None = None
        self._other_size: tuple[int, ...] | None = None
        self._other_since_s = 0.0
        self._latest_s: float | None = None
        self._fault_since_s = 0.0
        self.fault: str | None = None
        self.n_faults = 0
        self.is_over = False

    def look(self) -> Glance | None:
        """Return the next glance, None while the camera is at fault (after waiting a little) or when no more will come."""
        try:
            camera = self._opened()
            if camera is None:
                self._sleep(min(0.1, _RETRY_S))
                return None
            glance = self._ask(camera.look)
            if glance is None:
                self.is_over = True
                return None
            self._check(glance)
        except (CameraError, PictureError) as error:
            self._give_up(str(error))
            return None
        if _is_black(glance.pixels):
            self._begin_fault(_BLACK)
            return None
        self._end_fault()
        return glance

    def read(self) -> Frame | None:
        """Return the next frame in full size, None as :meth:`look`."""
        if self._camera is None or self.fault is not None:
            return None
        try:
            frame = self._ask(self._camera.read)
            if frame is not None:
                self._check_full(frame)
        except (CameraError, PictureError) as error:
            self._give_up(str(error))
            return None
        if frame is not None and _is_black(frame.pixels):
            self._begin_fault(_BLACK)
            return None
        return frame

    def hold(self, is_held: bool) -> None:
        """Keep exposure and white balance, or let them go; a camera at fault does neither."""
        if self._camera is None:
            return
        camera = self._camera
        try:
            self._ask(lambda: camera.hold(is_held))
        except CameraError as error:
            self._give_up(str(error))

    def close(self) -> None:
        """Give the camera back."""
        self._leave()

    def _opened(self) -> Camera | None:
        if self._camera is None and self._clock() >= self._retry_at_s:
            self._retry_at_s = self._clock() + _RETRY_S
            self._worker = _Worker()
            self._camera = self._worker.open(self._open_camera, _OPEN_S)
            self._latest_s = None
        return self._camera

    def _ask(self, question: Callable[[], _T]) -> _T:
        assert self._worker is not None
        return self._worker.ask(question, _ANSWER_S)

    def _check(self, glance: Glance) -> None:
        size = glance.pixels.shape
        if self.size is not None and size != self.size and not self._has_lasted(size):
            raise CameraError(f"the camera's frames have another size than before ({size[1]} x {size[0]}); it is opened again")
        if self._latest_s is not None and glance.time_s < self._latest_s:
            raise CameraError("the camera's clock goes backwards; it is opened again")
        if size != self.size:
            self._full_size = None
        self.size, self._other_size, self._latest_s = size, None, glance.time_s

    def _has_lasted(self, size: tuple[int, ...]) -> bool:
        """Return whether frames of another size have come long enough to be another camera's, and no fault of this one."""
        if size != self._other_size:
            self._other_size, self._other_since_s = size, self._clock()
        return self._clock() - self._other_since_s >= _OTHER_CAMERA_S

    def _check_full(self, frame: Frame) -> None:
        size = frame.pixels.shape
        if self._full_size is not None and size != self._full_size:
            raise CameraError(f"the camera's pictures have another size than before ({size[1]} x {size[0]}); it is opened again")
        self._full_size = size

    def _give_up(self, reason: str) -> None:
        self._begin_fault(reason)
        self._leave()

    def _leave(self) -> None:
        """Close the camera where it may block nobody: a driver that stands still may also stand still while closing."""
        if self._worker is not None:
            self._worker.end(self._camera)
        self._worker = self._camera = None

    def _begin_fault(self, reason: str) -> None:
        if self.fault is None:
            self._fault_since_s = self._clock()
            self.n_faults += 1
            _LOG.warning("the camera is at fault: %s", reason)
        self.fault = reason

    def _end_fault(self) -> None:
        if self.fault is not None:
            self.fault = None
            _LOG.warning("the camera is back after %.1f s", self._clock() - self._fault_since_s)


def _is_black(pixels: U8) -> bool:
    return int(pixels[::8, ::8].max()) <= _BLACK_GREY


class _Worker:
    """One thread that asks the camera, so that whoever waits for the answer need not wait for ever."""

    def __init__(self) -> None:
        self._questions: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._is_ended = False
        threading.Thread(target=self._work, name="camera", daemon=True).start()

    def ask(self, question: Callable[[], _T], limit_s: float) -> _T:
        answer: queue.SimpleQueue[tuple[_T | None, EdgeError | None]] = queue.SimpleQueue()

        def work() -> None:
            try:
                answer.put((question(), None))
            except EdgeError as error:  # handed on to whoever asked; anything else ends the thread with a traceback, and the wait in time
                answer.put((None, error))

        self._questions.put(work)
        try:
            value, error = answer.get(timeout=limit_s)
        except queue.Empty:
            raise CameraError(f"the camera has not answered for {limit_s:g} s; it is opened again") from None
        if error is not None:
            raise error
        return value  # type: ignore[return-value]  # None only where the question's own answer is None

    def open(self, open_camera: Callable[[], Camera], limit_s: float) -> Camera:
        def opened() -> Camera:
            camera = open_camera()
            if self._is_ended:  # nobody waits any more, and an open device would be held for ever
                camera.close()
            return camera

        return self.ask(opened, limit_s)

    def end(self, camera: Camera | None) -> None:
        self._is_ended = True
        if camera is not None:
            self._questions.put(camera.close)
        self._questions.put(None)

    def _work(self) -> None:
        while (question := self._questions.get()) is not None:
            question()
