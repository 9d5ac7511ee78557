"""Whole checks with what they say and where: labelled pictures that trained nothing, frames made from them, and frames of our own."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.datatypes import F64, U8, Box, FieldName
from train.data.checks import DrawnCheck
from train.data.frames import draw_frame
from train.data.layouts import draw_layout
from train.data.other_paper import draw_other_paper
from train.data.parts import load_part
from train.data.sources import sources_of

FIELDS: tuple[FieldName, ...] = ("amount", "date", "micr")
# What each set calls the texts and boxes of the fields.
_TEXT_KEYS: Mapping[FieldName, tuple[str, ...]] = {
    "amount": ("amount", "amount_digits"),
    "date": ("date", "date_ddmmyyyy"),
    "micr": ("micr",),
}
_BOX_KEYS: Mapping[FieldName, tuple[str, ...]] = {"amount": ("amount", "Amount"), "date": ("date", "Date"), "micr": ("micr", "MICR")}
# A form whose line is all zeros is no test of reading it.
_NO_LINE = "A000000000A"
_FRAME_SIZES = ((1600, 1200), (1600, 900), (1280, 960))
_LAYOUTS = ("single", "hand", "on_paper", "scan")


@dataclass(frozen=True, slots=True, eq=False)
class LabelledCheck:
    """A picture with one check, BGR. ``corners`` clockwise from its own top-left; None: the picture is the check.

    ``texts`` has the fields that may be measured on it; ``shares`` where they lie, as shares of the check's width and height.
    """

    name: str
    pixels: U8
    corners: F64 | None
    texts: Mapping[FieldName, str]
    shares: Mapping[FieldName, Box]
    currency: str = "auto"


def labelled_sets(folder: Path) -> Iterator[tuple[str, list[LabelledCheck]]]:
    """Yield (set, checks) of the labelled sets, each field only where its writing trained no network."""
    flat: dict[str, LabelledCheck] = {}
    for name in ("dbgt", "idrbt", "specimens"):
        kept = {"amount": _measuring(folder, "amounts", name), "date": _measuring(folder, "dates", f"{name}_dates")}
        checks = [_flat(folder / "checks" / name, row, kept) for row in _rows(folder / "checks" / name)]
        flat |= {Path(check.name).name: check for check in checks}
        yield name, checks
    frames = []
    for row in _rows(folder / "camera"):
        source = flat[Path(row["source_file"]).name]
        corners = np.array(row["corners_xy"], np.float64)
        frames.append(
            LabelledCheck(row["file"], _load(folder / "camera" / row["file"]), corners, source.texts, source.shares, source.currency)
        )
    yield "camera", frames


def drawn_frames(n: int, seed: int = 90) -> Iterator[LabelledCheck]:
    """Yield frames with one check of any layout, drawn as they are asked for; no network saw this seed."""
    for index in range(n):
        rng = np.random.default_rng((seed, index))
        check = draw_layout(rng)
        size = _FRAME_SIZES[int(rng.integers(len(_FRAME_SIZES)))]
        frame = draw_frame(rng, [check.pixels], lambda rng=rng: draw_other_paper(rng), size, _LAYOUTS[index % len(_LAYOUTS)])  # type: ignore[misc]
        yield LabelledCheck(f"drawn-{index:04d}-{check.layout}", frame.pixels, frame.corners[0], *_drawn_fields(check))


def _drawn_fields(check: DrawnCheck) -> tuple[Mapping[FieldName, str], Mapping[FieldName, Box]]:
    said: dict[FieldName, str] = {"amount": check.amount, "date": check.date, "micr": check.micr}
    texts = {name: text for name, text in said.items() if text}
    height, width = check.pixels.shape[:2]
    return texts, {name: _shares(check.boxes[name], width, height, 0.2) for name in texts}


def _shares(box: Box, width: float, height: float, margin: float) -> Box:
    """Return a box with a margin (a share of its height) as shares of a picture's size."""
    x, y, w, h = box
    reach = margin * h
    return (x - reach) / width, (y - reach) / height, (w + 2 * reach) / width, (h + 2 * reach) / height


def _measuring(folder: Path, kind: str, name: str) -> set[str] | None:
    """Return the files of a set whose fields only ever measured; None where no part of the set trains."""
    source = next((source for source in sources_of(kind) if source.name == name), None)  # type: ignore[arg-type]
    return None if source is None else {Path(strip.file).name for strip in load_part(source, folder, "measure")}


def _flat(folder: Path, row: Mapping[str, Any], kept: Mapping[str, set[str] | None]) -> LabelledCheck:
    name = Path(row["file"]).name
    texts: dict[FieldName, str] = {}
    boxes: dict[FieldName, Box] = {}
    given = row.get("approx_boxes_xywh") or row.get("boxes_xywh") or {}
    for field in FIELDS:
        text = next((row[key] for key in _TEXT_KEYS[field] if row.get(key)), None)
        files = kept.get(field)
        if text is None or _NO_LINE in text or text.startswith("-") or (files is not None and name not in files):
            continue
        texts[field] = text
        box = next((given[key] for key in _BOX_KEYS[field] if key in given), None)
        if box is not None:
            boxes[field] = _shares(tuple(float(v) for v in box), row["width"], row["height"], 0.0)  # type: ignore[arg-type]
    return LabelledCheck(row["file"], _load(folder / row["file"]), None, texts, boxes, "INR" if folder.name == "idrbt" else "USD")


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()]


def _load(path: Path) -> U8:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.uint8)
