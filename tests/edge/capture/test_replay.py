"""The replay camera fails where it is told to, as real cameras do."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture.replay import Fault, ReplayCamera
from edge.errors import CameraError, PictureError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for level in range(3):
        cv2.imwrite(str(tmp_path / f"{level}.png"), np.full((4, 6, 3), level, np.uint8))
    return tmp_path


@pytest.mark.parametrize(("fault", "words"), [("stall", "in time"), ("short", "less than a frame")])
def test_after_a_hiccup_the_same_picture_comes(folder: Path, fault: Fault, words: str) -> None:
    camera = ReplayCamera(folder, {1: fault})
    first = camera.read()
    assert first is not None
    levels = [int(first.pixels[0, 0, 0])]
    with pytest.raises(CameraError, match=words):
        camera.read()
    while (frame := camera.read()) is not None:
        levels.append(int(frame.pixels[0, 0, 0]))
    assert levels == [0, 1, 2]


def test_a_camera_that_vanished_stays_away(folder: Path) -> None:
    camera = ReplayCamera(folder, {1: "vanish"})
    assert camera.read() is not None
    for _ in range(3):
        with pytest.raises(CameraError, match="gone"):
            camera.read()


def test_a_broken_picture_in_the_folder_is_refused(folder: Path) -> None:
    (folder / "0.png").write_bytes(b"")
    with pytest.raises(PictureError, match="empty"):
        ReplayCamera(folder).read()
