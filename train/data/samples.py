"""The sample pictures that come with the reader: frames of drawn checks and strips cut from others, all from one seed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from edge.datatypes import F64, U8, FieldName
from train.data.checks import DrawnCheck, draw_check
from train.data.desk import place_on_desk
from train.data.frames import DrawnFrame, draw_frame
from train.data.layouts import draw_layout
from train.data.other_paper import draw_other_paper

Kind = Literal["desk", "scan", "blank"]

# Name, kind, width and height, and how far a check on a desk is turned.
_FRAMES: tuple[tuple[str, Kind, tuple[int, int], float], ...] = (
    ("desk_1", "desk", (1600, 1200), 0.0),
    ("scan", "scan", (1600, 1200), 0.0),
    ("blank", "blank", (1280, 960), 5.0),
    ("desk_2", "desk", (1600, 900), -8.0),
    ("desk_3", "desk", (1280, 960), 0.0),
    ("desk_4", "desk", (1920, 1080), 12.0),
    ("desk_5", "desk", (1280, 960), 180.0),
)
# Checks are drawn until one is dated in the months before the samples were made: `make read` judges dates from SAMPLES_DAY on.
_DATES = ("2026-05-01", "2026-11-20")
_MOST_DRAWS = 400
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
    for index, (name, kind, size, turn_deg) in enumerate(_FRAMES):
        rng = np.random.default_rng([seed, index])
        check = _draw(kind, rng)
        if kind == "scan":
            pixels, corners = _upright(_scan(check, rng, size))
        else:
            frame = place_on_desk(check, rng, size, turn_deg)
            pixels, corners = frame.pixels, frame.corners
        file = f"frames/{name}.jpg"
        _write(folder / file, pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        lines.append({"kind": kind, **_frame_label(file, check, corners.round(1).tolist(), (pixels.shape[1], pixels.shape[0]))})
    _write_lines(folder / "labels.jsonl", lines)
    _write_lines(strips / "labels.jsonl", _write_strips(strips, seed))


def _draw(kind: Kind, rng: np.random.Generator) -> DrawnCheck:
    """Return a check of a plausible date, or a blank one.

    Raises:
        RuntimeError: none came up; the generator has changed.
    """
    for _ in range(_MOST_DRAWS):
        check = draw_layout(rng) if kind == "blank" else draw_check(rng)
        if kind == "blank" and not check.amount and check.layout.startswith("us"):
            return check
        if kind != "blank" and _DATES[0] <= check.iso_date <= _DATES[1]:
            return check
    raise RuntimeError(f"no {kind} check among {_MOST_DRAWS}")


def _scan(check: DrawnCheck, rng: np.random.Generator, size: tuple[int, int]) -> DrawnFrame:
    return draw_frame(rng, [check.pixels], lambda: draw_other_paper(rng), size, "scan")


def _upright(scan: DrawnFrame) -> tuple[U8, F64]:
    """Return a scan turned so that its first corner is the top-left one."""
    pixels, corners = scan.pixels, scan.corners[0]
    while int(np.argmin(corners.sum(axis=1))) != 0:
        width = pixels.shape[1]
        pixels = np.ascontiguousarray(np.rot90(pixels))
        corners = np.column_stack([corners[:, 1], width - corners[:, 0]])
    return pixels, corners


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
        "amount": check.amount or None,
        "date": check.date or None,
        "iso": check.iso_date if check.date else None,
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
