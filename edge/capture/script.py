"""What a replay camera shows and when it fails: from a folder of pictures, a video, or a script."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from edge.capture.picture import PICTURE_SUFFIXES, find_pictures
from edge.errors import PictureError

FaultKind = Literal["stall", "vanish", "black", "short", "wrong_size", "clock_back"]
Motion = Literal["lies", "arrives", "leaves"]
_FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
# How long a check lies on the counter of a folder that is played live, comes and goes, and how long the counter is bare.
_LIES_S, _MOVES_S, _BARE_S = 4.0, 0.5, 1.5


@dataclass(frozen=True, slots=True)
class Scene:
    """``n_frames`` frames of one picture (None: the bare counter, in the colour of the next picture's border) as it lies or moves."""

    picture: Path | None
    n_frames: int
    motion: Motion = "lies"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with the frames ``first`` to ``first + n_frames - 1``, counted from the first opening on."""

    kind: FaultKind
    first: int
    n_frames: int = 1


@dataclass(frozen=True, slots=True)
class Script:
    """``fps`` None: a frame is there whenever one is asked for. ``video`` takes the scenes' place. ``is_looped``: it never ends."""

    scenes: tuple[Scene, ...] = ()
    faults: tuple[Fault, ...] = ()
    fps: float | None = None
    is_looped: bool = False
    video: Path | None = None

    @property
    def n_frames(self) -> int:
        return sum(scene.n_frames for scene in self.scenes)


def open_script(path: Path, fps: float | None) -> Script:
    """Return the script of a folder (pictures in the order of their names), of a video, or of a file ``*.json``.

    ``fps`` None: each picture of the folder once, as fast as they are asked for; otherwise in real time, again and again.

    Raises:
        PictureError: there are no pictures, or the script makes no sense.
    """
    if path.suffix == ".json":
        return _parse(path, fps)
    if path.is_file() and path.suffix.lower() not in PICTURE_SUFFIXES:
        return Script(fps=fps, is_looped=fps is not None, video=path)
    pictures = find_pictures([path])
    if fps is None:
        return Script(tuple(Scene(picture, 1) for picture in pictures))
    return Script(tuple(scene for picture in pictures for scene in counter_scenes(picture, fps)), fps=fps, is_looped=True)


def counter_scenes(picture: Path, fps: float, lies_s: float = _LIES_S, bare_s: float = _BARE_S) -> Iterator[Scene]:
    """Yield what a camera over a counter sees of one check: the bare counter, the check coming, lying, and going."""
    yield Scene(None, max(1, round(bare_s * fps)))
    yield Scene(picture, max(1, round(_MOVES_S * fps)), "arrives")
    yield Scene(picture, max(1, round(lies_s * fps)))
    yield Scene(picture, max(1, round(_MOVES_S * fps)), "leaves")


def _parse(path: Path, fps: float | None) -> Script:
    """Read ``{"checks": [{"picture": "a.jpg", "lies_s": 3, "bare_s": 1}], "faults": [{"kind": "stall", "at_s": 2, "lasts_s": 5}]}``."""
    rate = fps or 15.0
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        scenes = [
            scene
            for check in raw["checks"]
            for scene in counter_scenes(path.parent / check["picture"], rate, check.get("lies_s", _LIES_S), check.get("bare_s", _BARE_S))
        ]
        faults = tuple(_fault(fault, rate) for fault in raw.get("faults", []))
    except OSError as error:
        raise PictureError(f"{path}: the script cannot be read ({error.strerror}); check the path") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PictureError(f"{path}: not a script of checks and faults ({error}); see edge/capture/script.py") from None
    if not scenes:
        raise PictureError(f"{path}: the script shows no check; name one under checks")
    return Script(tuple(scenes), faults, fps, fps is not None)


def _fault(raw: Mapping[str, Any], fps: float) -> Fault:
    if raw["kind"] not in _FAULT_KINDS:
        raise ValueError(f"no fault is called {raw['kind']!r}; there are {', '.join(_FAULT_KINDS)}")
    return Fault(raw["kind"], round(raw["at_s"] * fps), max(1, round(raw["lasts_s"] * fps)))
