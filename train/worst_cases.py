"""Pictures of the strips on which float and int8 differ most."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.datatypes import U8, Reading
from train.parity import Case

_CELL_PX, _STRIP_PX, _LINE_PX = 640, 56, 16
_MOST = 24


def draw_cases(cases: Sequence[Case], path: Path, most: int = _MOST) -> None:
    """Write a sheet of the gravest cases, each with what stands there and what either twin reads; nothing where nothing differs.

    Raises:
        OSError: the picture cannot be written.
    """
    chosen = sorted((c for c in cases if c.real != c.int8), key=lambda c: c.gravity, reverse=True)[:most]
    if not chosen:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    written, coded = cv2.imencode(".png", np.vstack([_cell(case) for case in chosen]))
    if not written:
        raise OSError(f"OpenCV could not encode {path.name}")
    path.write_bytes(coded.tobytes())


def _cell(case: Case) -> U8:
    cell = np.full((_STRIP_PX + 3 * _LINE_PX + 8, _CELL_PX), 255, np.uint8)
    height, width = case.strip.picture.shape[:2]
    scale = min(_CELL_PX / width, _STRIP_PX / height)
    size = (max(1, int(scale * width)), max(1, int(scale * height)))
    cell[: size[1], : size[0]] = cv2.resize(case.strip.picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    mark = " FLIPPED" if case.is_flipped else ""
    lines = (f"label {case.strip.text}{mark}", f"float {_said(case.real)}", f"int8  {_said(case.int8)}")
    for index, line in enumerate(lines, 1):
        cv2.putText(cell, line, (2, _STRIP_PX + index * _LINE_PX - 3), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 0, 1, cv2.LINE_AA)
    return cell


def _said(reading: Reading) -> str:
    return f"{reading.text} {reading.verdict} {reading.confidence:.4f}"
