"""Labelled sets of one's own: drawn checks of every layout, flat or in camera frames, and frames without a check."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from edge.datatypes import F64, U8
from train.data.checks import DrawnCheck
from train.data.frames import LAYOUTS, draw_frame, draw_frame_without
from train.data.layouts import draw_layout
from train.data.other_paper import draw_other_paper

What = Literal["checks", "frames", "empty"]

_JPEG_QUALITY = 90
# Several checks in one frame would need several labels.
_FRAME_LAYOUTS = tuple(name for name in LAYOUTS if name != "several")


def write_set(
    folder: Path, what: What, n_pictures: int, seed: int, size: tuple[int, int], progress: Callable[[int], None] = lambda _: None
) -> None:
    """Write ``images/*.jpg`` and ``labels.jsonl`` into a folder; the same seed gives the same set.

    Each label names the file, its size and layout; where there is a check also its texts as they are written, ``corners`` (clockwise
    from the check's own top-left) and ``boxes``: for each field four corners, in pixels of the picture.

    Raises:
        FileExistsError: the folder holds a set already.
        OSError: the folder cannot be written to.
    """
    labels = folder / "labels.jsonl"
    if labels.exists():
        raise FileExistsError(f"{labels} is there already: choose an empty folder")
    (folder / "images").mkdir(parents=True, exist_ok=True)
    unfinished = folder / "labels.jsonl.part"
    with unfinished.open("w", encoding="utf-8") as lines:
        for index, (pixels, label) in enumerate(draw_set(what, n_pictures, seed, size)):
            file = f"images/{index:06d}.jpg"
            _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
            (folder / file).write_bytes(coded.tobytes())
            lines.write(json.dumps({"file": file, "width": pixels.shape[1], "height": pixels.shape[0], **label}) + "\n")
            progress(index + 1)
    unfinished.replace(labels)


def draw_set(what: What, n_pictures: int, seed: int, size: tuple[int, int]) -> Iterator[tuple[U8, dict[str, Any]]]:
    """Yield pictures with their labels, without file and size."""
    for index in range(n_pictures):
        rng = np.random.default_rng((seed, index))
        if what == "empty":
            frame = draw_frame_without(rng, lambda rng=rng: draw_other_paper(rng), size)  # type: ignore[misc]
            yield frame.pixels, {"layout": frame.layout, "corners": None}
            continue
        check = draw_layout(rng)
        height, width = check.pixels.shape[:2]
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
        if what == "checks":
            yield check.pixels, _label(check, corners)
            continue
        layout = str(rng.choice(_FRAME_LAYOUTS))
        frame = draw_frame(rng, [check.pixels], lambda rng=rng: draw_other_paper(rng), size, layout)  # type: ignore[misc]
        yield frame.pixels, {**_label(check, frame.corners[0]), "frame": frame.layout}


def _label(check: DrawnCheck, corners: F64) -> dict[str, Any]:
    height, width = check.pixels.shape[:2]
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    check_to_picture = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
    boxes = {}
    for name, (x, y, w, h) in check.boxes.items():
        own = np.array([[[x, y], [x + w, y], [x + w, y + h], [x, y + h]]], np.float64)
        boxes[name] = cv2.perspectiveTransform(own, check_to_picture)[0].round(1).tolist()
    texts = {"amount": check.amount, "date": check.date, "check_number": check.check_number, "micr": check.micr}
    return {"layout": check.layout, **{k: v or None for k, v in texts.items()}, "corners": corners.round(1).tolist(), "boxes": boxes}
