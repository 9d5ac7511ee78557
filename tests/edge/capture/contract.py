"""What every camera keeps, whatever stands behind its name; each suite that inherits it gives the fixtures `live` and `size`."""

import time
from collections.abc import Callable

from edge.capture.camera import Camera


class CameraContract:
    """``live`` opens the camera, again and again if need be, at 30 frames a second; ``size`` is that of its frames."""

    def test_a_glance_is_small_and_a_frame_of_the_same_shape_is_large(self, live: Callable[[], Camera], size: tuple[int, int]) -> None:
        camera = live()
        glance, frame = camera.look(), camera.read()
        assert glance is not None
        assert frame is not None
        assert frame.size == size
        height, width = glance.pixels.shape[:2]
        assert width <= 800
        assert abs(width / height - size[0] / size[1]) < 0.02
        assert frame.pixels.shape[2] == glance.pixels.shape[2] == 3

    def test_a_glance_and_a_frame_show_the_same(self, live: Callable[[], Camera]) -> None:
        camera = live()
        for _ in range(10):  # the scene may change between the two
            glance, frame = camera.look(), camera.read()
            assert glance is not None
            assert frame is not None
            if abs(float(glance.pixels.mean()) - float(frame.pixels.mean())) < 3:
                return
        raise AssertionError("ten glances, and none of them as bright as the frame after it")

    def test_the_cameras_clock_never_goes_back(self, live: Callable[[], Camera]) -> None:
        camera = live()
        times = [glance.time_s for glance in (camera.look() for _ in range(6)) if glance is not None]
        assert len(times) == 6
        assert times == sorted(times)

    def test_what_nobody_waited_for_is_missed(self, live: Callable[[], Camera]) -> None:
        camera = live()
        first = camera.look()
        time.sleep(0.5)
        later = camera.look()
        assert first is not None
        assert later is not None
        assert later.time_s - first.time_s > 0.4  # not the next of a queue

    def test_exposure_can_be_held_and_let_go(self, live: Callable[[], Camera]) -> None:
        camera = live()
        camera.hold(True)
        assert camera.read() is not None
        camera.hold(False)
        assert camera.look() is not None

    def test_a_camera_can_be_closed_twice_and_opened_again(self, live: Callable[[], Camera]) -> None:
        for _ in range(3):
            camera = live()
            assert camera.look() is not None
            assert camera.read() is not None
            camera.close()
            camera.close()
