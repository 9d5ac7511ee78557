"""The Pi's camera module as picamera2 drives it, on a virtual camera: `make test-device` builds where this runs, and runs it."""

import gc
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.capture.camera import camera_opener
from edge.capture.picam import Picam
from edge.capture.watchdog import Watchdog
from edge.config import CameraConfig, Config
from edge.errors import CameraError
from edge.service.daemon import Daemon
from edge.service.store import Store
from tests.edge.capture.contract import CameraContract

if find_spec("virtual_camera") is None:
    pytest.skip("needs picamera2 on a virtual camera: make test-device builds it and runs this", allow_module_level=True)
import virtual_camera

pytestmark = pytest.mark.filterwarnings("ignore:setDaemon:DeprecationWarning")  # picamera2's own

SIZE = (1280, 720)
VIRTUAL_SIZES = ((1280, 720), (1920, 1080), (640, 480), (640, 360), (320, 240))
SAMPLES = Path(__file__).resolve().parents[2] / "samples"
CONFIG = CameraConfig(source="picam", width_px=SIZE[0], height_px=SIZE[1], fps=30)
WAIT_S = 30.0
# Another program that has the camera.
HOLD = """
from edge.capture.picam import Picam
from edge.config import CameraConfig
camera = Picam(CameraConfig())
while True:
    print(camera.look() is not None, flush=True)
"""


