"""The camera: is it there, may we use it, does somebody else, does it give sharp frames."""

import os
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from edge.capture.camera import camera_opener
from edge.capture.watchdog import Watchdog
from edge.config import Config
from edge.datatypes import Frame
from edge.doctor.line import Line, text_of
from edge.errors import EdgeError
from edge.locate.quality import judge_frame
from edge.pipeline import Reader
from edge.recognize.bundle import Bundle

_OURS = "checkreader"
# What the kernel calls the sensors of Raspberry Pi camera modules, and the motors of those that focus.
_SENSORS = ("imx", "ov5647", "ov64a40", "ov9281", "ov7251")
_MOTORS = ("dw9", "ad5398", "ak7375")
# A camera that has just been opened may miss its first frames.
_ATTEMPTS = 5


def look_at_camera(config: Config, bundle: Bundle, root: Path) -> Iterator[Line]:
    """Yield what can be said of the camera that the configuration names; one that another process holds is not opened."""
    source = config.camera.source
    kind, _, where = source.partition(":")
    if kind == "picam":
        yield from _look_at_modules(root)
        device = None
        if find_spec("picamera2") is None:
            advice = "sudo apt install python3-picamera2, and make the environment with --system-site-packages"
            yield Line("camera", "fail", "picamera2 is not installed, which the Pi's camera needs", advice)
            return
    elif kind == "webcam":
        device = root / "dev" / f"video{where or 0}"
        if not device.exists():
            yield Line("camera", "fail", f"there is no {device}", 'plug the camera in, or name another: camera.source = "webcam:1"')
            return
        if not os.access(device, os.R_OK | os.W_OK):
            advice = "sudo usermod -a -G video USER, then log in anew"
            yield Line("camera permissions", "fail", f"we may not read from {device}", advice)
            return
        yield Line("camera permissions", "ok", f"we may read from {device}")
    else:
        device = None
    holders = [] if kind == "replay" else sorted(set(_holders(root, device)))
    if holders:
        ours = all(_is_ours(root / "proc" / str(number)) for number, _ in holders)
        said = ", ".join(f"{name} (process {number})" for number, name in holders)
        advice = "" if ours else "end that program, or give it another camera"
        yield Line("camera", "ok" if ours else "fail", f"{said} holds the camera, so that it was not opened", advice)
        return
    yield from _look_through(config, bundle)


def _look_at_modules(root: Path) -> Iterator[Line]:
    names = [name for file in sorted((root / "sys/bus/i2c/devices").glob("*/name")) if (name := text_of(file))]
    sensors = [name for name in names if name.startswith(_SENSORS)]
    motors = [name for name in names if name.startswith(_MOTORS)]
    if not names:
        yield Line("camera sensor", "ok", "this machine does not tell of sensors")
    elif not sensors:
        yield Line("camera sensor", "fail", "the kernel knows no camera module", "look at both ends of the cable, with the power off")
    else:
        focus = "focuses by a motor" if motors else "has no motor: turn its lens by hand until the live picture is sharp"
        yield Line("camera sensor", "ok", f"{', '.join(sensors)}, which {focus}")


def _look_through(config: Config, bundle: Bundle) -> Iterator[Line]:
    try:
        watchdog = Watchdog(camera_opener(config.camera, is_live=True))
        is_seen = any(watchdog.look() is not None for _ in range(_ATTEMPTS))
        frame = watchdog.read() if is_seen else None
        watchdog.close()
    except EdgeError as error:
        yield Line("camera", "fail", str(error), "name a camera that is there: camera.source")
        return
    if frame is None:
        yield Line("camera", "fail", f"{config.camera.source} gives no frame ({watchdog.fault})", "look at its cable, then start anew")
        return
    width, height = frame.size
    yield Line("camera", "ok", f"{config.camera.source} gives frames of {width} x {height} pixels")
    yield _judge(frame, bundle, config)


def _judge(frame: Frame, bundle: Bundle, config: Config) -> Line:
    pages = Reader(bundle, config.reading.runtime, config.reading.threads).find_pages(frame)
    if not pages:
        return Line("focus", "ok", "no check lies there, by which the focus could be judged")
    quality = judge_frame(frame, pages[0], {})
    if quality.problems:
        return Line("focus", "warn", f"the check under the camera shows {', '.join(quality.problems)}", quality.advice)
    return Line("focus", "ok", "the check under the camera is sharp and well lit")


def _is_ours(process: Path) -> bool:
    """Return whether a process is this program: it may run under Python's name."""
    words = (text_of(process / "cmdline") or "").split("\0")
    return any(Path(word).name == _OURS for word in words) or ("-m" in words and "edge" in words)


def _holders(root: Path, device: Path | None) -> Iterator[tuple[int, str]]:
    """Yield the processes that have a video device open, as far as we may see; None: any of the Pi's camera."""
    for process in (root / "proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        with suppress(OSError):
            for handle in (process / "fd").iterdir():
                target = str(handle.readlink())
                if target == str(device) if device is not None else target.startswith(("/dev/media", "/dev/v4l-subdev")):
                    yield int(process.name), text_of(process / "comm") or "?"
