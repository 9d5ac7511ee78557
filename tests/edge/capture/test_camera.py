"""Cameras by name; whatever stands behind a name keeps the same contract."""

from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture.camera import open_camera
from edge.capture.webcam import Webcam
from edge.errors import CameraError, PictureError, UsageError


def test_a_replay_gives_each_picture_once_and_then_none(tmp_path: Path) -> None:
    for level, name in enumerate(("b.png", "a.png")):
        cv2.imwrite(str(tmp_path / name), np.full((4, 6, 3), level, np.uint8))
    with closing(open_camera(f"replay:{tmp_path}")) as camera:
        frames = [camera.read(), camera.read()]
        assert [frame.pixels[0, 0, 0] for frame in frames if frame] == [1, 0]
        assert camera.read() is None
    camera.close()
    assert camera.read() is None


@pytest.mark.parametrize("name", ["", "replay", "replay:", "webcam:left", "picam:0", "phone"])
def test_a_name_that_no_camera_has_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="use replay:DIR"):
        open_camera(name)


def test_a_replay_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="no pictures"):
        open_camera(f"replay:{tmp_path}")


def test_a_camera_that_is_not_there_is_an_error_that_names_the_device() -> None:
    with pytest.raises(CameraError, match="/dev/video987"):
        Webcam(987)
    with pytest.raises(CameraError, match="/dev/video987"):
        open_camera("webcam:987")


def test_the_pi_camera_is_refused_in_words() -> None:
    with pytest.raises(CameraError, match="webcam"):
        open_camera("picam")
