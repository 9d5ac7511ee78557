"""The replay camera fails where it is told to, as real cameras do, and shows what a camera over a counter sees."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture.replay import Reel, ReplayCamera
from edge.capture.script import Fault, FaultKind, Scene, Script, counter_scenes, open_script
from edge.errors import CameraError, PictureError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for level in range(3):
        cv2.imwrite(str(tmp_path / f"{level}.png"), np.full((4, 6, 3), level, np.uint8))
    return tmp_path


def play(folder: Path, *faults: Fault) -> ReplayCamera:
    script = open_script(folder, None)
    return ReplayCamera(Reel(Script(script.scenes, faults)))


@pytest.mark.parametrize(("fault", "words"), [("stall", "in time"), ("short", "less than a frame"), ("vanish", "gone")])
def test_a_fault_ends_and_pictures_come_again(folder: Path, fault: FaultKind, words: str) -> None:
    camera = play(folder, Fault(fault, 1))
    assert camera.read() is not None
    with pytest.raises(CameraError, match=words):
        camera.read()
    frame = camera.read()
    assert frame is not None
    assert frame.pixels[0, 0, 0] == 2


def test_a_camera_that_vanished_cannot_be_opened_until_it_is_back(folder: Path) -> None:
    script = open_script(folder, None)
    reel = Reel(Script(script.scenes, (Fault("vanish", 0, 2),)))
    camera = ReplayCamera(reel)
    for _ in range(2):
        with pytest.raises(CameraError, match="gone"):
            camera.read()
    with pytest.raises(CameraError, match="gone"):
        ReplayCamera(reel)


@pytest.mark.parametrize("fault", ["black", "wrong_size", "clock_back"])
def test_a_fault_of_the_picture_shows_in_the_picture(folder: Path, fault: FaultKind) -> None:
    cv2.imwrite(str(folder / "1.png"), np.full((4, 6, 3), 99, np.uint8))
    camera = play(folder, Fault(fault, 1))
    before, during = camera.look(), camera.look()
    assert before is not None
    assert during is not None
    seen = {
        "black": int(during.pixels.max()) == 0,
        "wrong_size": during.pixels.shape != before.pixels.shape,
        "clock_back": during.time_s < before.time_s,
    }
    assert [name for name, is_seen in seen.items() if is_seen] == [fault]


def test_a_counter_is_bare_then_a_check_comes_lies_and_goes(folder: Path) -> None:
    cv2.imwrite(str(folder / "2.png"), np.pad(np.full((20, 20, 3), 250, np.uint8), ((10, 10), (10, 10), (0, 0)), constant_values=60))
    reel = Reel(Script(tuple(counter_scenes(folder / "2.png", 10, lies_s=1, bare_s=0.3)), is_looped=True))
    whites = []
    for _ in range(23):
        assert reel.wait()
        found = reel.picture()
        assert found is not None
        whites.append(int((found[0] > 200).sum()))
    whole = 20 * 20 * 3
    assert whites[:3] == [0, 0, 0]
    assert sorted(whites[3:8]) == whites[3:8]
    assert whites[8:18] == [whole] * 10
    assert sorted(whites[18:], reverse=True) == whites[18:]


def test_a_broken_picture_in_the_folder_is_refused(folder: Path) -> None:
    (folder / "0.png").write_bytes(b"")
    with pytest.raises(PictureError, match="empty"):
        play(folder).read()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"checks": []}', '{"checks": [{"picture": "0.png"}], "faults": [{"kind": "fire", "at_s": 1, "lasts_s": 1}]}']
)
def test_a_script_that_makes_no_sense_is_refused(folder: Path, text: str) -> None:
    (folder / "script.json").write_text(text)
    with pytest.raises(PictureError, match="script"):
        open_script(folder / "script.json", 15)


def test_a_file_that_is_no_video_is_refused(folder: Path) -> None:
    (folder / "film.mp4").write_text("nothing to see")
    with pytest.raises(PictureError, match="nor a video"):
        ReplayCamera(Reel(open_script(folder / "film.mp4", None))).read()


def test_simulated_time_passes_as_fast_as_it_is_asked_for(folder: Path) -> None:
    now = [100.0]
    reel = Reel(Script((Scene(folder / "0.png", 10),), fps=10, is_looped=True), lambda: now[0], lambda s: now.__setitem__(0, now[0] + s))
    camera = ReplayCamera(reel)
    for _ in range(1000):
        assert camera.look() is not None
    assert now[0] == pytest.approx(100.0 + 999 / 10)