@pytest.fixture(scope="session", autouse=True)
def scene() -> np.ndarray:
    """What the camera sees: a check on a desk, all the time."""
    pixels = np.asarray(cv2.resize(cv2.imread(str(SAMPLES / "frames" / "desk_2.jpg")), SIZE, interpolation=cv2.INTER_AREA))
    cv2.imwrite("/frames/check.jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return pixels


@pytest.fixture(autouse=True)
def plain_camera(scene: np.ndarray) -> Iterator[None]:
    """A camera with fixed focus and no controls but the frame rate, that works."""
    yield
    virtual_camera.plug_in()
    wait_until(is_free)  # a watchdog closes its camera in a thread that nobody waits for
    virtual_camera.advertised.clear()
    virtual_camera.controls_set.clear()


@pytest.fixture
def live(plain_camera: None) -> Iterator[Callable[..., Picam]]:
    opened: list[Picam] = []

    def open_it(**changes: Any) -> Picam:
        opened.append(Picam(replace(CONFIG, **changes)))
        return opened[-1]

    yield open_it
    for camera in opened:
        camera.close()


def advertise_a_module_with_a_motor() -> None:
    """The controls of a Camera Module 3, as libcamera lists them."""
    switch = (False, True, True)
    virtual_camera.advertise(
        AfMode=(0, 2, 0), LensPosition=(0.0, 32.0, 1.0), AeEnable=switch, AwbEnable=switch, ExposureTime=(1, 10**8, 20_000)
    )


def last_set() -> dict[str, Any]:
    return dict(virtual_camera.controls_set)


def reading(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-m", "edge", "read", "--json", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


class TestPicam(CameraContract):
    @pytest.fixture
    def size(self) -> tuple[int, int]:
        return SIZE

    def test_the_picture_has_the_colours_of_the_scene(self, live: Callable[..., Picam], scene: np.ndarray) -> None:
        frame = live().read()
        assert np.abs(frame.pixels.astype(int) - scene).mean() < 3

    def test_the_small_stream_is_the_large_one_made_small(self, live: Callable[..., Picam], scene: np.ndarray) -> None:
        glance = live().look()
        assert glance.pixels.shape == (360, 640, 3)
        small = cv2.resize(scene, (640, 360), interpolation=cv2.INTER_AREA)
        assert np.abs(glance.pixels.astype(int) - small).mean() < 8

    def test_a_size_that_the_camera_does_not_have_is_what_it_grants(self, live: Callable[..., Picam]) -> None:
        camera = live(width_px=2000, height_px=1100)
        assert camera.read().size in VIRTUAL_SIZES
        assert camera.look().pixels.shape[1] <= 800

    @pytest.mark.parametrize("size", [(640, 480), (1920, 1080)])
    def test_a_size_that_it_has_is_granted(self, live: Callable[..., Picam], size: tuple[int, int]) -> None:
        assert live(width_px=size[0], height_px=size[1]).read().size == size


def test_a_camera_with_fixed_focus_is_sent_no_focus(live: Callable[..., Picam]) -> None:
    camera = live(focus_dioptres=5.0, exposure_us=4000)
    camera.hold(True)
    assert camera.read() is not None
    assert set(last_set()) == {"FrameDurationLimits"}


def test_the_rate_that_was_asked_for_is_set(live: Callable[..., Picam]) -> None:
    live(fps=15).read()
    assert last_set()["FrameDurationLimits"] == (66667, 66667)


def test_focus_follows_by_itself_or_stays_where_it_was_set(live: Callable[..., Picam]) -> None:
    advertise_a_module_with_a_motor()
    camera = live()
    camera.read()
    assert last_set()["AfMode"] == 2
    assert "LensPosition" not in last_set()
    camera.close()
    live(focus_dioptres=4.5).read()
    assert (last_set()["AfMode"], last_set()["LensPosition"]) == (0, 4.5)


def test_exposure_and_white_balance_are_locked_while_a_check_is_read(live: Callable[..., Picam]) -> None:
    advertise_a_module_with_a_motor()
    camera = live()
    for is_held in (True, False):
        camera.hold(is_held)
        camera.read()
        camera.read()
        assert (last_set()["AwbEnable"], last_set()["AeEnable"]) == (not is_held, not is_held)


def test_an_exposure_of_the_owners_is_never_let_go(live: Callable[..., Picam]) -> None:
    advertise_a_module_with_a_motor()
    camera = live(exposure_us=4000)
    camera.hold(True)
    camera.hold(False)
    camera.read()
    camera.read()
    assert (last_set()["AeEnable"], last_set()["ExposureTime"], last_set()["AwbEnable"]) == (False, 4000, True)


def test_a_camera_that_stood_still_for_long_goes_on(live: Callable[..., Picam]) -> None:
    camera = live()
    camera.look()
    virtual_camera.stall()
    with suppress(CameraError):
        while True:
            camera.look()  # frames that were under way
    for _ in range(8):  # more than there are buffers
        with pytest.raises(CameraError, match="no frame came in time"):
            camera.look()
    virtual_camera.go_on()
    for _ in range(10):
        assert camera.look() is not None


def test_a_camera_that_is_gone_is_refused_and_comes_back(live: Callable[..., Picam]) -> None:
    camera = live()
    camera.look()
    virtual_camera.unplug()
    camera.close()
    with pytest.raises(CameraError, match="is not there; look at both ends of its cable"):
        live()
    virtual_camera.plug_in()
    assert live().read() is not None


def test_looking_for_a_camera_for_a_day_takes_no_handles(live: Callable[..., Picam]) -> None:
    camera = live()
    for is_there in (True, False):
        if not is_there:
            camera.close()
            virtual_camera.unplug()
        before = n_handles()
        for _ in range(20):
            with pytest.raises(CameraError):
                live()
        gc.collect()
        assert n_handles() <= before + 2


def test_the_watchdog_tells_of_a_fault_once_and_of_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    watchdog = Watchdog(camera_opener(CONFIG, is_live=True))
    assert watchdog.look() is not None
    with caplog.at_level(logging.WARNING, "edge"):
        virtual_camera.unplug()
        ends_s = time.monotonic() + 6
        while time.monotonic() < ends_s:
            watchdog.look()
        assert watchdog.fault is not None
        virtual_camera.plug_in()
        back_s = time.monotonic()
        while watchdog.look() is None:
            assert time.monotonic() - back_s < WAIT_S
    watchdog.close()
    lines = [line.getMessage() for line in caplog.records if line.name.startswith("edge")]
    assert [line.split(" ")[2:4] for line in lines] == [["is", "at"], ["is", "back"]], lines


def test_whoever_comes_second_is_refused_and_the_first_goes_on(live: Callable[..., Picam]) -> None:
    first = live()
    first.look()
    with pytest.raises(CameraError, match="doctor"):
        live()
    assert first.look() is not None
    first.close()
    assert live().read() is not None


def test_a_process_that_was_killed_leaves_the_camera_to_the_next() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "True\n"
        holder.kill()
    assert reading("--camera", "picam")["fields"]["amount"] is not None


def test_a_check_under_the_camera_is_read_as_from_a_file(scene: np.ndarray, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "check.png"), scene)
    from_file, from_camera = reading(str(tmp_path / "check.png")), reading("--camera", "picam")
    assert from_file["fields"]["amount"]["text"]
    assert from_camera["fields"]["amount"]["text"] == from_file["fields"]["amount"]["text"]
    assert from_camera["fields"]["micr"]["text"] == from_file["fields"]["micr"]["text"]


def test_the_daemon_makes_one_record_of_a_check_also_when_the_camera_fails_meanwhile(tmp_path: Path) -> None:
    store = Store(tmp_path)
    daemon = Daemon(replace(Config(), camera=CONFIG), store)
    daemon.start()
    try:
        wait_until(lambda: store.size()[0] == 1)
        virtual_camera.unplug()
        wait_until(lambda: daemon.state().fault is not None)
        virtual_camera.plug_in()
        wait_until(lambda: daemon.state().fault is None and daemon.state().phase == "done")
    finally:
        daemon.stop()
    assert store.size()[0] == 1
    store.close()


def test_doctor_looks_through_it() -> None:
    done = subprocess.run([sys.executable, "-m", "edge", "doctor"], capture_output=True, text=True, timeout=300)
    assert "picam gives frames of 1920 x 1080 pixels" in " ".join(done.stdout.split()), done.stdout


def n_handles() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def is_free() -> bool:
    try:
        Picam(CONFIG).close()
    except CameraError:
        return False
    return True


def wait_until(is_so: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < ends_s
        time.sleep(0.05)
