"""Cameras by name; whatever stands behind a name keeps the same contract."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture.camera import Camera, camera_opener, open_camera, shrunk
from edge.capture.webcam import Webcam
from edge.config import CameraConfig
from edge.errors import CameraError, PictureError, UsageError
from tests.edge.capture.contract import CameraContract

SIZE = (1280, 720)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for level in (40, 120, 200):
        cv2.imwrite(str(tmp_path / f"{level}.png"), np.full((SIZE[1], SIZE[0], 3), level, np.uint8))
    return tmp_path


def _folder_source(folder: Path) -> str:
    return f"replay:{folder}"


def _video_source(folder: Path) -> str:
    path = folder / "checks.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 15, SIZE)
    for level in (40, 40, 40, 120, 120, 120, 200, 200, 200) * 3:
        writer.write(np.full((SIZE[1], SIZE[0], 3), level, np.uint8))
    writer.release()
    return f"replay:{path}"


def _script_source(folder: Path) -> str:
    (folder / "script.json").write_text('{"checks": [{"picture": "40.png", "bare_s": 0.2}, {"picture": "200.png"}]}')
    return f"replay:{folder / 'script.json'}"


def _webcam_source(folder: Path) -> str:
    if not Path("/dev/video0").exists():
        pytest.skip("no camera at /dev/video0")
    return "webcam"


class TestEachCamera(CameraContract):
    """The same contract holds for the Pi's camera: tests/device runs it on picamera2."""

    @pytest.fixture
    def size(self) -> tuple[int, int]:
        return SIZE

    @pytest.fixture(params=[_folder_source, _video_source, _script_source, _webcam_source], ids=lambda make: make.__name__.strip("_"))
    def live(self, request: pytest.FixtureRequest, folder: Path) -> Iterator[Callable[[], Camera]]:
        opener = camera_opener(CameraConfig(source=request.param(folder), fps=30), is_live=True)
        opened: list[Camera] = []

        def open_it() -> Camera:
            opened.append(opener())
            return opened[-1]

        yield open_it
        for camera in opened:
            camera.close()


def test_a_live_replay_keeps_its_pace_and_misses_what_nobody_waits_for(folder: Path) -> None:
    camera = open_live(folder, fps=20)
    started = time.monotonic()
    for _ in range(7):  # the first is there at once
        camera.look()
    assert time.monotonic() - started > 0.29
    camera.close()


def open_live(folder: Path, fps: float) -> Camera:
    return camera_opener(CameraConfig(source=f"replay:{folder}", fps=fps), is_live=True)()


def test_a_replay_gives_each_picture_once_and_then_none(tmp_path: Path) -> None:
    for level, name in enumerate(("b.png", "a.png")):
        cv2.imwrite(str(tmp_path / name), np.full((4, 6, 3), level, np.uint8))
    with closing(open_camera(CameraConfig(source=f"replay:{tmp_path}"))) as camera:
        frames = [camera.read(), camera.read()]
        assert [frame.pixels[0, 0, 0] for frame in frames if frame] == [1, 0]
        assert camera.read() is None
    camera.close()
    assert camera.read() is None


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_camera_that_is_mounted_turned_gives_upright_pictures(tmp_path: Path, degrees: int) -> None:
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[:10, :10] = 255
    seen = np.rot90(upright, degrees // 90)  # as the camera sees it, turned the other way
    cv2.imwrite(str(tmp_path / "a.png"), seen)
    with closing(open_camera(CameraConfig(source=f"replay:{tmp_path}", rotation_degrees=degrees))) as camera:
        frame = camera.read()
    assert frame is not None
    assert np.array_equal(frame.pixels, upright)


@pytest.mark.parametrize("name", ["", "replay", "replay:", "webcam:left", "picam:0", "phone"])
def test_a_name_that_no_camera_has_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="use picam, webcam"):
        open_camera(CameraConfig(source=name))


def test_a_replay_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="no pictures"):
        open_camera(CameraConfig(source=f"replay:{tmp_path}"))


def test_a_camera_that_is_not_there_is_an_error_that_names_the_device() -> None:
    with pytest.raises(CameraError, match="/dev/video987"):
        Webcam(987, CameraConfig())
    with pytest.raises(CameraError, match="/dev/video987"):
        open_camera(CameraConfig(source="webcam:987"))


def test_a_small_picture_is_its_own_glance() -> None:
    pixels = np.zeros((600, 800, 3), np.uint8)
    assert shrunk(pixels) is pixels
    assert shrunk(np.zeros((1200, 1601, 3), np.uint8)).shape == (400, 533, 3)
