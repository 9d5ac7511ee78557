"""A camera at fault is opened again until it is back, with one line for the fault and one for its end."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture.replay import Reel, ReplayCamera
from edge.capture.script import Fault, FaultKind, Scene, Script
from edge.capture.watchdog import Watchdog
from edge.datatypes import Frame, Glance
from tests.edge.conftest import Clock

FPS = 30.0
FAULTS: tuple[FaultKind, ...] = ("stall", "vanish", "black", "short", "wrong_size", "clock_back")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((20, 30, 3), 99, np.uint8))
    return tmp_path / "a.png"


@pytest.mark.parametrize("kind", FAULTS)
def test_after_each_kind_of_fault_the_camera_is_back_within_five_seconds(
    picture: Path, caplog: pytest.LogCaptureFixture, kind: FaultKind
) -> None:
    last = 100 if kind == "stall" else 40  # a stall has to outlast the watchdog's patience
    script = Script((Scene(picture, 10_000),), (Fault(kind, 10, last - 9),), FPS, is_looped=True)
    reel = Reel(script)
    watchdog = Watchdog(lambda: ReplayCamera(reel))
    assert watchdog.look() is not None
    with caplog.at_level(logging.WARNING):
        while watchdog.fault is None:
            watchdog.look()
        while watchdog.fault is not None:
            watchdog.look()
    behind_s = reel.clock() - reel.due_s(last)
    watchdog.close()
    assert behind_s < 5
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert messages[0].startswith("the camera is at fault: ")
    assert messages[1].startswith("the camera is back after ")
    assert watchdog.n_faults == 1


class Sized:
    """A camera whose frames have the size that they are told to have."""

    def __init__(self, sizes: Callable[[], tuple[int, int]], clock: Clock) -> None:
        self._sizes, self._clock = sizes, clock

    def look(self) -> Glance | None:
        return Glance(np.full((*self._sizes(), 3), 99, np.uint8), self._clock())

    def read(self) -> Frame | None:
        return Frame(np.full((*self._sizes(), 3), 99, np.uint8), "sized")

    def hold(self, is_held: bool) -> None:
        pass

    def close(self) -> None:
        pass


def test_another_size_is_a_fault_also_after_opening_again_until_it_has_lasted() -> None:
    clock, size = Clock(), [(20, 30)]
    watchdog = Watchdog(lambda: Sized(lambda: size[0], clock), clock, clock.sleep)
    assert watchdog.look() is not None
    size[0] = (10, 30)
    while clock() < 3:
        assert watchdog.look() is None
        clock.sleep(0.5)
    while watchdog.look() is None:
        clock.sleep(0.5)
    assert 3 < clock() < 6
    frame = watchdog.read()
    assert frame is not None
    assert frame.pixels.shape == (10, 30, 3)
    watchdog.close()


class Hanging:
    """A driver that blocks in an answer until it is closed from elsewhere, which real ones do as well."""

    def __init__(self, freed: threading.Event) -> None:
        self._freed = freed

    def look(self) -> Glance | None:
        self._freed.wait(20)
        return None

    def read(self) -> Frame | None:
        return None

    def hold(self, is_held: bool) -> None:
        """Nothing to hold."""

    def close(self) -> None:
        """Blocks nobody."""


def test_a_driver_that_never_answers_is_left_behind(picture: Path) -> None:
    freed = threading.Event()
    reel = Reel(Script((Scene(picture, 10),), fps=FPS, is_looped=True))
    cameras: list[Callable[[], Hanging | ReplayCamera]] = [lambda: Hanging(freed), lambda: ReplayCamera(reel)]
    watchdog = Watchdog(lambda: cameras.pop(0)() if len(cameras) > 1 else cameras[0]())
    assert watchdog.look() is None
    assert "not answered" in str(watchdog.fault)
    while watchdog.look() is None:
        pass
    assert watchdog.fault is None
    freed.set()
    watchdog.close()


def test_a_camera_without_further_frames_is_over(picture: Path) -> None:
    reel = Reel(Script((Scene(picture, 1),)))
    watchdog = Watchdog(lambda: ReplayCamera(reel))
    assert watchdog.look() is not None
    assert watchdog.look() is None
    assert watchdog.is_over
    assert watchdog.fault is None
    watchdog.close()
