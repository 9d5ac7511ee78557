"""The camera module of a Raspberry Pi, through picamera2: a small stream to watch, a large one to read."""

import math
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np

from edge.capture.camera import checked_pixels, shrunk
from edge.config import CameraConfig
from edge.datatypes import U8, Frame, Glance
from edge.errors import CameraError, MissingDependencyError

_GLANCE_WIDTH_PX = 640
_WAIT_S = 1.5
# AfModeEnum of libcamera's control list.
_AF_MANUAL, _AF_CONTINUOUS = 0, 2
_FORMAT = "YUV420"


class Picam:
    """Read frames from the first camera that libcamera knows.

    Raises:
        MissingDependencyError: picamera2 is not installed.
        CameraError: there is no camera, or another program holds it.
    """

    def __init__(self, config: CameraConfig) -> None:
        if find_spec("picamera2") is None:
            raise MissingDependencyError(
                "the Pi's camera needs picamera2: sudo apt install python3-picamera2, and make .venv with --system-site-packages"
            )
        self._config = config
        self._camera = _opened()
        try:
            self._configure()
            self._camera.start()
        except (RuntimeError, OSError, ValueError) as error:
            self.close()
            raise CameraError(f"the Pi's camera does not start ({error}); look at its cable and the sizes in the configuration") from None

    def look(self) -> Glance:
        pixels, metadata = self._next("lores")
        pixels = shrunk(pixels)  # a camera that does not have the small size that was asked for gives a large one
        stamp_ns = metadata.get("SensorTimestamp")
        return Glance(pixels, time.monotonic() if stamp_ns is None else stamp_ns / 1e9)

    def read(self) -> Frame:
        return Frame(self._next("main")[0], "picam")

    def hold(self, is_held: bool) -> None:
        wanted = {"AwbEnable": not is_held}
        if self._config.exposure_us is None:
            wanted["AeEnable"] = not is_held
        self._set(wanted)

    def close(self) -> None:
        self._camera.close()

    def _configure(self) -> None:
        size = (self._config.width_px, self._config.height_px)
        factor = max(1, math.ceil(size[0] / _GLANCE_WIDTH_PX))
        small = (size[0] // factor // 2 * 2, size[1] // factor // 2 * 2)
        more: dict[str, Any] = {}
        mode = sensor_mode(self._camera.sensor_modes, size)
        if mode is not None:
            more["sensor"] = {"output_size": mode["size"], "bit_depth": mode["bit_depth"]}
        configuration = self._camera.create_video_configuration(
            main={"size": size, "format": _FORMAT}, lores={"size": small, "format": _FORMAT}, **more
        )
        self._camera.configure(configuration)
        # What the camera grants may differ from what was asked for, in format and in size.
        granted = self._camera.camera_configuration()
        self._granted = {name: (granted[name]["format"], granted[name]["size"]) for name in ("main", "lores")}
        frame_us = round(1e6 / self._config.fps)
        wanted: dict[str, Any] = {"FrameDurationLimits": (frame_us, frame_us)}
        if self._config.focus_dioptres is None:
            wanted["AfMode"] = _AF_CONTINUOUS
        else:
            wanted |= {"AfMode": _AF_MANUAL, "LensPosition": self._config.focus_dioptres}
        if self._config.exposure_us is not None:
            wanted |= {"AeEnable": False, "ExposureTime": self._config.exposure_us}
        self._set(wanted)

    def _set(self, wanted: Mapping[str, Any]) -> None:
        """Set those controls that this camera has; a camera with fixed focus refuses to be focused."""
        known = self._camera.camera_controls
        there = {name: value for name, value in wanted.items() if name in known}
        if there:
            self._camera.set_controls(there)

    def _next(self, stream: str) -> tuple[U8, Mapping[str, Any]]:
        try:
            request = self._camera.capture_request(wait=_WAIT_S)
        except TimeoutError:
            # The question would be kept, and its answer hold a buffer that nobody gives back; after a few of them no frame ever comes.
            self._camera.cancel_all_and_flush()
            raise CameraError("no frame came in time; read again, and reopen the camera if none comes") from None
        except RuntimeError as error:
            raise CameraError(f"the Pi's camera has stopped ({error}); open it again") from None
        try:
            form, size = self._granted[stream]
            return to_bgr(request.make_array(stream), form, size), request.get_metadata()
        finally:
            request.release()


def _opened() -> Any:
    """Return the first camera, opened; what picamera2 leaves behind where it fails is closed, or a day without a camera takes all handles.

    Raises:
        CameraError: there is no camera, or another program holds it.
    """
    from picamera2 import Picamera2

    if not Picamera2.global_camera_info():
        raise CameraError("the Pi's camera is not there; look at both ends of its cable, with the power off")
    camera = Picamera2.__new__(Picamera2)
    try:
        camera.__init__()
    except (IndexError, RuntimeError, OSError) as error:  # in this order: gone meanwhile, held by another program, no driver
        with suppress(AttributeError):
            camera.notifymeread.close()
            os.close(camera.notifyme_w)
        raise CameraError(f"the Pi's camera cannot be opened ({error}); `checkreader doctor` says who holds it") from None
    return camera


def to_bgr(array: U8, form: str, size: tuple[int, int]) -> U8:
    """Return a stream's buffer as a picture.

    Args:
        array: as picamera2 gives it: planes below one another for YUV420 and NV12, rows maybe longer than the picture is wide.
        form: the granted format; libcamera names RGB by the order of a word, which is BGR in memory.
        size: width and height of the picture.

    Raises:
        CameraError: the format is none of these, or the buffer is too short.
    """
    width, height = size
    if form in ("RGB888", "XRGB8888"):
        return checked_pixels(np.ascontiguousarray(array[:height, :width, :3]) if array.ndim == 3 else None)
    if form not in ("YUV420", "NV12"):
        raise CameraError(f"the camera gives frames in the format {form}; this driver knows YUV420, NV12, RGB888 and XRGB8888")
    if array.ndim != 2 or array.shape[0] < height * 3 // 2 or array.shape[1] < width:
        return checked_pixels(None)
    luma = array[:height, :width]
    chroma = array[height : height * 3 // 2]
    if form == "NV12":
        blue, red = chroma[:, 0:width:2], chroma[:, 1:width:2]
    else:  # two rows of a quarter plane stand side by side in one row of the buffer, each padded like a row of the picture
        stride = array.shape[1]
        planes = chroma.reshape(2, height // 2, stride // 2)
        blue, red = planes[0][:, : width // 2], planes[1][:, : width // 2]
    # Full range, BT.601, whatever the configuration says of the colour space; OpenCV's own NV12 and I420 take it for limited range.
    full = [cv2.resize(np.ascontiguousarray(plane), (width, height), interpolation=cv2.INTER_LINEAR) for plane in (red, blue)]
    return np.asarray(cv2.cvtColor(cv2.merge([np.ascontiguousarray(luma), *full]), cv2.COLOR_YCrCb2BGR), np.uint8)


def sensor_mode(modes: Sequence[Mapping[str, Any]], size: tuple[int, int]) -> Mapping[str, Any] | None:
    """Return the sensor's smallest mode that has the pixels asked for, its largest where none has, with as many bits as it can.

    None: it has no modes, as cameras that are no module of a Pi.
    """

    def n_pixels(mode: Mapping[str, Any]) -> int:
        return int(mode["size"][0] * mode["size"][1])

    known = sorted(
        (mode for mode in modes if "size" in mode and "bit_depth" in mode), key=lambda mode: (n_pixels(mode), -mode["bit_depth"])
    )
    enough = [mode for mode in known if mode["size"][0] >= size[0] and mode["size"][1] >= size[1]]
    if enough:
        return enough[0]
    return next((mode for mode in known if n_pixels(mode) == n_pixels(known[-1])), None)
