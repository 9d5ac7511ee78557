"""Does something move? Decided on glances, as cheaply as can be: a counter without checks must cost next to nothing."""

import cv2
import numpy as np

from edge.datatypes import F32, U8, Glance

_WIDTH_PX = 160
# Grey levels that a pixel of this small picture may change by without anything having moved: the noise of a sensor in the dark,
# averaged over the pixels that one stands for, stays under 4.
_CHANGE = 10
# Share of the picture that has changed when something moves: a finger at the edge is a hundredth, a check that slides a tenth.
_SHARE = 0.002


class MotionMeter:
    """Compares each glance with the one before, and with one that is older, so that what moves slowly is seen as well."""

    def __init__(self) -> None:
        self._previous: F32 | None = None
        self._older: F32 | None = None
        self._n_since = 0

    def is_moving(self, glance: Glance) -> bool:
        """Return whether something has moved since the glances before; the first one is motion, since nothing is known before it."""
        grey = _small(glance.pixels)
        moved = self._previous is None or self._older is None or has_moved(self._previous, grey) or has_moved(self._older, grey)
        self._previous = grey
        self._n_since += 1
        if self._older is None or self._older.shape != grey.shape or moved or self._n_since >= 8:
            self._older, self._n_since = grey, 0
        return moved

    def reset(self) -> None:
        """Forget what was seen: the camera was away."""
        self._previous = self._older = None


def has_moved(before: F32, now: F32) -> bool:
    """Return whether two small grey pictures differ by more than noise and a change of the light as a whole."""
    if before.shape != now.shape:
        return True
    change = now - before
    change -= np.median(change[::4, ::4])  # a lamp, or the camera's exposure
    return float(np.mean(np.abs(change) > _CHANGE)) > _SHARE


def _small(pixels: U8) -> F32:
    height, width = pixels.shape[:2]
    size = (min(width, _WIDTH_PX), max(1, round(height * min(1.0, _WIDTH_PX / width))))
    grey = cv2.cvtColor(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.blur(grey, (3, 3)), np.float32)
