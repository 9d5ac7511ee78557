"""The sample pictures that come with the reader: frames of drawn checks and strips cut from others, all from one seed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.datatypes import U8, FieldName
from train.data.checks import DrawnCheck, draw_check
from train.data.desk import place_on_desk

# Width, height and how far the check is turned, for each sample frame.
_FRAMES = (
    ((1600, 1200), 0.0),
    ((1280, 960), 5.0),
    ((1600, 900), -8.0),
    ((1280, 960), 0.0),
    ((1920, 1080), 12.0),
    ((1440, 1080), -3.0),
    ((1280, 960), 180.0),
)
_STRIPS: tuple[tuple[FieldName, int], ...] = (("amount", 12), ("date", 4), ("micr", 4))
_JPEG_QUALITY = 85


def write_samples(folder: Path, seed: int = 7) -> None:
    """Write ``frames/*.jpg`` with ``labels.jsonl`` and ``strips/*.png`` with ``strips/labels.jsonl`` into a folder.

    Raises:
        OSError: the folder cannot be written to.
    """
    frames, strips = folder / "frames", folder / "strips"
    for place in (frames, strips):
        place.mkdir(parents=True, exist_ok=True)
    lines = []
    for index, (size, turn_deg) in enumerate(_FRAMES):
        rng = np.random.default_rng([seed, index])
        check = draw_check(rng)
        frame = place_on_desk(check, rng, size, turn_deg)
        name = f"check_{index + 1}.jpg"
        _write(frames / name, frame.pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        lines.append(_frame_label(f"frames/{name}", check, frame.corners.round(1).tolist(), size))
    _write_lines(folder / "labels.jsonl", lines)
    _write_lines(strips / "labels.jsonl", _write_strips(strips, seed))


def cut_field(check: DrawnCheck, name: FieldName, rng: np.random.Generator) -> U8:
    """Cut one field out of a check with the margin that a finder leaves, BGR."""
    x, y, width, height = check.boxes[name]
    left, right = rng.uniform(0.15, 0.5, 2) * height
    above, below = rng.uniform(0.12, 0.3, 2) * height
    x0, y0 = max(0, round(x - left)), max(0, round(y - above))
    return np.ascontiguousarray(check.pixels[y0 : round(y + height + below), x0 : round(x + width + right)])


def _write_strips(folder: Path, seed: int) -> list[Mapping[str, Any]]:
    lines: list[Mapping[str, Any]] = []
    for kind, n_strips in _STRIPS:
        for index in range(n_strips):
            rng = np.random.default_rng([seed, 1000, len(lines)])
            check = draw_check(rng)
            file = f"{kind}_{index + 1:02d}.png"
            _write(folder / file, cut_field(check, kind, rng), [cv2.IMWRITE_PNG_COMPRESSION, 9])
            label: dict[str, Any] = {"file": file, "kind": kind}
            if kind == "amount":
                label |= {"text": check.amount, "minor_units": int(check.amount.replace(".", ""))}
            elif kind == "date":
                label |= {"text": check.date, "iso": check.iso_date}
            else:
                label |= {"text": check.micr}
            lines.append(label)
    return lines


def _frame_label(file: str, check: DrawnCheck, corners: list[list[float]], size: tuple[int, int]) -> Mapping[str, Any]:
    return {
        "file": file,
        "width": size[0],
        "height": size[1],
        "amount": check.amount,
        "date": check.date,
        "iso": check.iso_date,
        "check_number": check.check_number,
        "micr": check.micr,
        "corners": corners,
    }


def _write(path: Path, pixels: U8, options: list[int]) -> None:
    fits, coded = cv2.imencode(path.suffix, pixels, options)
    if not fits:
        raise OSError(f"OpenCV could not encode {path.name}")
    path.write_bytes(coded.tobytes())


def _write_lines(path: Path, lines: list[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
